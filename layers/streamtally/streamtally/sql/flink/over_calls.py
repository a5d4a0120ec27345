"""Calls OVER rows → columns of a view. Source: *Over Aggregation* in Apache Flink's documentation."""

from __future__ import annotations

from streamtally.plan.types import TIMESTAMP
from streamtally.sql.flink.aggregates import aggregate_value
from streamtally.sql.flink.casts import cast_value
from streamtally.sql.flink.expressions import Expressions
from streamtally.sql.flink.syntax import constant, interval, name
from streamtally.sql.flink.tables import TIME
from streamtally.sql.flink.values import Value
from streamtally.sql.planning.stages import Frame, OverCall, OverStage


def call_columns(stage: OverStage, call: OverCall) -> tuple[list[str], Value]:
    """(The columns of a call in its view, what is shown of them)."""
    keys = f"PARTITION BY {', '.join(map(name, call.frame.keys))} " if call.frame.keys else ""
    order = f"{keys}ORDER BY {name(TIME)}"
    if call.function == "lag":
        return _lag(stage, call, f"OVER ({order})")
    columns = stage.rows.columns
    argument = None if call.argument is None else Value(name(call.argument), columns[call.argument].plan_type)
    over = f" OVER ({order} {_frame(call.frame)})"
    sql, shown = aggregate_value(call.function, argument, call.type, call.name, over)
    return [f"{sql} AS {name(call.name)}"], shown


def _frame(frame: Frame) -> str:
    start = "UNBOUNDED" if frame.length is None else interval(frame.length) if frame.kind == "RANGE" else frame.length
    return f"{frame.kind} BETWEEN {start} PRECEDING AND CURRENT ROW"


def _lag(stage: OverStage, call: OverCall, over: str) -> tuple[list[str], Value]:
    """LAG has no frame in Flink, and its default replaces NULL too: a row's time says whether it is in the window."""
    own = f"LAG({name(str(call.argument))}, {call.offset}) {over} AS {name(call.name)}"
    frame = call.frame
    is_inside = frame.length is None or (frame.kind == "ROWS" and frame.length >= call.offset)
    if is_inside and call.default is None:
        return [own], Value(name(call.name), call.type)
    otherwise = constant(None, call.type) if call.default is None else cast_value(_default(stage, call), call.type).sql
    if frame.kind == "ROWS" and not is_inside:
        return [own], Value(otherwise, call.type)
    at = f"{call.name} at"
    plain = f"CAST({name(TIME)} AS TIMESTAMP(3))"
    time = f"LAG({plain}, {call.offset}) {over} AS {name(at)}"
    inside = f"{name(at)} IS NOT NULL"
    if frame.length is not None and frame.kind == "RANGE":
        inside = f"{name(at)} >= {plain} - {interval(frame.length)}"
    return [own, time], Value(f"(CASE WHEN {inside} THEN {name(call.name)} ELSE {otherwise} END)", call.type)


def _default(stage: OverStage, call: OverCall) -> Value:
    assert call.default is not None  # noqa: S101 (the caller's condition)
    own = {"column": lambda column: Value(name(column), stage.columns[column])}
    return Expressions({**own, "time": lambda _: _row_time()}).write(call.default.node)


def _row_time() -> Value:
    return Value(f"CAST({name(TIME)} AS TIMESTAMP(3))", TIMESTAMP)
