"""Formats whose lines are columns in a fixed order: one pattern, and a parser written out for it.

A layout is the columns with what stands before each. Its pattern is possessive throughout, so a line costs time in
proportion to its length whether it fits or not; its parser is generated, since a loop over the columns would cost more
than the match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from streamtally.errors import FormatError
from streamtally.formats.base import Field, FormatOptions, Parser
from streamtally.formats.escapes import unescape

TEXT = "[^ ]++"
QUOTED = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
INTEGER = r"-?[0-9]{1,18}+|-"
DECIMAL = r"-?[0-9]{1,15}+(?:\.[0-9]{1,15}+)?+|-"
_PATTERNS = {"VARCHAR": TEXT, "INTEGER": r"-?[0-9]{1,9}+|-", "BIGINT": INTEGER, "DOUBLE": DECIMAL}
_SHOWN_AT_ONCE = 15  # the compiler builds a larger dict display in pieces that it merges, which takes longer
_USUAL = {
    QUOTED: '"([^"]*+)"',  # asked only where the line has no backslash
    "INTEGER": r"[0-9\-]{1,9}+",
    "BIGINT": r"[0-9\-]{1,18}+",
    "DOUBLE": r"[0-9.\-]{1,31}+",
}
_CODE_WITHOUT_NULL = {"VARCHAR": "{0}", "INTEGER": "int({0})", "BIGINT": "int({0})", "DOUBLE": "float({0})"}
# Of a cell that no pattern has seen: float() would take nan, and int() 1_000.
_CELL_CODE = {
    "INTEGER": 'int({0}) if {0}.isdecimal() and len({0}) < 10 else None if {0} == "-" else fail()',
    "BIGINT": 'int({0}) if {0}.isdecimal() and len({0}) < 19 else None if {0} == "-" else fail()',
    "DOUBLE": 'None if {0} == "-" else float({0}) if {0}.replace(".", "0", 1).isdecimal() else fail()',
}
_CODE = {
    "VARCHAR": 'None if {0} == "-" else {0}',
    "INTEGER": 'None if {0} == "-" else int({0})',
    "BIGINT": 'None if {0} == "-" else int({0})',
    "DOUBLE": 'None if {0} == "-" else float({0})',
}


@dataclass(frozen=True, slots=True)
class Column:
    """A field of a layout.

    Attributes:
        name, type, meaning: as the format's documentation gives them; ``-`` is null in every type.
        pattern: what it looks like; its own group if it has one, as QUOTED does, else all of it is the value.
        before: pattern of what stands before it.
        optional: it may be missing with all that follow, and is null then.
        escaped: holds the log's escapes, which ``unescape`` undoes.
        nullable: can be ``-``.
    """

    name: str
    type: str
    meaning: str
    pattern: str = ""
    before: str = " "
    optional: bool = False
    escaped: bool = False
    nullable: bool = True

    @property
    def field(self) -> Field:
        """The column as the documentation lists it."""
        return Field(self.name, self.type, self.meaning)

    @property
    def expression(self) -> str:
        """What stands before it, and it, as one group."""
        pattern = self.pattern or _PATTERNS[self.type]
        one = f"{self.before}{pattern if _has_group(pattern) else f'({pattern})'}"
        return f"(?:{one})?+" if self.optional else one

    @property
    def usual_expression(self) -> str:
        """The same for a line that has the column, without an escape in it, and with its number not checked yet."""
        pattern = self.pattern or _PATTERNS[self.type]
        pattern = _USUAL.get(pattern, pattern) if self.escaped or self.type == "VARCHAR" else _USUAL[self.type]
        return f"{self.before}{pattern if _has_group(pattern) else f'({pattern})'}"

    @property
    def code(self) -> str:
        """The value's expression for a generated parser, of the group's text ``{0}``."""
        if not self.nullable and not self.optional:
            return _CODE_WITHOUT_NULL[self.type]
        code = _CODE[self.type]
        return code.replace("{0} ==", "{0} is None or {0} ==") if self.optional and self.type != "VARCHAR" else code


def quoted(name: str, meaning: str, before: str = " ", optional: bool = False) -> Column:
    """A column in double quotes; quotes inside are escaped by a backslash."""
    return Column(name, "VARCHAR", meaning, QUOTED, before, optional, escaped=True)


def _has_group(pattern: str) -> bool:
    return re.compile(pattern, re.VERBOSE if "\\ " in pattern else 0).groups > 0


class Layout:
    """Columns in their order; ``end`` is the pattern of what follows the last one.

    Args:
        name: of the format, for its errors; reason: why a line is not of it, short and stable.
        separator: a character that stands between all columns and in none of them, where there is one.
    """

    def __init__(
        self, name: str, reason: str, columns: Sequence[Column], end: str = r"\Z", separator: str = ""
    ) -> None:
        self.name = name
        self.reason = reason
        self.columns = tuple(columns)
        self.end = end
        self.separator = separator

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields as documentation lists them."""
        return tuple(column.field for column in self.columns)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of a whole line."""
        expression = "".join(column.expression for column in self.columns) + self.end
        return re.compile(expression, re.DOTALL | re.ASCII)

    @cached_property
    def usual_pattern(self) -> re.Pattern[str]:
        """The pattern of a whole line that has every column, no escape and plain numbers: looser, and faster."""
        expression = "".join(column.usual_expression for column in self._usual_columns) + self.end
        return re.compile(expression, re.DOTALL | re.ASCII)

    @property
    def _usual_columns(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.name != "extra")

    def compile(self, options: FormatOptions) -> Parser:
        """The generated parser: a match and a dict display, first for the usual line, else for any."""
        code = (
            "def parse(line):\n"
            f"{self._usual_code()}"
            "        try:\n"
            f"{self._row_code(self._usual_columns, options, 12, usual=True)}"
            "        except ValueError:\n"  # 1-2 looks like a number to the looser pattern
            "            pass\n"
            "    found = match(line)\n"
            "    if found is None:\n"
            "        raise FormatError(name, reason)\n"
            f"{self._row_code(self.columns, options, 4)}"
        )
        scope: dict[str, Any] = {
            "match_usual": self.usual_pattern.match,
            "begins": re.compile(self.columns[0].expression, re.DOTALL | re.ASCII).match,
            "fail": _fail,
            "BACKSLASH": "\\",
            "match": self.pattern.match,
            "FormatError": FormatError,
            "name": self.name,
            "reason": self.reason,
            "unescape": unescape,
        }
        exec(code, scope)  # noqa: S102 - made of the column names above, nothing of a line or an option
        parser: Parser = scope["parse"]
        return parser

    def _usual_code(self) -> str:
        if self.separator:
            return (
                f"    cells = line.split({self.separator!r})\n"
                f"    if len(cells) == {len(self._usual_columns)} and begins(line) is not None:\n"
            )
        return "    found = None if BACKSLASH in line else match_usual(line)\n    if found is not None:\n"

    def _row_code(self, matched: Sequence[Column], options: FormatOptions, indent: int, usual: bool = False) -> str:
        names = {column.name: f"v{index}" for index, column in enumerate(matched)}
        of_cells = usual and bool(self.separator)
        values = {
            column.name: (_CELL_CODE.get(column.type) if of_cells else None) or _value_code(column, options)
            for column in self.columns
        }
        values = {name: code.format(names.get(name)) for name, code in values.items()}
        items = [(name, values[name] if name in names else "None") for name in values]
        shown = ", ".join(f"{name!r}: {value}" for name, value in items[:_SHOWN_AT_ONCE])
        source = "cells" if of_cells else "found.groups()"
        statements = [f"{', '.join(names.values())}, = {source}", f"row = {{{shown}}}"]
        statements += [f"row[{name!r}] = {value}" for name, value in items[_SHOWN_AT_ONCE:]]
        return "".join(f"{' ' * indent}{statement}\n" for statement in [*statements, "return row"])

    def locate(self, line: str) -> int:
        """Where in the line the match ends: behind the last column that fits."""
        return match_end([column.expression for column in self.columns], line)


def match_end(pieces: Sequence[str], line: str) -> int:
    """Where the longest run of a pattern's pieces that the line begins with ends."""
    for count in range(len(pieces), 0, -1):
        found = re.match("".join(pieces[:count]), line, re.DOTALL | re.ASCII)
        if found is not None:
            return found.end()
    return 0


def _fail() -> None:
    """Called in a generated parser where a cell is no number: then the pattern decides about the line."""
    raise ValueError


def _value_code(column: Column, options: FormatOptions) -> str:
    if not (options.unescape and column.escaped):
        return column.code
    return 'None if {0} is None or {0} == "-" else unescape({0})'


def first_that_fits(parsers: Sequence[Parser]) -> Parser:
    """A parser that tries each in turn; the first one's error stands."""
    first, *others = parsers

    def parse(line: str) -> dict[str, Any]:
        try:
            return first(line)
        except FormatError:
            for other in others:
                try:
                    return other(line)
                except FormatError:
                    continue
            raise

    return parse


def furthest(layouts: Sequence[Layout]) -> Callable[[str], int]:
    """Where the match of the layout that came furthest ends."""
    return lambda line: max(layout.locate(line) for layout in layouts)
