"""What one invocation reads, decided before anything is read: by unpacked bytes and lines, in an order of its own.

The decision depends on the set of records alone, so that a retry decides the same. What is not read goes back into the
source stream, and is read by a later invocation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamtally.config.limits import MAX_DECOMPRESSED_EVENT_BYTES, MAX_RECORD_LINES, READ_BYTES, READ_LINES
from streamtally.transform.records import Record, line_bound

BEYOND = "more than one invocation reads"
ROW_OUTPUTS = 2
"""So many outputs may make a document of every line; with more of them fewer lines are read."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one invocation reads at most: bytes, unpacked, and lines."""

    size_bytes: int = READ_BYTES
    lines: int = READ_LINES

    def hold(self, record: Record) -> bool:
        """Whether a record by itself can be read."""
        payload = record.payload or b""
        return len(payload) <= self.size_bytes and line_bound(payload) <= self.lines


NO_BOUNDS = Bounds(2**62, 2**62)
"""On a machine without a time limit."""


def turn(record: Record) -> tuple[int, str]:
    """Its place in the order: what went round already comes first, so that nothing goes round for ever."""
    return -record.envelope.hops if record.envelope else 0, record.identity


def _lines_at_most(records: Sequence[Record]) -> int:
    """No fewer than the sum of the records' line bounds, counted over all of them at once: mostly enough to know."""
    payloads = b"".join([record.payload or b"" for record in records])
    lines = payloads.count(b"\n") + len(records)
    if b'"logEvents"' in payloads:
        lines += payloads.count(b'"message"') + payloads.count(b"\\n")
    return lines


def choose_unread(records: Sequence[Record], bounds: Bounds) -> list[Record]:
    """The records that are not read; mostly none. Those that were not even unpacked are among them."""
    unread = [record for record in records if record.is_deferred]
    readable = [record for record in records if record.payload]
    size_bytes = sum([len(record.payload or b"") for record in readable])
    if size_bytes <= min(bounds.size_bytes, bounds.lines):  # a line has a byte at least
        return unread
    if size_bytes <= bounds.size_bytes and _lines_at_most(readable) <= bounds.lines:
        return unread
    lines = [line_bound(record.payload or b"") for record in readable]
    if size_bytes <= bounds.size_bytes and sum(lines) <= bounds.lines:
        return unread
    room_bytes, room_lines = bounds.size_bytes, bounds.lines
    for record, count in sorted(zip(readable, lines, strict=True), key=lambda each: turn(each[0])):
        size = len(record.payload or b"")
        if size <= room_bytes and count <= room_lines:
            room_bytes, room_lines = room_bytes - size, room_lines - count
        else:
            unread.append(record)
    return unread


MOST = Bounds(MAX_DECOMPRESSED_EVENT_BYTES, MAX_RECORD_LINES)
"""What may be asked for: no more is unpacked."""
