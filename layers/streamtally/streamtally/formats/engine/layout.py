"""Formats whose lines are columns in a fixed order: one pattern, and a parser written out for it.

A layout is the columns with what stands before each. Its pattern is possessive throughout, so a line costs time in
proportion to its length whether it fits or not; its parser is generated, since a loop over the columns would cost more
than the match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from streamtally.errors import FormatError
from streamtally.formats.base import Field, Parser
from streamtally.formats.engine.columns import FLAGS, Column


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

    def locate(self, line: str) -> int:
        """Where in the line the match ends: behind the last column that fits."""
        return match_end([column.expression for column in self.columns], line)


def match_end(pieces: Sequence[str], line: str) -> int:
    """Where the longest run of a pattern's pieces that the line begins with ends."""
    for count in range(len(pieces), 0, -1):
        match = re.match("".join(pieces[:count]), line, re.DOTALL | re.ASCII)
        if match is not None:
            return match.end()
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
