"""GROUP BY and SELECT DISTINCT: the time term that defines the window, keys, aggregates, HAVING."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlglot import exp

from streamtally.errors import PlanError, SqlError
from streamtally.ids import canonical_json
from streamtally.plan.aggregates.registry import make_aggregate
from streamtally.plan.types import BIGINT, VARCHAR
from streamtally.sql.expressions.calls import function_name
from streamtally.sql.expressions.names import names_now
from streamtally.sql.expressions.time_calls import epoch_interval, step
from streamtally.sql.expressions.translator import Translator
from streamtally.sql.expressions.typed import INTERVAL, NULL_LITERAL, RECORD, PlanNode, Typed, adopt
from streamtally.sql.expressions.typed import NULL as NULL_TYPE
from streamtally.sql.planning.distinct_rows import without_inner_steps
from streamtally.sql.planning.leveled import find_level_term, level_window
from streamtally.sql.planning.relations import (
    ARRIVAL,
    STAGE_WINDOW_START,
    WINDOW_END,
    WINDOW_START,
    Relation,
    RelationColumn,
    Window,
)
from streamtally.sql.planning.select_list import Item, has_aggregate, project
from streamtally.sql.planning.windows import (
    NO_TIME_ADVICE,
    TimeTerm,
    choose_window,
    find_time_term,
    follows,
)
from streamtally.sql.problems import Problems
from streamtally.sql.signatures import AGGREGATE_CALLS

TWO_TERMS = (
    "GROUP BY has ROWTIME beside another time: windows go by the other, and what Kinesis Analytics gave as partial "
    "rows for each ROWTIME window is added up in one document"
)


class GroupTranslator(Translator):
    """Translates SELECT and HAVING of a grouped query: GROUP BY terms become keys, and aggregates get slots.

    Args:
        rows: translates expressions over the rows that are grouped.
        distinct: the tuple by which rows are compared, if only distinct ones count.
    """

    def __init__(self, rows: Translator, problems: Problems, distinct: PlanNode | None = None) -> None:
        super().__init__(problems, GroupNames(rows, problems))
        self.rows = rows
        self.distinct = distinct
        self.known: dict[bytes, Typed] = {}
        self.keys: list[PlanNode] = []
        self.aggregates: list[PlanNode] = []
        self._slots: dict[bytes, Typed] = {}

    def add_key(self, value: Typed) -> None:
        """Add a GROUP BY term, other than the window's, as a key."""
        if canonical_json(value.node) in self.known:
            return
        name = f"k{len(self.keys)}"
        plan_type = VARCHAR if value.is_null else value.plan_type
        self.keys.append({"name": name, "type": str(plan_type), "expr": value.node})
        self.known[canonical_json(value.node)] = Typed({"key": name}, value.type, value.unit)

    def add_window(self, term: TimeTerm, window_ms: int) -> None:
        """Add a time term: its value is the start of the window, floored by its own step if that is different."""
        start = WINDOW_START
        if term.value.node in (WINDOW_END.node, ARRIVAL.node) and term.size_ms == window_ms:
            start = WINDOW_END  # the ROWTIME of a window's result
        if term.size_ms != window_ms:
            start = step(self, term.origin, start, term.size_ms)
        if term.number:
            start = epoch_interval(self, term.origin, start, term.number, term.unit)
        self.known[canonical_json(term.value.node)] = start

    def translate(self, node: exp.Expr) -> Typed:
        if isinstance(node, exp.Anonymous) and function_name(node) in AGGREGATE_CALLS:
            return self._aggregate(node)
        if not isinstance(node, exp.Literal | exp.Null | exp.Boolean) and not has_aggregate(node) and not _is_now(node):
            try:
                key = self.known.get(canonical_json(self.rows.translate(node).node))
            except SqlError:
                key = None  # the problem is reported when its part is translated, with its position
            if key is not None:
                return key
        return super().translate(node)

    def _aggregate(self, node: exp.Anonymous) -> Typed:
        name = function_name(node)
        if len(node.expressions) != 1:
            raise self.problems.error(node, f"{name} takes 1 argument, not {len(node.expressions)}")
        argument = node.expressions[0]
        if isinstance(argument, exp.Star):
            if name != "COUNT":
                raise self.problems.error(argument, f"{name}(*) is not possible", "name a column")
            return self._slot(node, AGGREGATE_CALLS[name], None) if self.distinct is None else self._count_tuples(node)
        value = adopt(self.rows.translate(argument), BIGINT)
        if value.type in (INTERVAL, RECORD):
            raise self.problems.error(argument, f"{name} cannot take {value.type}", "convert it with TSDIFF or CAST")
        if self.distinct is not None and name not in ("MIN", "MAX"):
            return self._count_tuples(node, value)
        return self._slot(node, AGGREGATE_CALLS[name], value)

    def _count_tuples(self, node: exp.Anonymous, value: Typed | None = None) -> Typed:
        """COUNT over distinct rows. Args: value: what must not be NULL in a row that counts."""
        name = function_name(node)
        if name != "COUNT" or self.distinct is None:
            raise self.problems.unsupported(
                node, f"{name} over SELECT DISTINCT", "use COUNT, COUNT(CASE WHEN … THEN 1 END), MIN or MAX"
            )
        counted = self.distinct
        if value is not None:
            counted = {
                "case": [[{"op": "is_not_null", "args": [value.node]}, counted]],
                "else": adopt(NULL_LITERAL, VARCHAR).node,
            }
        return self._slot(node, "count_distinct", Typed(counted, VARCHAR))

    def _slot(self, origin: exp.Expr, function: str, value: Typed | None) -> Typed:
        argument = None if value is None else value.node
        more = self.slot_members(origin)
        key = canonical_json([function, argument, more])
        if key not in self._slots:
            try:
                result = make_aggregate(function, None if value is None else value.type).result
            except PlanError as error:
                raise self.problems.error(origin, str(error), "CAST its argument") from None
            name = f"a{len(self.aggregates)}"
            node: PlanNode = {"name": name, "function": function, "type": str(result), "argument": argument}
            self.aggregates.append({**node, **more})
            self._slots[key] = Typed({"aggregate": name}, result)
        return self._slots[key]

    def slot_members(self, origin: exp.Expr) -> dict[str, Any]:
        """What else the plan says of an aggregate. Raises: SqlError: it is not possible here."""
        return {}

    def window_of(self, relation: Relation, term: TimeTerm) -> Window:
        """The windowed part of the plan, once everything has been translated. Raises: SqlError: see `level_window`."""
        if relation.window is not None:
            return level_window(term.origin, relation, term, self.keys, self.aggregates, self.problems)
        return Window(
            relation.conditions,
            term.time,
            term.size_ms,
            tuple(self.keys),
            tuple(self.aggregates),
            joins=relation.joins,
        )


class GroupNames:
    """Names that are not GROUP BY terms: only those of the window's end are known.

    Args: rows: translates expressions over the rows that are grouped.
    """

    def __init__(self, rows: Translator, problems: Problems) -> None:
        self.rows = rows
        self.problems = problems

    def now(self) -> Typed:
        return WINDOW_END

    def column(self, node: exp.Column) -> Typed:
        if _is_now(node):
            return WINDOW_END
        self.rows.translate(node)  # a column that does not exist is reported as such
        raise self.refusal(node)

    def refusal(self, node: exp.Column) -> SqlError:
        """The problem with a column of the rows."""
        return self.problems.error(
            node,
            f"{node.this.this} is neither a GROUP BY term nor inside an aggregate",
            "add it to GROUP BY, or take MIN or MAX of it",
        )


def _is_now(node: exp.Expr) -> bool:
    """Whether it is the time of the row about to be produced (unqualified ROWTIME …), which is the window's end."""
    return isinstance(node, exp.Column) and not node.args.get("table") and names_now(node.this)


def plan_grouped(
    query: exp.Select, relation: Relation, items: Sequence[Item], rows: Translator, problems: Problems
) -> Relation:
    """Plan a SELECT with GROUP BY, or with aggregates. Raises: SqlError: for example, GROUP BY is missing."""
    group = query.args.get("group")
    if group is None:
        raise problems.unsupported(query, "an aggregate without GROUP BY", NO_TIME_ADVICE)
    terms = []
    for node in group.expressions:
        try:
            terms.append((node, _term(node, rows, items, problems)))
        except SqlError as error:
            problems.add(error)
    if len(terms) != len(group.expressions):
        having = query.args.get("having")
        for root in [*(item.node for item in items), *([having.this] if having else [])]:
            _check_parts(root, rows, problems)
        return replace(relation, columns=())
    find = _term_finder(relation)
    time_terms = [term for node, value in terms if (term := find(node, value))]
    window = choose_window(time_terms, terms, group, problems)
    groups = GroupTranslator(rows, problems, relation.distinct)
    for node, value in terms:
        term = find(node, value)
        if term is not None and follows(term, window):
            is_beside = term.of_rowtime and not window.of_rowtime  # ROWTIME beside the time that defines the window
            if is_beside and term.time != window.time and _is_shown(term, query, items, rows):
                groups.add_key(value)
                continue
            groups.add_window(term, window.size_ms)
            if is_beside and relation.window is None:
                problems.note(node, TWO_TERMS)
        else:
            groups.add_key(value)
    shown = project(replace(relation, rowtime=WINDOW_END, conditions=(), joins=()), items, groups, problems)
    return _finish(query, relation, shown, groups, window, problems)


def _term_finder(relation: Relation) -> Callable[[exp.Expr, Typed], TimeTerm | None]:
    """What finds the time terms of a GROUP BY over a relation."""
    below = relation.window
    base = relation.base
    if base is not None and base.window_ms:
        return lambda node, value: _edge_term(node, value, base.window_ms) or find_time_term(node, value)
    return find_time_term if below is None else lambda node, value: find_level_term(node, value, below)


def _edge_term(origin: exp.Expr, value: Typed, window_ms: int) -> TimeTerm | None:
    """An edge of the windows whose results are grouped, as a time term: the results of one window."""
    if value.node not in (ARRIVAL.node, STAGE_WINDOW_START.node):
        return None
    return TimeTerm(origin, value, value.node, window_ms, 0, "", of_rowtime=False)


def _is_shown(term: TimeTerm, query: exp.Select, items: Sequence[Item], rows: Translator) -> bool:
    """Whether the SELECT list or HAVING uses the value of a time term."""
    wanted = canonical_json(term.value.node)
    having = query.args.get("having")
    for root in [*(item.node for item in items), *([having.this] if having else [])]:
        for node in root.walk():
            try:
                if canonical_json(rows.translate(node).node) == wanted:
                    return True
            except SqlError:
                continue
    return False


def _term(node: exp.Expr, rows: Translator, items: Sequence[Item], problems: Problems) -> Typed:
    if has_aggregate(node):
        raise problems.error(node, "an aggregate is not allowed in GROUP BY")
    if isinstance(node, exp.Literal):
        raise problems.error(node, "GROUP BY takes expressions, not positions", "repeat the expression")
    try:
        value = rows.translate(node)
    except SqlError as error:
        named = isinstance(node, exp.Column) and not node.args.get("table")
        if named and any(item.aliased and item.name == str(node.this.this).upper() for item in items):
            raise problems.error(node, error.message, "GROUP BY cannot use aliases: repeat the expression") from None
        raise
    if value.type in (RECORD, NULL_TYPE):
        raise problems.error(node, f"GROUP BY takes a value, not a {value.type}")
    return value


def _check_parts(node: exp.Expr, rows: Translator, problems: Problems) -> None:
    """Check what is inside and outside the aggregates of an expression, so that one run reports more problems.

    For a broken GROUP BY the expression cannot be translated as a whole.
    """
    if isinstance(node, exp.Star | exp.Var | exp.Identifier):
        return
    if has_aggregate(node) or isinstance(node, exp.If):
        for child in node.iter_expressions():
            _check_parts(child, rows, problems)
        return
    try:
        rows.translate(node)
    except SqlError as error:
        problems.add(error)


def _finish(
    query: exp.Select,
    relation: Relation,
    shown: Relation,
    groups: GroupTranslator,
    window: TimeTerm,
    problems: Problems,
) -> Relation:
    conditions: tuple[PlanNode, ...] = ()
    if having := query.args.get("having"):
        try:
            conditions = (groups.condition(having.this, "HAVING").node,)
        except SqlError as error:
            problems.add(error)
    windowed = groups.window_of(relation, window)
    windowed = windowed if relation.distinct is None else without_inner_steps(windowed)
    return replace(shown, conditions=conditions, window=windowed, distinct=None)


def plan_distinct(
    query: exp.Select, relation: Relation, items: Sequence[Item], rows: Translator, problems: Problems
) -> Relation:
    """Plan SELECT DISTINCT: one group per window and combination of the items; ROWTIME itself is not compared."""
    values: list[tuple[Item, Typed]] = []
    for item in items:
        try:
            values.append((item, rows.translate(item.node)))
        except SqlError as error:
            problems.add(error)
    if len(values) != len(items):
        return replace(relation, columns=())
    terms = [term for item, value in values if (term := find_time_term(item.node, value))]
    if not terms:
        raise problems.unsupported(
            query, "SELECT DISTINCT without a time term", "add STEP(s.ROWTIME BY INTERVAL '60' SECOND) to its columns"
        )
    window = choose_window(terms, (), query, problems)
    groups = GroupTranslator(rows, problems)
    groups.add_window(window, window.size_ms)
    columns = []
    for item, value in values:
        if value.node == relation.rowtime.node:
            columns.append(RelationColumn(item.name, WINDOW_END))
            continue
        groups.add_key(value)
        columns.append(RelationColumn(item.name, groups.known[canonical_json(value.node)]))
    windowed = replace(groups.window_of(relation, window), is_distinct=True)
    return Relation(tuple(columns), WINDOW_END, (), windowed, pumps=relation.pumps, base=relation.base)
