"""Plain lines that were counted by the fields that an output reads: those that add up to the same, together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from streamtally.formats.base import Row, Scanner
from streamtally.plan.time_use import TimeUnit
from streamtally.times.iso import MS_PER_MINUTE, MS_PER_SECOND
from streamtally.times.seconds import SecondsAt

Texts = tuple[str, ...]
MakeRow = Callable[[Texts, int], Row]
"""(The texts of an event time's fields, an arrival in ms) → a row with the event time. Raises what Python raises."""


class Bounds(NamedTuple):
    """An arrival, and the first and last event time that it makes believable, in ms."""

    arrival: int
    low: int
    high: int


class CountedLines(NamedTuple):
    """Lines whose event times make no difference to an output.

    Attributes:
        times: the texts of the event time's fields, of one of the lines.
        bounds: of that line.
        counts: the texts of the other fields that the output reads → how many lines have them.
    """

    times: Texts
    bounds: Bounds
    counts: dict[Texts, int]


class Together:
    """Puts lines together that differ by their event time alone, and by that not for an output.

    Two lines belong together if both times are in one unit and are believed; or are not believed, and the arrivals that
    stand for them are in one unit too. A time that cannot be read belongs with equal texts only.

    Args:
        unit: in which the output reads the event time; None: only equal texts belong together.
        seconds: where the texts have their seconds; None: it is not known.
        are_minutes: whether the texts stand for all texts of their minutes (see ``SecondsAt``).
    Attributes:
        lines: all that were put together, in the order of the first one of each.
        is_ambiguous: whether a text stands for a minute whose seconds do not belong together.
    """

    def __init__(
        self, unit: TimeUnit | None, make_row: MakeRow, seconds: SecondsAt | None = None, are_minutes: bool = False
    ) -> None:
        self.lines: list[CountedLines] = []
        self.is_ambiguous = False
        self.seconds = seconds
        self._are_minutes = are_minutes
        self._unit = unit
        self.make_row = make_row
        self._places: dict[tuple[int, int | None], CountedLines] = {}

    def with_bounds(self, bounds: Bounds) -> OfTimes:
        """The lines of certain bounds, by the texts of their times."""
        return OfTimes(self, bounds)

    def place(self, texts: Texts, bounds: Bounds, seconds: int | None = None) -> tuple[CountedLines, bool]:
        """The lines to which a line belongs, and whether all times of its minute belong to them.

        Args: seconds: those of its text, where they are known.
        """
        time = self._time(texts, bounds)
        place = None if time is None else self._place(time, bounds)
        is_minute = time is not None and seconds is not None and _is_minute(time, seconds, bounds)
        if self._are_minutes and time is not None and seconds is not None:
            self.is_ambiguous |= not is_minute
        lines = None if place is None else self._places.get(place)
        if lines is None:
            lines = CountedLines(texts, bounds, {})
            self.lines.append(lines)
            if place is not None:
                self._places[place] = lines
        return lines, is_minute

    def _place(self, time: int, bounds: Bounds) -> tuple[int, int | None]:
        unit_ms = self._unit.ms if self._unit is not None else 1
        return time // unit_ms, None if bounds.low <= time <= bounds.high else bounds.arrival // unit_ms

    def _time(self, texts: Texts, bounds: Bounds) -> int | None:
        """The event time; None: it makes a difference, or cannot be read."""
        if self._unit is None or not texts:
            return None
        try:
            return self._unit.read(self.make_row(texts, bounds.arrival), bounds.arrival)
        except Exception:  # it is raised again when the line is added
            return None


def _is_minute(time: int, seconds: int, bounds: Bounds) -> bool:
    """Whether a text's minute is one of UTC, and all of it is believed or nothing."""
    first = time - time % MS_PER_MINUTE
    last = first + MS_PER_MINUTE - 1
    is_alike = bounds.low <= first <= last <= bounds.high or last < bounds.low or bounds.high < first
    return is_alike and time % MS_PER_MINUTE // MS_PER_SECOND == seconds


class OfTimes(dict[Any, dict[Texts, int]]):
    """The texts of event times, one as it is and several as a tuple → the counts of the lines with such times."""

    __slots__ = ("_bounds", "_minutes", "_seconds", "_together")

    def __init__(self, together: Together, bounds: Bounds) -> None:
        super().__init__()
        self._together = together
        self._bounds = bounds
        self._seconds = together.seconds
        self._minutes: dict[str, dict[Texts, int]] = {}

    def __missing__(self, time: Any) -> dict[Texts, int]:
        split = self._seconds.split(time) if self._seconds is not None and isinstance(time, str) else None
        if split is not None and (known := self._minutes.get(split[0])) is not None:
            self[time] = known
            return known
        texts = (time,) if isinstance(time, str) else time
        lines, is_minute = self._together.place(texts, self._bounds, None if split is None else split[1])
        counts = self[time] = lines.counts
        if split is not None and is_minute:
            self._minutes[split[0]] = counts
        return counts


class FieldValues(dict[str, Any]):
    """The texts of a plain field → its values in a row."""

    __slots__ = ("_scanner", "name")

    def __init__(self, scanner: Scanner, name: str) -> None:
        super().__init__()
        self.name = name
        self._scanner = scanner

    def __missing__(self, text: str) -> Any:
        value = self[text] = self._scanner.value(self.name, text)
        return value
