"""What a partial carries for a database that merges it: the key as text, the numbers, and nothing that is not exact."""

from __future__ import annotations

from typing import Any

import pytest

from streamtally.plan.aggregates.merged import MAX_KEY_BYTES, MAX_NUMBERS, from_numbers, operations_of, to_merge
from streamtally.plan.aggregates.registry import make_aggregate
from streamtally.plan.types import parse_type

COUNTS = (("count",),)


@pytest.mark.parametrize(
    ("aggregates", "operations"),
    [
        ([("count", None)], (("count",),)),
        ([("count", "VARCHAR(10)")], (("count",),)),
        ([("sum", "TINYINT"), ("avg", "BIGINT")], (("sum",), ("sum", "count"))),
        ([("min", "INTEGER"), ("max", "SMALLINT")], (("min",), ("max",))),
        ([], ()),
        ([("count", None)] * MAX_NUMBERS, (("count",),) * MAX_NUMBERS),
        ([("count", None)] * (MAX_NUMBERS + 1), None),
        ([("avg", "INTEGER")] * (MAX_NUMBERS // 2 + 1), None),
        ([("sum", "DOUBLE")], None),
        ([("sum", "REAL")], None),
        ([("sum", "DECIMAL(10,0)")], None),
        ([("avg", "DOUBLE")], None),
        ([("avg", "DECIMAL(12,2)")], None),
        ([("min", "VARCHAR(10)")], None),
        ([("max", "DOUBLE")], None),
        ([("max", "TIMESTAMP")], None),
        ([("min", "DECIMAL(4,1)")], None),
        ([("count_distinct", "INTEGER")], None),
        ([("top_items", "INTEGER")], None),
        ([("var_pop", "INTEGER")], None),
        ([("count", None), ("count_distinct", "VARCHAR(10)")], None),
    ],
)
def test_only_integers_are_merged_elsewhere(aggregates: list[tuple[str, str | None]], operations: Any) -> None:
    """One aggregate that is not exact as integers takes the whole output out."""
    made = [make_aggregate(name, parse_type(sql_type) if sql_type else None) for name, sql_type in aggregates]

    assert operations_of(made) == operations


def state(key: list[Any], *aggregates: Any) -> dict[str, Any]:
    return {"key": key, "rows": 3, "aggregates": list(aggregates)}


@pytest.mark.parametrize(
    ("operations", "partial", "merge"),
    [
        (COUNTS, state([200], 3), {"key": "[200]", "values": 1, "v0": 3}),
        (COUNTS, state(["200"], 3), {"key": '["200"]', "values": 1, "v0": 3}),
        (COUNTS, state([None, "é", 1.0, True], 0), {"key": '[null,"é",1.0,true]', "values": 1, "v0": 0}),
        (COUNTS, state([], 3), {"key": "[]", "values": 1, "v0": 3}),
        ((), state(["a"]), {"key": '["a"]', "values": 0}),
        ((("sum",), ("max",)), state([1], None, -5), {"key": "[1]", "values": 1, "v1": -5}),
        ((("sum", "count"), ("count",)), state([1], [None, 0], 2), {"key": "[1]", "values": 2, "v1": 0, "v2": 2}),
        # States carry integers past 63 bits as text; 64 bits are what a long takes.
        ((("min",),), state([1], "-9223372036854775808"), {"key": "[1]", "values": 1, "v0": -(2**63)}),
        ((("sum",),), state([1], 2**63 - 1), {"key": "[1]", "values": 1, "v0": 2**63 - 1}),
        ((("sum",),), state([1], "9223372036854775808"), None),
        ((("sum", "count"),), state([1], ["-9223372036854775809", 3]), None),
        # Keys that JSON cannot hold, or that are too long for a term: by their bytes.
        (COUNTS, state(["\ud800"], 3), None),
        (COUNTS, state([2**70], 3), None),
        (COUNTS, state(["a" * (MAX_KEY_BYTES - 4)], 3), {"key": f'["{"a" * 8_187}"]', "values": 1, "v0": 3}),
        (COUNTS, state(["a" * (MAX_KEY_BYTES - 3)], 3), None),
        (COUNTS, state(["é" * 4_094], 3), None),
        (None, state([200], 3), None),
    ],
)  # fmt: skip
def test_what_a_partial_carries(operations: Any, partial: dict[str, Any], merge: dict[str, Any] | None) -> None:
    """By hand: the key in JSON without spaces, NULL left out, and how many values there are."""
    assert to_merge(operations, partial) == merge


def test_numbers_become_the_state_again() -> None:
    """An AVG takes two."""
    operations = (("count",), ("sum", "count"), ("min",))

    assert from_numbers(operations, ["a"], [4, 10, 3, None])["aggregates"] == [4, [10, 3], None]
