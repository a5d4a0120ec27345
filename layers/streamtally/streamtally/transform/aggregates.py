"""Aggregated records of the Kinesis Producer Library: one record that holds several user records.

Firehose takes them apart where a data stream is its source. Producers that put such records into a delivery stream, or
pass them on, send them unmodified. The form is::

    magic (4)  protobuf message  MD5 of the message (16)

The message has the user records in field 3, and each its data in field 3; the other fields name partition keys.

Source: awslabs/amazon-kinesis-producer, "KPL Aggregated Record Format"; Protocol Buffers, "Encoding".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from streamtally.errors import RecordError

AGGREGATE_MAGIC = b"\xf3\x89\x9a\xc2"
_MD5_BYTES = 16
_RECORDS = _DATA = 3
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10
BROKEN = "the aggregated record is broken"


def user_records(data: bytes) -> list[bytes]:
    """The data of the user records in an aggregated record, in order.

    Raises: RecordError: the record is broken, or an aggregated record is inside another.
    """
    message = data[len(AGGREGATE_MAGIC) : -_MD5_BYTES]
    digest = hashlib.md5(message, usedforsecurity=False).digest()
    if len(data) < len(AGGREGATE_MAGIC) + _MD5_BYTES or digest != data[-_MD5_BYTES:]:
        raise RecordError(BROKEN)
    records = [_data_of(content) for number, content in _fields(message) if number == _RECORDS]
    if any(record.startswith(AGGREGATE_MAGIC) for record in records):
        raise RecordError("an aggregated record is inside another")
    return records


def _data_of(record: bytes) -> bytes:
    return next((content for number, content in _fields(record) if number == _DATA), b"")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a message that hold bytes, by their numbers; each byte is read once."""
    position, end = 0, len(message)
    while position < end:
        key, position = _varint(message, position)
        kind = key & 7
        if kind == _VARINT:
            _, position = _varint(message, position)
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if kind == _BYTES:
            size, position = _varint(message, position)
        if size is None or size > end - position:
            raise RecordError(BROKEN)
        if kind == _BYTES:
            yield key >> 3, message[position : position + size]
        position += size


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(message[position : position + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, position + index + 1
    raise RecordError(BROKEN)


def join_records(records: list[bytes]) -> bytes:
    """User records as one payload: each begins on a line of its own."""
    return b"".join([record if record.endswith(b"\n") else record + b"\n" for record in records if record])
