"""The cells that the page needs to follow a selection of a time span and of classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from math import lcm
from typing import Final

from streamtally.report.cells import CellCounts, split_cell
from streamtally.report.data import CellsOfList, MinuteCount, Selection, TopList
from streamtally.report.figures import MAX_STEPS
from streamtally.report.response_times import add_counts
from streamtally.report.steps import CLASSES, MAX_TABLE_STEPS, MINUTE_MS, status_class, step_length

MOST_STEPS: Final = 120
ENTRIES: Final = 60
"""Entries of each list: what is frequent in a selection may be rarer in the whole log."""
MAX_HOURS: Final = 2_400
_PARTS: Final = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
_HOUR_MS: Final = 3_600_000


class Cells:
    """Numbers cells of one report.

    Args:
        minutes: rows by minute and status or level, at least one.
        width: the length of a step that the cells have at least, in minutes.
        minutes_width: the length of the steps of ``minutes``, in minutes.
    """

    def __init__(self, minutes: Sequence[MinuteCount], width: int, minutes_width: int = 1) -> None:
        kinds = {status_class(status) for status in {status for _, status, _ in minutes}}
        self.classes = [kind for kind in CLASSES if kind in kinds]
        self._place: dict[str, int] = {kind: place for place, kind in enumerate(self.classes)}
        starts = [start for start, _, _ in minutes]
        first, last = min(starts) // MINUTE_MS, max(starts) // MINUTE_MS
        drawn, listed = (step_length(starts, most, minutes_width) // MINUTE_MS for most in (MAX_STEPS, MAX_TABLE_STEPS))
        # A step of a selection is whole bars of the chart and whole rows of its table.
        self.width = _width(lcm(drawn, listed, width), first, last)
        self.first = first - first % self.width
        self._places: dict[int, int] = {}

    def place(self, cell: int) -> int:
        """The number that a cell has on the page."""
        known = self._places.get(cell)
        if known is None:
            minute, kind = split_cell(cell)
            known = (minute - self.first) // self.width * len(self.classes) + self._place[kind]
            self._places[cell] = known
        return known

    def flat(self, counts: Mapping[int, int]) -> list[int]:
        """Counts by cell as the page has them."""
        added: dict[int, int] = {}
        for cell, count in counts.items():
            place = self.place(cell)
            added[place] = added.get(place, 0) + count
        return flatten(added)

    def of_list(self, top: TopList, counts: CellCounts) -> CellsOfList:
        """The cells of a list's entries."""
        cells = counts.of_texts((text for text, _ in top.entries), self.place)
        return CellsOfList(top.entries, [flatten(cells[text]) for text, _ in top.entries], self.flat(counts.totals))

    def of_groups(self, top: TopList, counts: CellCounts, members: Mapping[str, Iterable[str]]) -> CellsOfList:
        """The cells of entries that stand for several texts. Args: members: entry → its texts."""
        cells = counts.of_texts(chain.from_iterable(members.values()), self.place)
        totals: dict[int, int] = {}
        for by_cell in cells.values():
            add_counts(totals, by_cell)
        added: list[list[int]] = []
        for entry, _ in top.entries:
            together: dict[int, int] = {}
            for text in members[entry]:
                add_counts(together, cells[text])
            added.append(flatten(together))
        return CellsOfList(top.entries, added, flatten(totals))

    def selection(
        self,
        minutes: Sequence[MinuteCount],
        sizes: Mapping[int, int],
        times: Mapping[int, Mapping[int, int]],
        lists: Mapping[str, CellsOfList],
    ) -> Selection:
        """All of it. Args: sizes, times: by cell."""
        by_cell: dict[int, dict[int, int]] = {}
        for cell, counts in times.items():
            add_counts(by_cell.setdefault(self.place(cell), {}), counts)
        start_ms = self.first * MINUTE_MS
        return Selection(
            start_ms=start_ms,
            step_ms=self.width * MINUTE_MS,
            classes=self.classes,
            rows=self._rows(minutes, self.width * MINUTE_MS, self.first // self.width),
            bytes=self.flat(sizes),
            hours=self._hours(minutes, start_ms),
            times=[(cell, flatten(by_cell[cell])) for cell in sorted(by_cell)],
            lists=lists,
        )

    def _rows(self, minutes: Iterable[MinuteCount], length_ms: int, first: int) -> list[int]:
        """Cells of all rows. Args: length_ms: of a step; first: the number of the first step since the epoch."""
        by_status: dict[tuple[int, int | str | None], int] = {}
        for start, status, rows in minutes:
            cell = start // length_ms, status
            by_status[cell] = by_status.get(cell, 0) + rows
        added: dict[int, int] = {}
        for (step, status), rows in by_status.items():
            place = (step - first) * len(self.classes) + self._place[status_class(status)]
            added[place] = added.get(place, 0) + rows
        return flatten(added)

    def _hours(self, minutes: Sequence[MinuteCount], start_ms: int) -> list[int]:
        starts = {start // _HOUR_MS for start, _, _ in minutes}
        if len(starts) > MAX_HOURS or not _is_day(starts):
            return []
        return self._rows(minutes, _HOUR_MS, start_ms // _HOUR_MS)


def cut_list(top: TopList, limit: int) -> TopList:
    """A list with fewer entries."""
    return replace(top, entries=top.entries[:limit])


def _is_day(hours: set[int]) -> bool:
    """Whether the grid of hours and weekdays is shown."""
    return max(hours) - min(hours) >= 23


def _width(unit: int, first: int, last: int) -> int:
    """The least multiple of a length that covers the time in few steps: whole parts of an hour, or whole hours."""
    length = next(
        (minutes for minutes in _PARTS if minutes % unit == 0 and last // minutes - first // minutes < MOST_STEPS), 0
    )
    if length:
        return length
    length = whole = lcm(unit, _PARTS[-1])
    while last // length - first // length >= MOST_STEPS:
        length += whole
    return length


def flatten(counts: Mapping[int, int]) -> list[int]:
    """Each number, ascending, followed by its count."""
    return [value for number in sorted(counts) for value in (number, counts[number])]
