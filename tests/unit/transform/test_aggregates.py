"""Aggregated records of the Kinesis Producer Library: taken apart, or kept raw; never read as a line."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib

import pytest

from streamtally.errors import RecordError
from streamtally.transform.aggregates import AGGREGATE_MAGIC, user_records
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.reingest import Reingestion, to_envelopes
from streamtally.transform.transform import transform
from tests.endless import must_end
from tests.unit.events import ARRIVAL, combined, documents, records_of, run
from tests.unit.transform.test_subscriptions import envelope


def varint(value: int) -> bytes:
    encoded = b""
    while value >= 0x80:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def aggregate(*records: bytes, more: bytes = b"") -> bytes:
    """As the library writes them: tables of keys, then records with the index of a key, data, and perhaps tags."""
    message = field(1, b"key-1") + field(1, b"key-2") + field(2, b"340282366920938463463374607431768211455")
    for number, data in enumerate(records):
        tags = field(4, field(1, b"tag") + field(2, b"value")) if number % 2 else b""
        hash_key = varint(2 << 3) + varint(0) if number % 3 == 0 else b""
        message += field(3, varint(1 << 3) + varint(number % 2) + hash_key + field(3, data) + tags)
    message += more
    return AGGREGATE_MAGIC + message + hashlib.md5(message, usedforsecurity=False).digest()


LINE = combined()


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        pytest.param(aggregate(LINE), 1, id="one"),
        pytest.param(aggregate(LINE, combined(404), LINE), 3, id="three"),
        pytest.param(aggregate(LINE.rstrip(b"\n"), LINE.rstrip(b"\n")), 2, id="without line ends"),
        pytest.param(aggregate(LINE * 3, b"", LINE), 4, id="several lines in one, and an empty one"),
        pytest.param(aggregate(LINE * 300), 300, id="a length of three bytes"),
        pytest.param(aggregate(gzip.compress(LINE * 2), LINE), 3, id="gzip in one"),
        pytest.param(aggregate(zlib.compress(LINE * 2), LINE), 3, id="zlib in one"),
        pytest.param(gzip.compress(aggregate(LINE, LINE)), 2, id="in gzip"),
        pytest.param(
            aggregate(gzip.compress(envelope("x", LINE.decode())), envelope(LINE.decode())), 2, id="envelopes"
        ),
        pytest.param(aggregate(LINE, more=varint(9 << 3) + varint(2**63) + field(12, b"new")), 1, id="unknown fields"),
        pytest.param(
            aggregate(LINE, more=varint(7 << 3 | 1) + b"8 bytes!" + varint(8 << 3 | 5) + b"four"), 1, id="fixed"
        ),
        pytest.param(aggregate(b'{"response":200}', b'{"response":404}'), 2, id="JSON"),
    ],
)
def test_user_records_are_read(rows_pipeline: Pipeline, data: bytes, rows: int) -> None:
    """Each row has an id of its own, and none has bytes in a column."""
    outcome = run(rows_pipeline, [data, LINE])
    assert outcome.ledger.rows == rows + 1
    assert [json.loads(line) for line in outcome.responses[0].data.splitlines()]
    ids = [document["tally"]["row_id"] for document in documents(outcome)]
    assert len(set(ids)) == len(ids) == outcome.ledger.rows
    assert "\\xf3" not in outcome.responses[0].data.decode()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(AGGREGATE_MAGIC, id="the magic alone"),
        pytest.param(AGGREGATE_MAGIC + LINE, id="a line behind it"),
        pytest.param(aggregate(LINE)[:-1], id="cut off"),
        pytest.param(aggregate(LINE) + b"\n", id="a delimiter behind it"),
        pytest.param(aggregate(LINE)[:-1] + b"\0", id="another digest"),
        pytest.param(aggregate(LINE, more=b"\xff" * 11), id="a number without an end"),
        pytest.param(aggregate(LINE, more=varint(3 << 3 | 2) + varint(10**6) + b"x"), id="a length beyond the end"),
        pytest.param(aggregate(LINE, more=varint(3 << 3 | 3)), id="a group"),
        pytest.param(aggregate(aggregate(LINE)), id="one in another"),
        pytest.param(aggregate(gzip.compress(b"x" * (17 << 20))), id="a bomb"),
    ],
)
def test_broken_ones_are_kept_raw(default_pipeline: Pipeline, data: bytes) -> None:
    """Nothing of it is counted, and its neighbour is."""
    with must_end():
        outcome = run(default_pipeline, [data, LINE])
    assert [response.result for response in outcome.responses] == ["ProcessingFailed", "Ok"]
    assert (outcome.ledger.rows, outcome.ledger.failed) == (1, 1)
    assert [reason for reason in outcome.ledger.reasons if "aggregated" in reason or "gzip" in reason]


def test_an_aggregate_is_re_ingested_in_parts(rows_pipeline: Pipeline) -> None:
    """Its lines go back as lines."""
    (record,) = decode_records(records_of([aggregate(*[LINE] * 8)]), ARRIVAL)
    parts = to_envelopes(record, 4_000, Reingestion(rows_pipeline.source, limit_bytes=4_000))
    outcome = transform(rows_pipeline, decode_records(records_of(parts), ARRIVAL))
    assert (len(parts) > 1, outcome.ledger.rows) == (True, 8)


@pytest.mark.large
def test_many_small_records_take_linear_time() -> None:
    """A record of a megabyte in two-byte fields."""
    with must_end():
        assert len(user_records(aggregate(more=field(3, b"") * 500_000))) == 500_000
    with pytest.raises(RecordError):
        user_records(AGGREGATE_MAGIC)
