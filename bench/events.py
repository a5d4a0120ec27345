"""Events to time: invocations as Firehose sends them, made of generated log lines."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from streamtally.local.sample import generate

ARRIVAL_MS = 1_740_787_200_000 + 3_600_000  # an hour after the generator's first line
SEED = 20250301
LINES_A_SECOND = 600.0  # averaged over a day; at the generator's midnight the default buffer of 60 s then holds 3 MB
EVENT_BYTES = 3_000_000  # the maximum of BufferSizeInMBs of a Lambda processor is 3


@dataclass(frozen=True, slots=True)
class Shape:
    """An event to time: its JSON as the Lambda runtime receives it, and how many lines and records it holds."""

    name: str
    text: str
    lines: int
    records: int


Change = Callable[[int, str], str]
"""A line's number and text → its other text."""


def big_event(
    lines_a_record: int = 25,
    size_bytes: int = EVENT_BYTES,
    change: Change | None = None,
    rate: float = LINES_A_SECOND,
) -> Shape:
    """An event of records with so many lines each, of ``size_bytes`` in total before base64."""
    records: list[bytes] = []
    size = 0
    for data in _records(lines_a_record, change, rate):
        if size + len(data) > size_bytes:
            break
        records.append(data)
        size += len(data)
    return _shape(f"{size / 1e6:.1f} MB, {lines_a_record} lines per record", records, lines_a_record)


def small_records(count: int = 5000, per_put: int = 1) -> Shape:
    """An event of one-line records. The ``per_put`` records that were put in one call have the same arrival time."""
    name = f"{count:,} one-line records" + (f", {per_put} per put" if per_put > 1 else "")
    return _shape(name, list(islice(_records(1), count)), 1, per_put)


def many_minutes() -> Shape:
    """An event as of a quiet site, or of old logs: its lines spread over an hour and a half."""
    return replace(big_event(rate=LINES_A_SECOND / 96), name="3.0 MB over many minutes")


def with_keys(count: int) -> Shape:
    """An event whose clients have so many addresses."""

    def change(number: int, line: str) -> str:
        return f"2001:db8::{number * 7919 % count:x} {line.partition(' ')[2]}"

    return replace(big_event(change=change), name=f"3.0 MB, {count:,} clients")


def half_unknown() -> Shape:
    """An event of which every second line is of no format."""

    def change(number: int, line: str) -> str:
        return f"worker {number} has taken a job from the queue of the shop: {'order ' * 20}" if number % 2 else line

    return replace(big_event(change=change), name="3.0 MB, half of the lines of no format")


def _records(lines_a_record: int, change: Change | None = None, rate: float = LINES_A_SECOND) -> Iterator[bytes]:
    lines = generate(10_000_000, SEED, rate=rate)
    if change is not None:
        lines = (change(number, line) for number, line in enumerate(lines))
    while True:
        yield "".join(f"{line}\n" for line in islice(lines, lines_a_record)).encode()


def _shape(name: str, records: list[bytes], lines_a_record: int, per_put: int = 1) -> Shape:
    event = {
        "invocationId": "00000000-0000-4000-8000-000000000000",
        "deliveryStreamArn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/log-ingestion-stream",
        "region": "us-east-1",
        "records": [_record(number, data, number // per_put) for number, data in enumerate(records)],
    }
    return Shape(name, json.dumps(event), len(records) * lines_a_record, len(records))


def _record(number: int, data: bytes, after_ms: int) -> dict[str, Any]:
    return {
        # 56 digits, the length of Firehose's ids.
        "recordId": f"{number:056d}",
        "approximateArrivalTimestamp": ARRIVAL_MS + after_ms,
        "data": base64.b64encode(data).decode(),
    }
