"""Random partials of outputs of many kinds, for tests of the ways in which their documents are made."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from streamtally.plan.windowed import WindowedOutput
from streamtally.transform.batch import Batch
from streamtally.transform.documents import batch_info
from streamtally.transform.pipeline import load_pipeline

Case = tuple[WindowedOutput, tuple[Any, ...], list[Any]]
START_MS = 1_773_143_880_000  # 2026-03-10T11:58:00Z
INFO = {**batch_info(Batch("0" * 32, 3, START_MS, START_MS + 1), "1" * 32, "2" * 32), "batch_partials": 7}
TYPES = {
    "text": "VARCHAR(40)", "number": "BIGINT", "flag": "BOOLEAN", "moment": "TIMESTAMP",
    "double": "DOUBLE", "decimal": "DECIMAL(12,2)",
}  # fmt: skip
FUNCTIONS = [("count", None), ("count", "number"), *((name, "number") for name in ("sum", "avg", "min", "max"))]
OTHER_FUNCTIONS = [("sum", "double"), ("count_distinct", "text"), ("max", "text"), ("sum", "decimal")]

LARGE = st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) + 1, 2**64, 10**30, -(10**30)])
INTEGERS = st.integers(-3, 500) | st.integers(-(2**63), 2**63 - 1) | LARGE
HOSTILE = ["", '"', "\\", "\x7f", "\x00\x1f\n", "é", "\U0001f600", "\u2028", "\ud800", "a" * 2_100, "é" * 4_100, "1"]
TEXTS = st.sampled_from(HOSTILE) | st.text(max_size=6)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS, "number": INTEGERS, "flag": st.booleans(), "moment": st.integers(0, 2**42),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "decimal": st.sampled_from([Decimal("1.50"), Decimal("-0.00"), Decimal("1E+3")]),
}  # fmt: skip


def columns_of(
    keys: list[str], aggregates: Sequence[tuple[str, str | None]], are_computed: bool
) -> list[dict[str, Any]]:
    """Columns that are values themselves, that are made of them, that differ by the window alone, and that fail."""
    start = {"window": "start"}
    text = {"call": "timestamp_to_char", "args": [{"literal": "yyyy-MM-dd HH:mm", "type": "VARCHAR(20)"}, start]}
    columns = [("from é", "TIMESTAMP", start), ("to", "TIMESTAMP", {"window": "end"}), ("minute", "VARCHAR(16)", text)]
    columns += [(f"key {key}", TYPES[key], {"key": key}) for key in keys]
    columns += [(f"short {key}", "VARCHAR(3)", {"key": key}) for key in keys if key == "text"]
    for number, (function, column) in enumerate(aggregates):
        aggregate = {"aggregate": f"a{number}"}
        sql_type = result_type(function, column)
        if are_computed or function != "avg":
            columns.append((f"value {number}", sql_type, aggregate))
        if are_computed and sql_type == "BIGINT":
            one = {"literal": 1, "type": "BIGINT"}
            columns += [
                (f"double {number}", "DOUBLE", aggregate),
                (f"decimal {number}", "DECIMAL(18,2)", aggregate),
                (f"inverse {number}", "BIGINT", {"op": "/", "args": [one, aggregate]}),
                (f"square {number}", "BIGINT", {"op": "*", "args": [aggregate, aggregate]}),
            ]
    return [{"name": name, "type": sql_type, "expr": expr} for name, sql_type, expr in columns]


def result_type(function: str, column: str | None) -> str:
    if function.startswith("count"):
        return "BIGINT"
    return "DECIMAL(18,2)" if column == "decimal" else TYPES[column or ""]


def make_output(
    name: str, keys: list[str], aggregates: Sequence[tuple[str, str | None]], are_computed: bool = True
) -> WindowedOutput:
    """An output. Args: are_computed: whether there are columns that only Python makes."""
    node = {
        "name": name, "kind": "windowed", "time": {"time": "arrival"}, "window_ms": 60_000, "where": None,
        "keys": [{"name": key, "type": TYPES[key], "expr": {"column": key}} for key in keys],
        "aggregates": [
            {"name": f"a{number}", "function": function, "argument": column and {"column": column}}
            for number, (function, column) in enumerate(aggregates)
        ],
        "columns": columns_of(keys, aggregates, are_computed), "having": None,
    }  # fmt: skip
    plan = {"version": 1, "outputs": [node]}
    pipeline = load_pipeline(
        {"source": {"types": TYPES}, "outputs": {name: {"index": "counts"}}, "plan": plan}, ZoneInfo
    )
    output = pipeline.output(name)
    assert isinstance(output, WindowedOutput)
    return output


NOT_COMPUTED = [
    make_output("COUNTS", ["number"], FUNCTIONS[:1], are_computed=False),
    make_output("COUNTS", ["text"], FUNCTIONS[:2], are_computed=False),
    make_output('a "name" é', ["text", "number", "flag"], FUNCTIONS, are_computed=False),
]
"""Those of which the kernel makes documents."""
OUTPUTS = [
    *NOT_COMPUTED,
    make_output("COUNTS", ["number"], FUNCTIONS[:1]),
    make_output("COUNTS", ["text"], FUNCTIONS[:2]),
    make_output('a "name" é', ["text", "number", "flag", "moment"], FUNCTIONS),
    make_output("totals", [], FUNCTIONS),
    make_output("no aggregates", ["text"], []),
    make_output("means", ["flag"], [("avg", "number"), ("avg", "number"), ("min", "number")]),
    make_output("others", ["text"], OTHER_FUNCTIONS),
    make_output("floats", ["double", "number"], FUNCTIONS[:3]),
    make_output("decimals", ["decimal"], FUNCTIONS[:3]),
]


def bytes_or_error(make: Any) -> Any:
    """The document, or why there is none."""
    try:
        return make()
    except Exception as error:
        return type(error), str(error)


@st.composite
def partials(draw: st.DrawFn) -> Case:
    """An output, and a window and key of it with some rows."""
    output = draw(st.sampled_from(OUTPUTS))
    values = {name: st.none() | strategy for name, strategy in VALUES.items()}
    rows = draw(st.integers(1, 9))
    group = [rows, draw(st.integers(0, rows)), *(slot.aggregate.zero() for slot in output.slots if slot.index)]
    for slot in output.slots:
        for value in draw(
            st.lists(values["number" if slot.aggregate.argument_type is None else of_type(slot)], max_size=3)
        ):
            if slot.index and value is not None:
                group[slot.index] = slot.aggregate.add(group[slot.index], value, draw(st.integers(1, 3)))
    names = {sql_type: name for name, sql_type in TYPES.items()}
    key = [draw(values[names[str(sql_type)]]) for sql_type in output.key_types]
    return output, (draw(st.sampled_from([START_MS, 0, -60_000, 10**17])), *key), group


def of_type(slot: Any) -> str:
    return {sql_type: name for name, sql_type in TYPES.items()}[str(slot.aggregate.argument_type)]
