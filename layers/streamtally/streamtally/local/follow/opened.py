"""What a followed name stands for now: a file, a pipe, or nothing that can be followed."""

from __future__ import annotations

import os
import select
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from streamtally.errors import SettingsError
from streamtally.local.compressed import find_packing
from streamtally.local.encodings import find_mark
from streamtally.local.logs import STANDARD_INPUT
from streamtally.local.no_logs import SAMPLE_BYTES, why_no_log

BLOCK_BYTES = 1 << 16


class Pipe:
    """Standard input, or a named pipe, read without waiting.

    Args: ends: whether it ends when its writer closes it. A named pipe may have another writer later.
    """

    def __init__(self, descriptor: int, ends: bool) -> None:
        self._descriptor = descriptor
        self._ends = ends
        self.is_ended = False

    def read(self, limit_bytes: int) -> bytes:
        """What has been written and not read yet."""
        parts: list[bytes] = []
        size = 0
        while size < limit_bytes and not self.is_ended and select.select([self._descriptor], [], [], 0)[0]:
            try:
                part = os.read(self._descriptor, BLOCK_BYTES)
            except BlockingIOError:
                break
            if not part:
                self.is_ended = self._ends
                break
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Let go of it, unless it is standard input."""
        if self._descriptor != 0:
            os.close(self._descriptor)


def open_pipe(name: str) -> Pipe | None:
    """A pipe by its name (``-``: standard input); None: it is something else."""
    if name == STANDARD_INPUT:
        return Pipe(sys.stdin.fileno(), ends=True)
    try:
        mode = Path(name).stat().st_mode
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            return None
        return Pipe(os.open(name, os.O_RDONLY | os.O_NONBLOCK), ends=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{name}: cannot be read: {error.strerror}") from None


def open_file(path: Path) -> BinaryIO:
    """A file, unbuffered. Raises: OSError."""
    return path.open("rb", buffering=0)


def why_not_followed(start: bytes) -> str:
    """Why a file that begins so cannot be followed, and what to do; "" if it can."""
    if packing := find_packing(start):
        return f"is compressed ({packing.name}), so it does not grow by lines: count it without --follow"
    mark = find_mark(start)
    if mark is not None and mark[1] not in ("utf-8", "utf-8-sig"):
        return f"is in {mark[1].upper()}: --follow reads UTF-8; count it without --follow"
    return why_no_log(start[:SAMPLE_BYTES]) if mark is None else ""


def check_followed(name: str) -> None:
    """Check that a name can be followed. A file that does not exist yet can, if its folder does.

    Raises: SettingsError.
    """
    if not name:
        raise SettingsError("the log name is empty: give a file, or - for standard input")
    path = Path(name)
    if name == STANDARD_INPUT:
        return
    if path.is_dir():
        raise SettingsError(f"{name}: is a folder; name the log files in it")
    if not path.exists():
        if not path.absolute().parent.is_dir():
            raise SettingsError(f"{name}: there is no folder {path.absolute().parent}")
        return
    if path.is_file():
        _check_content(name)


def _check_content(name: str) -> None:
    try:
        with open_file(Path(name)) as file:
            reason = why_not_followed(file.read(SAMPLE_BYTES))
    except OSError as error:
        raise SettingsError(f"{name}: cannot be read: {error.strerror}") from None
    if reason:
        raise SettingsError(f"{name}: {reason}")
