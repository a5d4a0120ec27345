"""Records that would make the answer pass 6 MB go back into the source stream, and are counted once in the end."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.errors import RecordError
from streamtally.local.folder import read_folder
from streamtally.transform.envelope import MAX_HOPS, Envelope, decode_envelope, encode_envelope
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.response import MAX_RESPONSE_BYTES, encode_response
from streamtally.transform.transform import Outcome, transform
from tests.system.conformance.contract import events

PIPELINE = load_pipeline(read_folder(None), ZoneInfo)
LINE_OF_88 = b'192.0.2.7 - - [01/Mar/2025:00:00:00 +0000] "GET /abcdefghijk HTTP/1.1" 200 5316 "-" "-"\n'


def run(event: dict[str, Any], limit_bytes: int = MAX_RESPONSE_BYTES) -> Outcome:
    outcome = transform(PIPELINE, decode_records(event["records"], 0), limit_bytes, can_reingest=True)
    assert len(json.dumps(encode_response(outcome.responses))) <= limit_bytes
    assert outcome.ledger.imbalance() == []
    return outcome


def rounds(event: dict[str, Any], limit_bytes: int = MAX_RESPONSE_BYTES) -> tuple[Counter[str], int, list[Outcome]]:
    """Every partial by its id, until nothing goes back: (rows a partial id, lines in S3, outcomes)."""
    documents: dict[str, int] = {}
    lines = 0
    outcomes = []
    for _ in range(MAX_HOPS + 2):
        outcome = run(event, limit_bytes)
        outcomes.append(outcome)
        for document in (json.loads(encoded) for delivery in outcome.deliveries for encoded in delivery.documents):
            documents[document["tally"]["partial_id"]] = document["tally"]["state"]["rows"]
        lines += sum(result.data.count(b"\n") for result in outcome.responses)
        if not outcome.envelopes:
            return Counter(documents), lines, outcomes
        # What comes back has other recordIds and another arrival.
        event = events.event(*[envelope + b"\n" for envelope in outcome.envelopes])
        for record in event["records"]:
            record["recordId"] = f"again-{len(outcomes)}-{record['recordId']}"
            record["approximateArrivalTimestamp"] += 60_000 * len(outcomes)
    raise AssertionError("it goes round for ever")


# 3 MB of 88-byte lines make 8.5 MB of answer: each line comes out once, and is counted once, also if it all repeats.
@pytest.mark.large
@pytest.mark.parametrize("lines_a_record", [100, 10_000])
def test_three_megabytes_of_short_lines(lines_a_record: int) -> None:
    assert len(LINE_OF_88) == 88
    payload = LINE_OF_88 * lines_a_record
    sent = events.event(*[payload] * (3_000_000 // len(payload)))
    total = 3_000_000 // len(payload) * lines_a_record

    partials, lines, outcomes = rounds(sent)
    turned = {**sent, "records": sent["records"][::-1]}
    again = run(turned)

    assert len(outcomes) > 1
    assert outcomes[0].ledger.reingested > 0
    assert partials.total() == lines == total
    assert sorted(again.envelopes) == sorted(outcomes[0].envelopes)


# A record that alone overflows is split, line by line if need be; a part that overflows is split again.
def test_one_record_alone_overflows() -> None:
    payload = LINE_OF_88 * 9_000
    partials, lines, outcomes = rounds(events.event(payload), 400_000)
    assert len(outcomes[0].envelopes) > 1
    assert partials.total() == lines == 9_000


# Compressed, with lines that look like envelopes of others: a part's lines are lines and nothing else.
def test_split_of_a_subscription() -> None:
    inner = json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"message": LINE_OF_88.decode()}] * 2})
    payload = events.subscription("DATA_MESSAGE", *[LINE_OF_88.decode()] * 500, inner)
    sent = events.event(payload, gzip.compress(LINE_OF_88 * 500))
    whole = transform(PIPELINE, decode_records(sent["records"], 0))
    partials, _, outcomes = rounds(sent, 60_000)
    assert partials.total() == sum(output.emitted for output in whole.ledger.outputs.values())
    assert sum(outcome.ledger.rows for outcome in outcomes) == whole.ledger.rows


# What cannot get smaller is answered ProcessingFailed with all of it raw: one line, or a record at the hop limit.
def test_pathological_expansion_ends() -> None:
    line = LINE_OF_88.replace(b"abcdefghijk", b"\x01" * 950_000)
    outcome = run(events.event(line, events.LINE))
    assert [result.result for result in outcome.responses] == ["ProcessingFailed", "Ok"]
    assert base64.b64decode(outcome.responses[0].raw) == line
    assert outcome.envelopes == []

    # The answer holds no record at all beyond one that failed: everything goes round until the limit, then stays raw.
    sent = events.event(*[LINE_OF_88 * 40] * 3)
    for hop in range(MAX_HOPS):
        outcome = run(sent, 7_000)
        assert outcome.envelopes, hop
        big = [decode_envelope(envelope, 10**7) for envelope in outcome.envelopes]
        assert {envelope.hops for envelope in big} == {hop + 1}
        # Somebody's transform that never gets anything done: each time the whole record comes again.
        envelope = Envelope("origin", "0", events.ARRIVAL_MS, hop + 1, False, LINE_OF_88 * 40)
        sent = events.event(encode_envelope(envelope))
        sent["records"][0]["recordId"] = f"hop-{hop}"
    outcome = run(sent, 7_000)
    assert outcome.envelopes == []
    assert [result.result for result in outcome.responses] == ["ProcessingFailed"]
    assert outcome.ledger.failed == 40
    assert decode_envelope(base64.b64decode(outcome.responses[0].raw), 10**7).body == LINE_OF_88 * 40


# The first arrival decides which event times are believed, not the time when the envelope came.
def test_first_arrival_counts() -> None:
    envelope = Envelope("origin", "0", events.ARRIVAL_MS, 1, False, events.LINE)
    sent = events.event(encode_envelope(envelope), events.LINE)
    for record in sent["records"]:
        record["approximateArrivalTimestamp"] += 9 * 86_400_000
    outcome = run(sent)
    assert next(iter(outcome.ledger.outputs.values())).out_of_range == 1
    assert outcome.ledger.rows == 2


# The partials of a part are the same whatever else is in the event.
def test_a_part_is_a_group_of_its_own() -> None:
    part = encode_envelope(Envelope("origin", "2", events.ARRIVAL_MS, 1, True, events.LINE))

    def ids(*payloads: bytes) -> set[str]:
        deliveries = run(events.event(*payloads)).deliveries
        return {
            json.loads(document)["tally"]["partial_id"] for delivery in deliveries for document in delivery.documents
        }

    alone = ids(part)
    assert len(alone) == 1
    assert alone < ids(events.line(1), part)
    assert alone < ids(part, events.line(2), events.line(3))


# Envelopes come back as they went; a broken one fails its record and no other.
@given(st.text(min_size=1, max_size=60), st.text("0123456789.", max_size=20), st.binary(max_size=500), st.booleans())
def test_envelope_round_trip(origin: str, part: str, body: bytes, is_plain: bool) -> None:
    envelope = Envelope(origin.encode("utf-8", "replace").decode(), part, -5, 3, is_plain, body)
    data = encode_envelope(envelope)
    assert decode_envelope(data + b"\n", 1000) == envelope
    for length in random.Random(5).sample(range(len(data)), min(8, len(data))):
        with pytest.raises(RecordError):
            decode_envelope(data[:length], 1000)


# A hostile envelope: cut, of another version, a bomb, an inner gzip that is broken.
def test_hostile_envelopes() -> None:
    good = encode_envelope(Envelope("origin", "0", 0, 1, False, events.LINE * 100))
    bomb = encode_envelope(Envelope("origin", "0", 0, 1, False, b"\0" * 30_000_000))
    inner = encode_envelope(Envelope("origin", "0", 0, 1, False, gzip.compress(events.LINE)[:-3]))
    outcome = run(events.event(good[:-5], good[:7], b"\x89tally\x02" + good[7:], bomb, inner, events.LINE))
    assert [result.result for result in outcome.responses] == ["ProcessingFailed"] * 5 + ["Ok"]
