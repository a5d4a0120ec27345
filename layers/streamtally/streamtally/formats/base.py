"""What a log format is: its description, its examples, and how a parser for it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

Row = dict[str, Any]
"""A parsed line: field name → str, int, float, bool, None (or, of a JSON line, any JSON value), in the line's order."""

MAX_FIELDS = 1_000
"""Of a line that names or numbers its own fields (LTSV, CSV, TSV); a line of more is not of the format.

Real logs have dozens. A field costs a multiple of what its two bytes would elsewhere, and a row of 500,000 keys is 50
times as large as its line.
"""
TOO_MANY_FIELDS = f"more than {MAX_FIELDS:,} fields"

MAX_PAIRS = 250
"""Of a line of logfmt, whose pairs may be flags of two bytes, and cost the most a byte."""
TOO_MANY_PAIRS = f"more than {MAX_PAIRS} fields"

Parser = Callable[[str], Row]
"""One line without its line end → its row. Raises FormatError when the line is not of the format."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a format: its SQL type, and its meaning with the unit where there is one."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Example:
    """A line and the row that it must give; examples are tests and documentation at once."""

    line: str
    row: Row


@dataclass(frozen=True, slots=True)
class FormatOptions:
    """What ``[source]`` says about the lines, beyond the format's name.

    Attributes:
        pattern, fields: the regular expression and its groups' names (format ``regex``).
        types: field name → SQL type; fields that a format leaves as text are converted by it where they can be.
        unescape: undo the log's escapes (``\\"``, ``\\xHH``) instead of keeping fields as they were written.
        delimiter: between the columns of a delimited format.
        zone: the zone of times that carry no offset.
    """

    pattern: str | None = None
    fields: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    unescape: bool = False
    delimiter: str | None = None
    zone: tzinfo = UTC


Plain = tuple[str, ...]
"""A line's fields as a scanner finds them and, last, the line itself if it is not plain (then its fields are empty)."""


@dataclass(frozen=True, slots=True)
class Scanner:
    """A fast way through all lines of a text at once, for the plain lines that most of a log is.

    A plain line is one whose fields need no escape in JSON. For each plain line it must give what the format's parser
    and a JSON encoder give; all others are left to these.

    Attributes:
        findall: a text of lines between ``\\n`` → a tuple a line; the first field is never empty in a plain line.
        encode: those tuples → the lines' JSON, each with its ``\\n``; ``other`` does a line that is not plain, by its
            place and text.
        positions: field → its place in a tuple, in the row's order.
        integers: the fields that are integers; all others are text. ``-`` is None in either.
    """

    findall: Callable[[str], list[Plain]]
    encode: Callable[[list[Plain], Callable[[int, str], str]], list[str]]
    positions: Mapping[str, int]
    integers: frozenset[str]

    def value(self, field_name: str, text: str) -> Any:
        """A plain field's text → its value in a row."""
        return None if text == "-" else int(text) if field_name in self.integers else text

    def row(self, found: Plain) -> Row:
        """A tuple → the row as the parser gives it."""
        return {name: self.value(name, found[place]) for name, place in self.positions.items()}


@dataclass(frozen=True, slots=True)
class Format:
    """A log format.

    Attributes:
        name, aliases: what ``format =`` and ``--format`` take.
        summary: one sentence; source: where the format is specified.
        fields: what a row holds; empty where the options or the line decide.
        compile: makes a parser; raises SettingsError for options that it cannot use.
        passes_text: the line is JSON already and goes on as it came, never serialised again.
        scanner: its fast way, if it has one.
        time_field, time_format: where a row's time is and how it is written, which hold unless the pipeline says
            otherwise; None where a format has none. Two fields are joined by a space.
        time_is_utc: that time has no offset and is always in UTC, whatever zone the pipeline's other times are of.
        locate: a line that the format does not take → the character at which the match ended.
    """

    name: str
    summary: str
    source: str
    fields: tuple[Field, ...]
    examples: tuple[Example, ...]
    compile: Callable[[FormatOptions], Parser]
    aliases: tuple[str, ...] = ()
    passes_text: bool = False
    scanner: Scanner | None = None
    time_field: str | tuple[str, str] | None = None
    time_format: str | None = None
    time_is_utc: bool = False
    locate: Callable[[str], int] | None = None
