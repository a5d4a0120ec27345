"""Compressed data within a bound: nothing is unpacked further than the caller allows.

Source: RFC 1950 (zlib), RFC 1952 (gzip).
"""

from __future__ import annotations

import zlib

from streamtally.errors import RecordError

GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 31
"""zlib's ``wbits`` for a gzip member."""
ZLIB_WINDOW = zlib.MAX_WBITS


class TooLargeError(RecordError):
    """Data unpacks to more than the limit.

    Attributes: may_fit: it is within the limit of a single record, and exceeds that of the event.
    """

    def __init__(self, message: str, may_fit: bool = False) -> None:
        super().__init__(message)
        self.may_fit = may_fit


def inflate(data: bytes, limit_bytes: int, window_bits: int, name: str) -> tuple[bytes, bytes]:
    """Decompress one stream of at most ``limit_bytes``.

    Args: name: what the data is called in an error.
    Returns: the decompressed bytes, and the bytes after the stream.
    Raises: RecordError: broken or cut off; TooLargeError: larger than the limit.
    """
    reader = zlib.decompressobj(window_bits)
    try:
        part = reader.decompress(data, limit_bytes + 1)
    except zlib.error:
        raise RecordError(f"the {name} is broken") from None
    if len(part) > limit_bytes:
        raise TooLargeError(f"the {name} grows too large")
    if not reader.eof:
        raise RecordError(f"the {name} is cut off")
    return part, reader.unused_data


def decompress(data: bytes, limit_bytes: int) -> bytes:
    """Decompress all members of gzip data, of at most ``limit_bytes`` in all.

    Raises: RecordError: broken, cut off, or followed by something else; TooLargeError: larger than the limit.
    """
    parts: list[bytes] = []
    size = 0
    while data:
        part, data = inflate(data, limit_bytes - size, GZIP_WINDOW, "gzip data")
        size += len(part)
        parts.append(part)
    return b"".join(parts)
