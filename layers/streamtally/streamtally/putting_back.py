"""Which records go back into the source stream because the answer would pass 6 MB, and in which parts."""

from __future__ import annotations

from streamtally.envelope import MAX_ENVELOPE_BYTES, MAX_HOPS, Envelope, encode_envelope
from streamtally.lines import record_lines
from streamtally.records import Record
from streamtally.source import Source

PARTS_OF_AN_ANSWER = 4
"""A record that alone overflows is split so that about this many of its parts fit into an answer."""


def may_go_back(record: Record) -> bool:
    """Whether a record can go round once more."""
    return record.payload is not None and (record.envelope is None or record.envelope.hops < MAX_HOPS)


def to_envelopes(record: Record, size_bytes: int, limit_bytes: int, source: Source) -> list[bytes]:
    """What of a record is put back; nothing if it cannot be, and then it is answered ProcessingFailed.

    Args: size_bytes: what it takes in the answer; limit_bytes: what an answer holds.
    """
    if not may_go_back(record):
        return []
    is_packed = record.envelope is None and record.data is not record.payload
    if size_bytes * 2 <= limit_bytes and not is_packed:
        whole = encode_envelope(_whole(record))
        if len(whole) <= MAX_ENVELOPE_BYTES:
            return [whole]
    lines = record_lines(record, source)
    by_answer = -(-size_bytes * PARTS_OF_AN_ANSWER // limit_bytes)
    by_size = -(-sum(map(len, lines)) * 2 // MAX_ENVELOPE_BYTES)
    wanted = min(max(by_answer, by_size, 1), len(lines))
    # One line that alone overflows would overflow again, however often it went round.
    may_split = wanted > 1 or (bool(lines) and size_bytes * 2 <= limit_bytes)
    return _split(record, lines, wanted) if may_split else []


def _whole(record: Record) -> Envelope:
    old = record.envelope
    if old is not None:
        return Envelope(
            old.origin, old.part, old.first_arrival, old.hops + 1, old.is_plain, old.body, is_counted=old.is_counted
        )
    return Envelope(record.identity, "0", record.arrival, 1, False, record.data or b"")


def _split(record: Record, lines: list[str], parts: int) -> list[bytes]:
    old = record.envelope
    origin, hops = (old.origin, old.hops + 1) if old else (record.identity, 1)
    is_counted = old is not None and old.is_counted
    prefix = f"{old.part}." if old else ""
    step = -(-len(lines) // parts)
    envelopes = []
    for number, start in enumerate(range(0, len(lines), step)):
        body = "\n".join(lines[start : start + step]).encode() + b"\n"
        # Parts are counted from 1: part 0 is the whole record, which is another identity.
        part = f"{prefix}{number + 1}"
        made = Envelope(origin, part, record.arrival, hops, True, body, is_counted=is_counted)
        envelopes.append(encode_envelope(made))
    fit = all(len(each) <= MAX_ENVELOPE_BYTES for each in envelopes)
    return envelopes if fit else []
