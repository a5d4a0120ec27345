"""Merging of sets and counts of items: the same in any order and grouping, and in steps that do not grow."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamtally.plan.aggregates import items as aggregates_items
from streamtally.plan.aggregates.base import Aggregate
from streamtally.plan.aggregates.registry import make_aggregate
from streamtally.plan.types import parse_type
from tests.examples import examples

VARCHAR = parse_type("VARCHAR(64)")


def part(aggregate: Aggregate, values: Any) -> Any:
    """A partial's state as JSON."""
    state = aggregate.zero()
    if isinstance(state, set):
        state.update(values)
    else:
        state.update(Counter(values))
    return json.loads(json.dumps(aggregate.to_json(state)))


def merged(aggregate: Aggregate, values: Any) -> Any:
    merging = aggregate.merging()
    for value in values:
        merging.add(value)
    return aggregate.to_json(merging.state)


def pairwise(aggregate: Aggregate, values: list[Any]) -> Any:
    state = aggregate.from_json(values[0])
    for value in values[1:]:
        state = aggregate.merge(state, aggregate.from_json(value))
    return aggregate.to_json(state)


# Small limits, so that sets, sets that become registers, and registers all meet: whatever the order and the grouping,
# the state is the same, exact while the union is small, and no partial is changed.
@given(st.data())
@settings(max_examples=examples(150), deadline=None)
def test_any_order_and_grouping(data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aggregates_items, "EXACT_ITEMS", 12)
        aggregate = make_aggregate("count_distinct", VARCHAR)
        values = data.draw(
            st.lists(st.lists(st.sampled_from([f"i{n}" for n in range(40)]), max_size=20), min_size=1, max_size=8)
        )
        parts = [part(aggregate, items) for items in values]
        before = json.dumps(parts)
        first = merged(aggregate, parts)
        order = data.draw(st.permutations(parts))
        cut = data.draw(st.integers(1, len(order)))
        assert merged(aggregate, order) == first
        assert pairwise(aggregate, order) == first
        assert merged(aggregate, [merged(aggregate, order[:cut]), *order[cut:]]) == first
        assert json.dumps(parts) == before
        union = {item for items in values for item in items}
        if len(union) <= 12 and not any(isinstance(part, dict) for part in parts):
            assert first == sorted(f'"{item}"' for item in union)
        else:
            assert list(first) == ["hyperloglog"]


@given(st.data())
@settings(max_examples=examples(80), deadline=None)
def test_counts_in_any_order(data: st.DataObject) -> None:
    aggregate = make_aggregate("top_items", VARCHAR)
    values = data.draw(st.lists(st.lists(st.sampled_from("abcdef"), max_size=9), min_size=1, max_size=6))
    parts = [part(aggregate, items) for items in values]
    order = data.draw(st.permutations(parts))
    total = Counter(item for items in values for item in items)
    assert merged(aggregate, order) == merged(aggregate, parts) == pairwise(aggregate, order)
    assert dict(aggregate.items(aggregate.from_json(merged(aggregate, order)))) == total


# At the real limit: 10,000 items are exact, one more is the sketch of all of them, in either order.
def test_at_the_limit() -> None:
    aggregate = make_aggregate("count_distinct", VARCHAR)
    parts = [part(aggregate, [f"{n}" for n in range(start, start + 2_500)]) for start in range(0, 10_000, 2_500)]
    exact = merged(aggregate, parts)
    assert aggregate.finish(aggregate.from_json(exact)) == 10_000
    one = part(aggregate, ["another"])
    past = merged(aggregate, [*parts, one])
    assert past == merged(aggregate, [one, *reversed(parts)])
    assert past == part(aggregate, [*map(str, range(10_000)), "another"])
    assert aggregate.finish(aggregate.from_json(past)) == pytest.approx(10_001, rel=0.03)


def disjoint(aggregate: Aggregate, count: int, size: int) -> Iterator[Any]:
    return (part(aggregate, [f"{index}-{n}" for n in range(size)]) for index in range(count))


# Any number of distinct items takes the memory of the limit and of one partial, not of all of them.
@pytest.mark.large
def test_distinct_items_take_bounded_memory() -> None:
    aggregate = make_aggregate("count_distinct", VARCHAR)
    tracemalloc.start()
    try:
        state = merged(aggregate, disjoint(aggregate, 150, 1_000))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert aggregate.finish(aggregate.from_json(state)) == pytest.approx(150_000, rel=0.03)
    assert peak_bytes < 6_000_000


# What is there already is not copied for each partial.
@pytest.mark.parametrize("name", ["top_items", "count_distinct"])
def test_nothing_is_copied_again(name: str) -> None:
    aggregate = make_aggregate(name, VARCHAR)
    merging = aggregate.merging()
    values = list(disjoint(aggregate, 40, 50))
    merging.add(values[0])
    held = merging.state[0] if name == "top_items" else merging.state
    for value in values[1:]:
        merging.add(value)
    assert (merging.state[0] if name == "top_items" else merging.state) is held
    assert len(held) == 2_000

    if name == "count_distinct":
        for value in disjoint(aggregate, 10, 1_000):
            merging.add(value)
        registers = merging.state
        merging.add(values[0])
        assert merging.state is registers
