"""What one invocation reads is bounded before it reads, and every line is counted once all the same."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.limits import READ_BYTES, READ_LINES
from streamtally.definition import define_pipeline
from streamtally.errors import SettingsError
from streamtally.local.folder import read_folder
from streamtally.transform import unpacking
from streamtally.transform.envelope import MAX_HOPS, Seal
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.routes import BEYOND
from streamtally.transform.transform import Outcome, transform
from tests.system.conformance.contract import events

SEAL = Seal(b"k" * 64)
LINE = events.LINE + b"\n"


def pipeline(**source: Any) -> Pipeline:
    document = read_folder(None)
    document["source"] |= source
    return load_pipeline(document, ZoneInfo)


def lines(count: int, start: int = 0) -> bytes:
    return b"".join(events.line(number) + b"\n" for number in range(start, start + count))


def run(made: Pipeline, event: dict[str, Any], can_reingest: bool = True) -> Outcome:
    opened = decode_records(event["records"], 0, SEAL, made.max_age_ms)
    outcome = transform(made, opened, can_reingest=can_reingest, seal=SEAL)
    assert outcome.ledger.imbalance() == []
    assert outcome.ledger.rows + outcome.ledger.unparsed <= made.bounds.lines
    return outcome


def rounds(made: Pipeline, payloads: Sequence[bytes]) -> tuple[int, int, int]:
    """Until nothing goes back: (rows in partials, lines in S3, rounds); each event comes again, turned round."""
    documents: dict[str, int] = {}
    in_s3 = 0
    event = events.event(*payloads)
    for number in range(MAX_HOPS + 2):
        outcome = run(made, event)
        again = run(made, {**event, "records": event["records"][::-1]})
        assert sorted(again.envelopes) == sorted(outcome.envelopes)
        for document in (json.loads(encoded) for delivery in outcome.deliveries for encoded in delivery.documents):
            documents[document["tally"]["partial_id"]] = document["tally"]["state"]["rows"]
        in_s3 += sum(result.data.count(b"\n") for result in outcome.responses)
        failed = [response.record_id for response in outcome.responses if response.result == "ProcessingFailed"]
        assert failed == []
        if not outcome.envelopes:
            return sum(documents.values()), in_s3, number + 1
        event = events.event(*[envelope + b"\n" for envelope in outcome.envelopes])
        for record in event["records"]:
            record["recordId"] = f"{number}-{record['recordId']}"
    raise AssertionError("it goes round for ever")


# Whatever shape the too much has: each line is counted once, whether its event comes again in another order or not.
@pytest.mark.parametrize(
    "payloads",
    [
        [lines(2_500)],
        [lines(900)] * 3,
        [lines(10, 10 * number) for number in range(300)],
        [gzip.compress(lines(7_000))],
        [gzip.compress(lines(400))] * 20,
        [gzip.compress(lines(400)), lines(999), lines(1), gzip.compress(lines(1_001))],
        [events.subscription("DATA_MESSAGE", *[events.LINE.decode()] * 3_000)],
        [gzip.compress(b"\r\n".join([events.LINE] * 2_222))],
    ],
)
def test_beyond_the_bounds(payloads: list[bytes]) -> None:
    total = transform(pipeline(), decode_records(events.event(*payloads)["records"], 0)).ledger.rows
    assert rounds(pipeline(read_lines=1_000), payloads) == (total, total, pytest.approx(total / 1_000, abs=12))


# By bytes: long lines, of which few are many bytes.
def test_beyond_the_bytes() -> None:
    long = events.LINE.replace(b"/index.html", b"/" + b"x" * 5_000) + b"\n"
    payloads = [gzip.compress(long * 150)] * 4
    counted, in_s3, number = rounds(pipeline(read_bytes=2**20), payloads)
    assert (counted, in_s3) == (600, 600)
    assert number > 2


# More than is unpacked at all: it goes back packed, and is unpacked first the next time.
def test_beyond_what_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_DECOMPRESSED_EVENT_BYTES", 300_000)
    payloads = [gzip.compress(lines(1_000, 1_000 * number)) for number in range(12)]
    first = run(pipeline(read_lines=1_000), events.event(*payloads))
    assert first.ledger.processing_failed == 0
    assert rounds(pipeline(read_lines=1_000), payloads)[:2] == (12_000, 12_000)


# Where nothing can be put back, and for what cannot get smaller: kept raw, counted as failed, with the reason.
def test_nowhere_to_go() -> None:
    payloads = [gzip.compress(lines(900, 900 * number)) for number in range(3)]
    outcome = run(pipeline(read_lines=1_000), events.event(*payloads), can_reingest=False)
    assert sorted(result.result for result in outcome.responses) == ["Ok", "ProcessingFailed", "ProcessingFailed"]
    assert outcome.ledger.reasons[BEYOND] == outcome.ledger.failed == 1_800
    line = events.LINE.replace(b"/index.html", b"/" + b"x" * 2**20)
    packed = gzip.compress(line)
    outcome = run(pipeline(read_bytes=2**20), events.event(packed, events.LINE))
    assert [result.result for result in outcome.responses] == ["ProcessingFailed", "Ok"]
    assert base64.b64decode(outcome.responses[0].raw) == packed
    assert outcome.envelopes == []


# What Firehose fills a buffer with is read at once, as it always was.
def test_an_ordinary_event_is_read_whole() -> None:
    assert (READ_BYTES, READ_LINES) == (8_388_608, 100_000)
    outcome = run(pipeline(), events.event(*[lines(3_000)] * 6))
    assert (outcome.envelopes, outcome.ledger.rows) == ([], 18_000)


# Of a row output every line is a document: with more than two of them fewer lines are read.
@pytest.mark.parametrize(("outputs", "expected"), [(1, 100_000), (2, 100_000), (4, 50_000)])
def test_row_outputs(outputs: int, expected: int) -> None:
    column = {"name": "a", "type": "VARCHAR", "expr": {"column": "host"}}
    nodes = [
        {"name": f"O{n}", "kind": "row", "time": {"time": "arrival"}, "where": None, "columns": [column]}
        for n in range(outputs)
    ]
    settings = {f"O{n}": {"index": f"rows{n}x", "stream": "s"} for n in range(outputs)}
    document = {"source": {}, "outputs": settings, "plan": {"version": 1, "outputs": nodes}}
    assert load_pipeline(document, ZoneInfo).bounds.lines == expected


@pytest.mark.parametrize("value", ["0", "-1", "1e3", "true", '"8"', "10000000000"])
@pytest.mark.parametrize("name", ["read_bytes", "read_lines"])
def test_bounds_that_are_none(name: str, value: str) -> None:
    text = f"[source]\n{name} = {value}\n"
    with pytest.raises(SettingsError, match=name):
        define_pipeline(text, {"version": 1, "outputs": []}, ZoneInfo)
