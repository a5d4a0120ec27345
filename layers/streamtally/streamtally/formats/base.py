"""What a log format is: its description, its examples, and how a parser for it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

Row = dict[str, Any]
"""A parsed line: field name → str, int, float, bool, None (or, of a JSON line, any JSON value), in the line's order."""

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


@dataclass(frozen=True, slots=True)
class Format:
    """A log format.

    Attributes:
        name, aliases: what ``format =`` and ``--format`` take.
        summary: one sentence; source: where the format is specified.
        fields: what a row holds; empty where the options or the line decide.
        compile: makes a parser; raises SettingsError for options that it cannot use.
        passes_text: the line is JSON already and goes on as it came, never serialised again.
    """

    name: str
    summary: str
    source: str
    fields: tuple[Field, ...]
    examples: tuple[Example, ...]
    compile: Callable[[FormatOptions], Parser]
    aliases: tuple[str, ...] = ()
    passes_text: bool = False
