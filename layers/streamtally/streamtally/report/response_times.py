"""Percentiles of response times over time and by path, in bounded memory.

Times are counted after rounding to three significant digits, so a percentile by nearest rank is exact to three digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import nsmallest
from math import ceil
from typing import Final

from streamtally.report.data import PathTimes, TimesAt, TimesOverTime
from streamtally.report.steps import MINUTE_MS, STEPS
from streamtally.report.tops import cut_key

MAX_POINTS: Final = 240
"""Steps of the percentiles over time."""
MAX_SLOT_COUNTS: Final = 500_000
MAX_PATH_COUNTS: Final = 1_000_000
_RANKS: Final = (50, 90, 99)

Counts = dict[int, int]
"""Rounded time in microseconds → rows."""


def round_time(microseconds: float, digits: int = 3) -> int:
    """A time to so many significant digits, as whole microseconds."""
    whole = round(microseconds)
    power, end = 1, 10**digits
    while whole >= end * power:
        power *= 10
    return (whole + power // 2) // power * power


def percentiles(counts: Mapping[int, int]) -> tuple[int, int, int]:
    """p50, p90 and p99 by nearest rank: the least time that at least so many percent of the rows do not exceed."""
    total = sum(counts.values())
    ordered = sorted(counts.items())
    values = []
    below, index = 0, -1
    for rank in _RANKS:
        while below < ceil(rank * total / 100):
            index += 1
            below += ordered[index][1]
        values.append(ordered[index][0])
    return values[0], values[1], values[2]


class ResponseTimes:
    """Response times of rows.

    Over time they are counted by minute, and by longer steps where a log would need too much memory. By path they are
    counted until there are too many; then the rarer half of the paths is left out, and no new path is taken in, so that
    those that are listed have all their rows.
    """

    def __init__(self, max_slot_counts: int = MAX_SLOT_COUNTS, max_path_counts: int = MAX_PATH_COUNTS) -> None:
        self.unknown_fields: dict[str, None] = {}
        """Fields that hold response times in a unit that is not known."""
        self._max_slot_counts, self._max_path_counts = max_slot_counts, max_path_counts
        self._step = 1  # minutes
        self._slots: dict[int, Counts] = {}
        self._paths: dict[str, Counts] = {}
        self._slot_counts = self._path_counts = 0
        self._is_closed = False

    def add(self, minute: int, path: str | None, microseconds: float) -> None:
        """Take in a row. Args: minute: since the epoch."""
        time = round_time(microseconds)
        self._add_slot(minute - minute % self._step, {time: 1})
        if path is not None:
            self._add_path(cut_key(path), {time: 1})

    def merge(self, other: ResponseTimes) -> None:
        """Take in those of other lines."""
        self.unknown_fields.update(other.unknown_fields)
        if other._step > self._step:
            self._widen(other._step)
        for slot, counts in other._slots.items():
            self._add_slot(slot - slot % self._step, counts)
        for path, counts in other._paths.items():
            self._add_path(path, counts)

    def _add_slot(self, slot: int, counts: Counts) -> None:
        self._slot_counts += add_counts(self._slots.setdefault(slot, {}), counts)
        while self._slot_counts > self._max_slot_counts and self._step < STEPS[-1]:
            self._widen(next(step for step in STEPS if step > self._step and step % self._step == 0))

    def _widen(self, step: int) -> None:
        slots, self._slots, self._step = self._slots, {}, step
        self._slot_counts = 0
        for slot, counts in slots.items():
            self._slot_counts += add_counts(self._slots.setdefault(slot - slot % step, {}), counts)

    def _add_path(self, path: str, counts: Counts) -> None:
        known = self._paths.get(path)
        if known is None:
            if self._is_closed:
                return
            known = self._paths[path] = {}
        self._path_counts += add_counts(known, counts)
        if self._path_counts > self._max_path_counts and len(self._paths) > 1:
            self._forget()

    def _forget(self) -> None:
        rows = {path: sum(counts.values()) for path, counts in self._paths.items()}
        middle = sorted(rows.values())[len(rows) // 2]
        self._paths = {path: counts for path, counts in self._paths.items() if rows[path] > middle}
        self._path_counts = sum(map(len, self._paths.values()))
        self._is_closed = True

    def over_time(self) -> TimesOverTime:
        """Percentiles by step: the smallest readable steps of which few enough cover the whole time."""
        if not self._slots:
            return TimesOverTime()
        first, last = min(self._slots), max(self._slots)
        fitting = (step for step in STEPS if step % self._step == 0 and last // step - first // step < MAX_POINTS)
        step = next(fitting, STEPS[-1])
        merged: dict[int, Counts] = {}
        for slot, counts in self._slots.items():
            add_counts(merged.setdefault(slot - slot % step, {}), counts)
        points = [_times_at(slot * MINUTE_MS, merged[slot]) for slot in sorted(merged)]
        overall: Counts = {}
        for counts in merged.values():
            add_counts(overall, counts)
        return TimesOverTime(step * MINUTE_MS, points, _times_at(first * MINUTE_MS, overall))

    def by_path(self, limit: int) -> tuple[PathTimes, ...]:
        """The paths that took the most time in all, most first."""
        return tuple(nsmallest(limit, self._path_times(), key=lambda path: (-path.total_us, path.path)))

    def _path_times(self) -> Iterator[PathTimes]:
        for path, counts in self._paths.items():
            total = sum(time * rows for time, rows in counts.items())
            yield PathTimes(path, sum(counts.values()), total, *percentiles(counts))

    @property
    def leaves_paths_out(self) -> bool:
        """Whether there were too many paths."""
        return self._is_closed


def _times_at(start_ms: int, counts: Counts) -> TimesAt:
    return TimesAt(start_ms, sum(counts.values()), *percentiles(counts))


def add_counts(counts: Counts, more: Mapping[int, int]) -> int:
    """Add counts. Returns: how many entries are new."""
    before = len(counts)
    for time, rows in more.items():
        counts[time] = counts.get(time, 0) + rows
    return len(counts) - before
