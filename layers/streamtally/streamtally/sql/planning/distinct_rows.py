"""An aggregate over SELECT DISTINCT: the distinct rows of a window are a set of tuples, and COUNT counts that set.

The rows under the DISTINCT go into the outer window directly. Each carries a tuple: the start of its inner window and
the values that are compared. COUNT is then a count of distinct tuples, which merges in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from streamtally.plan.types import TIMESTAMP
from streamtally.sql.expressions.typed import PlanNode, Typed
from streamtally.sql.plan_tree import children, rewritten
from streamtally.sql.planning.relations import Relation, RelationColumn, Window

MAX_VALUES = 63
"""Of a tuple, beside the start of its window."""


def rows_under(relation: Relation) -> Relation | None:
    """The rows whose distinct tuples a windowed relation has; None if the relation has more than tuples."""
    window = relation.window
    if (
        window is None
        or window.aggregates
        or window.expand
        or window.also
        or window.inner_ms
        or len(window.keys) > MAX_VALUES
    ):
        return None
    start: PlanNode = {"call": "step", "args": [window.time, {"literal": window.window_ms, "type": "BIGINT"}]}
    end: PlanNode = {"call": "timestamp_add", "args": [start, {"literal": window.window_ms, "type": "BIGINT"}]}
    # SELECT DISTINCT emits a row when it is first seen, so its ROWTIME is within the window; GROUP BY when that ends.
    values = {key["name"]: key["expr"] for key in window.keys}

    def before_grouping(node: PlanNode) -> PlanNode | None:
        if "window" in node:
            return start if node["window"] == "start" or window.is_distinct else end
        return values[node["key"]] if "key" in node else None

    def put(node: Any) -> Any:
        return rewritten(node, before_grouping)

    columns = tuple(RelationColumn(column.name, _typed(column.value, put)) for column in relation.columns)
    rowtime = Typed(start if window.is_distinct else end, TIMESTAMP, size=_size(end), depth=_depth(end))
    return Relation(
        columns,
        rowtime,
        (*window.where, *map(put, relation.conditions)),
        pumps=relation.pumps,
        distinct={"call": "tuple", "args": [start, *values.values()]},
        joins=window.joins,
        base=relation.base,
    )


def without_inner_steps(window: Window) -> Window:
    """The window with the time under a finer step that its own step makes superfluous."""
    time = window.time
    if time.get("call") == "step" and window.window_ms % time["args"][1]["literal"] == 0:
        return replace(window, time=time["args"][0])
    return window


def _typed(value: Typed, put: Callable[[Any], Any]) -> Typed:
    node = put(value.node)
    return Typed(node, value.type, value.unit, _size(node), _depth(node))


def _size(node: Any) -> int:
    return int(isinstance(node, dict)) + sum(map(_size, children(node)))


def _depth(node: Any) -> int:
    return int(isinstance(node, dict)) + max(map(_depth, children(node)), default=0)
