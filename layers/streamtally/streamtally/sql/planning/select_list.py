"""The SELECT list: expanding ``*``, finding aggregates, projecting items to columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.sql.expressions.calls import function_name
from streamtally.sql.expressions.typed import Typed
from streamtally.sql.grammar.allowed import check_name, stored_name
from streamtally.sql.planning.relations import Relation, RelationColumn, RelationNames
from streamtally.sql.problems import Problems
from streamtally.sql.signatures import AGGREGATE_CALLS


class Translate(Protocol):
    """Translates the items of a SELECT list."""

    def translate(self, node: exp.Expr) -> Typed: ...


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a SELECT list, after ``*`` has been expanded.

    Attributes:
        node: its expression.
        name: the stored name of the column that it gives.
        aliased: whether the name is given by AS.
    """

    node: exp.Expr
    name: str
    aliased: bool


def expand_items(query: exp.Select, names: RelationNames, problems: Problems) -> list[Item]:
    """The items of the SELECT list in order, with ``*`` and ``t.*`` expanded to columns.

    Raises: SqlError: there are no columns; other problems are collected in ``problems``.
    """
    items: list[Item] = []
    for number, node in enumerate(query.expressions):
        star = node if isinstance(node, exp.Star) else node.this if isinstance(node, exp.Column) else None
        if isinstance(star, exp.Star):
            items += _star_items(node, names, problems)
        elif isinstance(node, exp.Alias):
            try:
                items.append(Item(node.this, _alias_name(node, problems), aliased=True))
            except SqlError as error:
                problems.add(error)
        else:
            name = stored_name(node.this) if isinstance(node, exp.Column) else f"EXPR${number}"
            items.append(Item(node, name, aliased=False))
    if not items and not problems.errors:
        raise problems.error(query, "a SELECT without columns", "name columns, or declare the source's columns")
    return items


def _star_items(node: exp.Expr, names: RelationNames, problems: Problems) -> Iterator[Item]:
    table = node.args.get("table")
    numbers: Sequence[int] = range(len(names.sides))
    if table is not None:
        try:
            numbers = names.numbers_of(table)
        except SqlError as error:
            problems.add(error)
    for number in numbers:
        side = names.sides[number]
        qualifier = exp.Identifier(this=side.alias, quoted=True) if len(names.sides) > 1 else None
        yield from (_column_item(column, node, qualifier) for column in side.columns)


def _alias_name(node: exp.Alias, problems: Problems) -> str:
    alias = node.args["alias"]
    if not alias.args.get("quoted") and str(alias.this).upper() == "ROWTIME":
        return "ROWTIME"
    return check_name(alias, problems)


def _column_item(column: RelationColumn, star: exp.Expr, qualifier: exp.Identifier | None) -> Item:
    identifier = exp.Identifier(this=column.name, quoted=True)
    identifier.update_positions(star if "start" in star.meta else star.this)
    table = qualifier.copy() if qualifier is not None else None
    return Item(exp.Column(this=identifier, table=table), column.name, aliased=False)


def has_aggregate(node: exp.Expr) -> bool:
    """Whether an expression calls an aggregate function."""
    return any(function_name(call) in AGGREGATE_CALLS for call in node.find_all(exp.Anonymous))


def project(relation: Relation, items: Sequence[Item], translator: Translate, problems: Problems) -> Relation:
    """The items as columns; ``… AS ROWTIME`` also sets the time of the row."""
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
    return replace(relation, columns=tuple(columns), rowtime=rowtime, of_source=False, sides=())
