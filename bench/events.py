"""Events to time: what Firehose sends, made of generated log lines."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from streamtally.local.sample import generate

ARRIVAL_MS = 1_740_787_200_000 + 3_600_000  # an hour after the generator's first line
SEED = 20250301
LINES_A_SECOND = 600.0  # over a day; at the generator's midnight 3 MB are what a buffer of 60 s, the default, holds
EVENT_BYTES = 3_000_000  # BufferSizeInMBs of a Lambda processor is at most 3


@dataclass(frozen=True, slots=True)
class Shape:
    """An event to time: its JSON as the Lambda runtime gets it, and how many lines it holds."""

    name: str
    text: str
    lines: int
    records: int


def big_event(lines_a_record: int = 25, size_bytes: int = EVENT_BYTES) -> Shape:
    """As many records of so many lines as make up ``size_bytes`` before base64."""
    records: list[bytes] = []
    size = 0
    for data in _records(lines_a_record):
        if size + len(data) > size_bytes:
            break
        records.append(data)
        size += len(data)
    return _shape(f"{size / 1e6:.1f} MB, {lines_a_record} lines a record", records, lines_a_record)


def small_records(many: int = 5000, at_once: int = 1) -> Shape:
    """So many records of one line each, so many of which were put in one call: they have one arrival."""
    name = f"{many:,} one-line records" + (f", {at_once} a put" if at_once > 1 else "")
    return _shape(name, list(islice(_records(1), many)), 1, at_once)


def _records(lines_a_record: int) -> Iterator[bytes]:
    lines = generate(10_000_000, SEED, rate=LINES_A_SECOND)
    while True:
        yield "".join(f"{line}\n" for line in islice(lines, lines_a_record)).encode()


def _shape(name: str, records: list[bytes], lines_a_record: int, at_once: int = 1) -> Shape:
    event = {
        "invocationId": "00000000-0000-4000-8000-000000000000",
        "deliveryStreamArn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/log-ingestion-stream",
        "region": "us-east-1",
        "records": [_record(number, data, number // at_once) for number, data in enumerate(records)],
    }
    return Shape(name, json.dumps(event), len(records) * lines_a_record, len(records))


def _record(number: int, data: bytes, after_ms: int) -> dict[str, Any]:
    return {
        # As long as Firehose's own: 56 digits.
        "recordId": f"{number:056d}",
        "approximateArrivalTimestamp": ARRIVAL_MS + after_ms,
        "data": base64.b64encode(data).decode(),
    }
