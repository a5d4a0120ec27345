"""A file that is read while it grows, by its handle: its name may be another one's by then."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO

SEEN_BYTES = 1024
"""So many bytes from the start of a file, and before the position in it, show whether it still is what was read."""
Identity = tuple[int, int]
"""A file's device and inode: its own as long as it is open."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of a file, as far as it is kept: enough to know the file again, or its copy."""

    head: bytes
    """Its first bytes."""
    last: bytes
    """The bytes before the position."""
    position: int

    def is_of(self, handle: BinaryIO) -> bool:
        """Whether a file begins with all that was read."""
        before = os.pread(handle.fileno(), len(self.last), self.position - len(self.last))
        return self.is_start_of(handle) and before == self.last

    def is_start_of(self, handle: BinaryIO) -> bool:
        """Whether a file has the same first bytes."""
        return bool(self.head) and os.pread(handle.fileno(), len(self.head), 0) == self.head


class Tail:
    """An open file and how far it is read.

    Args:
        handle: unbuffered.
        position: where reading begins, in bytes.
    """

    def __init__(self, handle: BinaryIO, position: int = 0) -> None:
        self._handle = handle
        self.identity = identity_of(os.fstat(handle.fileno()))
        self._position = position
        self._head = self._pread(min(position, SEEN_BYTES), 0)
        self._last = self._pread(min(position, SEEN_BYTES), max(position - SEEN_BYTES, 0))
        self._skips_zeros = False

    @property
    def seen(self) -> Seen:
        """What was read of it."""
        return Seen(self._head, self._last, self._position)

    @property
    def links(self) -> int:
        """How many names the file has; 0: it is deleted, and gone once it is closed."""
        return os.fstat(self._handle.fileno()).st_nlink

    @property
    def left(self) -> int:
        """The bytes that are not read yet."""
        return max(os.fstat(self._handle.fileno()).st_size - self._position, 0)

    def read(self, limit_bytes: int) -> bytes | None:
        """The next bytes; empty: there are none yet; None: what was read is no longer in the file."""
        # One read covers the bytes that are known and those that are new, so that nothing can happen in between.
        known = len(self._last)
        data = self._pread(known + limit_bytes, self._position - known)
        if data[:known] != self._last or os.fstat(self._handle.fileno()).st_size < self._position:
            return None
        data = data[known:]
        self._position += len(data)
        self._head += data[: SEEN_BYTES - len(self._head)]
        self._last = (self._last + data)[-SEEN_BYTES:]
        if self._skips_zeros and data:
            data = data.lstrip(b"\0")
            self._skips_zeros = not data
        return data

    def restart(self) -> None:
        """Read the file from its start, after it was truncated.

        A writer that does not append goes on at its old offset; the bytes before it are zeros then, and no lines.
        """
        self._position, self._head, self._last = 0, b"", b""
        self._skips_zeros = True

    def close(self) -> None:
        """Let go of the file."""
        self._handle.close()

    def _pread(self, size_bytes: int, position: int) -> bytes:
        return os.pread(self._handle.fileno(), size_bytes, position) if size_bytes else b""


def identity_of(stat: os.stat_result) -> Identity:
    """A file's device and inode."""
    return stat.st_dev, stat.st_ino
