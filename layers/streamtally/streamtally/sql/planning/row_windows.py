"""SELECT with calls OVER the rows before each row: a value for every row, which Flink gives.

Source: *Sliding Windows*, *WINDOW Clause* and *LAG* in Kinesis Analytics' SQL Reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from streamtally.errors import PlanError
from streamtally.ids import canonical_json
from streamtally.plan.aggregates.registry import make_aggregate
from streamtally.plan.types import BIGINT
from streamtally.sql.expressions.calls import function_name
from streamtally.sql.expressions.translator import Translator
from streamtally.sql.expressions.typed import INTERVAL, RECORD, Typed, adopt
from streamtally.sql.grammar.nodes import Over, WindowRange
from streamtally.sql.planning.relations import ARRIVAL, Relation
from streamtally.sql.planning.select_list import Item, has_aggregate, project
from streamtally.sql.planning.sliding import order_time, window_ranges
from streamtally.sql.planning.stages import Columns, Frame, OverCall, OverStage, Rows, stage_name
from streamtally.sql.problems import Problems
from streamtally.sql.signatures import AGGREGATE_CALLS


def plan_row_windows(
    query: exp.Select, relation: Relation, items: Sequence[Item], rows: Translator, problems: Problems
) -> Relation:
    """Plan a SELECT with OVER as a stage. Raises: SqlError."""
    if query.args.get("group") is not None or query.args.get("having") is not None or query.args.get("distinct"):
        raise problems.unsupported(query, "GROUP BY, HAVING or DISTINCT beside OVER", "write two pumps")
    if relation.distinct is not None:
        raise problems.unsupported(query, "OVER rows of SELECT DISTINCT", "write GROUP BY in place of DISTINCT")
    ranges = window_ranges(query, items, problems)
    orders = [order_time(window, relation, rows, problems) for window in ranges.values()]
    times = {canonical_json(time.node): time for time in orders}
    if len(times) > 1:
        raise problems.unsupported(query, "OVER windows with different ORDER BY in one SELECT", "write a pump for each")
    time = next(iter(times.values()))
    if relation.base is not None and (time.node != ARRIVAL.node or not relation.base.has_time):
        raise problems.unsupported(
            query, "OVER in the order of a computed time", "order by ROWTIME, or by a time of the source's own rows"
        )
    columns = Columns("x", keeps_time=time.node == ARRIVAL.node)
    translator = _OverTranslator(rows, problems, ranges, columns, relation)
    rowtime = columns.add(relation.rowtime)
    shown = project(Relation((), rowtime, pumps=relation.pumps), items, translator, problems)
    read = Rows(relation.base, time.node, relation.conditions, columns.values, problems.pump)
    stage = OverStage(stage_name("over", problems), read, tuple(translator.calls))
    return Relation(shown.columns, shown.rowtime, pumps=relation.pumps, base=stage)


class _OverNames:
    """Names of the rows, as columns of the stage."""

    def __init__(self, rows: Translator, columns: Columns, relation: Relation) -> None:
        self._rows = rows
        self._columns = columns
        self._rowtime = relation.rowtime

    def now(self) -> Typed:
        return self._columns.add(self._rowtime)

    def column(self, node: exp.Column) -> Typed:
        value = self._rows.names.column(node)
        return value if value.type == RECORD else self._columns.add(value)


class _OverTranslator(Translator):
    """Translates the SELECT list; each call OVER a window becomes a column of the stage."""

    def __init__(
        self,
        rows: Translator,
        problems: Problems,
        ranges: Mapping[int, WindowRange],
        columns: Columns,
        relation: Relation,
    ) -> None:
        super().__init__(problems, _OverNames(rows, columns, relation))
        self.rows = rows
        self.calls: list[OverCall] = []
        self._ranges = ranges
        self._columns = columns

    def translate(self, node: exp.Expr) -> Typed:
        if isinstance(node, Over):
            return self._over(node)
        if isinstance(node, exp.Anonymous) and function_name(node) in AGGREGATE_CALLS:
            raise self.problems.error(
                node, "an aggregate without OVER beside one with it", "give it a window, or write a pump of its own"
            )
        return super().translate(node)

    def _over(self, over: Over) -> Typed:
        call = over.this
        if isinstance(call, exp.Anonymous) and function_name(call) == "LAG":
            return self._lag(call, self._frame(over, "RANGE"))
        if not isinstance(call, exp.Anonymous) or not has_aggregate(call):
            raise self.problems.unsupported(call, "OVER after anything but an aggregate or LAG", "leave OVER out")
        name = function_name(call)
        if len(call.expressions) != 1:
            raise self.problems.error(call, f"{name} takes 1 argument, not {len(call.expressions)}")
        argument = call.expressions[0]
        if isinstance(argument, exp.Star):
            if name != "COUNT":
                raise self.problems.error(argument, f"{name}(*) is not possible", "name a column")
            return self._add(call, AGGREGATE_CALLS[name], None, self._frame(over))
        value = adopt(self.rows.translate(argument), BIGINT)
        if value.type in (INTERVAL, RECORD):
            raise self.problems.error(argument, f"{name} cannot take {value.type}", "convert it with TSDIFF or CAST")
        return self._add(call, AGGREGATE_CALLS[name], value, self._frame(over))

    def _add(self, origin: exp.Expr, function: str, value: Typed | None, frame: Frame) -> Typed:
        try:
            result = make_aggregate(function, None if value is None else value.type).result
        except PlanError as error:
            raise self.problems.error(origin, str(error), "CAST its argument") from None
        argument = None if value is None else self._columns.named(value)
        call = OverCall(f"o{len(self.calls)}", function, argument, result, frame)
        self.calls.append(call)
        return Typed({"column": call.name}, result)

    def _lag(self, call: exp.Anonymous, frame: Frame) -> Typed:
        arguments = call.expressions
        if not 1 <= len(arguments) <= 3:
            raise self.problems.error(call, f"LAG takes 1 to 3 arguments, not {len(arguments)}")
        value = adopt(self.rows.translate(arguments[0]), BIGINT)
        if value.type in (INTERVAL, RECORD):
            raise self.problems.error(arguments[0], f"LAG cannot take {value.type}", "select one of its columns")
        offset = self._constant(arguments[1]).literal if len(arguments) > 1 else 1
        if not isinstance(offset, int) or offset < 1:
            raise self.problems.error(arguments[1], "LAG takes a number of rows, from 1", "write it as a constant")
        default = self.rows.translate(arguments[2]) if len(arguments) > 2 else None
        if default is not None and not default.is_null:
            value, default = self.alike(call, "LAG", [value, default])
            default = self._columns.add(default)
        else:
            default = None
        name = f"o{len(self.calls)}"
        argument = self._columns.named(value)
        self.calls.append(OverCall(name, "lag", argument, value.plan_type, frame, offset, default))
        return Typed({"column": name}, value.type)

    def _constant(self, node: exp.Expr) -> Typed:
        value = self.rows.translate(node)
        if value.literal is None and not value.is_null:
            raise self.problems.error(node, "LAG takes a constant here", "write a number or a text")
        return value

    def _frame(self, over: Over, default: str = "") -> Frame:
        window = self._ranges[id(over)]
        keys = []
        for origin in window.expressions:
            key = self.rows.translate(origin)
            if key.type == RECORD or key.is_null:
                raise self.problems.error(origin, f"PARTITION BY takes a value, not a {key.type}")
            keys.append(self._columns.named(key))
        kind = str(window.args.get("kind") or "") or default
        if not kind:
            raise self.problems.unsupported(over, "an aggregate OVER a window without RANGE or ROWS", "add its length")
        return Frame(tuple(keys), kind, window_length(window, self.rows, self.problems))


def window_length(window: WindowRange, rows: Translator, problems: Problems) -> int | None:
    """The milliseconds or the number of rows before the current row; None: all. Raises: SqlError: it is no such."""
    length = window.args.get("length")
    if length is None:
        return None
    if str(window.args.get("kind")) == "ROWS":
        return int(str(length.this))
    span = rows.translate(length)
    ms = span.literal
    if isinstance(ms, int) and (ms == 0 or (ms > 0 and span.type == INTERVAL)):
        return ms
    raise problems.error(
        length, "a window's length is a constant interval", "write RANGE INTERVAL '1' MINUTE PRECEDING"
    )
