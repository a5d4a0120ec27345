"""The lines of a log in lists: what ``logs.read_log`` reads line by line, for logs of millions of lines."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from streamtally.formats.unwrapping.parts import may_have_parts
from streamtally.local.compressed import BLOCK_BYTES
from streamtally.local.logs import (
    MAX_LINE_BYTES,
    Advance,
    LogLine,
    join_log_parts,
    open_log,
    refuse_broken,
    shown_name,
    skip_rest,
)

LINES_PER_LIST = 1_000
"""How many lines are regrouped where a log is read line by line."""


@dataclass(frozen=True, slots=True)
class LineList:
    """Lines of one log that follow each other."""

    file: str
    numbers: range | list[int]
    """Each line's number, from 1."""
    lines: list[bytes]
    """Each with its line end; only the beginning of one that is too long."""
    too_long: frozenset[int] = frozenset()
    """The indices of the lines that are longer than a record may be."""


def read_line_lists(name: str, advance: Advance) -> Iterator[LineList]:
    """The lines of a log in their order, those of a container's log that came in parts as one.

    Args: advance: is called with the bytes read.
    Raises: SettingsError: it cannot be read, is no log, or its compressed data is broken.
    """
    lists = _read(name, advance)
    for lines in lists:
        if may_have_parts(b"".join(lines.lines)):
            yield from _joined(lines, lists)
            return
        yield lines


def _read(name: str, advance: Advance) -> Iterator[LineList]:
    shown = shown_name(name)
    number = 0
    rest = b""
    with open_log(name, advance=advance) as log, refuse_broken(shown, lambda: number):
        read: Any = log.read1  # type: ignore[attr-defined]
        while block := read(BLOCK_BYTES):
            data = rest + block
            end = data.rfind(b"\n") + 1
            rest = data[end:]
            lines = split_lines(data[:end]) if end else []
            if lines:
                yield make_list(shown, number + 1, lines)
                number += len(lines)
            if len(rest) > MAX_LINE_BYTES:
                yield _long_line(log, shown, number + 1, rest)
                number += 1
                rest = b""
        if rest:
            yield make_list(shown, number + 1, [rest])


def split_lines(data: bytes) -> list[bytes]:
    """Whole lines with their line ends; bytes.splitlines also splits at a carriage return alone."""
    if b"\r" not in data:
        return data.splitlines(keepends=True)
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


def make_list(file: str, first: int, lines: list[bytes]) -> LineList:
    """Whole lines as a list. Args: first: the number of the first one."""
    too_long: frozenset[int] = frozenset()
    if max(map(len, lines)) > MAX_LINE_BYTES:
        too_long = frozenset(index for index, line in enumerate(lines) if len(line) > MAX_LINE_BYTES)
        lines = [line[: MAX_LINE_BYTES + 1] for line in lines]
    if codecs.BOM_UTF8 in b"".join(lines):
        lines = [line.removeprefix(codecs.BOM_UTF8) for line in lines]
    return LineList(file, range(first, first + len(lines)), lines, too_long)


def _long_line(log: BinaryIO, file: str, number: int, start: bytes) -> LineList:
    skip_rest(log, start)
    data = start[: MAX_LINE_BYTES + 1].removeprefix(codecs.BOM_UTF8)
    return LineList(file, range(number, number + 1), [data], frozenset({0}))


def _joined(first: LineList, others: Iterator[LineList]) -> Iterator[LineList]:
    """The rest of a container's log, line by line."""
    waiting: list[LogLine] = []
    for line in join_log_parts(_log_lines(first, others)):
        waiting.append(line)
        if len(waiting) == LINES_PER_LIST:
            yield as_list(waiting)
            waiting = []
    if waiting:
        yield as_list(waiting)


def _log_lines(first: LineList, others: Iterator[LineList]) -> Iterator[LogLine]:
    lists: LineList | None = first
    while lists is not None:
        yield from iter_lines(lists)
        lists = next(others, None)


def iter_lines(lists: LineList) -> Iterator[LogLine]:
    """The lines of a list."""
    for index, (number, line) in enumerate(zip(lists.numbers, lists.lines, strict=True)):
        size_bytes = MAX_LINE_BYTES + 1 if index in lists.too_long else len(line)
        yield LogLine(lists.file, number, line, size_bytes)


def as_list(lines: list[LogLine]) -> LineList:
    """Lines of one log as a list; there is at least one."""
    too_long = frozenset(index for index, line in enumerate(lines) if line.is_too_long)
    return LineList(lines[0].file, [line.number for line in lines], [line.data for line in lines], too_long)
