"""Compares the recorded rows of the old application with Streamtally's, row by row, with their windows aligned.

Rows of a windowed output are matched by their window's time and their keys, in any order. The old application may have
written several partial rows for one window and key; these are counted as repeated and never added up. The first and
the last window of a recording are usually incomplete: differences in them are counted separately.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any

ResultRow = Mapping[str, Any]
MAX_EXAMPLES = 20
FRACTION_DIGITS = 12
"""How many digits of fractions are compared: the last digits of a sum of DOUBLEs depend on the order of its rows."""
_FRACTIONS = Context(prec=FRACTION_DIGITS)
_TIME = re.compile(
    r"""
    (\d{4}-\d\d-\d\d) [ T] (\d\d:\d\d)    # date, hours and minutes
    (:\d\d (?: \.\d+ )? )?                # seconds and their fraction
    (?: Z | \+00:?00 )?                    # UTC only
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class OutputColumns:
    """An output's columns by their use.

    Attributes:
        times: the columns with the window's time.
        keys: the columns that identify the group.
        values: the columns with results.
    """

    times: Sequence[str]
    keys: Sequence[str]
    values: Sequence[str]


@dataclass(slots=True)
class Parity:
    """The comparison of two results, in rows.

    Attributes:
        equal: rows that are equal.
        different: rows with other values.
        missing: rows that only the recording has.
        extra: rows that only Streamtally has.
        repeated: rows of windows and keys for which the recording has more rows than Streamtally.
        edge: rows that differ in the first or last window of either result.
        examples: some differences, one line each.
    """

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


def columns_of(node: Mapping[str, Any]) -> OutputColumns:
    """The columns of a plan's output. In a row output all columns are keys: rows are equal or not."""
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
    return OutputColumns(times, keys, values)


def _mentions(node: Any, word: str) -> bool:
    if isinstance(node, dict):
        return word in node or any(_mentions(item, word) for item in node.values())
    return isinstance(node, list) and any(_mentions(item, word) for item in node)


def compare(ours: Iterable[ResultRow], theirs: Iterable[ResultRow], columns: OutputColumns) -> Parity:
    """Compares Streamtally's rows (ours) with the recorded ones (theirs)."""
    mine, old = _grouped(ours, columns), _grouped(theirs, columns)
    edges = _edges(mine) | _edges(old) if columns.times else set()
    parity = Parity()
    for group in sorted({*mine, *old}, key=repr):
        _compare_group(group, mine.get(group, []), old.get(group, []), group[0] in edges, parity)
    return parity


GroupKey = tuple[tuple[str, ...], tuple[str, ...]]
"""The values of the time columns and of the key columns."""


def _grouped(rows: Iterable[ResultRow], columns: OutputColumns) -> dict[GroupKey, list[tuple[str, ...]]]:
    groups: dict[GroupKey, list[tuple[str, ...]]] = defaultdict(list)
    for row in rows:
        folded = {name.lower(): value for name, value in row.items()}
        parts = [
            tuple(normal(folded.get(name.lower())) for name in names)
            for names in (columns.times, columns.keys, columns.values)
        ]
        groups[(parts[0], parts[1])].append(parts[2])
    return groups


def _edges(grouped: Mapping[GroupKey, Any]) -> set[tuple[str, ...]]:
    times = sorted({time for time, _ in grouped})
    return {times[0], times[-1]} if times else set()


def _compare_group(
    group: GroupKey, mine: list[tuple[str, ...]], old: list[tuple[str, ...]], is_edge: bool, parity: Parity
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
        where = " ".join((*group[0], *group[1]))
        parity.examples.append(f"{where}: recorded {_shown(old)}, here {_shown(mine)}")


def _shown(rows: list[tuple[str, ...]]) -> str:
    return " and ".join(" ".join(row) or "a row" for row in rows[:3]) or "nothing"


def normal(value: Any) -> str:
    """A value as text, equal for equal values: numbers without trailing zeros, fractions with 12 digits, times as ISO
    8601 in UTC."""
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
