"""``TABLE(f(CURSOR(SELECT STREAM …), …))``: COUNT_DISTINCT_ITEMS_TUMBLING and TOP_K_ITEMS_TUMBLING."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from streamtally.plan.types import BIGINT, VARCHAR
from streamtally.sql.expressions.calls import function_name
from streamtally.sql.expressions.typed import INTERVAL, NULL_LITERAL, RECORD, PlanNode, Typed, adopt
from streamtally.sql.forest import Forest
from streamtally.sql.grammar.refusals import RANDOM_CUT_FORESTS
from streamtally.sql.planning.anomaly import score_column
from streamtally.sql.planning.relations import WINDOW_END, Relation, RelationColumn, StreamLookup, Window
from streamtally.sql.problems import Problems
from streamtally.text import near_names

QueryPlanner = Callable[[exp.Expr, StreamLookup, Problems], list[Relation]]
"""Plans the query in a CURSOR: ``plan_query`` of ``selects``, which imports this module and so hands itself over."""

MAX_K = 100_000
MAX_WINDOW_SECONDS = 3_600
_SHINGLE, _FOREST_ARGUMENTS, _MAX_SHINGLE = 4, 6, 30
"""Of RANDOM_CUT_FOREST: the position of the shingle size, the most arguments (a direction is the last), its limit."""
_NO_EXPLANATION = adopt(NULL_LITERAL, VARCHAR)
_SHAPE = {
    "COUNT_DISTINCT_ITEMS_TUMBLING": "COUNT_DISTINCT_ITEMS_TUMBLING(CURSOR(SELECT STREAM …), 'column', seconds)",
    "TOP_K_ITEMS_TUMBLING": "TOP_K_ITEMS_TUMBLING(CURSOR(SELECT STREAM …), 'column', K, seconds)",
}


def plan_table_function(
    node: exp.Anonymous,
    lookup: StreamLookup,
    problems: Problems,
    plan_query: QueryPlanner,
) -> list[Relation]:
    """The relation of FROM TABLE(…). Raises: SqlError: not a known table function, or wrong arguments."""
    if (
        function_name(node) != "TABLE"
        or len(node.expressions) != 1
        or not isinstance(node.expressions[0], exp.Anonymous)
    ):
        raise problems.error(
            node, f"{function_name(node)} is not allowed in FROM", "name a stream, a subquery or TABLE(…)"
        )
    call = node.expressions[0]
    name = function_name(call)
    if name in RANDOM_CUT_FORESTS and problems.detects:
        return plan_forest(call, lookup, problems, plan_query)
    if name not in _SHAPE:
        raise problems.unsupported(call, f"the table function {name[:60]}", "use " + " or ".join(_SHAPE))
    arguments = call.expressions
    if len(arguments) != (3 if name.startswith("COUNT") else 4) or not is_cursor(arguments[0]):
        raise problems.error(call, f"{name} has the wrong arguments", f"write {_SHAPE[name]}")
    sources = plan_query(arguments[0].expressions[0], lookup, problems)
    if not sources:
        return []
    if len(sources) != 1 or sources[0].window is not None:
        raise problems.unsupported(
            arguments[0], f"{name} over several pumps or over an aggregate", "give it the rows of one stream"
        )
    return [_plan(call, name, sources[0], problems)]


def is_cursor(node: exp.Expr) -> bool:
    """Whether an argument is CURSOR(…)."""
    return isinstance(node, exp.Anonymous) and function_name(node) == "CURSOR" and len(node.expressions) == 1


def plan_forest(
    call: exp.Anonymous, lookup: StreamLookup, problems: Problems, plan_query: QueryPlanner
) -> list[Relation]:
    """The rows of a RANDOM_CUT_FOREST, with what stands for its scores. Raises: SqlError: wrong arguments."""
    arguments = call.expressions
    if not arguments or not is_cursor(arguments[0]) or len(arguments) > _FOREST_ARGUMENTS:
        raise problems.error(
            call,
            f"{function_name(call)} has the wrong arguments",
            "write RANDOM_CUT_FOREST(CURSOR(SELECT STREAM …), …)",
        )
    shingle = arguments[_SHINGLE] if len(arguments) > _SHINGLE else None
    size = 1 if shingle is None else _constant(shingle, "the shingle size", 1, _MAX_SHINGLE, problems)
    relations = []
    for source in plan_query(arguments[0].expressions[0], lookup, problems):
        numeric = {
            c.name: c.value.node for c in source.columns if c.value.type.is_number and c.value.type.name != "DECIMAL"
        }
        if not numeric:
            raise problems.unsupported(arguments[0], "RANDOM_CUT_FOREST without numeric columns", "select some")
        problems.forests.append(Forest(numeric, size))
        number = len(problems.forests) - 1
        score = RelationColumn("ANOMALY_SCORE", score_column(number))
        more = [RelationColumn("ANOMALY_EXPLANATION", _NO_EXPLANATION)] if "EXPLANATION" in function_name(call) else []
        relations.append(replace(source, columns=(*source.columns, score, *more), of_source=False))
    return relations


def _plan(call: exp.Anonymous, name: str, source: Relation, problems: Problems) -> Relation:
    _, column, *numbers = call.expressions
    value = _column(column, source, problems)
    seconds = _constant(numbers[-1], "the length of the window in seconds", 1, MAX_WINDOW_SECONDS, problems)
    if name.startswith("COUNT"):
        aggregate: PlanNode = {"name": "a0", "function": "count_distinct", "type": "BIGINT", "argument": value.node}
        count = RelationColumn("NUMBER_OF_DISTINCT_ITEMS", Typed({"aggregate": "a0"}, BIGINT))
        return _windowed(source, seconds, aggregate, (count,))
    k = _constant(numbers[0], "K", 1, MAX_K, problems)
    items: PlanNode = {"name": "a0", "function": "top_items", "type": "BIGINT", "argument": value.node}
    columns = (
        RelationColumn("ITEM", Typed({"item": "value"}, value.type)),
        RelationColumn("ITEM_COUNT", Typed({"item": "count"}, BIGINT)),
    )
    return _windowed(source, seconds, items, columns, {"aggregate": "a0", "limit": k})


def _windowed(
    source: Relation,
    seconds: int,
    aggregate: PlanNode,
    columns: tuple[RelationColumn, ...],
    expand: PlanNode | None = None,
) -> Relation:
    window = Window(
        source.conditions, source.rowtime.node, seconds * 1000, (), (aggregate,), expand, joins=source.joins
    )
    return Relation(columns, WINDOW_END, (), window, pumps=source.pumps, base=source.base)


def _column(node: exp.Expr, source: Relation, problems: Problems) -> Typed:
    if not isinstance(node, exp.Literal) or not node.is_string:
        raise problems.error(node, "the name of the column must be a text in quotes", "write 'column'")
    name = str(node.this)
    values = {column.name: column.value for column in source.columns}
    # The name may be written as in SQL, with its quotes, or unquoted, and is then folded.
    for candidate in (name, name.strip('"'), name.upper()):
        if candidate in values:
            value = values[candidate]
            if value.type in (RECORD, INTERVAL):
                raise problems.error(node, f"items of {value.type} cannot be counted")
            return value
    near = near_names(name, list(values)) or list(values)[:12]
    listed = ", ".join(f"'{known}'" for known in near)
    raise problems.error(node, f"unknown column {name[:60]}", f"did you mean {listed}?")


def _constant(node: exp.Expr, what: str, low: int, high: int, problems: Problems) -> int:
    text = str(node.this) if isinstance(node, exp.Literal) and not node.is_string else ""
    if not text.isdigit() or not low <= int(text) <= high:
        raise problems.error(node, f"{what} must be a whole number from {low} to {high}")
    return int(text)
