"""The directives of W3C extended log files, which say how the entries after them read.

``#Fields`` names the columns, ``#Software`` the program that wrote them, ``#Date`` the day of entries that have only a
time. The other directives (``#Version``, ``#Start-Date``, ``#Remark``, those of programs) say nothing about entries.
Source: W3C Working Draft WD-logfile-960323, "Directives".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache

from streamtally.formats.vpc_flow_fields import is_header as is_flow_header
from streamtally.lazy_patterns import pattern_when_used

HEADER = "a header line, not an event"
"""The reason with which header lines are refused."""
MAX_COLUMNS = 200
"""Columns of a header; IIS has 22, and custom ones."""
MAX_CARRIED_CHARS = 8_192
"""Longer header lines are not carried on to the records after theirs, each of which would read them again."""

_DIRECTIVE = pattern_when_used(r"#[ \t]{0,9}([A-Za-z][A-Za-z\-]{0,39})[ \t]{0,9}:")
_DATE = pattern_when_used(r"[ \t]*+([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ \t]++([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?+)?+")
_TIME = pattern_when_used(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?+(?:\.[0-9]*+)?+")
# IIS writes a quote of a request as it is, never to enclose a value: it has + for a space.
_WITHOUT_STRINGS = pattern_when_used(r"[ \t]*+Microsoft Internet Information Serv", re.IGNORECASE)
# Of the specification; a name of spaces without any is a name of words, between tabs.
_IDENTIFIER = pattern_when_used(r"(?:\A|\x20)(?:date|time|(?:c|s|r|cs|sc|sr|rs|x)[\-(])")
_FOLLOWED = ("fields", "software", "date")
EARLY_SECONDS = 60
"""An entry may be this much earlier than the ``#Date`` before it; one that is earlier still is of the next day."""


class Separator(Enum):
    """What separates the cells of an entry, as its header has it between the names."""

    WHITE_SPACE = " "
    TAB = "\t"
    """Only tabs: names and cells may hold spaces (Microsoft's ISA Server and TMG)."""
    COMMA = ","
    """Commas, with an empty cell for a missing value (Microsoft Exchange)."""


def is_header(line: str) -> bool:
    """Whether a line may change how those after it read: a directive, or the header of a flow log."""
    return line[:1] == "#" or (line[:1].islower() and is_flow_header(line))


def directive_of(line: str) -> str:
    """The name of a line's directive in lower case, such as ``fields``; empty if the line is none."""
    match = _DIRECTIVE.match(line) if line[:1] == "#" else None
    return match[1].lower() if match else ""


def to_names(header: str) -> tuple[str, ...]:
    """``"date cs(User-Agent) cs-uri-stem"`` → names that are valid in SQL: date, cs_user_agent, cs_uri_stem."""
    return _known_names(header) if len(header) <= MAX_CARRIED_CHARS else _split_names(header)


def _split_names(header: str) -> tuple[str, ...]:
    separator = _separator(header)
    mark = None if separator is Separator.WHITE_SPACE else separator.value
    names = header.strip().split(mark, MAX_COLUMNS)[:MAX_COLUMNS]
    return tuple(re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_") for name in names)


_known_names = lru_cache(maxsize=64)(_split_names)  # each record of a file has the header before it


def _separator(header: str) -> Separator:
    text = header.strip()
    if "\t" in text and not any(_IDENTIFIER.search(name) for name in text.split("\t") if " " in name):
        return Separator.TAB
    return Separator.COMMA if "," in text and " " not in text else Separator.WHITE_SPACE


@dataclass(frozen=True, slots=True)
class Header:
    """The directives in force.

    Attributes:
        fields: What ``#Fields`` says, unmodified; None: there was none.
        has_strings: Whether a value in quotes is a string, as the specification has it.
        day: The day of ``#Date``; None: there was none.
        second: The second of that day at which entries begin.
        lines: The lines in force, in an order in which they give the same header again.
    """

    fields: str | None = None
    has_strings: bool = True
    day: date | None = None
    second: int = 0
    lines: tuple[str, ...] = ()

    @property
    def carried(self) -> tuple[str, ...]:
        """The lines that are put before other records of the same file; none if they are very long."""
        return self.lines if sum(map(len, self.lines)) <= MAX_CARRIED_CHARS else ()

    @property
    def separator(self) -> Separator:
        """What separates the cells."""
        return _separator(self.fields or "")

    def follow_all(self, lines: Iterable[str]) -> Header:
        """The header after lines, of which only header lines can change it."""
        header = self
        for line in lines:
            if is_header(line):
                header = header.follow(line)
        return header

    def follow(self, line: str) -> Header:
        """The header after a header line."""
        return _known_followed(self, line) if len(line) <= MAX_CARRIED_CHARS else self._followed(line)

    def _followed(self, line: str) -> Header:
        if line[:1] != "#":
            return Header(lines=(line,))
        name = directive_of(line)
        if name not in _FOLLOWED:
            return self
        value = line[line.index(":") + 1 :]
        lines = (*(kept for kept in self.lines if directive_of(kept) != name), line)
        if name == "software":
            return replace(self, has_strings=_WITHOUT_STRINGS.match(value) is None, lines=lines)
        if name == "date":
            day, second = _read_date(value)
            return replace(self, day=day, second=second, lines=lines)
        return replace(self, fields=value, lines=lines)

    def day_of(self, time: object) -> str | None:
        """The day of an entry that has only a time, yyyy-MM-dd; None if the header or the time does not say."""
        match = _TIME.match(time) if isinstance(time, str) else None
        if match is None or self.day is None:
            return None
        seconds = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0)
        return _day_text(self.day, seconds + EARLY_SECONDS < self.second)


_known_followed = lru_cache(maxsize=64)(Header._followed)


def _day_text(day: date, is_next: bool) -> str | None:
    try:
        return (day + timedelta(days=1) if is_next else day).isoformat()
    except OverflowError:
        return None


def _read_date(value: str) -> tuple[date | None, int]:
    match = _DATE.match(value)
    if match is None:
        return None, 0
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        return date(year, month, day), hour * 3600 + minute * 60 + second
    except ValueError:
        return None, 0
