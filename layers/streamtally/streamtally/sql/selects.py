"""SELECT → relation: FROM, WHERE, projection; grouping is in :mod:`streamtally.sql.grouping`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.sql.calls import function_name
from streamtally.sql.expressions import Translator
from streamtally.sql.problems import Problems
from streamtally.sql.relations import Relation, RelationColumn, RelationNames
from streamtally.sql.signatures import AGGREGATES
from streamtally.sql.syntax import check_name, stored_name
from streamtally.sql.typed import RECORD, Typed

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


def plan_query(query: exp.Expr, streams: StreamLookup, problems: Problems) -> list[Relation]:
    """A SELECT (or one in parentheses) as relations, one for each that its FROM may be.

    Raises: SqlError: the first problem that leaves nothing to go on with; others are noted in ``problems``.
    """
    if isinstance(query, exp.Subquery):
        return plan_query(query.this, streams, problems)
    if not isinstance(query, exp.Select):
        raise problems.syntax(query, "expected SELECT STREAM")
    sources, alias = _plan_from(query, streams, problems)
    # A stream that several pumps fill: problems are the same for each, and are noted once.
    return [_plan_select(query, source, alias, len(sources), problems) for source in sources]


def _plan_from(query: exp.Select, streams: StreamLookup, problems: Problems) -> tuple[list[Relation], str]:
    clause = query.args.get("from_")
    if clause is None:
        raise problems.error(query, "a SELECT without FROM", 'select from a stream, as "SOURCE_SQL_STREAM_001"')
    of = clause.this
    alias = of.args.get("alias")
    name = check_name(alias.this, problems) if alias is not None and alias.this else ""
    if isinstance(of, exp.Subquery):
        relations = plan_query(of.this, streams, problems)
    elif isinstance(of.this, exp.Anonymous):
        from streamtally.sql.tablefunctions import plan_table_function  # it plans the query in its CURSOR with this

        relations = plan_table_function(of.this, streams, problems)
    else:
        name = name or stored_name(of.this)
        relations = list(streams(of, stored_name(of.this)))
    columns = alias.args.get("columns") if alias is not None else None
    if columns:
        names = [check_name(each, problems) for each in columns]
        relations = [_rename(each, names, alias, problems) for each in relations]
    return relations, name


def _rename(relation: Relation, names: list[str], place: exp.Expr, problems: Problems) -> Relation:
    if len(names) != len(relation.columns):
        raise problems.error(place, f"{len(names)} names for {len(relation.columns)} columns")
    pairs = zip(names, relation.columns, strict=True)
    return replace(relation, columns=tuple(RelationColumn(name, column.value) for name, column in pairs))


def _plan_select(query: exp.Select, source: Relation, alias: str, variants: int, problems: Problems) -> Relation:
    from streamtally.sql.grouping import plan_distinct, plan_grouped  # they use what is here

    names = RelationNames(source, alias, problems)
    translator = Translator(problems, names)
    relation = source
    if where := query.args.get("where"):
        try:
            relation = source.where(translator.condition(where.this, "WHERE").node)
        except SqlError as error:
            problems.add(error)
    items = expand_items(query, names, problems)
    distinct = query.args.get("distinct")
    grouped = query.args.get("group") is not None
    if grouped or distinct or query.args.get("having") or any(has_aggregate(item.node) for item in items):
        if variants > 1:
            raise problems.unsupported(
                query,
                "an aggregate over a stream that several pumps fill",
                "let one pump fill it, with OR in its WHERE",
            )
        if relation.window is not None:
            raise problems.unsupported(
                query.args.get("group") or query,
                "an aggregate over an aggregate's result",
                "aggregate the source's rows in one step, or add the documents up where they are read",
            )
        plan = plan_distinct if distinct and not grouped else plan_grouped
        return plan(query, relation, items, translator, problems)
    return project(relation, items, translator, problems)


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
    return any(function_name(each) in AGGREGATES for each in node.find_all(exp.Anonymous))


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


def is_record(value: Typed) -> bool:
    """Whether it is a log parser's record, which no stream's column can hold."""
    return value.type == RECORD
