"""The old application's recorded rows against ours, row by row, with their windows aligned.

Rows of a windowed output are matched by their window's time and their keys, whatever order they came in. The old
application can have given several partial rows for one of these (they are said so, never added up). The first and the
last window of a recording are mostly cut off: what differs there is counted apart.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any

Row = Mapping[str, Any]
MAX_EXAMPLES = 20
FRACTION_DIGITS = 12
"""Fractions are compared to so many digits: a sum of DOUBLEs depends on the order of its rows in the last ones."""
_FRACTIONS = Context(prec=FRACTION_DIGITS)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d(?:\.\d+)?)?(?:Z|\+00:?00)?")


@dataclass(frozen=True, slots=True)
class Columns:
    """An output's columns by their use: ``times`` name the window, ``keys`` the group, ``values`` the result."""

    times: Sequence[str]
    keys: Sequence[str]
    values: Sequence[str]


@dataclass(slots=True)
class Parity:
    """How two results compare, in rows. ``edge``: differences in the first and last window of either recording."""

    equal: int = 0
    different: int = 0
    missing: int = 0
    extra: int = 0
    repeated: int = 0
    edge: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        return not (self.different or self.missing or self.extra or self.repeated)


def columns_of(node: Mapping[str, Any]) -> Columns:
    """The columns of a plan's output; of a row output all are keys: rows are the same or not."""
    times, keys, values = [], [], []
    for column in node["columns"]:
        name, expression = column["name"], column["expr"]
        if node["kind"] != "windowed":
            keys.append(name)
        elif _mentions(expression, "aggregate") or _mentions(expression, "item"):
            values.append(name)
        elif _mentions(expression, "window"):
            times.append(name)
        else:
            keys.append(name)
    return Columns(times, keys, values)


def _mentions(node: Any, word: str) -> bool:
    if isinstance(node, dict):
        return word in node or any(_mentions(each, word) for each in node.values())
    return isinstance(node, list) and any(_mentions(each, word) for each in node)


def compare(ours: Iterable[Row], theirs: Iterable[Row], columns: Columns) -> Parity:
    """How our rows compare with the recorded ones."""
    mine, old = _grouped(ours, columns), _grouped(theirs, columns)
    edges = _edges(mine) | _edges(old) if columns.times else set()
    parity = Parity()
    for place in sorted({*mine, *old}, key=repr):
        _compare_place(place, mine.get(place, []), old.get(place, []), place[0] in edges, parity)
    return parity


Place = tuple[tuple[str, ...], tuple[str, ...]]


def _grouped(rows: Iterable[Row], columns: Columns) -> dict[Place, list[tuple[str, ...]]]:
    found: dict[Place, list[tuple[str, ...]]] = defaultdict(list)
    for row in rows:
        folded = {name.lower(): value for name, value in row.items()}
        parts = [
            tuple(normal(folded.get(name.lower())) for name in names)
            for names in (columns.times, columns.keys, columns.values)
        ]
        found[(parts[0], parts[1])].append(parts[2])
    return found


def _edges(grouped: Mapping[Place, Any]) -> set[tuple[str, ...]]:
    times = sorted({time for time, _ in grouped})
    return {times[0], times[-1]} if times else set()


def _compare_place(
    place: Place, mine: list[tuple[str, ...]], old: list[tuple[str, ...]], is_edge: bool, parity: Parity
) -> None:
    mine, old = sorted(mine), sorted(old)
    if mine == old:
        parity.equal += len(mine)
        return
    rows = max(len(mine), len(old))
    if is_edge:
        parity.edge += rows
        return
    if not mine:
        parity.missing += rows
    elif not old:
        parity.extra += rows
    elif len(old) > len(mine):
        parity.repeated += rows
    else:
        parity.different += rows
    if len(parity.examples) < MAX_EXAMPLES:
        where = " ".join((*place[0], *place[1]))
        parity.examples.append(f"{where}: recorded {_shown(old)}, here {_shown(mine)}")


def _shown(rows: list[tuple[str, ...]]) -> str:
    return " and ".join(" ".join(row) or "a row" for row in rows[:3]) or "nothing"


def normal(value: Any) -> str:
    """A value as text that is the same for the same value: numbers without trailing zeros, fractions to 12
    digits, times as ISO in UTC."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value).strip()
    match = _TIME.fullmatch(text)
    if match:
        moment = datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3] or ':00'}").replace(tzinfo=UTC)
        return moment.isoformat(timespec="milliseconds")
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number.adjusted()) >= 100:
        return text
    if number != number.to_integral_value() and len(number.as_tuple().digits) > FRACTION_DIGITS:
        number = _FRACTIONS.plus(number)
    return f"{number.normalize():f}"
