"""The event of a Firehose transformation: its records decoded, their identities, and their lines.

Source: Amazon Data Firehose developer guide, "Transform source data in Amazon Data Firehose".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from typing import Any

from pybase64 import b64decode

from streamtally.config.limits import MAX_DECOMPRESSED_EVENT_BYTES, MAX_DECOMPRESSED_EVENT_LINES, MAX_RECORD_LINES
from streamtally.errors import EvaluationError, RecordError
from streamtally.ids import digest, digest_texts
from streamtally.transform.aggregates import AGGREGATE_MAGIC, join_records, user_records
from streamtally.transform.compression import GZIP_MAGIC, TooLargeError, decompress
from streamtally.transform.envelope import MAGIC, UNSEALED, Envelope, Seal, check_arrival, decode_envelope
from streamtally.transform.event import (
    ARRIVAL,
    DATA,
    EARLIEST_MS,
    KAFKA_METADATA,
    LATEST_MS,
    STREAM_METADATA,
    read_arrival,
    record_data,
)
from streamtally.transform.record import Record, Records, columns_of, plain_records
from streamtally.transform.subscriptions import is_subscription, subscription_messages

MAX_DECOMPRESSED_RECORD_BYTES = 16 * 2**20

LONG_BYTES = 2 * MAX_RECORD_LINES
"""Shorter data cannot hold too many lines."""

EMPTY_LINES = re.compile(rb"(?<![^\n])(?:\n++|(?:\r\n)++)++")

ANY_AGE_MS = 2**62
_DECODE = partial(b64decode, validate=True)
_metadata = methodcaller("get", STREAM_METADATA[0])
NOT_BASE64 = "the data is not base64"

MARKS = frozenset({GZIP_MAGIC, MAGIC[:2], AGGREGATE_MAGIC[:2]})
"""The first two bytes of data that does not hold its lines unmodified."""

BYTE_ORDER_MARK = "\ufeff"
_MARKS_OF_LINES = re.compile(rf"(?m)^{BYTE_ORDER_MARK}")


@dataclass(frozen=True, slots=True)
class Trust:
    """Which envelopes are trusted."""

    seal: Seal
    """Checks their signatures."""
    max_age_ms: int
    """How long ago they may have arrived first."""


@dataclass(frozen=True, slots=True)
class RecordGroup:
    """Records whose partials are made together: the fresh records of an event, or one re-ingested part."""

    records: Sequence[Record]

    @property
    def batch_id(self) -> str:
        """The same for the same set of records, whatever their order."""
        return digest_texts(sorted(columns_of(self.records).identities))

    @property
    def is_part(self) -> bool:
        """Whether this is a re-ingested part, as opposed to fresh records."""
        return self.records[0].envelope is not None

    @property
    def is_counted(self) -> bool:
        """Whether its rows are counted already."""
        envelope = self.records[0].envelope
        return envelope is not None and envelope.is_counted

    @property
    def arrivals(self) -> tuple[int, int]:
        """The earliest and the latest arrival, in ms."""
        times = columns_of(self.records).arrivals
        return min(times), max(times)


def decode_records(
    raw_records: Iterable[Mapping[str, Any]], now_ms: int, seal: Seal = UNSEALED, max_age_ms: int = ANY_AGE_MS
) -> Records:
    """The event's ``records``, in order.

    Args:
        now_ms: the arrival of records that carry none (events written by hand; Firehose always sends it).
        seal: which envelopes are trusted.
        max_age_ms: how long ago the content of an envelope may have arrived first.
    """
    raw_records = list(raw_records)
    records = _decode_plain(raw_records)
    if records is None:
        records = Records([_decode_any(raw, now_ms) for raw in raw_records])
    if len(set(records.columns.identities)) < len(records):
        records = Records(_distinct(records))
    packed = [
        index
        for index, data in enumerate(records.columns.payloads)
        if data is not None and (data[:2] in MARKS or len(data) > LONG_BYTES)  # is_packed
    ]
    return Records(_unpack_all(records, packed, Trust(seal, max_age_ms))) if packed else records


def is_packed(data: bytes) -> bool:
    """Whether a record's data may have to be unpacked, or may hold too many lines."""
    return data[:2] in MARKS or len(data) > LONG_BYTES


def _decode_plain(raw_records: Sequence[Mapping[str, Any]]) -> Records | None:
    """Records as Firehose itself sends them, field by field; None if a single one is different."""
    try:
        ids = [raw["recordId"] for raw in raw_records]
        texts = [raw[DATA] for raw in raw_records]
        arrivals = [raw[ARRIVAL] for raw in raw_records]
        data = list(map(_DECODE, texts))
        identities = ids if not any(map(_metadata, raw_records)) else [_identity(raw) for raw in raw_records]
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if set(map(type, arrivals)) != {int} or not EARLIEST_MS <= min(arrivals) <= max(arrivals) <= LATEST_MS:
        return None
    return plain_records(ids, identities, arrivals, texts, data)


def _identity(raw: Mapping[str, Any]) -> str:
    record_id: str = raw["recordId"]
    metadata = _metadata(raw)
    return record_id if metadata is None else _data_stream_identity(metadata, record_id)


def _decode_any(raw: Mapping[str, Any], now_ms: int) -> Record:
    try:
        return _decode(raw, now_ms)
    except EvaluationError as error:
        reason = str(error)
    except Exception as error:  # a record must never keep the others from being read
        reason = f"the record cannot be decoded ({type(error).__name__})"
    name, text = (DATA, raw[DATA]) if raw.get(DATA) is not None else record_data(raw)
    return Record(raw["recordId"], raw["recordId"], now_ms, now_ms, str(text or ""), None, None, reason, data_name=name)


def _decode(raw: Mapping[str, Any], now_ms: int) -> Record:
    record_id = raw["recordId"]
    arrival = raw.get(ARRIVAL)
    metadata = _metadata(raw)
    identity = record_id
    if metadata is not None:
        identity = _data_stream_identity(metadata, record_id)
        arrival = metadata.get(ARRIVAL) if arrival is None else arrival
    if arrival is None:
        arrival = _stated_arrival(raw, now_ms)
    if type(arrival) is not int or not EARLIEST_MS <= arrival <= LATEST_MS:
        arrival = read_arrival(arrival)
    text: Any = raw.get(DATA)
    if text is None:
        return _decode_other(raw, identity, arrival)
    try:
        data = b64decode(text, validate=True)
    except (ValueError, TypeError):
        return Record(record_id, identity, arrival, arrival, str(text or ""), None, None, NOT_BASE64)
    return Record(record_id, identity, arrival, arrival, text, data, data)


def _stated_arrival(raw: Mapping[str, Any], now_ms: int) -> Any:
    """The arrival that a record's metadata states, where the record itself states none."""
    stated = [metadata.get(ARRIVAL) for name in (*STREAM_METADATA, KAFKA_METADATA) if (metadata := raw.get(name))]
    return next((arrival for arrival in stated if arrival is not None), now_ms)


def _decode_other(raw: Mapping[str, Any], identity: str, arrival: int) -> Record:
    """A record whose data has another name: from Amazon MSK, or from LocalStack."""
    metadata = raw.get(KAFKA_METADATA)
    if metadata:  # offsets are those of a partition, so two partitions have the same
        partition, offset = metadata.get("partitionId"), metadata.get("offset")
        if partition is not None and offset is not None:
            identity = f"{partition}/{offset}"
    name, text = record_data(raw)
    try:
        data = b64decode(text, validate=True)
    except (ValueError, TypeError):
        data = None
    error = NOT_BASE64 if data is None else ""
    return Record(raw["recordId"], identity, arrival, arrival, str(text or ""), data, data, error, data_name=name)


def _data_stream_identity(metadata: Mapping[str, Any], record_id: str) -> str:
    shard, sequence = metadata.get("shardId"), metadata.get("sequenceNumber")
    if not shard or not sequence:
        return record_id
    part = metadata.get("subsequenceNumber")
    return f"{shard}/{sequence}" + (f"/{part}" if part not in (None, "") else "")


def _distinct(records: Sequence[Record]) -> list[Record]:
    """Records with identities of their own: some are several user records of one sequence number, without parts' names.

    They are told apart by their data, which is the same on another reading, and by their order of recordIds where that
    is the same too. Records that also share the recordId and the data are one record, read twice.
    """
    by_identity: dict[str, list[int]] = {}
    for index, record in enumerate(records):
        by_identity.setdefault(record.identity, []).append(index)
    distinct = list(records)
    for identity, indices in by_identity.items():
        ids_of: dict[str, set[str]] = {}
        for index in indices:
            ids_of.setdefault(records[index].raw, set()).add(records[index].id)
        if len(ids_of) == 1 and len(next(iter(ids_of.values()))) == 1:
            continue
        for index in indices:
            record = records[index]
            number = sorted(ids_of[record.raw]).index(record.id)
            own = f"{identity}/{digest([record.raw])}" + (f"/{number}" if number else "")
            distinct[index] = record._replace(identity=own)
    return distinct


def open_record(identity: str, raw: str, arrival: int, seal: Seal = UNSEALED) -> Record:
    """A record of an error file. Args: raw: base64; arrival: ms since the epoch."""
    event_record = {"recordId": identity, "approximateArrivalTimestamp": arrival, "data": raw}
    (record,) = decode_records([event_record], arrival, seal)
    return record


def _unpack_all(records: Sequence[Record], packed: Sequence[int], trust: Trust) -> list[Record]:
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
        # Gzip can be re-ingested unmodified.
        return _opened(record, envelope, None, str(error), is_beyond_event and packed[:2] == GZIP_MAGIC), 0
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
    """The lines in a record's data: gzip is decompressed, an aggregated record taken apart, also one in the other."""
    if envelope is not None and envelope.is_plain:
        return data
    if data[:2] == GZIP_MAGIC:
        data = decompress(data, limit_bytes)
    if data[:4] != AGGREGATE_MAGIC:
        return data
    parts, size = [], 0
    for record in user_records(data):
        part = decompress(record, limit_bytes - size) if record[:2] == GZIP_MAGIC else record
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


_FEW_LINES = 1_000
"""Up to this many lines, empty ones need not be told apart."""


def line_bound(payload: bytes) -> int:
    """How many lines a payload holds at most, empty ones not counted."""
    if payload[:1] == b"{" and b'"logEvents"' in payload:
        return payload.count(b'"message"') + payload.count(b"\\n")
    lines = payload.count(b"\n") + 1
    if lines > min(_FEW_LINES, MAX_RECORD_LINES):
        if b"\r\n\r\n" in payload:
            payload = payload.replace(b"\r\n", b"\n")
        while b"\n\n" in payload:  # each pass halves a run of them
            payload = payload.replace(b"\n\n", b"\n")
        lines = payload.count(b"\n") + 1
    return lines


def group_records(records: Sequence[Record]) -> list[list[int]]:
    """The groups whose partials are made together, as indices: the fresh records, and each re-ingested part alone."""
    if records and not any(columns_of(records).envelopes):
        return [list(range(len(records)))]
    fresh = [index for index, record in enumerate(records) if record.envelope is None]
    groups = [fresh] if fresh else []
    if len(fresh) < len(records):
        groups += [[index] for index, record in enumerate(records) if record.envelope is not None]
    return groups


def read_lines(payload: bytes) -> list[str]:
    r"""The lines of a payload, without their ``\n`` or ``\r\n``.

    A CloudWatch Logs subscription's envelope holds the lines of its events' messages. Bytes that are not UTF-8 become
    ``\xHH``, as Apache itself writes them.
    """
    if is_subscription(payload):
        messages = subscription_messages(payload)
        if messages is not None:
            return [line for message in messages for line in split_lines(message.text)]
    return split_lines(to_text(payload))


def join_lines(payloads: Sequence[bytes]) -> str:
    r"""The lines of payloads that hold only lines, as one text with ``\n`` between them.

    Args: payloads: each without its last ``\n``.
    """
    text = to_text(b"\n".join(payloads))
    if "\r" in text:
        text = "\n".join([line[:-1] if line[-1:] == "\r" else line for line in text.split("\n")])
    return text


def to_text(data: bytes) -> str:
    r"""UTF-8 to text; a byte that is not UTF-8 becomes ``\xHH``.

    A byte order mark is removed at the start of the data and of a line: Windows' programs write it, and a producer may
    join what they wrote.
    """
    text = data.decode("utf-8", "backslashreplace")
    return _MARKS_OF_LINES.sub("", text) if BYTE_ORDER_MARK in text else text


def split_lines(text: str) -> list[str]:
    """Lines, split at ``\\n`` only (str.splitlines splits at eight other characters too), without one last ``\\r``."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    if "\r" in text:
        lines = [line[:-1] if line[-1:] == "\r" else line for line in lines]
    return lines
