"""Log files as lines, plain or gzip, in bounded memory."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from streamtally.errors import SettingsError

MAX_LINE_BYTES = 1000 * 1024
"""A longer line cannot be a Firehose record."""
STANDARD_INPUT = "-"
_GZIP = b"\x1f\x8b"
_SKIP_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a log."""

    file: str
    number: int
    """From 1."""
    data: bytes
    """Its bytes, including the line end; only the beginning of a line longer than :data:`MAX_LINE_BYTES`."""
    size_bytes: int
    """Of the whole line."""

    @property
    def is_too_long(self) -> bool:
        return self.size_bytes > MAX_LINE_BYTES


def check_logs(names: list[str]) -> None:
    """Check that every log can be opened. Raises: SettingsError: the first that cannot."""
    for name in names:
        if not is_read_once(name):
            with open_log(name):
                pass


def is_read_once(name: str) -> bool:
    """Whether it can be read only once: standard input, a named pipe, a shell's ``<(…)``."""
    return name == STANDARD_INPUT or (Path(name).exists() and not Path(name).is_file() and not Path(name).is_dir())


@contextmanager
def open_log(name: str) -> Iterator[BinaryIO]:
    """A log's bytes, decompressed if it is gzip. Raises: SettingsError."""
    if name == STANDARD_INPUT:
        yield cast(BinaryIO, _decompressed(sys.stdin.buffer))
        return
    if not name:
        raise SettingsError("the log name is empty: give a file, or - for standard input")
    path = Path(name)
    if path.is_dir():
        raise SettingsError(f"{name}: is a folder; name the log files in it")
    try:
        with path.open("rb") as raw:
            yield cast(BinaryIO, _decompressed(raw))
    except FileNotFoundError:
        raise SettingsError(f"{name}: no such file") from None
    except PermissionError:
        raise SettingsError(f"{name}: permission denied") from None


def _decompressed(raw: object) -> object:
    buffered = cast("BinaryIO", raw)
    peek = getattr(buffered, "peek", None)
    start = peek(2)[:2] if peek else b""
    return gzip.GzipFile(fileobj=buffered, mode="rb") if start == _GZIP else buffered


def shown_name(name: str) -> str:
    """A log's name as messages show it."""
    return "standard input" if name == STANDARD_INPUT else name


def read_log(name: str) -> Iterator[LogLine]:
    """The lines of a log. Raises: SettingsError: it cannot be read, or its gzip data is broken."""
    shown = shown_name(name)
    number = 0
    with open_log(name) as log, refuse_broken(shown, lambda: number):
        while data := log.readline(MAX_LINE_BYTES + 1):
            number += 1
            yield LogLine(shown, number, data, len(data) + _skip_rest(log, data))


@contextmanager
def refuse_broken(shown: str, lines: Callable[[], int]) -> Iterator[None]:
    """Turn failures to read a log into SettingsError.

    Args: lines: how many lines have been read.
    """
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise SettingsError(f"{shown}: the gzip data is corrupt or truncated after line {lines()}") from None
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SettingsError(f"{shown}: cannot be read: {error.strerror or error}") from None


def _skip_rest(log: BinaryIO, data: bytes) -> int:
    """Skip the rest of a line that is too long. Returns: the bytes skipped."""
    skipped = 0
    while len(data) > 0 and data[-1:] != b"\n" and (skipped or len(data) > MAX_LINE_BYTES):
        data = log.readline(_SKIP_BYTES)
        skipped += len(data)
    return skipped
