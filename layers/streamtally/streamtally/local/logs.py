"""Log files as lines, plain or compressed, in UTF-8, UTF-16 or UTF-32, in bounded memory."""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from streamtally.errors import RecordError, SettingsError
from streamtally.formats.unwrapping.parts import join_parts
from streamtally.local.compressed import BLOCK_BYTES, PACKINGS, BrokenDataError, buffered, find_packing
from streamtally.local.encodings import MARKS, as_utf8, find_mark
from streamtally.local.no_logs import SAMPLE_BYTES, NoLogError, why_no_log

MAX_LINE_BYTES = 1000 * 1024
"""A longer line cannot be a Firehose record."""
STANDARD_INPUT = "-"
_SKIP_BYTES = 1 << 20
_STARTS = tuple(mark for mark, _ in MARKS) + tuple(magic for packing in PACKINGS for magic in packing.magics)

Advance = Callable[[int], object]
"""Called with the number of bytes that were read from a file, as they are in the file."""


def _no_progress(size_bytes: int) -> None:
    """Ignore it."""


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


class _Joined(io.RawIOBase):
    """The bytes that were read ahead, then the rest of the stream."""

    def __init__(self, start: bytes, rest: Any, advance: Advance) -> None:
        self._start = start
        self._rest = rest
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        # What is there is passed on at once: a line that was piped in is shown before the next one is written.
        data = self._start[: len(buffer)] or self._rest.read1(len(buffer))
        self._start = self._start[len(data) :]
        self._advance(len(data))
        buffer[: len(data)] = data
        return len(data)


def check_logs(names: list[str]) -> None:
    """Check that every log can be opened, is a log, and that not all of them are empty.

    Raises: SettingsError: the first that cannot be read.
    """
    for name in names:
        if not is_read_once(name):
            with open_log(name):
                pass
    if names and all(not is_read_once(name) and not Path(name).stat().st_size for name in names):
        raise SettingsError(f"{names[0]}: is empty: there is no line in it")


def is_read_once(name: str) -> bool:
    """Whether it can be read only once: standard input, a named pipe, a shell's ``<(…)``."""
    return name == STANDARD_INPUT or (Path(name).exists() and not Path(name).is_file() and not Path(name).is_dir())


@contextmanager
def open_log(name: str, is_decoded: bool = True, advance: Advance = _no_progress) -> Iterator[BinaryIO]:
    """A log's bytes, decompressed and as UTF-8.

    Args:
        is_decoded: whether a byte order mark is removed, and text in UTF-16 or UTF-32 converted.
        advance: is called with the bytes read.
    Raises: SettingsError: it cannot be opened, or is no log.
    """
    if name == STANDARD_INPUT:
        yield _opened(sys.stdin.buffer, "standard input", is_decoded, advance)
        return
    if not name:
        raise SettingsError("the log name is empty: give a file, or - for standard input")
    path = Path(name)
    if path.is_dir():
        raise SettingsError(f"{name}: is a folder; name the log files in it")
    try:
        with path.open("rb") as raw:
            yield _opened(raw, name, is_decoded, advance)
    except FileNotFoundError:
        raise SettingsError(f"{name}: no such file") from None
    except PermissionError:
        raise SettingsError(f"{name}: permission denied") from None


def _opened(raw: BinaryIO, shown: str, is_decoded: bool, advance: Advance) -> BinaryIO:
    try:
        return plain_stream(raw, is_decoded, advance)
    except NoLogError as error:
        raise SettingsError(f"{shown}: {error}") from None
    except BrokenDataError as error:
        raise SettingsError(f"{shown}: {error} after line 0") from None


def shown_name(name: str) -> str:
    """A log's name as messages show it."""
    return "standard input" if name == STANDARD_INPUT else name


def plain_stream(raw: BinaryIO, is_decoded: bool = True, advance: Advance = _no_progress) -> BinaryIO:
    """A stream, decompressed and as UTF-8. Reading it raises BrokenDataError. The arguments are those of open_log.

    Raises: NoLogError, BrokenDataError.
    """
    start, stream = _read_ahead(raw, advance)
    packing = find_packing(start)
    inside = ""
    if packing is not None:
        start, stream = _read_ahead(packing.open(stream))
        inside = f"holds {packing.name} data of what "
        if again := find_packing(start):
            raise NoLogError(f"is compressed twice ({packing.name}, then {again.name}): decompress it once")
    mark = find_mark(start)
    if mark is None and (reason := why_no_log(start[:SAMPLE_BYTES])):
        raise NoLogError(f"{inside}{reason}")
    if mark is None or not is_decoded:
        return stream
    stream.read(len(mark[0]))
    return as_utf8(stream, mark[1])


def plain_bytes(data: bytes, limit_bytes: int) -> bytes:
    """A whole log's bytes, decompressed and as UTF-8.

    Raises: RecordError: it is no log, its compressed data is broken, or it holds more than ``limit_bytes``.
    """
    try:
        plain = plain_stream(BytesIO(data)).read(limit_bytes + 1)
    except (NoLogError, BrokenDataError, SettingsError) as error:
        raise RecordError(str(error)) from None
    if len(plain) > limit_bytes:
        raise RecordError("the data grows too large")
    return plain


def _read_ahead(raw: BinaryIO, advance: Advance = _no_progress) -> tuple[bytes, BinaryIO]:
    """The first bytes of a stream, and a stream that begins with them.

    It waits for no more bytes than show whether the data is compressed or marked.
    """
    read: Callable[[int], bytes] = raw.read1  # type: ignore[attr-defined]
    start = b""
    while not start or any(len(start) < len(magic) and magic.startswith(start) for magic in _STARTS):
        part = read(BLOCK_BYTES)
        if not part:
            break
        start += part
    return start, buffered(_Joined(start, raw, advance))


def read_log(name: str, advance: Advance = _no_progress) -> Iterator[LogLine]:
    """The lines of a log. A byte order mark is removed, also in front of a line, where files were joined.

    Raises: SettingsError: it cannot be read, is no log, or its compressed data is broken.
    """
    shown = shown_name(name)
    number = 0
    with open_log(name, advance=advance) as log, refuse_broken(shown, lambda: number):
        while data := log.readline(MAX_LINE_BYTES + 1):
            number += 1
            size_bytes = len(data) + skip_rest(log, data)
            yield LogLine(shown, number, data.removeprefix(codecs.BOM_UTF8), size_bytes)


@contextmanager
def refuse_broken(shown: str, lines: Callable[[], int]) -> Iterator[None]:
    """Turn failures to read a log into SettingsError.

    Args: lines: how many lines have been read.
    """
    try:
        yield
    except BrokenDataError as error:
        raise SettingsError(f"{shown}: {error} after line {lines()}") from None
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SettingsError(f"{shown}: cannot be read: {error.strerror or error}") from None


def skip_rest(log: BinaryIO, data: bytes) -> int:
    """Skip the rest of a line that is too long. Returns: the bytes skipped."""
    skipped = 0
    while len(data) > 0 and data[-1:] != b"\n" and (skipped or len(data) > MAX_LINE_BYTES):
        data = log.readline(_SKIP_BYTES)
        skipped += len(data)
    return skipped


def join_log_parts(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """The lines, those of a container's log that came in parts as one."""
    return join_parts(lines, _text_of_line, _with_text)


def _text_of_line(line: LogLine) -> str:
    return "" if line.is_too_long else line.data.rstrip(b"\r\n").decode("latin-1")  # whatever the bytes are


def _with_text(line: LogLine, text: str) -> LogLine:
    data = text.encode("latin-1") + b"\n"
    return replace(line, data=data, size_bytes=len(data))
