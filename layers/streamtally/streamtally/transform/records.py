"""The event of a Firehose transformation: its records decoded, their identities, and their lines.

Source: Amazon Data Firehose developer guide, "Transform source data in Amazon Data Firehose".
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pybase64 import b64decode

from streamtally.config.limits import MAX_DECOMPRESSED_EVENT_BYTES, MAX_DECOMPRESSED_EVENT_LINES, MAX_RECORD_LINES
from streamtally.errors import RecordError
from streamtally.ids import digest_texts
from streamtally.transform.envelope import MAGIC, UNSEALED, Envelope, Seal, check_arrival, decode_envelope
from streamtally.transform.subscriptions import subscription_messages

MAX_DECOMPRESSED_RECORD_BYTES = 16 * 2**20

LONG_BYTES = 2 * MAX_RECORD_LINES
"""Data that is not longer cannot hold too many lines."""

EMPTY_LINES = re.compile(rb"(?<![^\n])(?:\n++|(?:\r\n)++)++")

ANY_AGE_MS = 2**62

_GZIP = b"\x1f\x8b"
_MARKS = frozenset({_GZIP, MAGIC[:2]})
_GZIP_WINDOW = 31  # zlib's way to ask for gzip members


@dataclass(slots=True)
class Record:
    """A record of the event.

    Attributes:
        id: the recordId, to be answered exactly once.
        identity: what makes it the same record when it comes again.
        arrival: approximateArrivalTimestamp, ms since the epoch; of what went back into the stream, its first one.
        received: when Firehose got it, be it what went back, in ms.
        raw: its data as it came, base64 (for the answer, should the record fail).
        data: the decoded bytes, before any decompression; None if they cannot be decoded.
        payload: what its lines are in: ``data``, or that decompressed; None if there is none.
        error: why there is no payload.
        envelope: what it came in, if it went back into the stream before; ``arrival`` is its first one then.
        is_deferred: whether it was not unpacked, since the event's other records hold too much.
        left_out: how many empty lines were taken out of the payload, where there were very many.
    """

    id: str
    identity: str
    arrival: int
    received: int
    raw: str
    data: bytes | None
    payload: bytes | None
    error: str = ""
    left_out: int = 0
    is_deferred: bool = False
    envelope: Envelope | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """Which envelopes are believed: signed so, and first arrived at most so many ms ago."""

    seal: Seal
    max_age_ms: int


@dataclass(frozen=True, slots=True)
class RecordGroup:
    """Records whose partials are made together: the fresh records of an event, or one re-ingested part."""

    records: Sequence[Record]

    @property
    def batch_id(self) -> str:
        """The same for the same set of records, whatever their order."""
        return digest_texts(sorted([record.identity for record in self.records]))

    @property
    def is_part(self) -> bool:
        """Whether this is a part that went round, and no fresh record."""
        return self.records[0].envelope is not None

    @property
    def is_counted(self) -> bool:
        """Whether its rows are counted already."""
        envelope = self.records[0].envelope
        return envelope is not None and envelope.is_counted

    @property
    def arrivals(self) -> tuple[int, int]:
        """The earliest and the latest arrival, in ms."""
        times = [record.arrival for record in self.records]
        return min(times), max(times)


def decode_records(
    raw_records: Iterable[Mapping[str, Any]], now_ms: int, seal: Seal = UNSEALED, max_age_ms: int = ANY_AGE_MS
) -> list[Record]:
    """The event's ``records``, in order.

    Args:
        now_ms: the arrival of records that carry none (events written by hand; Firehose always gives it).
        seal: by what envelopes are believed.
        max_age_ms: how long ago what comes in an envelope may have arrived first.
    """
    records = [_decode_any(raw, now_ms) for raw in raw_records]
    packed = [
        record
        for record in records
        if record.payload is not None and (record.payload[:2] in _MARKS or len(record.payload) > LONG_BYTES)
    ]
    _unpack_all(packed, Trust(seal, max_age_ms))
    return records


def _decode_any(raw: Mapping[str, Any], now_ms: int) -> Record:
    try:
        return _decode(raw, now_ms)
    except Exception as error:  # no record may keep the others from being read
        reason = f"the record cannot be decoded ({type(error).__name__})"
        return Record(raw["recordId"], raw["recordId"], now_ms, now_ms, str(raw.get("data") or ""), None, None, reason)


def _decode(raw: Mapping[str, Any], now_ms: int) -> Record:
    record_id = raw["recordId"]
    arrival = raw.get("approximateArrivalTimestamp")
    metadata = raw.get("kinesisRecordMetadata")
    identity = record_id
    if metadata is not None:
        identity = _data_stream_identity(metadata, record_id)
        arrival = metadata.get("approximateArrivalTimestamp") if arrival is None else arrival
    if arrival is None:
        arrival = now_ms
    text: Any = raw.get("data")
    try:
        data = b64decode(text, validate=True)
    except (ValueError, TypeError):
        return Record(record_id, identity, arrival, arrival, str(text or ""), None, None, "the data is not base64")
    return Record(record_id, identity, arrival, arrival, text, data, data)


def _data_stream_identity(metadata: Mapping[str, Any], record_id: str) -> str:
    shard, sequence = metadata.get("shardId"), metadata.get("sequenceNumber")
    if not shard or not sequence:
        return record_id
    part = metadata.get("subsequenceNumber")
    return f"{shard}/{sequence}" + (f"/{part}" if part not in (None, "") else "")


def open_record(identity: str, raw: str, arrival: int, seal: Seal = UNSEALED) -> Record:
    """A record of an error file. Args: raw: base64; arrival: ms since the epoch."""
    made = {"recordId": identity, "approximateArrivalTimestamp": arrival, "data": raw}
    (record,) = decode_records([made], arrival, seal)
    return record


def _unpack_all(records: list[Record], trust: Trust) -> None:
    # In the order of identities, so that a retry in another order leaves out the same records; envelopes come first, so
    # that what was not unpacked once is unpacked the next time.
    budget, lines = MAX_DECOMPRESSED_EVENT_BYTES, MAX_DECOMPRESSED_EVENT_LINES
    for record in sorted(records, key=lambda each: (not _is_envelope(each), each.identity)):
        try:
            record.payload = _unpack(record, record.payload or b"", min(MAX_DECOMPRESSED_RECORD_BYTES, budget), trust)
            found = line_bound(record.payload)
            if found > min(MAX_RECORD_LINES, lines):
                raise TooLargeError("more lines than a record may hold", found <= MAX_RECORD_LINES)
        except TooLargeError as error:
            is_beyond_event = error.may_fit or budget < MAX_DECOMPRESSED_RECORD_BYTES
            record.payload, record.error = None, str(error)
            record.is_deferred = is_beyond_event and _is_packed(record)
        except RecordError as error:
            record.payload, record.error = None, str(error)
        except Exception as error:  # no record may keep the others from being read
            record.payload, record.error = None, f"the record cannot be decoded ({type(error).__name__})"
        else:
            if record.payload is not record.data:  # what came as it is has Firehose's own bounds
                budget, lines = budget - len(record.payload), lines - found


def _is_envelope(record: Record) -> bool:
    return (record.payload or b"").startswith(MAGIC[:-1])


def _is_packed(record: Record) -> bool:
    """Whether a record, or what its envelope holds, is gzip, which can go back as it is."""
    data = record.envelope.body if record.envelope is not None else record.data or b""
    return data[:2] == _GZIP


def _unpack(record: Record, payload: bytes, limit_bytes: int, trust: Trust) -> bytes:
    """What an envelope holds, decompressed; the record then is what the envelope says."""
    if payload.startswith(MAGIC[:-1]):  # of another version too: that one is broken to us, and kept raw
        envelope = decode_envelope(payload, limit_bytes, trust.seal)
        check_arrival(envelope, record.received, trust.max_age_ms)
        record.envelope = envelope
        record.identity, record.arrival = envelope.identity, envelope.first_arrival
        payload = envelope.body
        if envelope.is_plain:
            return payload
    return decompress(payload, limit_bytes) if payload[:2] == _GZIP else payload


class TooLargeError(RecordError):
    """A record unpacks to more than may be. ``may_fit``: it is no more than a record may hold by itself."""

    def __init__(self, message: str, may_fit: bool = False) -> None:
        super().__init__(message)
        self.may_fit = may_fit


def decompress(data: bytes, limit_bytes: int) -> bytes:
    """All members of a gzip text, of at most ``limit_bytes`` in all.

    Raises: RecordError: broken, cut off, followed by something else, or larger.
    """
    parts: list[bytes] = []
    size = 0
    while data:
        member = zlib.decompressobj(_GZIP_WINDOW)
        try:
            part = member.decompress(data, limit_bytes - size + 1)
        except zlib.error:
            raise RecordError("the gzip data is broken") from None
        size += len(part)
        if size > limit_bytes:
            raise TooLargeError("the gzip data grows too large")
        if not member.eof:
            raise RecordError("the gzip data is cut off")
        parts.append(part)
        data = member.unused_data
    return b"".join(parts)


_FEW_LINES = 1_000
"""Up to so many it does not matter that empty ones are among them."""


def line_bound(payload: bytes) -> int:
    """How many lines a payload holds at most, empty ones not counted."""
    if payload[:1] == b"{" and b'"logEvents"' in payload:
        return payload.count(b'"message"') + payload.count(b"\\n")
    lines = payload.count(b"\n") + 1
    if lines > min(_FEW_LINES, MAX_RECORD_LINES):
        if b"\r\n\r\n" in payload:
            payload = payload.replace(b"\r\n", b"\n")
        while b"\n\n" in payload:  # each time half of those that stand together
            payload = payload.replace(b"\n\n", b"\n")
        lines = payload.count(b"\n") + 1
    return lines


def group_records(records: Sequence[Record]) -> list[RecordGroup]:
    """The groups whose partials are made together: the fresh records, and every part that went round by itself."""
    fresh = [record for record in records if record.envelope is None]
    groups = [RecordGroup(fresh)] if fresh else []
    if len(fresh) < len(records):
        groups += [RecordGroup([record]) for record in records if record.envelope is not None]
    return groups


def read_lines(payload: bytes) -> list[str]:
    r"""The lines of a payload, without their ``\n`` or ``\r\n``.

    A CloudWatch Logs subscription's message gives the lines of its events' messages. Bytes that are no UTF-8 become
    ``\xHH``, as Apache itself writes them.
    """
    if payload[:1] == b"{" and b'"logEvents"' in payload and b'"messageType"' in payload:
        messages = subscription_messages(payload)
        if messages is not None:
            return [line for message in messages for line in split_lines(message)]
    return split_lines(to_text(payload))


def join_lines(payloads: Sequence[bytes]) -> str:
    r"""The lines of payloads that hold nothing but lines, as one text with ``\n`` between them.

    Args: payloads: each without its last ``\n``.
    """
    text = to_text(b"\n".join(payloads))
    if "\r" in text:
        text = "\n".join([line[:-1] if line[-1:] == "\r" else line for line in text.split("\n")])
    return text


def to_text(data: bytes) -> str:
    r"""UTF-8 to text; a byte that is none becomes ``\xHH``."""
    return data.decode("utf-8", "backslashreplace")


def split_lines(text: str) -> list[str]:
    """Lines at ``\\n`` alone (str.splitlines cuts at eight other characters too), one ``\\r`` taken off each."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    if "\r" in text:
        lines = [line[:-1] if line[-1:] == "\r" else line for line in lines]
    return lines
