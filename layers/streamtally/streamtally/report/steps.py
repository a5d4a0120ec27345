"""Groups minutes by status or level into steps by class, few enough to draw."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from streamtally.report.data import MinuteCount, ReportData
from streamtally.report.texts import say
from streamtally.text import visible

OTHER: Final = "other"
CLASSES: Final = ("2xx", "3xx", "4xx", "5xx", "1xx", "info", "debug", "warning", "error", OTHER)
"""In the order in which they are stacked. ``other``: a status outside 100 to 599, a level of another name, neither."""
_LEVELS: Final = {
    "error": ("emerg", "emergency", "panic", "alert", "crit", "critical", "fatal", "error", "err", "severe"),
    "warning": ("warn", "warning"),
    "info": ("notice", "info", "information", "informational"),
    "debug": ("debug", "trace", "verbose", *(f"trace{number}" for number in range(1, 9))),
}
"""Class → the levels of syslog, Apache, nginx and the usual loggers in it."""
_CLASS_OF: Final = {level: kind for kind, levels in _LEVELS.items() for level in levels}

MINUTE_MS: Final = 60_000
MAX_TABLE_STEPS: Final = 240
"""Rows of the table of a chart over time."""
# Steps that are easy to read, in minutes: up to a day, then days, a week, a month and a year.
STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 43_200, 525_600)


@dataclass(frozen=True, slots=True)
class Steps:
    """Counts by class over time."""

    step_ms: int
    """The length of a step."""
    starts: tuple[int, ...]
    """Starts of the steps with rows, in ms since the epoch, ascending."""
    counts: dict[str, tuple[int, ...]]
    """Class → one count per start; only classes that occur."""

    def total(self, index: int) -> int:
        """All rows of a step."""
        return sum(counts[index] for counts in self.counts.values())


def status_class(status: int | str | None) -> str:
    """``404`` → ``4xx``; a level such as ``crit`` → ``error``."""
    if isinstance(status, str):
        return _CLASS_OF.get(status.lower(), "other")
    return f"{status // 100}xx" if status is not None and 100 <= status <= 599 else "other"


def to_steps(minutes: Collection[MinuteCount], max_steps: int, least_minutes: int = 1) -> Steps:
    """Add minutes up to steps: the smallest readable ones of which ``max_steps`` cover the whole time.

    Args: least_minutes: the length of the steps in which the minutes are already.
    """
    width = step_length([start for start, _, _ in minutes], max_steps, least_minutes)
    by_status: dict[tuple[int, int | str | None], int] = {}
    for start_ms, status, count in minutes:  # of a quiet log one for nearly every line: its class comes after adding up
        cell = start_ms // width, status
        by_status[cell] = by_status.get(cell, 0) + count
    by_step: dict[int, dict[str, int]] = {}
    for (number, status), count in by_status.items():
        counts = by_step.setdefault(number, {})
        kind = status_class(status)
        counts[kind] = counts.get(kind, 0) + count
    occurring = set().union(*by_step.values())
    return _in_order(by_step, width, [kind for kind in CLASSES if kind in occurring])


def sum_steps(minutes: Collection[tuple[int, int]], kind: str, max_steps: int, least_minutes: int = 1) -> Steps:
    """The same for one kind of numbers. Args: minutes: (start in ms since the epoch, number)."""
    width = step_length([start for start, _ in minutes], max_steps, least_minutes)
    by_step: dict[int, dict[str, int]] = {}
    for start_ms, count in minutes:
        counts = by_step.setdefault(start_ms // width, {kind: 0})
        counts[kind] += count
    return _in_order(by_step, width, [kind])


def step_length(starts: Collection[int], max_steps: int, least_minutes: int = 1) -> int:
    """The length of the smallest readable steps of which so many cover the whole time, in ms.

    Args:
        starts: of minutes, in ms since the epoch.
        least_minutes: of which a step is a multiple.
    """
    if not starts:
        return MINUTE_MS * least_minutes
    return MINUTE_MS * _step_minutes(min(starts) // MINUTE_MS, max(starts) // MINUTE_MS, max_steps, least_minutes)


def _in_order(by_step: dict[int, dict[str, int]], width: int, kinds: list[str]) -> Steps:
    order = sorted(by_step)
    totals = {kind: tuple(by_step[number].get(kind, 0) for number in order) for kind in kinds}
    return Steps(width, tuple(number * width for number in order), totals if order else {})


def _step_minutes(first: int, last: int, max_steps: int, least: int) -> int:
    for step in STEPS:
        if step % least == 0 and last // step - first // step < max_steps:
            return step
    years = STEPS[-1]
    return years * -(-(last - first + 1) // (years * max(max_steps - 1, 1)))


def step_name(step_ms: int) -> str:
    """``60000`` → ``minute``; ``300000`` → ``5 minutes``."""
    minutes = step_ms // MINUTE_MS
    for name, length in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes % length == 0:
            count = minutes // length
            return say(name) if count == 1 else say(f"{name}s", count=count)
    raise AssertionError("a step is whole minutes")  # pragma: no cover


def day_label(start_ms: int) -> str:
    """``2025-03-01``, in UTC."""
    return time_label(start_ms).partition(" ")[0]


def time_label(start_ms: int) -> str:
    """``2025-03-01 08:47``, in UTC. Times outside the calendar's years are shown as a number."""
    try:
        return datetime.fromtimestamp(start_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return f"{start_ms} ms"


def subject(data: ReportData) -> str:
    """The log and its period: ``access.log and 2 more, 2025-03-01 00:00 to 2025-03-02 08:47``."""
    name = visible(data.inputs[0].rpartition("/")[2] if data.inputs else data.pipeline, 200)
    if len(data.inputs) > 1:
        name = say("more_logs", subject=name, count=len(data.inputs) - 1)
    if not data.status_by_minute:
        return name
    starts = [start for start, _, _ in data.status_by_minute]
    first, last = time_label(min(starts)), time_label(max(starts))
    return say("moment" if first == last else "period", subject=name, first=first, last=last)
