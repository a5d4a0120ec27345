"""Firehose's contract and the ledger, over random batches."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streamtally.transform.pipeline import Pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.response import MAX_RESPONSE_BYTES, encode_response
from streamtally.transform.transform import transform
from tests.examples import examples
from tests.unit.events import ARRIVAL, combined, documents, merged, records_of, run

AGENT_JSON = b'{"response":"500","datetime":"08/Sep/2017:08:47:00 +0000"}\n'
chunks = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([combined(), combined(404), b"\n", b"\r\n", b"", AGENT_JSON, b"{", b"\x1f\x8b", b"\xff\xfe\n"]),
)
payloads = st.lists(st.lists(chunks, max_size=4).map(b"".join), max_size=8)


def no_constant(name: str) -> Any:
    raise AssertionError(f"{name} is no strict JSON")


@given(payloads)
@settings(max_examples=examples(300), deadline=None)
def test_every_record_is_answered_once_and_every_line_accounted_for(
    default_pipeline: Pipeline, data: list[bytes]
) -> None:
    """Ids come back in order, output lines are strict JSON that end in a line end, and the ledger balances."""
    outcome = run(default_pipeline, data)
    answer = encode_response(outcome.responses)["records"]
    assert [record["recordId"] for record in answer] == [f"id-{i}" for i in range(len(data))]
    assert outcome.ledger.imbalance() == []
    rows = unparsed = 0
    for raw, record in zip(data, answer, strict=True):
        assert set(record) == {"recordId", "result", "data"}
        body = base64.b64decode(record["data"], validate=True)
        if record["result"] == "ProcessingFailed":
            assert body == raw
        elif record["result"] == "Dropped":
            assert body == b""
        else:
            assert record["result"] == "Ok"
            assert body.endswith(b"\n")
            for line in body[:-1].split(b"\n"):
                value = json.loads(line, parse_constant=no_constant)
                assert isinstance(value, dict)
                unparsed += "unparsed" in value
                rows += "unparsed" not in value
    assert outcome.ledger.rows == rows
    assert outcome.ledger.unparsed >= unparsed


@given(
    st.lists(st.tuples(st.sampled_from([200, 404, 500]), st.integers(0, 2)), max_size=40),
    st.lists(st.integers(1, 5), max_size=40),
    st.randoms(use_true_random=False),
)
@settings(max_examples=examples(150), deadline=None)
def test_partials_merge_to_a_plain_count(
    default_pipeline: Pipeline, lines: list[tuple[int, int]], cuts: list[int], random: Any
) -> None:
    """However lines are cut into batches, in whatever order batches come, and however often: the count is the count."""
    plain: dict[tuple[str, int], int] = {}
    for status, minute in lines:
        key = (f"2017-09-08T08:4{minute}:00.000", status)
        plain[key] = plain.get(key, 0) + 1
    left = [combined(status, f"08/Sep/2017:08:4{minute}:00 +0000") for status, minute in lines]
    outcomes, first = [], 0
    for size in [*cuts, len(left)]:
        batch, left = left[:size], left[size:]
        records = list(decode_records(records_of(batch, first=first), ARRIVAL))
        first += len(batch)
        outcomes.append(transform(default_pipeline, records))
        if random.random() < 0.3:
            random.shuffle(records)
            outcomes.append(transform(default_pipeline, records))
    random.shuffle(outcomes)
    settled = [columns for columns, visible in merged(default_pipeline, outcomes).values() if visible]
    assert {(window["datetime"], window["status"]): window["statusCount"] for window in settled} == plain


@given(payloads, st.randoms(use_true_random=False))
@settings(max_examples=examples(100), deadline=None)
def test_the_same_batch_in_another_order_makes_the_same_ids(
    default_pipeline: Pipeline, data: list[bytes], random: Any
) -> None:
    """Ids, digests and all else of the documents do not depend on the order of the records."""
    records = list(decode_records(records_of(data), ARRIVAL))
    before = documents(transform(default_pipeline, records))
    shuffled = list(records)
    random.shuffle(shuffled)
    after = documents(transform(default_pipeline, shuffled))
    key = lambda document: document["tally"]["partial_id"]  # noqa: E731
    assert sorted(before, key=key) == sorted(after, key=key)


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=examples(100), deadline=None)
def test_the_answer_fits_and_what_overflows_does_not_depend_on_order(
    default_pipeline: Pipeline, sizes: list[int], random: Any
) -> None:
    """The JSON that the runtime writes is never longer than allowed; the same records are left out in any order."""
    data = [combined(path="/" + "x" * size) for size in sizes]
    records = list(decode_records(records_of(data), ARRIVAL))
    limit = 15 + sum(len(record.raw) + 120 for record in records)
    chosen = []
    for _ in range(2):
        outcome = transform(default_pipeline, records, max_response_bytes=limit)
        assert len(json.dumps(encode_response(outcome.responses))) <= limit
        assert outcome.ledger.imbalance() == []
        failed = {result.record_id for result in outcome.responses if result.result == "ProcessingFailed"}
        assert outcome.ledger.failed == len(failed)
        assert outcome.ledger.outputs["DESTINATION_SQL_STREAM"].emitted == len(data) - len(failed)
        chosen.append(failed)
        random.shuffle(records)
    assert chosen[0] == chosen[1]


def test_three_megabytes_of_short_lines_stay_under_six_as_an_answer(default_pipeline: Pipeline) -> None:
    """The batch that would answer 8.5 MB leaves records out, keeps them raw, and counts what it answers."""
    line = combined(path="/", agent="a")
    data = [line * 40 for _ in range(3_000_000 // (len(line) * 40))]
    outcome = run(default_pipeline, data)
    assert len(json.dumps(encode_response(outcome.responses))) <= MAX_RESPONSE_BYTES
    assert outcome.ledger.failed > 0
    assert outcome.ledger.reasons["the answer would pass 6 MB"] == outcome.ledger.failed
    assert sum(document["statusCount"] for document in documents(outcome)) == outcome.ledger.rows
