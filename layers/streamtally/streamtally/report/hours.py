"""Rows by weekday and hour, as a grid of which darker cells have more rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from streamtally.report.data import MinuteCount
from streamtally.report.markup import text
from streamtally.report.texts import say

_HOUR_MS: Final = 3_600_000
_FIRST_WEEKDAY: Final = 3  # 1970-01-01 was a Thursday
_LEFT: Final = 10  # percent of the width, for the days' names
_CELL: Final = 22  # px
_HEIGHT: Final = 7 * _CELL + 20

Grid = list[list[int]]
"""Rows by weekday from Monday, in each by hour from 0."""


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


def hours_chart(grid: Grid, label: str) -> str:
    """The grid as SVG. Hovering a cell shows its number. Args: label: what it shows, for a screen reader."""
    return (
        f'<svg class="chart" role="img" aria-label="{text(label)}" width="100%" height="{_HEIGHT}">'
        f"{''.join(_cells(grid))}{''.join(_labels())}</svg>"
    )


def _cells(grid: Grid) -> Iterator[str]:
    greatest = max(map(max, grid))
    width = (100 - _LEFT) / 24
    days = weekdays()
    for day, counts in enumerate(grid):
        for hour, count in enumerate(counts):
            # A cell with one row differs from one without.
            share = 0.1 + 0.9 * count / greatest if count else 0.03
            yield (
                f'<rect class="c2" x="{_LEFT + hour * width:.2f}%" y="{day * _CELL}" width="{0.92 * width:.2f}%" '
                f'height="{_CELL - 2}" fill-opacity="{share:.2f}">'
                f"<title>{days[day]} {hour:02}:00: {count:,}</title></rect>"
            )


def _labels() -> Iterator[str]:
    for day, name in enumerate(weekdays()):
        yield f'<text y="{day * _CELL + 15}">{name}</text>'
    for hour in range(0, 24, 6):
        yield f'<text x="{_LEFT + hour * (100 - _LEFT) / 24:.2f}%" y="{7 * _CELL + 14}">{hour:02}:00</text>'
