"""What a pump's SELECT gives, as rows of the stream that it fills."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.sql.expressions.typed import INTERVAL, NULL_LITERAL, RECORD, Typed, adopt, kind_of
from streamtally.sql.planning.program_streams import Pump, Stream, StreamColumnDefinition
from streamtally.sql.planning.relations import Relation, RelationColumn
from streamtally.sql.problems import Problems


def insert(stream: Stream, pump: Pump, relation: Relation, problems: Problems) -> Relation:
    """A SELECT's relation with the declared names and types of the stream that its pump fills."""
    columns = list(relation.columns)
    if len(columns) == len(pump.columns) + 1 and sum(each.name == "ROWTIME" for each in columns) == 1:
        columns = [each for each in columns if each.name != "ROWTIME"]  # expr AS ROWTIME sets the row's time
    if len(columns) != len(pump.columns):
        if problems.found:
            return replace(relation, columns=())
        raise problems.error(
            pump.query,
            f'the SELECT has {len(columns)} columns, and "{stream.name}" takes {len(pump.columns)}',
            "they are matched by position",
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
    if kind_of(value.type) != kind_of(target.type):
        place = _item_place(pump.query, column.name)
        raise problems.error(
            place,
            f'column "{target.name}" is {target.type}, and its value {value.type}',
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
    return "select a COLUMN of it" if value.type == RECORD else f"CAST it to {target.type}"


def _item_place(query: exp.Expr, name: str) -> exp.Expr:
    """The item of a SELECT list that made a column."""
    select = query.find(exp.Select)
    items: list[exp.Expr] = select.expressions if select is not None else []
    for item in items:
        alias = item.args.get("alias") if isinstance(item, exp.Alias) else getattr(item, "this", None)
        if isinstance(alias, exp.Identifier) and name in (str(alias.this), str(alias.this).upper()):
            return item
    number = name.removeprefix("EXPR$")
    return items[min(int(number), len(items) - 1)] if items and number.isdigit() else query
