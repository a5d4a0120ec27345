"""FROM a stream JOIN a reference table ON an equality: the joins of a SELECT, as part of the relation that it reads.

A table's columns are ``{"reference": [join, column]}`` in expressions. While stages are composed, a join is named by
its place in the program, which no other join of the same rows has; an output of the plan numbers its joins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.plan.types import SqlType
from streamtally.sql.expressions.calls import function_name
from streamtally.sql.expressions.translator import Translator
from streamtally.sql.expressions.typed import PlanNode, Typed, common_type, convert
from streamtally.sql.grammar.allowed import check_name, stored_name
from streamtally.sql.grammar.refusals import TO_FLINK
from streamtally.sql.plan_tree import children, rewritten
from streamtally.sql.planning.relations import JoinedTable, Relation, RelationColumn, RelationNames, Side
from streamtally.sql.planning.shaping import conjunction
from streamtally.sql.problems import Problems, offset_of

Tables = Mapping[str, Mapping[str, SqlType]]
"""The reference tables: name → its columns."""

_ON = 'write ON s."column" = t."column", with a column of the table on one side'
_KINDS = {"JOIN": "inner", "INNER JOIN": "inner", ",": "inner", "LEFT JOIN": "left", "LEFT OUTER JOIN": "left"}


STREAM_KINDS = {
    ",": "INNER", "JOIN": "INNER", "INNER JOIN": "INNER",
    **{f"{side}{outer} JOIN": side for side in ("LEFT", "RIGHT", "FULL") for outer in ("", " OUTER")},
}  # fmt: skip
"""The joins of streams that Flink has."""


@dataclass(frozen=True, slots=True)
class TableJoin:
    """A join of a SELECT.

    Attributes:
        origin: the name of the table.
        name: its stored name.
        alias: the name that qualifies its columns.
        kind: ``inner`` or ``left``.
        conditions: the conditions of ON; for a table after a comma, those of WHERE.
        is_comma: whether it stands after a comma.
        is_stream: whether it joins a stream, for Flink.
        window: what names or describes the window of that stream.
    """

    origin: exp.Expr
    name: str
    alias: str
    kind: str
    conditions: tuple[exp.Expr, ...]
    is_comma: bool
    is_stream: bool = False
    window: exp.Expr | None = None


def split_from(query: exp.Select, tables: Tables, problems: Problems) -> tuple[exp.Expr, list[TableJoin]]:
    """What a FROM reads: the stream or subquery, and the joins with reference tables.

    Raises: SqlError: a join that is not one of a stream with reference tables.
    """
    origin = query.args["from_"].this
    joins = [(join, join.this, str(join.args["kind"])) for join in query.args.get("joins") or ()]
    if _table_name(origin, tables) is not None:
        if not joins:
            raise problems.unsupported(origin, "a SELECT from a reference table alone", "join it with a stream")
        join, stream, kind = joins.pop(0)
        if kind in ("LEFT JOIN", "LEFT OUTER JOIN", "FULL JOIN", "FULL OUTER JOIN"):
            raise problems.unsupported(join, f"{kind} with the reference table on its left", "write the stream first")
        swapped = {"RIGHT JOIN": "LEFT JOIN", "RIGHT OUTER JOIN": "LEFT JOIN"}.get(kind, kind)
        joins.insert(0, (join, origin, swapped))
        origin = stream
    return origin, [_read_join(query, join, table, kind, tables, problems) for join, table, kind in joins]


def _table_name(node: exp.Expr, tables: Tables) -> str | None:
    is_named = isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier)
    return stored_name(node.this) if is_named and stored_name(node.this) in tables else None


def _read_join(
    query: exp.Select, join: exp.Expr, table: exp.Expr, kind: str, tables: Tables, problems: Problems
) -> TableJoin:
    name = _table_name(table, tables)
    if isinstance(table, exp.Table) and isinstance(table.this, exp.Anonymous):
        called = function_name(table.this)
        raise problems.error(
            table,
            f"{called} is not allowed after a comma or JOIN in FROM",
            "name a table; STEP and FLOOR belong in GROUP BY",
        )
    if name is None and problems.to_flink:
        return read_stream_join(query, join, table, kind, problems)
    if name is None:
        raise problems.unsupported(join, "joins", _join_advice(table))
    if kind not in _KINDS:
        raise problems.unsupported(join, kind, "write JOIN or LEFT JOIN, with the stream on the left")
    if join.args.get("using"):
        raise problems.unsupported(join, "USING", _ON)
    alias = table.args.get("alias")
    known_as = check_name(alias.this, problems) if alias is not None and alias.this else name
    if alias is not None and alias.args.get("columns"):
        raise problems.unsupported(alias, "new names for a reference table's columns", "rename them in SELECT")
    is_comma = kind == ","
    where = query.args.get("where")
    condition = (where.this if where is not None else None) if is_comma else join.args.get("on")
    if condition is None:
        raise problems.unsupported(join, "a join without a condition", _ON)
    return TableJoin(table, name, known_as, _KINDS[kind], tuple(_conjuncts(condition)), is_comma)


def read_stream_join(query: exp.Select, join: exp.Expr, table: exp.Expr, kind: str, problems: Problems) -> TableJoin:
    """A join with a stream. Raises: SqlError: Flink has no such join, or it has no condition."""
    if kind not in STREAM_KINDS:
        raise problems.unsupported(join, kind, "write JOIN, LEFT JOIN, RIGHT JOIN or FULL JOIN with ON")
    if join.args.get("using"):
        raise problems.unsupported(join, "USING", 'write ON a."column" = b."column"')
    alias = table.args.get("alias")
    is_named = isinstance(table, exp.Table) and isinstance(table.this, exp.Identifier)
    known_as = stored_name(table.this) if is_named else ""
    if alias is not None and alias.this:
        known_as = check_name(alias.this, problems)
    is_comma = kind == ","
    where = query.args.get("where")
    condition = (where.this if where is not None else None) if is_comma else join.args.get("on")
    if condition is None:
        raise problems.unsupported(join, "a join without a condition", 'write ON a."column" = b."column"')
    window = alias.args.get("over") if alias is not None else None
    return TableJoin(
        table, "", known_as, STREAM_KINDS[kind], tuple(_conjuncts(condition)), is_comma, is_stream=True, window=window
    )


def _join_advice(table: exp.Expr) -> str:
    """What to do with a join of something that is not a reference table."""
    advice = "join before the pipeline or when reading; or " + TO_FLINK
    if isinstance(table, exp.Table) and isinstance(table.this, exp.Identifier):
        name = stored_name(table.this)
        return f'if "{name}" is a reference table, declare it as [reference."{name}"] in pipeline.toml; else {advice}'
    return advice


def _conjuncts(node: exp.Expr) -> Iterator[exp.Expr]:
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.And):
        yield from _conjuncts(node.this)
        yield from _conjuncts(node.expression)
    else:
        yield node


def join_table(source: Relation, join: TableJoin, alias: str, tables: Tables, problems: Problems) -> Relation:
    """The relation of a stream's rows, each with the rows of a reference table that belong to it.

    Raises: SqlError: the source has windows, or no equality relates the two.
    """
    if source.window is not None:
        raise problems.unsupported(
            join.origin,
            "a join of an aggregate's result with a reference table",
            "join the rows first, and add the table's columns to GROUP BY",
        )
    place = str(offset_of(join.origin))
    columns = tuple(
        RelationColumn(name, Typed({"reference": [place, name]}, sql_type))
        for name, sql_type in tables[join.name].items()
    )
    sides = source.sides or (Side(alias, source.columns, source.hidden),)
    if any(side.alias == join.alias for side in sides):
        raise problems.error(join.origin, f'the name "{join.alias}" is used twice in FROM', "give it another with AS")
    both = replace(
        source, columns=(*source.columns, *columns), sides=(*sides, Side(join.alias, columns, {})), hidden={}
    )
    on, rest = _split(join, place, Translator(problems, RelationNames(both, alias, problems)))
    if not on:
        raise problems.unsupported(join.origin, "a join without an equality", _ON)
    joined = JoinedTable(place, join.name, join.kind, source.conditions, tuple(on), tuple(rest))
    return replace(both, conditions=(), joins=(*source.joins, joined))


def _split(
    join: TableJoin, place: str, translator: Translator
) -> tuple[list[tuple[PlanNode, PlanNode]], list[PlanNode]]:
    """(Equalities as (expression of the table, expression of the row), all other conditions)."""
    on: list[tuple[PlanNode, PlanNode]] = []
    rest: list[PlanNode] = []
    for condition in join.conditions:
        try:
            pair = _equality(condition, place, translator)
        except SqlError:
            if join.is_comma:  # a condition of WHERE, where its problem is reported
                continue
            raise
        if pair is not None:
            on.append(pair)
        elif not join.is_comma:
            rest.append(translator.condition(condition, "ON").node)
    return on, rest


def _equality(condition: exp.Expr, place: str, translator: Translator) -> tuple[PlanNode, PlanNode] | None:
    """The sides of an equality of table and row: the table's first; None: the condition is something else."""
    if not isinstance(condition, exp.EQ):
        return None
    left, right = translator.translate(condition.this), translator.translate(condition.expression)
    compared = translator.compare(condition, "=", left, right).node["args"]
    typed = [Typed(node, value.type) for node, value in zip(compared, (left, right), strict=True)]
    if all(value.type.is_number for value in typed) and (number := common_type([value.type for value in typed])):
        typed = [convert(value, number) for value in typed]
    own, other = (value.node for value in typed)
    if _is_of_table(other, place):
        own, other = other, own
    return (own, other) if _is_of_table(own, place) and place not in set(_places(other)) else None


def _is_of_table(node: Any, place: str) -> bool:
    """Whether an expression reads columns of the table and nothing else of the row."""
    return set(_places(node)) == {place} and not _reads_row(node)


def _reads_row(node: Any) -> bool:
    own = isinstance(node, dict) and ("column" in node or "time" in node or "stand_in" in node)
    return own or any(_reads_row(child) for child in children(node))


def _places(node: Any) -> Iterator[str]:
    if isinstance(node, dict) and "reference" in node:
        yield node["reference"][0]
        return
    for child in children(node):
        yield from _places(child)


def number_joins(
    joins: Sequence[JoinedTable], shape: Callable[[Any], Any]
) -> tuple[list[PlanNode], Callable[[Any], Any]]:
    """(The joins as nodes of the plan, what replaces their places by their numbers in a node)."""
    numbers = {join.place: number for number, join in enumerate(joins)}

    def number(node: PlanNode) -> PlanNode | None:
        if "reference" not in node:
            return None
        place, name = node["reference"]
        return {"reference": [numbers[place], name]}

    def whole(node: Any) -> Any:
        return shape(rewritten(node, number) if numbers else node)

    return [_to_json(join, whole) for join in joins], whole


def _to_json(join: JoinedTable, whole: Callable[[Any], Any]) -> PlanNode:
    return {
        "table": join.table,
        "kind": join.kind,
        "where": whole(conjunction(join.where)),
        "on": [[whole(key), whole(value)] for key, value in join.on],
        "if": whole(conjunction(join.conditions)),
    }
