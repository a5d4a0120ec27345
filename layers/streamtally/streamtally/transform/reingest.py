"""Which records go back into the source stream, and in which parts: what overflows, and lines that must go alone."""

from __future__ import annotations

from streamtally.transform.bounds import NO_BOUNDS, Bounds
from streamtally.transform.envelope import MAX_ENVELOPE_BYTES, MAX_HOPS, UNSEALED, Envelope, Seal, encode_envelope
from streamtally.transform.lines import record_lines
from streamtally.transform.records import Record
from streamtally.transform.source import Source

PARTS_OF_AN_ANSWER = 4
"""A record that alone overflows is split so that about this many of its parts fit into an answer."""
MAX_LINES_APART = 10_000
"""A record of more lines than this is not taken apart: each line becomes a record that has to be put."""


def may_go_back(record: Record) -> bool:
    """Whether a record can go round once more."""
    is_there = record.payload is not None or record.is_deferred
    return is_there and (record.envelope is None or record.envelope.hops < MAX_HOPS)


def to_envelopes(
    record: Record,
    size_bytes: int,
    limit_bytes: int,
    source: Source,
    seal: Seal = UNSEALED,
    bounds: Bounds = NO_BOUNDS,
) -> list[bytes]:
    """What of a record is put back; nothing if it cannot be, and then it is answered ProcessingFailed.

    Args:
        size_bytes: what it takes in the answer; limit_bytes: what an answer holds.
        bounds: what an invocation reads, of which several parts must be within.
    """
    if not may_go_back(record):
        return []
    if record.is_deferred:
        whole = encode_envelope(_whole(record), seal)
        return [whole] if len(whole) <= MAX_ENVELOPE_BYTES else []
    is_packed = record.envelope is None and record.data is not record.payload
    if size_bytes * 2 <= limit_bytes and not is_packed and bounds.hold(record):
        whole = encode_envelope(_whole(record), seal)
        if len(whole) <= MAX_ENVELOPE_BYTES:
            return [whole]
    lines = record_lines(record, source)
    by_answer = -(-size_bytes * PARTS_OF_AN_ANSWER // limit_bytes)
    by_size = -(-sum(map(len, lines)) * 2 // MAX_ENVELOPE_BYTES)
    by_lines = -(-len(lines) * PARTS_OF_AN_ANSWER // bounds.lines)
    wanted = min(max(by_answer, by_size, by_lines, 1), len(lines))
    # One line that alone overflows would overflow again, however often it went round.
    may_split = wanted > 1 or (bool(lines) and size_bytes * 2 <= limit_bytes)
    step = -(-len(lines) // wanted) if may_split else 1
    pieces = [lines[at : at + step] for at in range(0, len(lines), step)]
    return _split(record, pieces, seal) if may_split else []


def to_single_lines(record: Record, source: Source, seal: Seal = UNSEALED) -> list[bytes]:
    """A record of several lines, taken apart: an envelope a line. Empty lines stay with the line before them.

    Nothing if it cannot go back, has very many lines, or none that parses (two JSON objects over many lines, say): then
    it is answered ProcessingFailed, whole.
    """
    lines = record_lines(record, source) if may_go_back(record) else []
    starts = [at for at, line in enumerate(lines) if line]
    # A W3C header says what the lines after it are, and could not say so from a record of its own.
    has_header = any(line.startswith("#Fields:") for line in lines)
    if not starts or has_header or len(starts) > MAX_LINES_APART or not _any_parses(lines, source, record.arrival):
        return []
    starts[0] = 0
    ends = [*starts[1:], len(lines)]
    return _split(record, [lines[start:end] for start, end in zip(starts, ends, strict=True)], seal)


def _any_parses(lines: list[str], source: Source, arrival_ms: int) -> bool:
    parse = source.parser_for_record(arrival_ms)
    for line in filter(None, lines):
        try:
            parse(line)
        except Exception:  # noqa: S112 - a hostile line may make a parser raise anything
            continue
        return True
    return False


def _whole(record: Record) -> Envelope:
    old = record.envelope
    if old is not None:
        return Envelope(
            old.origin, old.part, old.first_arrival, old.hops + 1, old.is_plain, old.body, is_counted=old.is_counted
        )
    return Envelope(record.identity, "0", record.arrival, 1, False, record.data or b"")


def _split(record: Record, pieces: list[list[str]], seal: Seal) -> list[bytes]:
    old = record.envelope
    origin, hops = (old.origin, old.hops + 1) if old else (record.identity, 1)
    is_counted = old is not None and old.is_counted
    prefix = f"{old.part}." if old else ""
    envelopes = []
    for number, piece in enumerate(pieces):
        body = "\n".join(piece).encode() + b"\n"
        # Parts are counted from 1: part 0 is the whole record, which is another identity.
        part = f"{prefix}{number + 1}"
        made = Envelope(origin, part, record.arrival, hops, True, body, is_counted=is_counted)
        envelopes.append(encode_envelope(made, seal))
    fit = all(len(envelope) <= MAX_ENVELOPE_BYTES for envelope in envelopes)
    return envelopes if fit else []
