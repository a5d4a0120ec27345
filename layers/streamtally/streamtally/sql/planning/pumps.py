"""The result of a pump's SELECT as rows of the stream that it fills."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.sql.expressions.typed import INTERVAL, NULL_LITERAL, RECORD, Typed, adopt
from streamtally.sql.planning.program_streams import Pump, Stream, StreamColumnDefinition
from streamtally.sql.planning.relations import Relation, RelationColumn
from streamtally.sql.problems import Problems


def insert(stream: Stream, pump: Pump, relation: Relation, problems: Problems) -> Relation:
    """The relation of a SELECT with the declared names and types of the stream that its pump fills.

    Raises: SqlError: the number of columns differs; wrong types are collected in ``problems``.
    """
    columns = list(relation.columns)
    if len(columns) == len(pump.columns) + 1 and sum(column.name == "ROWTIME" for column in columns) == 1:
        # expr AS ROWTIME sets the time of the row and fills no column.
        columns = [column for column in columns if column.name != "ROWTIME"]
    if len(columns) != len(pump.columns):
        if problems.errors:
            return replace(relation, columns=())
        raise problems.error(
            pump.query,
            f'the SELECT has {len(columns)} columns, but "{stream.name}" takes {len(pump.columns)}',
            "columns are matched by position",
        )
    values: dict[str, Typed] = {}
    for column, target in zip(columns, pump.columns, strict=True):
        try:
            values[target.name] = _assign(pump, column, target, problems)
        except SqlError as error:
            problems.add(error)
    conditions = list(relation.conditions)
    filled = []
    for target in stream.columns:
        value = values.get(target.name) or adopt(NULL_LITERAL, target.type)
        if target.not_null and relation.window is None:
            value = Typed(
                {"call": "not_null", "args": [value.node]}, value.type, size=value.size + 1, depth=value.depth + 1
            )
        elif target.not_null:
            conditions.append({"op": "is_not_null", "args": [value.node]})
        filled.append(RelationColumn(target.name, value))
    return replace(
        relation,
        columns=tuple(filled),
        conditions=tuple(conditions),
        pumps=(pump.name, *relation.pumps),
        of_source=False,
    )


def _assign(pump: Pump, column: RelationColumn, target: StreamColumnDefinition, problems: Problems) -> Typed:
    value = column.value
    if value.is_null:
        return adopt(value, target.type)
    if value.type.kind != target.type.kind:
        origin = _find_item(pump.query, column.name)
        raise problems.error(
            origin,
            f'column "{target.name}" is {target.type}, but its value is {value.type}',
            _assign_advice(value, target),
        )
    if value.type == target.type:
        return value
    return Typed(
        {"cast": value.node, "type": str(target.type)}, target.type, size=value.size + 1, depth=value.depth + 1
    )


def _assign_advice(value: Typed, target: StreamColumnDefinition) -> str:
    if value.type == INTERVAL:
        return "CAST it to BIGINT, in its unit, or use TSDIFF"
    return "select one of its columns" if value.type == RECORD else f"CAST it to {target.type}"


def _find_item(query: exp.Expr, name: str) -> exp.Expr:
    """The item of the SELECT list that gives a column."""
    select = query.find(exp.Select)
    items: list[exp.Expr] = select.expressions if select is not None else []
    for item in items:
        alias = item.args.get("alias") if isinstance(item, exp.Alias) else getattr(item, "this", None)
        if isinstance(alias, exp.Identifier) and name in (str(alias.this), str(alias.this).upper()):
            return item
    number = name.removeprefix("EXPR$")
    return items[min(int(number), len(items) - 1)] if items and number.isdigit() else query
