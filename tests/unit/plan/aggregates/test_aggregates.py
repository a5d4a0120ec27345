"""Aggregates as zero, add, merge and finish: the same result in any order, through JSON and in any number of parts."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamtally.definition import define_pipeline
from streamtally.plan.aggregates.registry import AGGREGATES, OTHERS, make_aggregate
from streamtally.plan.types import parse_type
from streamtally.plan.windowed import WindowedOutput
from streamtally.transform.documents import encode_document
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import transform
from tests.examples import examples
from tests.unit.events import ARRIVAL, combined, documents, merged, run

integers = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=12)
doubles = st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300), max_size=12)
decimals = st.lists(st.decimals(-(10**9), 10**9, places=2), max_size=12)


def truncated(total: int, count: int) -> int:
    return abs(total) // count * (-1 if total < 0 else 1)


@pytest.mark.parametrize(
    ("name", "type_name", "strategy", "expected"),
    [
        ("count", "BIGINT", integers, len),
        ("sum", "BIGINT", integers, lambda values: sum(values) if values else None),
        ("sum", "DECIMAL(12,2)", decimals, lambda values: sum(values, Decimal(0)) if values else None),
        ("sum", "DOUBLE", doubles, lambda values: float(sum(map(Fraction, values))) if values else None),
        ("min", "DOUBLE", doubles, lambda values: min(values, default=None)),
        ("max", "BIGINT", integers, lambda values: max(values, default=None)),
        ("avg", "BIGINT", integers, lambda values: truncated(sum(values), len(values)) if values else None),
        ("avg", "DECIMAL(12,2)", decimals, lambda values: sum(values, Decimal(0)) / len(values) if values else None),
    ],
)
@given(data=st.data())
@settings(max_examples=examples(80), deadline=None)
def test_parts_in_any_order_merge_to_the_whole(
    name: str, type_name: str, strategy: Any, expected: Callable[[Any], Any], data: st.DataObject
) -> None:
    """Exact: against Python's integers, decimals and fractions."""
    values = data.draw(strategy)
    aggregate = make_aggregate(name, parse_type(type_name))
    cut = data.draw(st.integers(0, len(values)))
    parts = [values[:cut], values[cut:]]
    states = []
    for part in data.draw(st.permutations(parts)):
        state = aggregate.zero()
        for value in data.draw(st.permutations(part)):
            state = aggregate.add(state, value)
        states.append(aggregate.from_json(json.loads(json.dumps(aggregate.to_json(state)))))
    assert aggregate.finish(aggregate.merge(*states)) == expected(values)


@given(st.floats(-1e10, 1e10), st.integers(1, 9))
def test_adding_a_value_several_times_is_adding_it_so_often(value: float, times: int) -> None:
    """Equal rows are counted first and added together."""
    for name in ("count", "sum", "min", "max", "avg"):
        aggregate = make_aggregate(name, parse_type("DOUBLE"))
        one_by_one = aggregate.zero()
        for _ in range(times):
            one_by_one = aggregate.add(one_by_one, value)
        assert aggregate.finish(aggregate.add(aggregate.zero(), value, times)) == aggregate.finish(one_by_one)


@pytest.mark.parametrize("name", [*AGGREGATES, *OTHERS])
@pytest.mark.parametrize("type_name", ["BIGINT", "DOUBLE", "DECIMAL(12,2)"])
def test_an_addition_is_the_same_in_line_and_as_a_method(name: str, type_name: str) -> None:
    """Generated code holds the statement; other aggregates call the method."""
    aggregate = make_aggregate(name, parse_type(type_name))
    of_type = {"BIGINT": int, "DOUBLE": float, "DECIMAL(12,2)": Decimal}[type_name]
    statement = aggregate.add_source("state", "value", "add")
    by_method, names = aggregate.zero(), {"state": aggregate.zero(), "add": aggregate.add}
    for line, (number, times) in enumerate(((3, 1), (-2, 4), (3, 2), (7, 1))):
        value = ((0, "", line), of_type(number)) if aggregate.is_ordered else of_type(number)
        by_method = aggregate.add(by_method, value, times)
        names |= {"value": value, "n": times}
        exec(statement, names)
    assert names["state"] == by_method


def test_a_sum_beyond_a_double_is_null_whatever_the_order() -> None:
    """It overflows to NULL, through JSON as well, and never raises."""
    aggregate = make_aggregate("sum", parse_type("DOUBLE"))
    state = aggregate.add(aggregate.add(aggregate.zero(), 1.7e308), 1.7e308)
    again = aggregate.from_json(json.loads(json.dumps(aggregate.to_json(state))))
    assert aggregate.finish(again) is None
    assert aggregate.finish(aggregate.merge(again, aggregate.add(None, 1.0))) is None
    assert math.isfinite(aggregate.finish(aggregate.add(None, 1.0)))


def test_sums_beyond_64_bits_stay_exact_through_json() -> None:
    """JSON readers would turn them into doubles; the state holds text."""
    aggregate = make_aggregate("sum", parse_type("BIGINT"))
    state = aggregate.add(aggregate.zero(), 2**63 - 1, 5)
    assert aggregate.to_json(state) == str(5 * (2**63 - 1))
    assert aggregate.finish(aggregate.from_json(aggregate.to_json(state))) == 5 * (2**63 - 1)


COLUMN = {"column": "bytes"}
ONE = {"literal": 1, "type": "BIGINT"}
BY_ARRIVAL: dict[str, Any] = {
    "time": {"time": "arrival"},
    "where": {"op": "<>", "args": [{"column": "response"}, {"literal": 404, "type": "INTEGER"}]},
    "keys": [],
    "aggregates": [
        {"name": "n", "function": "count", "argument": None},
        {"name": "sent", "function": "sum", "argument": COLUMN},
        {"name": "least", "function": "min", "argument": COLUMN},
    ],
    "columns": [
        {"name": "until", "type": "TIMESTAMP", "expr": {"window": "end"}},
        {"name": "n", "type": "BIGINT", "expr": {"aggregate": "n"}},
        {"name": "sent", "type": "BIGINT", "expr": {"aggregate": "sent"}},
        {"name": "least", "type": "BIGINT", "expr": {"aggregate": "least"}},
        {
            "name": "each",
            "type": "BIGINT",
            "expr": {"op": "/", "args": [{"aggregate": "sent"}, {"op": "-", "args": [{"aggregate": "n"}, ONE]}]},
        },
    ],
    "having": {"op": ">", "args": [{"aggregate": "n"}, {"literal": 2, "type": "BIGINT"}]},
}  # fmt: skip


def test_windows_by_arrival_with_where_and_having(with_changes: Callable[..., Pipeline]) -> None:
    """WHERE leaves rows out and counts them; HAVING is known only of the merged value; a column that fails is null."""
    pipeline = with_changes(output=BY_ARRIVAL)
    first = run(pipeline, [combined(200), combined(404), combined(500)])
    account = first.ledger.outputs["DESTINATION_SQL_STREAM"]
    assert (account.emitted, account.filtered) == (2, 1)
    (document,) = documents(first)
    assert document["until"] == "2017-09-08 08:48:00.000"
    one = run(pipeline, [combined(301)], arrival=ARRIVAL + 1000)
    assert documents(one)[0]["each"] is None
    ((columns, visible),) = merged(pipeline, [first]).values()
    assert (columns["n"], visible) == (2, False)
    (settled,) = merged(pipeline, [first, one]).values()
    assert settled == (
        {"until": "2017-09-08 08:48:00.000", "n": 3, "sent": 3 * 5316, "least": 5316, "each": 3 * 5316 // 2},
        True,
    )


# OpenSearch refuses a document with an integer past 64 bits, and so would all counts of that window and key be lost.
@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([2**63 - 1], 2**63 - 1),
        ([2**63 - 1, 1], None),
        ([-(2**63), -1], None),
        ([2**63 - 1, 2**63 - 1, -(2**63)], 2**63 - 2),
        ([2**62, 2**62], None),
    ],
)
def test_a_sum_past_64_bits_shows_no_value_and_goes_on_exact(values: list[int], shown: int | None) -> None:
    columns = [
        {"name": "s", "type": "BIGINT", "expr": {"aggregate": "a0"}},
        {"name": "n", "type": "BIGINT", "expr": {"aggregate": "a1"}},
    ]
    node = {
        "name": "OUT", "kind": "windowed", "time": {"time": "arrival"}, "window_ms": 60_000, "where": None, "keys": [],
        "aggregates": [
            {"name": "a0", "function": "sum", "type": "BIGINT", "argument": {"column": "bytes"}},
            {"name": "a1", "function": "count", "type": "BIGINT", "argument": None},
        ],
        "columns": columns,
    }  # fmt: skip
    toml = '[source]\nformat = "json"\n[source.types]\nbytes = "BIGINT"\n[outputs.OUT]\nindex = "sums"\n'
    loaded = load_pipeline(define_pipeline(toml, {"version": 1, "outputs": [node]}, ZoneInfo), ZoneInfo)
    data = "".join(f'{{"bytes":{value}}}\n' for value in values)
    encoded = b64encode(data.encode()).decode()
    record = {"recordId": "r", "approximateArrivalTimestamp": 1_700_000_000_000, "data": encoded}
    (delivery,) = transform(loaded, decode_records([record], 0)).deliveries
    (document,) = [json.loads(text) for text in delivery.documents]
    assert (document["s"], document["n"]) == (shown, len(values))
    output = loaded.output("OUT")
    assert isinstance(output, WindowedOutput)
    doubled = output.merge_states([document["tally"]["state"], document["tally"]["state"]])
    assert int(doubled["aggregates"][0]) == 2 * sum(values)


def test_a_decimal_past_64_bits_is_written_with_a_point() -> None:
    """Without one OpenSearch reads an integer, and takes none past 64 bits."""
    assert encode_document({"d": Decimal(2**63), "e": Decimal("1.5"), "f": Decimal(7)}) == (
        b'{"d":9223372036854775808.0,"e":1.5,"f":7}'
    )
