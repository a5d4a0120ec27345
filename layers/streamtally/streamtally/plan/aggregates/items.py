"""Aggregates over items: how many distinct ones there are, and which are the most frequent.

Both are exact up to a stated size and say in their state when they are not. A state is made of one batch; only merging
brings more together, so what a batch drops does not depend on any order.
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
"""So many distinct items are counted exactly, as COUNT_DISTINCT_ITEMS_TUMBLING is described to."""
MAX_EXACT_BYTES = 400_000
"""… while their text stays under this, so that a partial fits into a record of 1,000 KiB."""


def item_text(value: Any) -> str:
    """An item's one text: 200 is not "200"."""
    return canonical_json(str(value) if isinstance(value, Decimal) else value).decode()


class CountDistinct(Aggregate):
    """How many distinct items: a set of their texts; beyond EXACT_ITEMS a HyperLogLog (standard error 0.81 %)."""

    def __init__(self, of: SqlType | None) -> None:
        if of is None:
            raise PlanError("a count of distinct items takes an argument")
        super().__init__(of)

    def zero(self) -> State:
        return set()

    def add_source(self, state: str, value: str, add: str) -> str:
        return f"{state}.add({value})"

    def add(self, state: State, value: Any, times: int = 1) -> State:
        return {*state, value}

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
        # The sketch of the same items says the same whichever way they came together.
        return len(state) if len(state) <= EXACT_ITEMS else estimate(_registers(state))

    def to_json(self, state: State) -> Any:
        if isinstance(state, bytes | bytearray):
            return {"hyperloglog": encode_registers(state)}
        items = sorted(item_text(each) if not isinstance(each, _Text) else each for each in state)
        if len(items) > EXACT_ITEMS or sum(map(len, items)) > MAX_EXACT_BYTES:
            return {"hyperloglog": encode_registers(_registers(set(map(_Text, items))))}
        return items

    def from_json(self, value: Any) -> State:
        if isinstance(value, dict):
            return decode_registers(value["hyperloglog"])
        return set(map(_Text, value))


class _Text(str):
    """An item that is its text already, read back from a state."""

    __slots__ = ()


def _registers(state: set[Any] | bytes | bytearray) -> bytes | bytearray:
    if isinstance(state, bytes | bytearray):
        return state
    registers = bytearray(REGISTERS)
    add_items(registers, ((each if isinstance(each, _Text) else item_text(each)).encode() for each in state))
    return bytes(registers)


class _MergingDistinct(Merging):
    """One set that grows, and past EXACT_ITEMS registers that do not."""

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
    """Counts that were read from states: they are never cut again, so that merging is the same in any order."""


class TopItems(Aggregate):
    """Counts of items, for TOP_K_ITEMS_TUMBLING: exact up to EXACT_ITEMS distinct items a batch.

    A batch with more keeps its EXACT_ITEMS most frequent and says how often the most frequent of the others came. So a
    shown count is at most the sum of these figures over the window's batches too low, and never too high.
    """

    has_items = True

    def __init__(self, of: SqlType | None) -> None:
        if of is None:
            raise PlanError("a count of items takes an argument")
        super().__init__(of)

    def zero(self) -> State:
        return {}

    def add_source(self, state: str, value: str, add: str) -> str:
        return f"{state}[{value}] = {state}.get({value}, 0) + n"

    def add(self, state: State, value: Any, times: int = 1) -> State:
        return {**state, value: state.get(value, 0) + times}

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
        if self.of and self.of.name == "DECIMAL":
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
    """One dictionary that grows."""

    def __init__(self, aggregate: Aggregate) -> None:
        super().__init__(aggregate)
        self.state = _Merged(), 0

    def add(self, value: Any) -> None:
        counts, error = self.state
        for text, count in value["items"]:
            counts[text] = counts.get(text, 0) + count
        self.state = counts, error + value["error"]


def _counts(state: State) -> tuple[dict[str, int], int]:
    """(item's text → count, how much a count may be too low)."""
    if isinstance(state, dict):
        return {item_text(item): count for item, count in state.items()}, 0
    items, error = state
    return items, error


def _ranked(items: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(items.items(), key=lambda each: (-each[1], each[0]))


def _fitting(ranked: list[tuple[str, int]]) -> int:
    """How many of the items a partial can hold."""
    size = 0
    for place, (text, _) in enumerate(ranked):
        size += len(text) + 16
        if place >= EXACT_ITEMS or size > MAX_EXACT_BYTES:
            return place
    return len(ranked)
