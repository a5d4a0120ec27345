"""What one invocation reads, decided before anything is read: by unpacked bytes and by lines, in a fixed order.

The decision depends only on the set of records, so that a retry decides the same. What is not read is re-ingested and
read by a later invocation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, count

from streamtally.config.limits import MAX_DECOMPRESSED_EVENT_BYTES, MAX_RECORD_LINES, READ_BYTES, READ_LINES
from streamtally.transform.payload_lines import line_bound
from streamtally.transform.record import Record, Records, as_records

ROW_OUTPUTS = 2
"""Up to this many outputs may make a document of every line; with more of them fewer lines are read."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one invocation reads at most."""

    size_bytes: int = READ_BYTES
    """Bytes, unpacked."""
    lines: int = READ_LINES
    """Lines, empty ones not counted."""

    def hold(self, record: Record) -> bool:
        """Whether one invocation can read this record."""
        payload = record.payload or b""
        return len(payload) <= self.size_bytes and line_bound(payload) <= self.lines


NO_BOUNDS = Bounds(2**62, 2**62)
"""Where an invocation has no time limit: on a laptop."""


def reading_order(record: Record) -> tuple[int, str]:
    """A record's sort key: what was re-ingested most often comes first, so that nothing is re-ingested for ever."""
    return -record.envelope.hops if record.envelope else 0, record.identity


def _lines_at_most(records: Records, payloads: Sequence[bytes]) -> int:
    """An upper bound of the sum of the payloads' line bounds; usually sufficient. Args: payloads: of the records."""
    text = b"".join(payloads)
    lines = sum(records.line_ends) + len(payloads)
    if b'"logEvents"' in text:
        lines += text.count(b'"message"') + text.count(b"\\n")
    return lines


def choose_unread(records: Sequence[Record], bounds: Bounds) -> set[int]:
    """The indices of the records that are not read, usually none. Those that were not even unpacked are among them."""
    records = as_records(records)
    columns = records.columns
    unread = set(compress(count(), columns.is_deferred))
    payloads = list(filter(None, columns.payloads))
    size_bytes = sum(map(len, payloads))
    if size_bytes <= min(bounds.size_bytes, bounds.lines):  # a line has at least one byte
        return unread
    if size_bytes <= bounds.size_bytes and _lines_at_most(records, payloads) <= bounds.lines:
        return unread
    lines = {index: line_bound(record.payload) for index, record in enumerate(records) if record.payload}
    if size_bytes <= bounds.size_bytes and sum(lines.values()) <= bounds.lines:
        return unread
    room_bytes, room_lines = bounds.size_bytes, bounds.lines
    for index in sorted(lines, key=lambda index: reading_order(records[index])):
        size = len(records[index].payload or b"")
        if size <= room_bytes and lines[index] <= room_lines:
            room_bytes, room_lines = room_bytes - size, room_lines - lines[index]
        else:
            unread.add(index)
    return unread


MOST = Bounds(MAX_DECOMPRESSED_EVENT_BYTES, MAX_RECORD_LINES)
"""The highest bounds that can be configured: no more is unpacked."""
