"""The items of a SELECT list: ``*`` expanded, aggregates found, each projected to a column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.sql.expressions.calls import function_name
from streamtally.sql.expressions.typed import Typed
from streamtally.sql.grammar.allowed import check_name, stored_name
from streamtally.sql.planning.relations import Relation, RelationColumn, RelationNames
from streamtally.sql.problems import Problems
from streamtally.sql.signatures import AGGREGATE_CALLS

StreamLookup = Callable[[exp.Expr, str], Sequence[Relation]]
"""(where it is named, a stream's stored name) → what fills it, a relation a pump. Raises: SqlError."""


class Translate(Protocol):
    """What translates the items of a SELECT list."""

    def translate(self, node: exp.Expr) -> Typed: ...


class Item:
    """An item of a SELECT list, ``*`` taken apart."""

    def __init__(self, node: exp.Expr, name: str, aliased: bool) -> None:
        self.node = node
        self.name = name
        self.aliased = aliased


def expand_items(query: exp.Select, names: RelationNames, problems: Problems) -> list[Item]:
    """The items of the SELECT list in order, with ``*`` and ``t.*`` as their columns."""
    items: list[Item] = []
    for number, node in enumerate(query.expressions):
        star = node if isinstance(node, exp.Star) else node.this if isinstance(node, exp.Column) else None
        if isinstance(star, exp.Star):
            table = node.args.get("table")
            if table is not None and stored_name(table) != names.alias:
                problems.add(problems.error(table, f"unknown stream {stored_name(table)} in this SELECT"))
            items += [_column_item(column, node) for column in names.relation.columns]
        elif isinstance(node, exp.Alias):
            try:
                items.append(Item(node.this, _alias_name(node, problems), aliased=True))
            except SqlError as error:
                problems.add(error)
        else:
            name = stored_name(node.this) if isinstance(node, exp.Column) else f"EXPR${number}"
            items.append(Item(node, name, aliased=False))
    if not items and not problems.found:
        raise problems.error(query, "a SELECT without columns", "name columns, or declare the source's columns")
    return items


def _alias_name(node: exp.Alias, problems: Problems) -> str:
    alias = node.args["alias"]
    if not alias.args.get("quoted") and str(alias.this).upper() == "ROWTIME":
        return "ROWTIME"
    return check_name(alias, problems)


def _column_item(column: RelationColumn, star: exp.Expr) -> Item:
    identifier = exp.Identifier(this=column.name, quoted=True)
    identifier.update_positions(star if "start" in star.meta else star.this)
    return Item(exp.Column(this=identifier), column.name, aliased=False)


def has_aggregate(node: exp.Expr) -> bool:
    """Whether an aggregate function is called in it."""
    return any(function_name(each) in AGGREGATE_CALLS for each in node.find_all(exp.Anonymous))


def project(relation: Relation, items: Sequence[Item], translator: Translate, problems: Problems) -> Relation:
    """The items as columns; one named ROWTIME by AS sets the row's time and is no column."""
    columns: list[RelationColumn] = []
    rowtime = relation.rowtime
    for item in items:
        try:
            value = translator.translate(item.node)
        except SqlError as error:
            problems.add(error)
            continue
        if item.name == "ROWTIME" and item.aliased and value.type == relation.rowtime.type:
            rowtime = value
        columns.append(RelationColumn(item.name, value))
    return replace(relation, columns=tuple(columns), rowtime=rowtime, of_source=False)
