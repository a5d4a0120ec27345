"""Records unpacked: envelopes opened, data decompressed, aggregated records taken apart, within an event's room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamtally.config.limits import MAX_DECOMPRESSED_EVENT_BYTES, MAX_DECOMPRESSED_EVENT_LINES, MAX_RECORD_LINES
from streamtally.errors import RecordError
from streamtally.transform.aggregates import AGGREGATE_MAGIC, join_records, user_records
from streamtally.transform.compression import COMPRESSED, TooLargeError, decompress
from streamtally.transform.envelope import MAGIC, Envelope, Seal, check_arrival, decode_envelope
from streamtally.transform.payload_lines import line_bound
from streamtally.transform.record import Record

MAX_DECOMPRESSED_RECORD_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Trust:
    """Which envelopes are trusted."""

    seal: Seal
    """Checks their signatures."""
    max_age_ms: int
    """How long ago they may have arrived first."""


def unpack_all(records: Sequence[Record], packed: Sequence[int], trust: Trust) -> list[Record]:
    """The records, those at the indices ``packed`` unpacked."""
    unpacked = list(records)
    room_bytes, room_lines = MAX_DECOMPRESSED_EVENT_BYTES, MAX_DECOMPRESSED_EVENT_LINES
    # In the order of identities, so that a retry in another order leaves out the same records; envelopes come first, so
    # that what was not unpacked once is unpacked the next time.
    for index in sorted(packed, key=lambda index: (not _is_envelope(records[index]), records[index].identity)):
        record, lines = _unpack(records[index], room_bytes, room_lines, trust)
        unpacked[index] = record
        if record.payload is not None and record.payload is not record.data:  # Firehose itself bounds unpacked data
            room_bytes, room_lines = room_bytes - len(record.payload), room_lines - lines
    return unpacked


def _is_envelope(record: Record) -> bool:
    """Whether its data is an envelope; of another version too, which is broken to this release and kept raw."""
    return (record.data or b"").startswith(MAGIC[:-1])


def _unpack(record: Record, room_bytes: int, room_lines: int, trust: Trust) -> tuple[Record, int]:
    """A record with its envelope and compression removed, as far as the event's room allows, and its bound of lines."""
    envelope: Envelope | None = None
    limit_bytes = min(MAX_DECOMPRESSED_RECORD_BYTES, room_bytes)
    try:
        if _is_envelope(record):
            envelope = _open_envelope(record, limit_bytes, trust)
        payload = _decompressed(record.data or b"" if envelope is None else envelope.body, envelope, limit_bytes)
        lines = line_bound(payload)
        if lines > min(MAX_RECORD_LINES, room_lines):
            raise TooLargeError("more lines than a record may hold", lines <= MAX_RECORD_LINES)
    except TooLargeError as error:
        is_beyond_event = error.may_fit or room_bytes < MAX_DECOMPRESSED_RECORD_BYTES
        packed = envelope.body if envelope is not None else record.data or b""
        # Compressed data can be re-ingested unmodified.
        return _opened(record, envelope, None, str(error), is_beyond_event and packed[:2] in COMPRESSED), 0
    except RecordError as error:
        return _opened(record, envelope, None, str(error)), 0
    except Exception as error:  # a record must never keep the others from being read
        return _opened(record, envelope, None, f"the record cannot be decoded ({type(error).__name__})"), 0
    return _opened(record, envelope, payload), lines


def _open_envelope(record: Record, limit_bytes: int, trust: Trust) -> Envelope:
    envelope = decode_envelope(record.data or b"", limit_bytes, trust.seal)
    check_arrival(envelope, record.received, trust.max_age_ms)
    return envelope


def _decompressed(data: bytes, envelope: Envelope | None, limit_bytes: int) -> bytes:
    """The lines in a record's data: it is decompressed, an aggregated record taken apart, also one in the other."""
    if envelope is not None and envelope.is_plain:
        return data
    if data[:2] in COMPRESSED:
        data = decompress(data, limit_bytes)
    if data[:4] != AGGREGATE_MAGIC:
        return data
    parts, size = [], 0
    for record in user_records(data):
        part = decompress(record, limit_bytes - size) if record[:2] in COMPRESSED else record
        parts.append(part)
        size += len(part)
    return join_records(parts)


def _opened(
    record: Record, envelope: Envelope | None, payload: bytes | None, error: str = "", is_deferred: bool = False
) -> Record:
    """A record with its payload, or why there is none; identity and arrival are those that its envelope states."""
    identity, arrival, header = record.identity, record.arrival, record.header
    if envelope is not None:
        identity, arrival, header = envelope.identity, envelope.first_arrival, envelope.header
    return record._replace(
        identity=identity,
        arrival=arrival,
        payload=payload,
        error=error,
        removed_lines=0,
        is_deferred=is_deferred,
        envelope=envelope,
        header=header,
    )
