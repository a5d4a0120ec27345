"""Compressed logs as streams: gzip, bzip2, xz and Zstandard, told by their first bytes, in bounded memory.

No more is decompressed than is read, so data that would grow a thousandfold costs time alone. A file may be several
members, as ``cat a.gz b.gz`` and parallel compressors write.

Source: RFC 1952 (gzip), RFC 8878 (Zstandard), "The .xz File Format" 1.2.0, the bzip2 manual.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, BinaryIO, cast

from streamtally.errors import SettingsError

BLOCK_BYTES = 64 * 1024
MAX_MEMORY_BYTES = 256 * 2**20
"""What an xz file may ask for its dictionary; ``xz -9`` needs 65 MiB to decompress."""


class BrokenDataError(Exception):
    """Compressed data that is corrupt, truncated, or needs too much memory. The text says what it is."""


@dataclass(frozen=True, slots=True)
class Packing:
    """A way of compression.

    Attributes:
        name: What its data is called in messages.
        magics: What its data may begin with.
        open: Compressed stream → plain stream. Reading it raises :class:`BrokenDataError`.
    """

    name: str
    magics: tuple[bytes, ...]
    open: Callable[[BinaryIO], BinaryIO]


class _Members(io.RawIOBase):
    """The members of compressed data, one after the other.

    Args: start: makes a decompressor like bz2.BZ2Decompressor for one member.
    """

    def __init__(self, source: BinaryIO, name: str, start: Callable[[], Any]) -> None:
        self._source = source
        self._name = name
        self._start = start
        self._member: Any = None
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while True:
            if self._member is None and not self._next_member():
                return 0
            data = self._read(len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)

    def _next_member(self) -> bool:
        """Begin the next member. Returns: whether there is one; zeros after a member are padding."""
        while not (rest := self._rest.lstrip(b"\0")):
            self._rest = self._source.read(BLOCK_BYTES)
            if not self._rest:
                return False
        self._rest, self._member = rest, self._start()
        return True

    def _read(self, size_bytes: int) -> bytes:
        """The next bytes of the member; empty at its end, or if it needs more input."""
        if self._member.needs_input and not self._rest:
            self._rest = self._source.read(BLOCK_BYTES)
            if not self._rest:
                raise BrokenDataError(f"the {self._name} data is corrupt or truncated")
        given, self._rest = self._rest, b""
        try:
            data: bytes = self._member.decompress(given, size_bytes)
        except Exception as error:  # each library has an error of its own
            raise BrokenDataError(_explain(self._name, error)) from None
        if self._member.eof:
            self._rest, self._member = self._member.unused_data, None
        return data


def _explain(name: str, error: Exception) -> str:
    text = str(error).lower()
    if "memory" in text:
        return f"the {name} data needs too much memory: decompress it with its own program, and name the result"
    return f"the {name} data is corrupt or truncated"


class _Gzip(io.RawIOBase):
    """gzip as the standard library reads it, with the errors of this module."""

    def __init__(self, source: BinaryIO) -> None:
        self._file = gzip.GzipFile(fileobj=source, mode="rb")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            data = self._file.read1(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise BrokenDataError("the gzip data is corrupt or truncated") from None
        buffer[: len(data)] = data
        return len(data)


def _zstd() -> Any:
    # Part of the standard library as of Python 3.14; backports.zstd is the same code for the versions before.
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        return import_module(name).ZstdDecompressor()
    except ImportError:
        raise SettingsError(
            f"Zstandard data needs the package {name}: install streamtally[cli], or decompress it with zstd"
        ) from None


def _members(name: str, start: Callable[[], Any]) -> Callable[[BinaryIO], BinaryIO]:
    return lambda source: buffered(_Members(source, name, start))


def buffered(stream: io.RawIOBase) -> BinaryIO:
    """A stream whose small reads cost little."""
    return cast("BinaryIO", io.BufferedReader(stream, BLOCK_BYTES))


def _xz() -> Any:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_MEMORY_BYTES)


_SKIPPABLE = tuple(bytes([low]) + b"\x2a\x4d\x18" for low in range(0x50, 0x60))
"""What frames begin with that hold no data; parallel compressors write one first."""

_BZIP2 = tuple(
    b"BZh%d%b" % (level, block) for level in range(1, 10) for block in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
)
"""The level, then the mark of a block, or that of the end where there is none."""

PACKINGS = (
    Packing("gzip", (b"\x1f\x8b",), lambda source: buffered(_Gzip(source))),
    Packing("bzip2", _BZIP2, _members("bzip2", bz2.BZ2Decompressor)),
    Packing("xz", (b"\xfd7zXZ\0",), _members("xz", _xz)),
    Packing("Zstandard", (b"\x28\xb5\x2f\xfd", *_SKIPPABLE), _members("Zstandard", _zstd)),
)


def find_packing(start: bytes) -> Packing | None:
    """How data that begins with these bytes is compressed; None if it is not."""
    return next((packing for packing in PACKINGS if start.startswith(packing.magics)), None)
