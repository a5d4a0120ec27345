"""The unit in which an output reads event times: where times inside it make a difference, there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from streamtally.transform.pipeline import Pipeline

MINUTE, HOUR = 60_000, 3_600_000
EVENT: dict[str, Any] = {"time": "event"}
ONE = {"literal": 1, "type": "INTEGER"}


def text(value: str) -> dict[str, Any]:
    """A text in a plan."""
    return {"literal": value, "type": f"VARCHAR({len(value)})"}


def call(name: str, *args: Any) -> dict[str, Any]:
    """A call in a plan."""
    return {"call": name, "args": list(args)}


def steps_of(ms: int) -> dict[str, Any]:
    """The event time in steps."""
    return call("step", EVENT, {"literal": ms, "type": "BIGINT"})


def key(node: Any, sql_type: str = "TIMESTAMP") -> dict[str, Any]:
    """The change that makes an expression the key."""
    columns = [{"name": "n", "type": "BIGINT", "expr": {"aggregate": "a0"}}]
    return {"keys": [{"name": "k0", "type": sql_type, "expr": node}], "columns": columns}


def greatest(node: Any) -> dict[str, Any]:
    """The change that makes the greatest value of an expression the aggregate."""
    aggregates = [{"name": "a0", "function": "max", "type": "TIMESTAMP", "argument": node}]
    return {"aggregates": aggregates, "columns": [{"name": "n", "type": "TIMESTAMP", "expr": {"aggregate": "a0"}}]}


@pytest.mark.parametrize(
    ("change", "unit_ms"),
    [
        ({}, MINUTE),
        ({"window_ms": 90_000}, 90_000),
        ({"window_ms": 1_000}, 1_000),
        ({"window_ms": HOUR} | key(steps_of(90_000)), 90_000),
        ({"window_ms": HOUR} | key(call("floor_time", text("MINUTE"), EVENT)), MINUTE),
        ({"window_ms": HOUR} | key(call("floor_time", text("MONTH"), EVENT)), HOUR),
        ({"window_ms": HOUR} | key(call("extract", text("MINUTE"), EVENT), "INTEGER"), MINUTE),
        ({"window_ms": 90_000} | key(call("extract", text("MINUTE"), EVENT), "INTEGER"), 30_000),
        (key({"column": "datetime"}, "VARCHAR"), MINUTE),
        (key(EVENT), None),
        (key(call("extract", text("SECOND"), EVENT), "INTEGER"), None),
        (key(call("floor_time", text("SECOND"), EVENT)), None),
        (key(call("ceil_time", text("MINUTE"), EVENT)), None),
        (key(call("timestamp_to_char", text("HH:mm"), EVENT), "VARCHAR"), None),
        (key(call("step", call("timestamp_add", EVENT, ONE), ONE)), None),
        ({"time": {"time": "arrival"}}, None),
        ({"time": steps_of(MINUTE)}, None),
        ({"where": {"op": ">", "args": [EVENT, steps_of(MINUTE)]}}, None),
        (greatest(EVENT), None),
        (greatest(steps_of(HOUR)), MINUTE),
    ],
)
def test_the_unit_comes_from_the_plan(
    with_changes: Callable[..., Pipeline], change: dict[str, Any], unit_ms: int | None
) -> None:
    unit = with_changes(output=change).output("DESTINATION_SQL_STREAM").time_unit  # type: ignore[union-attr]
    assert (unit and unit.ms) == unit_ms
