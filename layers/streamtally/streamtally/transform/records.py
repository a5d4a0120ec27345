"""The event of a Firehose transformation: its records decoded, with their identities.

Source: Amazon Data Firehose developer guide, "Transform source data in Amazon Data Firehose".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from typing import Any

from pybase64 import b64decode

from streamtally.config.limits import MAX_RECORD_LINES
from streamtally.errors import EvaluationError
from streamtally.ids import digest, digest_texts
from streamtally.transform.aggregates import AGGREGATE_MAGIC
from streamtally.transform.compression import COMPRESSED
from streamtally.transform.envelope import MAGIC, UNSEALED, Seal
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
from streamtally.transform.unpacking import Trust, unpack_all

LONG_BYTES = 2 * MAX_RECORD_LINES
"""Shorter data cannot hold too many lines."""

ANY_AGE_MS = 2**62
_DECODE = partial(b64decode, validate=True)
_metadata = methodcaller("get", STREAM_METADATA[0])
NOT_BASE64 = "the data is not base64"

MARKS = COMPRESSED | {MAGIC[:2], AGGREGATE_MAGIC[:2]}
"""The first two bytes of data that does not hold its lines unmodified."""


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
    return Records(unpack_all(records, packed, Trust(seal, max_age_ms))) if packed else records


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


def group_records(records: Sequence[Record]) -> list[list[int]]:
    """The groups whose partials are made together, as indices: the fresh records, and each re-ingested part alone."""
    if records and not any(columns_of(records).envelopes):
        return [list(range(len(records)))]
    fresh = [index for index, record in enumerate(records) if record.envelope is None]
    groups = [fresh] if fresh else []
    if len(fresh) < len(records):
        groups += [[index] for index, record in enumerate(records) if record.envelope is not None]
    return groups
