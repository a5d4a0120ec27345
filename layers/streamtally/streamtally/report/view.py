"""What a page shows, as plain data: sections of paragraphs, tables and charts. The templates make HTML of it.

Texts are as they are in the log. They are made visible, cut and escaped where a template inserts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple, Protocol

Value = str | int | float
"""A text, a count, or a percentage."""
NUMBER: Final = "number"
TEXT: Final = "text"


class Digits(str):
    """A number that is shown as it is written, without separators."""

    __slots__ = ()


class Component(Protocol):
    """A part of a page."""

    macro: ClassVar[str]
    """The name of the macro of ``templates/components.html`` that makes its HTML."""


class Cell(NamedTuple):
    """A cell of a table."""

    text: str
    kind: str
    """``number`` or ``text``."""
    bar: str = ""
    """The width of the bar below the text, in percent; empty: there is none."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    macro: ClassVar[str] = "paragraph"
    words: str
    kind: str = ""
    """``soft`` beside a chart, ``good``, ``bad``, or empty."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a region that can be scrolled."""

    macro: ClassVar[str] = "table"
    caption: str
    label: str
    """The region's name for a screen reader, unique on the page."""
    columns: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    shown: int
    """How many rows are shown until there is a selection."""
    kind: str = "scroll"
    """``scroll``, or ``list`` for one whose rows have bars."""


@dataclass(frozen=True, slots=True)
class Details:
    """A part that is closed at first."""

    macro: ClassVar[str] = "details"
    summary: str
    part: Component


class Tile(NamedTuple):
    """A number with what it counts."""

    number: str
    words: str
    name: str = ""
    """By which the script finds it; empty: it does not."""
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Tiles:
    """A row of tiles."""

    macro: ClassVar[str] = "tiles"
    tiles: Sequence[Tile]


@dataclass(frozen=True, slots=True)
class Section:
    """A section with its heading."""

    macro: ClassVar[str] = "section"
    heading: str
    parts: Sequence[Component]
    follows: str = ""
    """How its numbers follow a selection; empty: they are always those of the whole log."""


def section(heading: str, *parts: Component, follows: str = "") -> Section:
    """A section of parts. Args: follows: how its numbers follow a selection."""
    return Section(heading, parts, follows)


def details(summary: str, part: Component) -> Details:
    """A part that is closed at first."""
    return Details(summary, part)


def note(words: str) -> Paragraph:
    """A paragraph beside a chart."""
    return Paragraph(words, "soft")


def table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Value]], label: str = "") -> Table:
    """A table with integers right-aligned. A column is one of numbers if its first cell is.

    Args: label: the name of its region for a screen reader, unique on the page; the caption if it is empty.
    """
    cells = [list(map(_cell, row)) for row in rows]
    return Table(caption, label or caption, _heads(columns, rows), cells, len(cells))


def bar_table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Value]],
    sizes: Sequence[int],
    shown: int | None = None,
) -> Table:
    """A table that is its own chart: a bar under the first cell of each row, which is a text.

    Args:
        sizes: what the bar of each row stands for; the greatest is as wide as the cell.
        shown: how many rows are shown until there is a selection; None: all.
    """
    greatest = max(sizes, default=0)
    cells = [
        [Cell(str(row[0]), TEXT, _bar(size, greatest)), *map(_cell, row[1:])]
        for row, size in zip(rows, sizes, strict=True)
    ]
    shown = len(cells) if shown is None else shown
    return Table(caption, caption, _heads(columns, rows), cells, shown, "list")


def _bar(size: int, greatest: int) -> str:
    return f"{100 * size / greatest if greatest > 0 else 0:.1f}"


def _heads(columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> list[Cell]:
    kinds = [_kind(value) for value in rows[0]] if rows else [TEXT] * len(columns)
    return [Cell(name, kind) for name, kind in zip(columns, kinds, strict=True)]


def _kind(value: Value) -> str:
    return NUMBER if isinstance(value, int | float | Digits) else TEXT


def _cell(value: Value) -> Cell:
    if isinstance(value, int):
        return Cell(f"{value:,}", NUMBER)
    if isinstance(value, float):
        return Cell(f"{value:.1f} %", NUMBER)
    return Cell(value, NUMBER if isinstance(value, Digits) else TEXT)
