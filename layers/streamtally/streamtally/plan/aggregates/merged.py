"""Outputs that a database can merge, and what their partials carry for it: numbers, and the key as text.

COUNT, and SUM, AVG, MIN and MAX of integers reduce to sums and extremes of integers (AVG to a sum and a count). Sums of
DOUBLE or DECIMAL and aggregates over items do not: an output with one of these is merged from its states only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import orjson

from streamtally.plan.aggregates.base import Aggregate, decode_number
from streamtally.plan.aggregates.basic import Avg, Count, Max, Min, Sum

Operation = Literal["count", "sum", "min", "max"]
"""How a number is merged; all except "count" may be NULL."""

MAX_NUMBERS: Final = 16
"""The number of fields for them in the index; an output with more numbers is merged from its states."""
MAX_KEY_BYTES: Final = 8_191
"""A longer key is carried in the state only: an index would not index it as a term, or would reject the document."""
LONGS: Final = range(-(2**63), 2**63)
NUMBERS: Final = tuple(f"v{index}" for index in range(MAX_NUMBERS))

_NUMBER_TYPES = frozenset({int, type(None)})

Operations = tuple[tuple[Operation, ...], ...]
"""For each aggregate of an output, how the numbers of its state are merged."""


def operations_of(aggregates: Sequence[Aggregate]) -> Operations | None:
    """How the numbers of each aggregate's state are merged; None if they are not all integers, or too many."""
    numbers = []
    for aggregate in aggregates:
        operations = _operations(aggregate)
        if operations is None:
            return None
        numbers.append(operations)
    return tuple(numbers) if sum(map(len, numbers)) <= MAX_NUMBERS else None


def _operations(aggregate: Aggregate) -> tuple[Operation, ...] | None:
    kind = type(aggregate)  # compared exactly: a subclass may have another state
    if kind is Count:
        return ("count",)
    if not aggregate.result.is_integer:
        return None
    known: dict[type[Aggregate], tuple[Operation, ...]] = {
        Sum: ("sum",), Avg: ("sum", "count"), Min: ("min",), Max: ("max",),
    }  # fmt: skip
    return known.get(kind)


def to_merge(operations: Operations | None, state: Mapping[str, Any]) -> dict[str, Any] | None:
    """``tally.merge`` of a partial: its key as text, its numbers that are not NULL, and their number.

    Args: state: ``tally.state``.
    Returns: None if a database could not merge it: another kind of output, a number past 64 bits, a long key.
    """
    if operations is None:
        return None
    numbers: list[Any] = []
    for parts, value in zip(operations, state["aggregates"], strict=True):
        if len(parts) > 1:
            numbers += value
        else:
            numbers.append(value)
    if not _NUMBER_TYPES.issuperset(map(type, numbers)):
        numbers = [decode_number(number) for number in numbers]
    carried = dict(zip(NUMBERS, numbers, strict=False))
    if None in numbers:
        carried = {name: number for name, number in carried.items() if number is not None}
    if carried and not (min(carried.values()) in LONGS and max(carried.values()) in LONGS):
        return None
    try:
        key = orjson.dumps(state["key"])
    except TypeError:  # a lone surrogate, or an integer past 64 bits
        return None
    if len(key) > MAX_KEY_BYTES:
        return None
    return {"key": key.decode(), "values": len(carried), **carried}


def from_numbers(operations: Operations, key: Sequence[Any], numbers: Sequence[int | None]) -> dict[str, Any]:
    """Merged numbers → a state in the form in which partials carry it; its ``rows`` are no longer needed."""
    left = iter(numbers)
    aggregates: list[Any] = []
    for parts in operations:
        values = [next(left) for _ in parts]
        aggregates.append(values if len(parts) > 1 else values[0])
    return {"key": list(key), "rows": 0, "aggregates": aggregates}
