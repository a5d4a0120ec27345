"""Logs in UTF-16 and UTF-32 as UTF-8, by their byte order mark; the mark of UTF-8 is removed.

Source: The Unicode Standard, chapter 23.8, "Specials" (byte order mark).
"""

from __future__ import annotations

import codecs
import io
from typing import Any, BinaryIO

from streamtally.local.compressed import BLOCK_BYTES, buffered

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order mark → the encoding of what follows."""


class _Utf8(io.RawIOBase):
    r"""A stream as UTF-8. Bytes that are invalid in its encoding become ``\xHH``, as in a log that is not UTF-8."""

    def __init__(self, source: BinaryIO, encoding: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)("backslashreplace")
        self._ready = b""
        self._is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._ready and not self._is_over:
            data = _read_some(self._source)
            self._is_over = not data
            self._ready = self._decoder.decode(data, final=self._is_over).encode()
        part, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def _read_some(source: BinaryIO) -> bytes:
    """What can be read without waiting for more than there is; empty at the end."""
    data: bytes = source.read1(BLOCK_BYTES)  # type: ignore[attr-defined]
    return data


def find_mark(start: bytes) -> tuple[bytes, str] | None:
    """The byte order mark that data begins with, and the encoding it stands for."""
    return next(((mark, encoding) for mark, encoding in MARKS if start.startswith(mark)), None)


def as_utf8(stream: BinaryIO, encoding: str) -> BinaryIO:
    """A stream without its byte order mark, as UTF-8."""
    return stream if encoding == "utf-8" else buffered(_Utf8(stream, encoding))
