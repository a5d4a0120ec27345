"""Plain lines that were counted by the fields that an output reads: those that add up to the same, together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from streamtally.formats.base import Row, Scanner
from streamtally.plan.time_use import TimeUnit

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
    Attributes: lines: all that were put together, in the order of the first one of each.
    """

    def __init__(self, unit: TimeUnit | None, make_row: MakeRow) -> None:
        self.lines: list[CountedLines] = []
        self._unit = unit
        self._make_row = make_row
        self._places: dict[tuple[int, int | None], CountedLines] = {}

    def with_bounds(self, bounds: Bounds) -> OfTimes:
        """The lines of certain bounds, by the texts of their times."""
        return OfTimes(self, bounds)

    def place(self, texts: Texts, bounds: Bounds) -> CountedLines:
        """The lines to which a line belongs."""
        place = self._place(texts, bounds)
        lines = None if place is None else self._places.get(place)
        if lines is None:
            lines = CountedLines(texts, bounds, {})
            self.lines.append(lines)
            if place is not None:
                self._places[place] = lines
        return lines

    def _place(self, texts: Texts, bounds: Bounds) -> tuple[int, int | None] | None:
        if self._unit is None or not texts:
            return None
        try:
            time = self._unit.read(self._make_row(texts, bounds.arrival), bounds.arrival)
        except Exception:  # it is raised again when the line is added
            return None
        if time is None:
            return None
        is_believed = bounds.low <= time <= bounds.high
        return time // self._unit.ms, None if is_believed else bounds.arrival // self._unit.ms


class OfTimes(dict[Any, dict[Texts, int]]):
    """The texts of event times, one as it is and several as a tuple → the counts of the lines with such times."""

    __slots__ = ("_bounds", "_together")

    def __init__(self, together: Together, bounds: Bounds) -> None:
        super().__init__()
        self._together = together
        self._bounds = bounds

    def __missing__(self, time: Any) -> dict[Texts, int]:
        texts = (time,) if isinstance(time, str) else time
        counts = self[time] = self._together.place(texts, self._bounds).counts
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
