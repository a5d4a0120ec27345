"""Layouts: formats whose lines are columns in a fixed order, matched by one pattern.

A layout is a sequence of columns, each with what precedes it. Its pattern is possessive throughout, so the time for a
line grows linearly with its length whether it fits or not. ``generate`` writes the parser, since a loop over the
columns would cost more than the match.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any

from streamtally.errors import FormatError
from streamtally.formats.base import Field, Parser
from streamtally.formats.engine.columns import FLAGS, Column
from streamtally.formats.engine.escapes import unescape

_ANYTHING = re.compile("").match


class Layout:
    """Columns in their order.

    Args:
        name: The format's name, for errors.
        reason: Why a line does not fit, short and stable.
        columns: The columns.
        end: The pattern of what follows the last column.
        numbers: Names of integers that are separated by slashes or by single spaces, or stand alone; all of a line's
            are converted in one call. This affects speed only, no row.
        recurring: Names of columns that follow one another and whose values recur together (the status codes of a
            load balancer and of its target; a cipher and its protocol). A run is looked up as one text, so none of its
            columns may have a value of its own in most lines, such as an id. This affects speed only, no row.
        header: Why a line that begins with ``#`` does not fit; empty: ``reason``.
        undo: Undoes the log's escapes, where ``unescape`` asks for it.
    """

    def __init__(
        self,
        name: str,
        reason: str,
        columns: Sequence[Column],
        end: str = r"\Z",
        numbers: Sequence[Sequence[str]] = (),
        header: str = "",
        undo: Callable[[str], str] = unescape,
        recurring: Sequence[Sequence[str]] = (),
    ) -> None:
        self.name = name
        self.reason = reason
        self.columns = tuple(columns)
        self.end = end
        self.numbers = tuple(tuple(run) for run in numbers)
        self.header = header
        self.undo = undo
        self.recurring = tuple(tuple(run) for run in recurring)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields as the documentation lists them."""
        return tuple(column.field for column in self.columns)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of a whole line."""
        return re.compile("".join(self._pieces) + self.end, FLAGS)

    @cached_property
    def _pieces(self) -> tuple[str, ...]:
        return tuple(column.expression for column in self.columns)

    def locate(self, line: str) -> int:
        """Where in the line the match ends: after the last column that fits."""
        return match_end(self._pieces, line)


def match_end(pieces: Sequence[str], line: str) -> int:
    """Where the match of the longest prefix of a pattern's pieces ends; 0 if not even the first piece matches."""
    all_pieces, matched, end = tuple(pieces), 0, 0
    most = len(all_pieces)
    while matched < most:  # a line that a prefix matches, all shorter ones match too
        count = (matched + most + 1) // 2
        match = _compile_prefix(all_pieces, count).match(line)
        if match is None:
            most = count - 1
        else:
            matched, end = count, match.end()
    return end


@lru_cache(maxsize=1024)
def _compile_prefix(pieces: tuple[str, ...], count: int) -> re.Pattern[str]:
    return re.compile("".join(pieces[:count]), FLAGS)


def common_beginning(layouts: Sequence[Layout]) -> re.Pattern[str]:
    """The pattern of the columns with which all of these layouts begin."""
    beginnings = zip(*(layout.columns for layout in layouts), strict=False)
    common = itertools.takewhile(lambda columns: columns.count(columns[0]) == len(columns), beginnings)
    return re.compile("".join(columns[0].expression for columns in common), FLAGS)


def first_that_fits(parsers: Sequence[Parser], could_fit: Callable[[str], object] = _ANYTHING) -> Parser:
    """A parser that tries each parser in turn. If all fail, it raises the first one's error.

    Args: could_fit: True or a match for every line that any of them accepts: only then, more than the first are tried.
    """
    first, *others = parsers

    def parse(line: str) -> dict[str, Any]:
        try:
            return first(line)
        except FormatError:
            for other in others if could_fit(line) else ():
                try:
                    return other(line)
                except FormatError:
                    continue
            raise

    return parse


def furthest(layouts: Sequence[Layout]) -> Callable[[str], int]:
    """A function that tells where the match of the layout that got furthest ends."""
    return lambda line: max(layout.locate(line) for layout in layouts)
