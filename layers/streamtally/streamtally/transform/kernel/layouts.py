"""The layouts of formats as data for the kernel: each column by the name of its shape, and the texts around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from streamtally.formats import alb, cloudfront, cloudfront_fields, haproxy, s3_access
from streamtally.formats.apache_common import PLAIN_COLUMNS
from streamtally.formats.base import Format, Plain, Scanner
from streamtally.formats.engine import clients
from streamtally.formats.engine.columns import BRACKETED_TIME, CELL, CLF_TIME, ESCAPABLE, QUOTED, TEXT, Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout
from streamtally.formats.engine.scanner import PLAIN_INTEGER, PLAIN_QUOTED, PLAIN_STATUS
from streamtally.formats.unwrapping.inside import InsideParser
from streamtally.formats.unwrapping.parts import MARKS_OF_PARTS
from streamtally.transform.event import EARLIEST_MS, LATEST_MS
from streamtally.transform.kernel.protocol import (
    ALWAYS,
    APART,
    OR_ABSENT,
    OR_NULL,
    WITH,
    DescribedColumn,
    Kernel,
    KernelLayout,
)
from streamtally.transform.lines import CHUNK_BYTES
from streamtally.transform.payload_lines import BYTE_ORDER_MARK
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
"""Pattern of a scanner's column → the kernel's shape for it (``kernel/src/shape.rs``), which takes only texts that the
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
    CELL: "cell",
    f"(?:{QUOTED}|-)": "quoted_or_dash",
    "[0-9a-f]{16,64}+|-": "hex",
    r"[A-Z][A-Za-z0-9]*+\.[\w.\-]++|-": "operation",
    "[0-9]{4}-[0-9]{2}-[0-9]{2}": "form:0000-00-00",
    "[0-9]{2}:[0-9]{2}:[0-9]{2}": "form:00:00:00",
    haproxy.HEADER: "header",
    haproxy.CLIENT: "part",
    r"\[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3})\]": (
        "bracketed_form:00/Aaa/0000:00:00:00.000"
    ),
    r"[^\s/]++": "part",
    r"[A-Za-z\-]{2,4}": "letters",
    r"[A-Za-z\-]{2}": "form:LL",
    haproxy.CAPTURED: "braced",
    r'"([^"]*+)"?+': "unescaped",
}
"""The same for the columns of a layout."""
_LACKED = frozenset(("header", "braced"))
"""The shapes of which the kernel knows that they are not there."""
_QUOTELESS = frozenset(("word", "never"))
_INTEGER = re.compile(r"(?:-\?|\[\+\]\?|\[\+\\-\]\?)?\[0-9\]\{1,(\d+)\}\+?(?:\|-)?")
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
        header: What header lines begin with; empty: the format has none.
        directive: The line by which entries are read, if they are under one; see ``has_directives``.
        has_directives: Whether a record may have W3C's directives: its lines are plain only under ``directive``.
    """

    columns: tuple[DescribedColumn, ...]
    end: str
    scanner: Scanner
    has_escapes: bool
    log_format: Format | None = None
    header: str = ""
    directive: str = ""
    has_directives: bool = False


@dataclass(frozen=True, slots=True)
class LineLayout:
    """What a format's plain lines consist of.

    Attributes:
        columns: In their order.
        end: The pattern after the last one.
        added: The names of columns that came later: rows of lines without them do not have them.
        header: What header lines begin with; empty: the format has none.
    """

    columns: tuple[Column, ...]
    end: str
    added: tuple[str, ...] = ()
    header: str = ""


def _extended(layout: Layout, added: tuple[Column, ...] = (), header: str = "") -> LineLayout:
    """A layout, with the columns that came later before its last one, which holds unknown ones."""
    columns = (*layout.columns[:-1], *added, layout.columns[-1])
    return LineLayout(columns, layout.end, tuple(column.name for column in added), header)


_OWN_PARSERS = {
    alb.compile_alb: _extended(alb.LAYOUT, alb.TRANSFORMS),
    s3_access.compile_s3: _extended(s3_access.LAYOUT, (s3_access.SOURCE_REGION,)),
    cloudfront.compile_cloudfront: _extended(cloudfront_fields.LAYOUT, header="#"),
}
"""The layouts of formats whose parsers do more than to match one."""


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
    columns, end = _described(layout), _literal(layout.end.removesuffix(r"\Z"))
    if columns is None or end is None or not layout.end.endswith(r"\Z"):
        return None
    scanner = unscanned({column.name: column.type for column in layout.columns})
    return PlainLines(columns, end, scanner, has_escapes, log_format, layout.header)


def layout_of(log_format: Format) -> LineLayout | None:
    """The layout of a format whose parser is that of one layout, or whose own parser is known to read one so."""
    made: Any = log_format.compile
    if made in _OWN_PARSERS:
        return _OWN_PARSERS[made]
    layout = made.args[0] if isinstance(made, partial) and made.func is compile_layout and made.args else None
    return LineLayout(layout.columns, layout.end) if isinstance(layout, Layout) and not made.keywords else None


def _scanned(scanner: Scanner, has_escapes: bool) -> PlainLines | None:
    if not scanner.columns or any(pattern not in SHAPES for _, pattern in scanner.columns):
        return None
    columns = tuple(
        (name, SHAPES[pattern], " " if index else "", True, ALWAYS)
        for index, (name, pattern) in enumerate(scanner.columns)
    )
    return PlainLines(columns, "", scanner, has_escapes)


def _described(layout: LineLayout) -> tuple[DescribedColumn, ...] | None:
    """A layout's columns for the kernel; None if it does not have one of their shapes."""
    shapes = [_shape(column) for column in layout.columns]
    described = []
    for index, (column, shape) in enumerate(zip(layout.columns, shapes, strict=True)):
        before, presence = _before(column, shapes[index:]), _presence(layout, index)
        if shape is None or before is None or column.can_be_empty or (presence == APART and shape not in _LACKED):
            return None
        if presence == OR_ABSENT and shape == "word":
            shape = "value"  # a dash cannot be distinguished from a line without the column, so Python reads this line
        described.append((column.name, shape, before, column.nullable, presence))
    return tuple(described)


def _presence(layout: LineLayout, index: int) -> str:
    column = layout.columns[index]
    if column.name in layout.added:
        return OR_ABSENT if column.name == layout.added[0] else WITH
    if not column.optional:
        return ALWAYS
    are_optional = all(other.optional or other.name in layout.added for other in layout.columns[index:])
    return OR_NULL if are_optional else APART


def _before(column: Column, shapes: Sequence[str | None]) -> str | None:
    """The text before a column. Args: shapes: those of the column and of all after it."""
    if column.before == s3_access.NO_MORE_QUOTES:
        return " " if _QUOTELESS.issuperset(shapes) else None
    return _literal(column.before)


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
    return text if pattern == re.escape(text) or pattern in (" ", "\t") else None


def unscanned(types: Mapping[str, str]) -> Scanner:
    """What stands for a scanner where the format has none: no line is plain but those that the kernel takes.

    Args: types: the columns → their SQL types.
    """
    width = len(types)

    def findall(text: str) -> list[Plain]:
        return [("",) * width + (line,) for line in text.split("\n")]

    def encode(_: list[Plain], __: Callable[[int, str], str]) -> list[str]:
        raise NotImplementedError

    return Scanner(
        findall=findall,
        encode=encode,
        positions={name: index for index, name in enumerate(types)},
        integers=frozenset(name for name, type_name in types.items() if type_name in ("INTEGER", "BIGINT")),
        decimals=frozenset(name for name, type_name in types.items() if type_name == "DOUBLE"),
    )


def find_layout(kernel: Kernel, lines: PlainLines, says_scanned: bool = False) -> KernelLayout | None:
    """The kernel's layout of plain lines; None if it does not know one of their shapes.

    Args: says_scanned: see ``Kernel.Layout``.
    """
    # Where there is no scanner, a last line that is but a byte order mark is none: Python sees the record as a whole.
    beginnings = [text for text in (lines.header, "" if lines.scanner.columns else BYTE_ORDER_MARK) if text]
    directive = lines.directive.encode() if lines.has_directives else None
    encoded = tuple(text.encode() for text in beginnings)
    return _layout(kernel, lines.columns, lines.end, lines.has_escapes, encoded, directive, says_scanned)


@lru_cache(maxsize=16)
def _layout(
    kernel: Kernel,
    columns: tuple[DescribedColumn, ...],
    end: str,
    has_escapes: bool,
    beginnings: tuple[bytes, ...],
    directive: bytes | None,
    says_scanned: bool,
) -> KernelLayout | None:
    with suppress(ValueError):
        return kernel.Layout(
            columns=columns,
            end=end,
            has_escapes=has_escapes,
            first_bytes=bytes(sorted(FIRST_BYTES_OF_JSON)),
            marks=sorted(MARKS),
            marks_of_parts=MARKS_OF_PARTS,
            beginnings=beginnings,
            chunk_bytes=CHUNK_BYTES,
            empty_lines=MANY_EMPTY_LINES,
            record_bytes=LONG_BYTES,
            arrivals=(EARLIEST_MS, LATEST_MS),
            directive=directive,
            says_scanned=says_scanned,
        )
    return None
