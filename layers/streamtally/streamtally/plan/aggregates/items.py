"""Aggregates over items: the number of distinct items, and the most frequent ones.

Both are exact up to a stated size, and their state says when they are not. A state is made from one batch and only
merged with others, so what a batch drops does not depend on any order.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

from streamtally.errors import PlanError
from streamtally.ids import canonical_json
from streamtally.plan.aggregates.base import Aggregate, Merging, State
from streamtally.plan.aggregates.hyperloglog import (
    REGISTERS,
    add_items,
    decode_registers,
    encode_registers,
    estimate,
    merge_registers,
)
from streamtally.plan.types import SqlType

EXACT_ITEMS = 10_000
"""The number of distinct items up to which counting is exact, as documented for COUNT_DISTINCT_ITEMS_TUMBLING."""
MAX_EXACT_BYTES = 400_000
"""The total text up to which counting is exact, so that a partial fits into a record of 1,000 KiB."""


def item_text(value: Any) -> str:
    """The unique text of an item: 200 and "200" differ."""
    return canonical_json(str(value) if isinstance(value, Decimal) else value).decode()


class CountDistinct(Aggregate):
    """The number of distinct items: a set of them; beyond EXACT_ITEMS a HyperLogLog (standard error 0.81 %)."""

    addition = "{state}.add({value})"

    def __init__(self, argument_type: SqlType | None) -> None:
        if argument_type is None:
            raise PlanError("a count of distinct items takes an argument")
        super().__init__(argument_type)

    def zero(self) -> State:
        return set()

    def merge(self, a: State, b: State) -> State:
        if not (isinstance(a, set) and isinstance(b, set)):
            return merge_registers(_registers(a), _registers(b))
        both = a | b
        return both if len(both) <= EXACT_ITEMS else _registers(both)

    def merging(self) -> Merging:
        return _MergingDistinct(self)

    def finish(self, state: State) -> Any:
        if isinstance(state, bytes | bytearray):
            return estimate(state)
        # A sketch of the same items is the same in whichever order they were merged.
        return len(state) if len(state) <= EXACT_ITEMS else estimate(_registers(state))

    def to_json(self, state: State) -> Any:
        if isinstance(state, bytes | bytearray):
            return {"hyperloglog": encode_registers(state)}
        items = sorted(map(_text_of, state))
        if len(items) > EXACT_ITEMS or sum(map(len, items)) > MAX_EXACT_BYTES:
            return {"hyperloglog": encode_registers(_registers(set(map(_Text, items))))}
        return items

    def from_json(self, value: Any) -> State:
        if isinstance(value, dict):
            return decode_registers(value["hyperloglog"])
        return set(map(_Text, value))


class _Text(str):
    """The text of an item, read from a state."""

    __slots__ = ()


def _text_of(item: Any) -> str:
    return item if isinstance(item, _Text) else item_text(item)


def _registers(state: set[Any] | bytes | bytearray) -> bytes | bytearray:
    if isinstance(state, bytes | bytearray):
        return state
    registers = bytearray(REGISTERS)
    add_items(registers, (_text_of(item).encode() for item in state))
    return bytes(registers)


class _MergingDistinct(Merging):
    """A set that grows and, past EXACT_ITEMS, becomes registers, which do not grow."""

    def add(self, value: Any) -> None:
        if isinstance(value, dict):
            self.state = bytearray(merge_registers(_registers(self.state), decode_registers(value["hyperloglog"])))
        elif isinstance(self.state, set):
            self.state.update(map(_Text, value))
            if len(self.state) > EXACT_ITEMS:
                self.state = bytearray(_registers(self.state))
        else:
            add_items(self.state, (text.encode() for text in value))


class _Merged(dict[str, int]):
    """Counts read from states. They are never cut again, so that merging gives the same result in any order."""


class TopItems(Aggregate):
    """Counts of items, for TOP_K_ITEMS_TUMBLING: exact up to EXACT_ITEMS distinct items per batch.

    A batch with more keeps its EXACT_ITEMS most frequent items, and the largest count that it dropped. A shown count is
    thus too low by at most the sum of these dropped counts over the window's batches, and never too high.
    """

    has_items = True
    addition = "{state}[{value}] = {state}.get({value}, 0) + n"

    def __init__(self, argument_type: SqlType | None) -> None:
        if argument_type is None:
            raise PlanError("a count of items takes an argument")
        super().__init__(argument_type)

    def zero(self) -> State:
        return {}

    def merge(self, a: State, b: State) -> State:
        (items, error), (others, more) = _counts(a), _counts(b)
        merged = _Merged(items)
        for item, count in others.items():
            merged[item] = merged.get(item, 0) + count
        return merged, error + more

    def merging(self) -> Merging:
        return _MergingItems(self)

    def finish(self, state: State) -> Any:
        return len(_counts(state)[0])

    def items(self, state: State) -> list[tuple[Any, int]]:
        counts = _ranked(_counts(state)[0])
        if self.argument_type and self.argument_type.name == "DECIMAL":
            return [(Decimal(orjson.loads(text)), count) for text, count in counts]
        return [(orjson.loads(text), count) for text, count in counts]

    def to_json(self, state: State) -> Any:
        items, error = _counts(state)
        ranked = _ranked(items)
        if isinstance(state, dict):
            kept = _fitting(ranked)
            error = ranked[kept][1] if kept < len(ranked) else 0
            ranked = ranked[:kept]
        return {"items": [[text, count] for text, count in ranked], "error": error}

    def from_json(self, value: Any) -> State:
        return _Merged((text, count) for text, count in value["items"]), value["error"]


class _MergingItems(Merging):
    """A dictionary that grows."""

    def __init__(self, aggregate: Aggregate) -> None:
        super().__init__(aggregate)
        self.state = _Merged(), 0

    def add(self, value: Any) -> None:
        counts, error = self.state
        for text, count in value["items"]:
            counts[text] = counts.get(text, 0) + count
        self.state = counts, error + value["error"]


def _counts(state: State) -> tuple[dict[str, int], int]:
    """(text of an item → count, by how much a count may be too low)."""
    if isinstance(state, dict):
        return {item_text(item): count for item, count in state.items()}, 0
    items, error = state
    return items, error


def _ranked(items: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(items.items(), key=lambda item: (-item[1], item[0]))


def _fitting(ranked: list[tuple[str, int]]) -> int:
    """The number of items that a partial can hold."""
    size = 0
    for index, (text, _) in enumerate(ranked):
        size += len(text) + 16
        if index >= EXACT_ITEMS or size > MAX_EXACT_BYTES:
            return index
    return len(ranked)
