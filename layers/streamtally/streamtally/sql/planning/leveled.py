"""An aggregate over the results of windows: a level above them (``levels`` in the plan).

The rows of the level are the results of the windows below, one for each window and key. Their time is that of their
window: a result counts in the outer window in which its own window lies. Its ROWTIME, which is the end of its window,
belongs to that window too, as the window's last moment does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.sql.expressions.typed import PlanNode, Typed
from streamtally.sql.grammar.refusals import TO_FLINK
from streamtally.sql.plan_tree import children
from streamtally.sql.planning.relations import WINDOW_START, Relation, Window
from streamtally.sql.planning.shaping import conjunction
from streamtally.sql.planning.windows import TimeTerm, find_time_term
from streamtally.sql.problems import Problems

LEVELS = (
    "an aggregate of an aggregate's results: each result counts in the outer window in which its own window lies, and "
    "an outer document is made again whenever one of its results changes"
)
_ORDERED = ("first_value", "last_value", "first_present", "last_present")


def check_below(origin: exp.Expr, below: Relation, problems: Problems) -> None:
    """Raises: SqlError: the results cannot be the rows of a level."""
    window = below.window
    if window is not None and window.expand is not None:
        raise problems.unsupported(
            origin,
            "an aggregate over TOP_K_ITEMS_TUMBLING",
            "aggregate the rows themselves; an item can leave the list when late rows arrive; or " + TO_FLINK,
        )
    if window is not None and window.sliding is not None:
        raise problems.unsupported(
            origin,
            "an aggregate over a sliding window's results",
            "aggregate the rows in a tumbling window; for a result of every row, " + TO_FLINK,
        )


def find_level_term(origin: exp.Expr, value: Typed, below: Window) -> TimeTerm | None:
    """A GROUP BY term over the windows below as a time term; None if it is not one."""
    term = find_time_term(origin, value)
    if term is None and "window" in value.node:
        term = TimeTerm(origin, value, value.node, below.window_ms, 0, "", of_rowtime=False)
    if term is None:
        return None
    base, step_ms = _base(term.time)
    if base is None or term.size_ms % max(step_ms, 1):
        return None
    return replace(term, time=WINDOW_START.node)


def _base(time: PlanNode) -> tuple[PlanNode | None, int]:
    """(The window's edge under the steps of a time, the longest step); None: it is no edge."""
    if "window" in time:
        return time, 0
    if time.get("call") != "step":
        return None, 0
    base, step_ms = _base(time["args"][0])
    return base, max(step_ms, time["args"][1]["literal"])


def level_window(
    origin: exp.Expr,
    relation: Relation,
    term: TimeTerm,
    keys: Sequence[PlanNode],
    aggregates: Sequence[PlanNode],
    problems: Problems,
) -> Window:
    """The windows of a relation with a level above them. Raises: SqlError: the level cannot be settled exactly."""
    below = relation.window
    assert below is not None  # noqa: S101 (the caller's condition)
    if term.size_ms % below.window_ms:
        raise problems.unsupported(
            term.origin,
            f"a window of {term.size_ms // 1000} seconds over windows of {below.window_ms // 1000} seconds",
            "make the outer window a multiple of the inner one",
        )
    if any(_has_aggregate(key["expr"]) for key in keys):
        raise problems.unsupported(
            origin,
            "a GROUP BY of an aggregate's result",
            "group by the inner keys and times: a late row changes the result, and its document would have to move; "
            "count ranges with SUM(CASE WHEN … THEN 1 ELSE 0 END); or " + TO_FLINK,
        )
    if any(aggregate["function"] in _ORDERED for aggregate in aggregates):
        raise problems.unsupported(
            origin,
            "FIRST_VALUE or LAST_VALUE of aggregates' results",
            "results of the same window have no order: use MIN or MAX; or " + TO_FLINK,
        )
    level: dict[str, Any] = {
        "window_ms": term.size_ms,
        "where": conjunction(relation.conditions),
        "keys": list(keys),
        "aggregates": list(aggregates),
    }
    problems.note(origin, LEVELS)
    return replace(
        below,
        window_ms=term.size_ms,
        inner_ms=below.inner_ms or below.window_ms,
        levels=(*below.levels, level),
        is_distinct=False,
    )


def _has_aggregate(node: Any) -> bool:
    return (isinstance(node, dict) and "aggregate" in node) or any(map(_has_aggregate, children(node)))


def refuse_distinct(origin: exp.Expr, problems: Problems) -> SqlError:
    """The refusal of SELECT DISTINCT over an aggregate's results."""
    return problems.unsupported(
        origin,
        "SELECT DISTINCT of an aggregate's results",
        "a late row changes a result, and its document would have to go: GROUP BY the inner keys; or " + TO_FLINK,
    )
