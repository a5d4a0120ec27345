"""What identifies a batch where neither recordIds nor batch boundaries are known: in an error file."""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from streamtally.ids import DIGEST_HEX_CHARS
from streamtally.transform.record import Record, columns_of

SHORT_BYTES, SHORT_AT_ONCE = 1_024, 128
"""Records shorter than this on average are joined before hashing; longer ones cost more to copy than to hash."""


@dataclass(frozen=True, slots=True)
class Batch:
    """All records of an event together, as every document states them."""

    digest: str
    """Hash of the sorted (arrival in ms, data) of all records."""
    records: int
    """How many records there are."""
    first_arrival: int
    """In ms since the epoch."""
    last_arrival: int
    """In ms since the epoch."""


def describe_batch(records: Sequence[Record]) -> Batch:
    """The batch that consists of these records; their order does not matter."""
    columns = columns_of(records)
    times = list(columns.received)
    if all(columns.data):
        data = [content for content in columns.data if content]
    else:
        data = [record.data or record.raw.encode("utf-8", "surrogatepass") for record in records]
    if sorted(times) != times:
        pairs = sorted(zip(times, data, strict=True), key=itemgetter(0))
        times, data = [time for time, _ in pairs], [content for _, content in pairs]
    if len(set(times)) < len(times):
        data = _by_bytes(times, data)
    sizes = list(map(len, data))
    # One hash over everything: one per record would take a tenth of the time of a batch of short records.
    whole = hashlib.sha256(struct.pack(f"<{2 * len(times)}q", *times, *sizes))
    step = SHORT_AT_ONCE if sum(sizes) < SHORT_BYTES * len(sizes) else 1
    for start in range(0, len(data), step):
        whole.update(b"".join(data[start : start + step]))
    first, last = (times[0], times[-1]) if times else (0, 0)
    return Batch(whole.hexdigest()[:DIGEST_HEX_CHARS], len(records), first, last)


def _by_bytes(times: list[int], data: list[bytes]) -> list[bytes]:
    """The data with records of one time, such as those of one put, sorted by their bytes."""
    ordered: list[bytes] = []
    while (start := len(ordered)) < len(data):
        # Comparing bytes takes half the time of comparing pairs of time and bytes.
        ordered += sorted(data[start : bisect_right(times, times[start], start)])
    return ordered
