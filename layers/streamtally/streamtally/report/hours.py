"""Rows by weekday and hour, as a grid of which darker cells have more rows; ``templates/charts.svg`` draws it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from streamtally.report.data import MinuteCount
from streamtally.report.texts import say

_HOUR_MS: Final = 3_600_000
_FIRST_WEEKDAY: Final = 3  # 1970-01-01 was a Thursday
Grid = list[list[int]]
"""Rows by weekday from Monday, in each by hour from 0."""


class Hour(NamedTuple):
    """A cell of the grid."""

    opacity: str
    """From 0 to 1."""
    words: str
    """What it says when it is hovered."""


class Day(NamedTuple):
    """A row of the grid."""

    name: str
    cells: Sequence[Hour]
    """24."""


@dataclass(frozen=True, slots=True)
class Hours:
    """The grid."""

    macro: ClassVar[str] = "hours"
    label: str
    """What it shows, for a screen reader."""
    days: Sequence[Day]
    """Monday first."""


def weekdays() -> list[str]:
    """The short names of the days, Monday first."""
    return say("weekdays").split()


def to_grid(minutes: Iterable[MinuteCount]) -> Grid:
    """Rows by weekday and hour, in UTC."""
    grid = [[0] * 24 for _ in range(7)]
    for start_ms, _, count in minutes:
        day, hour = divmod(start_ms // _HOUR_MS, 24)
        grid[(day + _FIRST_WEEKDAY) % 7][hour] += count
    return grid


def hours_chart(grid: Grid, label: str) -> Hours:
    """The grid as it is drawn. Hovering a cell shows its number. Args: label: what it shows, for a screen reader."""
    greatest = max(map(max, grid))
    days = zip(weekdays(), grid, strict=True)
    return Hours(label, [Day(name, list(_hours(name, counts, greatest))) for name, counts in days])


def _hours(name: str, counts: Sequence[int], greatest: int) -> Iterator[Hour]:
    for hour, count in enumerate(counts):
        # A cell with one row differs from one without.
        opacity = 0.1 + 0.9 * count / greatest if count else 0.03
        yield Hour(f"{opacity:.2f}", f"{name} {hour:02}:00: {count:,}")
