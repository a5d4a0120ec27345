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
from streamtally.formats.row_code import generate
from streamtally.formats.value_code import FLAGS

TEXT = "[^ ]++"
QUOTED = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
INTEGER = r"-?[0-9]{1,18}+|-"
DECIMAL = r"-?[0-9]{1,15}+(?:\.[0-9]{1,15}+)?+|-"
_PATTERNS = {"VARCHAR": TEXT, "INTEGER": r"-?[0-9]{1,9}+|-", "BIGINT": INTEGER, "DOUBLE": DECIMAL}
_ESCAPABLE = r'[^"\\]*+(?:\\.[^"\\]*+)*+'


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
        repeats: whether a value mostly comes again (status codes, durations), so that it pays to remember it; None:
            an INTEGER does, others do not.
        can_be_empty: a number of which nothing but its place may be there; null then.
    """

    name: str
    type: str
    meaning: str
    pattern: str = ""
    before: str = " "
    optional: bool = False
    escaped: bool = False
    nullable: bool = True
    repeats: bool | None = None
    can_be_empty: bool = False

    @property
    def can_be_none(self) -> bool:
        """Whether the pattern's group may take no part."""
        return self.optional or self.can_be_empty

    @property
    def field(self) -> Field:
        """The column as the documentation lists it."""
        return Field(self.name, self.type, self.meaning)

    @property
    def exact_pattern(self) -> str:
        """What it looks like, without what stands before."""
        return self.pattern or _PATTERNS[self.type]

    @property
    def mandatory(self) -> str:
        """What stands before it, and it, as one group, where it must not be missing."""
        return self.before + _as_group(self.exact_pattern)

    @property
    def expression(self) -> str:
        """The same where it may be missing."""
        return f"(?:{self.mandatory})?+" if self.optional else self.mandatory

    @property
    def plain_pattern(self) -> str:
        """Its group in a line without a backslash."""
        return _as_group(self.exact_pattern.replace(_ESCAPABLE, '[^"]*+'))

    @property
    def is_number_looked_up(self) -> bool:
        """Whether it is a number, and such a one."""
        return self.is_looked_up and self.type != "VARCHAR"

    @property
    def is_looked_up(self) -> bool:
        """Whether its values mostly come again."""
        return (self.type == "INTEGER" and not self.can_be_empty) if self.repeats is None else self.repeats


def quoted(name: str, meaning: str, before: str = " ", optional: bool = False) -> Column:
    """A column in double quotes; quotes inside are escaped by a backslash."""
    return Column(name, "VARCHAR", meaning, QUOTED, before, optional, escaped=True)


def _as_group(pattern: str) -> str:
    return pattern if re.compile(pattern).groups else f"({pattern})"


class Layout:
    """Columns in their order; ``end`` is the pattern of what follows the last one.

    Args:
        name: of the format, for its errors; reason: why a line is not of it, short and stable.
        numbers: names of integers that stand together with slashes between them, or alone: all of a line are converted
            at once. It changes no row.
        header: why a line that begins with ``#`` is not of the format.
    """

    def __init__(
        self,
        name: str,
        reason: str,
        columns: Sequence[Column],
        end: str = r"\Z",
        numbers: Sequence[Sequence[str]] = (),
        header: str = "",
    ) -> None:
        self.name = name
        self.reason = reason
        self.columns = tuple(columns)
        self.end = end
        self.numbers = tuple(tuple(run) for run in numbers)
        self.header = header

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields as documentation lists them."""
        return tuple(column.field for column in self.columns)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of a whole line."""
        expression = "".join(column.expression for column in self.columns) + self.end
        return re.compile(expression, FLAGS)

    def compile(self, options: FormatOptions) -> Parser:
        """The generated parser."""
        return generate(self, options)

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
