"""States of inner windows and keys, kept apart inside one state: what levels and sliding windows are composed of.

The state of a group maps (start of an inner window, inner key) to the inner states there. Partials merge cell by cell,
so each inner result is complete whenever the group is, in any order of the batches. Only then is something computed
over the inner results.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import orjson

from streamtally.plan.aggregates.base import Aggregate, Merging, Slot, State
from streamtally.plan.aggregates.basic import Count, Sum
from streamtally.plan.types import SqlType

Cell = tuple[Any, ...]
"""(start of the inner window in ms, *inner key values)."""
Entry = list[Any]
"""As JSON: [start in ms, key values, rows, states that are not the number of rows]."""

_ROWS = 0


class Cells(Aggregate):
    """Cells and their inner states, each a list as rows are added to it: [rows, rows out of range, *states].

    Args:
        slots: the inner aggregates; one at position 0 is the number of rows.
        key_types: the types of the inner key's values.
    """

    def __init__(self, slots: Sequence[Slot], key_types: Sequence[SqlType]) -> None:
        super().__init__(None)
        self._slots = [slot for slot in slots if slot.index != _ROWS]
        self._all = slots
        self._decimals = [index for index, sql_type in enumerate(key_types) if sql_type.name == "DECIMAL"]
        self._width = len(key_types)
        self.is_ordered = any(slot.aggregate.is_ordered for slot in slots)

    def zero(self) -> State:
        return {}

    def merge(self, a: State, b: State) -> State:
        return self._merge_into({cell: list(states) for cell, states in a.items()}, b)

    def merging(self) -> Merging:
        return _MergingCells(self)

    def _merge_into(self, into: dict[Cell, list[Any]], cells: dict[Cell, list[Any]]) -> dict[Cell, list[Any]]:
        for cell, states in cells.items():
            merged = into.get(cell)
            into[cell] = states if merged is None else self.merge_inner(merged, states)
        return into

    def merge_inner(self, a: list[Any], b: list[Any]) -> list[Any]:
        """The inner states of the rows of both."""
        merged = [a[0] + b[0], a[1] + b[1], *a[2:]]
        for slot in self._slots:
            merged[slot.index] = slot.aggregate.merge(a[slot.index], b[slot.index])
        return merged

    def finish_inner(self, states: list[Any]) -> list[Any]:
        """The values of all inner aggregates."""
        return [slot.aggregate.finish(states[slot.index]) for slot in self._all]

    def zeros(self) -> list[Any]:
        """The inner states of no rows."""
        return [0, 0, *(slot.aggregate.zero() for slot in self._slots)]

    def to_json(self, state: State) -> Any:
        return self.entries(state.items())

    def entries(self, cells: Iterable[tuple[Cell, list[Any]]]) -> list[Entry]:
        """Cells as JSON, in an order that depends on nothing but their start and key."""
        entries = [
            [cell[0], [str(value) if isinstance(value, Decimal) else value for value in cell[1:]], states[_ROWS], [
                slot.aggregate.to_json(states[slot.index]) for slot in self._slots
            ]]
            for cell, states in cells
        ]  # fmt: skip
        return sorted(entries, key=lambda entry: (entry[0], repr(entry[1])))

    def from_json(self, value: Any) -> State:
        cells: dict[Cell, list[Any]] = {}
        for start, key, rows, states in value:
            if type(start) is not int or type(rows) is not int or rows < 0 or not isinstance(states, list):
                raise ValueError("a cell of the wrong kind")
            if not isinstance(key, list) or len(key) != self._width:
                raise ValueError("a cell's key of the wrong kind")
            values = [
                Decimal(value) if index in self._decimals and value is not None else value
                for index, value in enumerate(key)
            ]
            cells[(start, *values)] = [rows, 0, *self._inner(states)]
        return cells

    def _inner(self, states: list[Any]) -> Iterator[Any]:
        for slot, value in zip(self._slots, states, strict=True):
            kind = type(slot.aggregate)
            if kind in (Count, Sum) and type(value) not in (int, str) and (value is not None or kind is Count):
                raise ValueError("a number of the wrong kind")
            yield slot.aggregate.from_json(value)


class _MergingCells(Merging):
    """Merges into one mapping, so that a state costs as much as it has cells."""

    aggregate: Cells

    def add(self, value: Any) -> None:
        self.aggregate._merge_into(self.state, self.aggregate.from_json(value))


MAX_PART_BYTES = 400_000
"""A partial holds about as many bytes of cells as this; what is more goes into further partials."""


def split(aggregate: Cells, cells: dict[Cell, list[Any]]) -> Iterator[dict[Cell, list[Any]]]:
    """Cells in parts that fit into a document; the same cells are always split in the same way."""
    ordered = sorted(cells.items(), key=lambda item: (item[0][0], repr(item[0][1:])))
    part: dict[Cell, list[Any]] = {}
    size = 0
    for cell, states in ordered:
        added = _size(aggregate.entries([(cell, states)]))
        if part and size + added > MAX_PART_BYTES:
            yield part
            part, size = {}, 0
        part[cell] = states
        size += added
    yield part


def _size(entries: list[Entry]) -> int:
    try:
        return len(orjson.dumps(entries))
    except TypeError:  # a lone surrogate, or an integer past 64 bits: written by another encoder, about as long
        return len(repr(entries))
