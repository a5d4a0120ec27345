"""What a record is re-ingested in: one envelope, several with a part of its lines each, or one per line."""

from __future__ import annotations

from dataclasses import dataclass, replace

from streamtally.formats.w3c_header import Header
from streamtally.transform.bounds import NO_BOUNDS, Bounds
from streamtally.transform.envelope import MAX_ENVELOPE_BYTES, MAX_HOPS, UNSEALED, Envelope, Seal, encode_envelope
from streamtally.transform.record import Record
from streamtally.transform.record_lines import Event, record_events
from streamtally.transform.response import MAX_RESPONSE_BYTES
from streamtally.transform.source import Source
from streamtally.transform.subscriptions import Message, encode_messages

PARTS_OF_A_RESPONSE = 4
"""A record that overflows by itself is split so that about this many of its parts fit into a response."""
MAX_SINGLE_LINES = 10_000
"""A record with more lines than this is not split into single ones: each becomes a record that has to be sent."""


@dataclass(frozen=True, slots=True)
class Reingestion:
    """How records are re-ingested."""

    source: Source
    seal: Seal = UNSEALED
    """Signs the envelopes."""
    bounds: Bounds = NO_BOUNDS
    """What an invocation reads: several parts of a record must be within it."""
    limit_bytes: int = MAX_RESPONSE_BYTES
    """What a response holds."""


def can_reingest_again(record: Record) -> bool:
    """Whether a record may be re-ingested once more."""
    is_there = record.payload is not None or record.is_deferred
    return is_there and (record.envelope is None or record.envelope.hops < MAX_HOPS)


def to_envelopes(record: Record, size_bytes: int, reingestion: Reingestion) -> list[bytes]:
    """The envelopes that a record is re-ingested in; none if it cannot be, and then it is answered ProcessingFailed.

    Args: size_bytes: what it takes in the response.
    """
    if not can_reingest_again(record):
        return []
    if record.is_deferred:
        return _whole(record, reingestion.seal)
    is_packed = record.envelope is None and record.data is not record.payload
    is_small = size_bytes * 2 <= reingestion.limit_bytes
    if is_small and not is_packed and reingestion.bounds.hold(record) and (whole := _whole(record, reingestion.seal)):
        return whole
    events = record_events(record, reingestion.source)
    wanted = _wanted_parts(events, size_bytes, reingestion)
    # One line that overflows by itself would overflow again, however often it is re-ingested.
    if wanted <= 1 and not (events and is_small):
        return []
    step = -(-len(events) // wanted)
    pieces = [events[start : start + step] for start in range(0, len(events), step)]
    return _split(record, pieces, reingestion.seal)


def _wanted_parts(events: list[Event], size_bytes: int, reingestion: Reingestion) -> int:
    """Into how many parts a record is split, so that several of them fit into a response and an invocation."""
    by_response = -(-size_bytes * PARTS_OF_A_RESPONSE // reingestion.limit_bytes)
    by_size = -(-sum(len(event.line) for event in events) * 2 // MAX_ENVELOPE_BYTES)
    by_lines = -(-len(events) * PARTS_OF_A_RESPONSE // reingestion.bounds.lines)
    return min(max(by_response, by_size, by_lines, 1), len(events))


def to_single_lines(record: Record, reingestion: Reingestion) -> list[bytes]:
    """One envelope per line of a record of several lines. Empty lines stay with the line before them.

    None if the record cannot be re-ingested, has very many lines, or none that parses (two JSON objects over many
    lines, for instance): then it is answered ProcessingFailed as a whole.
    """
    source = reingestion.source
    events = record_events(record, source) if can_reingest_again(record) else []
    starts = [index for index, event in enumerate(events) if event.line]
    if not starts or len(starts) > MAX_SINGLE_LINES or not _any_parses(events, source, record):
        return []
    starts[0] = 0
    ends = [*starts[1:], len(events)]
    return _split(record, [events[start:end] for start, end in zip(starts, ends, strict=True)], reingestion.seal)


def _any_parses(events: list[Event], source: Source, record: Record) -> bool:
    parse = source.parser_for_record(record.arrival, record.header)
    for event in events:
        if not event.line:
            continue
        try:
            parse(event.line)
        except Exception:  # noqa: S112 - a hostile line may make a parser raise anything
            continue
        return True
    return False


def _whole(record: Record, seal: Seal) -> list[bytes]:
    """The envelope of a whole record; none if it is too large for one."""
    old = record.envelope
    if old is None:
        envelope = Envelope(record.identity, "0", record.arrival, 1, False, record.data or b"")
    else:
        envelope = replace(old, hops=old.hops + 1)
    data = encode_envelope(envelope, seal)
    return [data] if len(data) <= MAX_ENVELOPE_BYTES else []


def _split(record: Record, pieces: list[list[Event]], seal: Seal) -> list[bytes]:
    old = record.envelope
    origin, hops = (old.origin, old.hops + 1) if old else (record.identity, 1)
    is_counted = old is not None and old.is_counted
    prefix = f"{old.part}." if old else ""
    header = Header().follow_all(record.header)
    envelopes = []
    for number, piece in enumerate(pieces):
        lines = [event.line for event in piece]
        is_plain = not any(event.columns for event in piece)
        body = "\n".join(lines).encode() + b"\n" if is_plain else _messages(piece)
        # Parts are counted from 1: part 0 is the whole record, which is another identity.
        part = f"{prefix}{number + 1}"
        envelope = Envelope(origin, part, record.arrival, hops, is_plain, body, is_counted, header.carried)
        envelopes.append(encode_envelope(envelope, seal))
        header = header.follow_all(lines)  # a header describes the lines after it, also those of the next pieces
    fit = all(len(envelope) <= MAX_ENVELOPE_BYTES for envelope in envelopes)
    return envelopes if fit else []


def _messages(piece: list[Event]) -> bytes:
    """Events of a subscription as its envelopes again, so that their columns are kept."""
    return encode_messages(Message(event.line or "\n", event.columns) for event in piece)
