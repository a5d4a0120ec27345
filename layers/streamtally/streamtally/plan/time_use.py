"""Whether an output's rows differ by their event time within a unit: decided from the plan's tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

from streamtally.plan.codegen import RowSource
from streamtally.times.iso import MS_PER_DAY, MS_PER_MINUTE
from streamtally.times.seconds import SecondsAt

_EVENT = {"time": "event"}
_ANY_MS = 1
_UNITS = {
    "MINUTE": MS_PER_MINUTE,
    "HOUR": 60 * MS_PER_MINUTE,
    **dict.fromkeys(("DAY", "WEEK", "MONTH", "QUARTER", "YEAR"), MS_PER_DAY),
}
"""Unit of FLOOR and EXTRACT → the largest step of which their results are made. Weeks and longer begin with a day."""


@dataclass(frozen=True, slots=True)
class TimeUnit:
    """The unit of time in which an output reads event times.

    Two rows that differ only in the fields of their event time add up to the same if their times are in the same unit,
    counted from the epoch, and both are in the range that is believed.

    Attributes:
        ms: its length.
        read: reads the event time (see ``RowSource.event_time``).
        fields: from which it is read.
        seconds: where its text has the seconds, if the unit has whole minutes; None: it is not known.
    """

    ms: int
    read: Callable[[dict[str, Any], int], int | None]
    fields: frozenset[str]
    seconds: SecondsAt | None = None


def time_unit(parts: Sequence[Mapping[str, Any]], window_ms: int, source: RowSource) -> TimeUnit | None:
    """The unit in which the parts of a windowed output read the event time; None: a millisecond, or another time."""
    if any(part.get("time") != _EVENT for part in parts):
        return None
    others = [value for part in parts for name, value in part.items() if name not in ("time", "also")]
    unit_ms = gcd(window_ms, *_steps(others))
    if unit_ms == _ANY_MS:
        return None
    seconds = source.event_time_seconds if unit_ms % MS_PER_MINUTE == 0 else None
    return TimeUnit(unit_ms, source.event_time, frozenset(source.event_time_fields), seconds)


def _steps(node: Any) -> Iterator[int]:
    """In which steps the expressions below a node read the event time."""
    if isinstance(node, Mapping):
        if node == _EVENT:
            yield _ANY_MS
            return
        step = _step(node)
        if step is not None:
            yield step
            return
    if isinstance(node, Mapping | list | tuple):
        for value in node.values() if isinstance(node, Mapping) else node:
            yield from _steps(value)


def _step(node: Mapping[str, Any]) -> int | None:
    """The step in which a call reads the event time; None: it does not, or in another way."""
    call, args = node.get("call"), node.get("args")
    if not isinstance(args, list) or len(args) != 2 or _EVENT not in args:
        return None
    time, value = (args[0], args[1]) if call == "step" else (args[1], args[0])
    literal = value.get("literal") if isinstance(value, Mapping) else None
    if time != _EVENT:
        return None
    if call == "step":
        return literal if type(literal) is int and literal > 0 else None
    return _UNITS.get(literal) if call in ("floor_time", "extract") and isinstance(literal, str) else None
