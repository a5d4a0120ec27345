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
ZLIB_MAGIC = b"\x78\x9c"
"""The first bytes of zlib data of the usual level, which Fluentd and Vector write; no UTF-8 text begins so. Data of
other levels begins as text can ("x^"), so it is not looked for."""
COMPRESSED = frozenset({GZIP_MAGIC, ZLIB_MAGIC})
"""The first two bytes of data that is decompressed."""


class TooLargeError(RecordError):
    """Data unpacks to more than the limit.

    Attributes: may_fit: it is within the limit of a single record, and exceeds that of the event.
    """

    def __init__(self, message: str, may_fit: bool = False) -> None:
        super().__init__(message)
        self.may_fit = may_fit


class BrokenDataError(RecordError):
    """Data is not compressed as its first bytes say."""


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
        raise BrokenDataError(f"the {name} is broken") from None
    if len(part) > limit_bytes:
        raise TooLargeError(f"the {name} grows too large")
    if not reader.eof:
        raise RecordError(f"the {name} is cut off")
    return part, reader.unused_data


def decompress(data: bytes, limit_bytes: int) -> bytes:
    """Decompress all members of gzip data, or one stream of zlib data, of at most ``limit_bytes`` in all.

    Zlib's may be followed by a line end, which Fluentd appends. What only begins like it is returned as it is.

    Raises: RecordError: broken, cut off, or followed by something else; TooLargeError: larger than the limit.
    """
    if data[:2] == ZLIB_MAGIC:
        return _decompress_zlib(data, limit_bytes)
    parts: list[bytes] = []
    size = 0
    while data:
        part, data = inflate(data, limit_bytes - size, GZIP_WINDOW, "gzip data")
        size += len(part)
        parts.append(part)
    return b"".join(parts)


def _decompress_zlib(data: bytes, limit_bytes: int) -> bytes:
    try:
        part, rest = inflate(data, limit_bytes, ZLIB_WINDOW, "zlib data")
    except BrokenDataError:
        return data  # a line in another encoding, of which nothing must be lost
    if rest not in (b"", b"\n", b"\r\n"):  # its checksum was right: it is no text
        raise RecordError("the zlib data is followed by something else")
    return part
