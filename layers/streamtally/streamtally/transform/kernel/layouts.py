"""The layouts of formats as data for the kernel: each column by the name of its shape, and the texts around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from streamtally.formats.alb import WITH_TRANSFORMS, compile_alb
from streamtally.formats.apache_common import PLAIN_COLUMNS
from streamtally.formats.base import Format, Plain, Scanner
from streamtally.formats.engine import clients
from streamtally.formats.engine.columns import BRACKETED_TIME, CLF_TIME, ESCAPABLE, QUOTED, TEXT, Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout
from streamtally.formats.engine.scanner import PLAIN_INTEGER, PLAIN_QUOTED, PLAIN_STATUS
from streamtally.formats.unwrapping.inside import InsideParser
from streamtally.formats.unwrapping.parts import MARKS_OF_PARTS
from streamtally.transform.event import EARLIEST_MS, LATEST_MS
from streamtally.transform.kernel.protocol import DescribedColumn, Kernel, KernelLayout
from streamtally.transform.lines import CHUNK_BYTES
from streamtally.transform.record_lines import FIRST_BYTES_OF_JSON, MANY_EMPTY_LINES
from streamtally.transform.records import LONG_BYTES, MARKS
from streamtally.transform.source import Source

SHAPES = {
    dict(PLAIN_COLUMNS)["host"]: "host",
    f"({clients.PLAIN_IDENT})": "ident",
    clients.PLAIN_USER: "user",
    BRACKETED_TIME: "bracketed_time",
    PLAIN_QUOTED: "quoted",
    PLAIN_STATUS: "status",
    PLAIN_INTEGER: "integer",
}
"""Pattern of a scanner's column → the kernel's shape for it (``kernel/src/layout.rs``), which takes only texts that the
pattern takes."""
COLUMN_SHAPES = {
    clients.HOSTS: "host",
    clients.HOST: "host",
    clients.IDENT: "ident",
    clients.USER: "user",
    BRACKETED_TIME: "bracketed_time",
    CLF_TIME: "time",
    QUOTED: "quoted",
    ESCAPABLE: "escapable",
    TEXT: "word",
    "[^ ]*+": "word",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,18}+Z": "iso_time",
    "[a-z]++/[^ ]++|-": "path",
    "https?|h2|grpcs|wss?": "scheme",
    ".++": "never",
    "[0-9]{3}|-": "status",
    "[0-9]{1,3}|-": "status",
}
"""The same for the columns of a layout."""
_INTEGER = re.compile(r"(?:-\?)?\[0-9\]\{1,(\d+)\}\+?(?:\|-)?")
_DECIMAL = re.compile(r"(?:-\?)?\[0-9\]\{1,(?:9|15)\}\+?\(\?:\\\.\[0-9\]\{1,(?:9|15)\}\+?\)\?\+?(?:\|-)?")
# A word before a space and what follows it (``directives/directive.py``): what follows is in the columns after it.
_WORD_BEFORE = re.compile(r"\[\^ \]\*\+\(\?:\\ \(\?!.*\)\[\^ \]\*\+\)\*\+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PlainLines:
    """The plain lines of a source, as the kernel reads them.

    Attributes:
        columns: What a line consists of.
        end: The text after the last column.
        scanner: Says what values mean; it decides on lines of which the kernel is not certain, if the format has one.
        has_escapes: Whether values with escapes are passed on unmodified.
        log_format: The format by whose roles rows are completed before they are counted; None: they are not.
    """

    columns: tuple[DescribedColumn, ...]
    end: str
    scanner: Scanner
    has_escapes: bool
    log_format: Format | None = None


def plain_lines(source: Source) -> PlainLines | None:
    """The plain lines of a source; None: the kernel reads none of its lines."""
    has_escapes = not source.settings.unescape
    if source.scanner is not None:
        return _scanned(source.scanner, has_escapes)
    log_format = source.constant_format
    # Any other parser changes rows, or looks into lines for others.
    if log_format is None or log_format.begins_with_text or type(source.parse) is not InsideParser:
        return None
    layout = layout_of(log_format)
    if layout is None or source.event_time_needs_arrival:
        return None
    columns, end = _described(layout.columns), _literal(layout.end.removesuffix(r"\Z"))
    if columns is None or end is None or not layout.end.endswith(r"\Z"):
        return None
    return PlainLines(columns, end, _unscanned(layout.columns), has_escapes, log_format)


def layout_of(log_format: Format) -> Layout | None:
    """The layout of a format whose parser is that of one layout, or of ALB's newest one."""
    made: Any = log_format.compile
    if made is compile_alb:
        return WITH_TRANSFORMS
    layout = made.args[0] if isinstance(made, partial) and made.func is compile_layout and made.args else None
    return layout if isinstance(layout, Layout) and not made.keywords else None


def _scanned(scanner: Scanner, has_escapes: bool) -> PlainLines | None:
    if not scanner.columns or any(pattern not in SHAPES for _, pattern in scanner.columns):
        return None
    columns = tuple(
        (name, SHAPES[pattern], " " if index else "", True, False)
        for index, (name, pattern) in enumerate(scanner.columns)
    )
    return PlainLines(columns, "", scanner, has_escapes)


def _described(columns: Sequence[Column]) -> tuple[DescribedColumn, ...] | None:
    """A layout's columns for the kernel; None if it does not have one of their shapes."""
    described = []
    for column in columns:
        shape, before = _shape(column), _literal(column.before)
        if shape is None or before is None or column.can_be_empty:
            return None
        described.append((column.name, shape, before, column.nullable, column.optional))
    return tuple(described)


def _shape(column: Column) -> str | None:
    pattern = column.exact_pattern
    if column.type == "VARCHAR":
        return "word" if _WORD_BEFORE.fullmatch(pattern) else COLUMN_SHAPES.get(pattern)
    if column.type == "DOUBLE":
        return "decimal" if _DECIMAL.fullmatch(pattern) else None
    if pattern in COLUMN_SHAPES:
        return COLUMN_SHAPES[pattern]
    integer = _INTEGER.fullmatch(pattern)
    return f"integer:{integer[1]}" if integer and int(integer[1]) <= 18 else None


def _literal(pattern: str) -> str | None:
    """The text that a pattern stands for, if it is but a text."""
    text = re.sub(r"\\([^0-9A-Za-z])", r"\1", pattern)
    return text if pattern in (text, re.escape(text)) and (pattern == re.escape(text) or text == " ") else None


def _unscanned(columns: Sequence[Column]) -> Scanner:
    """What stands for a scanner where the format has none: no line is plain but those that the kernel takes."""
    width = len(columns)

    def findall(text: str) -> list[Plain]:
        return [("",) * width + (line,) for line in text.split("\n")]

    def encode(_: list[Plain], __: Callable[[int, str], str]) -> list[str]:
        raise NotImplementedError

    return Scanner(
        findall=findall,
        encode=encode,
        positions={column.name: index for index, column in enumerate(columns)},
        integers=frozenset(column.name for column in columns if column.type in ("INTEGER", "BIGINT")),
        decimals=frozenset(column.name for column in columns if column.type == "DOUBLE"),
    )


def find_layout(kernel: Kernel, lines: PlainLines) -> KernelLayout | None:
    """The kernel's layout of plain lines; None if it does not know one of their shapes."""
    return _layout(kernel, lines.columns, lines.end, lines.has_escapes)


@lru_cache(maxsize=16)
def _layout(kernel: Kernel, columns: tuple[DescribedColumn, ...], end: str, has_escapes: bool) -> KernelLayout | None:
    with suppress(ValueError):
        return kernel.Layout(
            columns=columns,
            end=end,
            has_escapes=has_escapes,
            first_bytes=bytes(sorted(FIRST_BYTES_OF_JSON)),
            marks=sorted(MARKS),
            marks_of_parts=MARKS_OF_PARTS,
            chunk_bytes=CHUNK_BYTES,
            empty_lines=MANY_EMPTY_LINES,
            record_bytes=LONG_BYTES,
            arrivals=(EARLIEST_MS, LATEST_MS),
        )
    return None
