"""Which outputs a database can merge by itself, and what their partials carry for it: numbers, and the key as text.

COUNT, and SUM, AVG, MIN and MAX of integers come down to sums and extremes of integers (AVG to a sum and a count). A
sum of DOUBLE or DECIMAL, a set or a list of items does not: an output with one of these is merged by its states alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import orjson

from streamtally.plan.aggregates.base import Aggregate, decode_number
from streamtally.plan.aggregates.basic import Avg, Count, Max, Min, Sum

Operation = Literal["count", "sum", "min", "max"]
"""How a number is merged; all but "count" may be NULL."""

MAX_NUMBERS: Final = 16
"""An output of more numbers is merged by its states: the index has this many fields for them."""
MAX_KEY_BYTES: Final = 8_191
"""A longer key is carried in the state alone: an index takes it for no term, or refuses the document."""
LONGS: Final = range(-(2**63), 2**63)
NUMBERS: Final = tuple(f"v{place}" for place in range(MAX_NUMBERS))


Operations = tuple[tuple[Operation, ...], ...]
"""Of an output: for each aggregate, how the numbers of its state are merged."""


def operations_of(aggregates: Sequence[Aggregate]) -> Operations | None:
    """How the numbers of each aggregate's state are merged; None: they are not all integers, or too many."""
    numbers = []
    for aggregate in aggregates:
        operations = _operations(aggregate)
        if operations is None:
            return None
        numbers.append(operations)
    return tuple(numbers) if sum(map(len, numbers)) <= MAX_NUMBERS else None


def _operations(aggregate: Aggregate) -> tuple[Operation, ...] | None:
    kind = type(aggregate)  # exactly: what derives from these has a state of its own
    if kind is Count:
        return ("count",)
    if not aggregate.result.is_integer:
        return None
    known: dict[type[Aggregate], tuple[Operation, ...]] = {
        Sum: ("sum",), Avg: ("sum", "count"), Min: ("min",), Max: ("max",),
    }  # fmt: skip
    return known.get(kind)


def to_merge(operations: Operations | None, state: Mapping[str, Any]) -> dict[str, Any] | None:
    """``tally.merge`` of a partial: its key as text, its numbers that are not NULL, and how many these are.

    Args: state: ``tally.state``.
    Returns: None where a database could not merge it: another kind of output, a number past 64 bits, a long key.
    """
    if operations is None:
        return None
    numbers: list[int | None] = []
    for parts, value in zip(operations, state["aggregates"], strict=True):
        numbers += [decode_number(part) for part in (value if len(parts) > 1 else (value,))]
    carried = {name: number for name, number in zip(NUMBERS, numbers, strict=False) if number is not None}
    if any(number not in LONGS for number in carried.values()):
        return None
    try:
        key = orjson.dumps(state["key"])
    except TypeError:  # a lone surrogate, or an integer past 64 bits
        return None
    if len(key) > MAX_KEY_BYTES:
        return None
    return {"key": key.decode(), "values": len(carried), **carried}


def from_numbers(operations: Operations, key: Sequence[Any], numbers: Sequence[int | None]) -> dict[str, Any]:
    """Merged numbers → a state as partials carry it, which has no use for ``rows`` any more."""
    left = iter(numbers)
    aggregates: list[Any] = []
    for parts in operations:
        values = [next(left) for _ in parts]
        aggregates.append(values if len(parts) > 1 else values[0])
    return {"key": list(key), "rows": 0, "aggregates": aggregates}
