"""SELECT → relation: FROM, WHERE, projection; grouping is in :mod:`streamtally.sql.planning.grouping`."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.sql.expressions.translator import Translator
from streamtally.sql.grammar.allowed import check_name, stored_name
from streamtally.sql.planning.distinct_rows import rows_under
from streamtally.sql.planning.grouping import plan_distinct, plan_grouped
from streamtally.sql.planning.joins import TableJoin, join_table, split_from
from streamtally.sql.planning.leveled import check_below, refuse_distinct
from streamtally.sql.planning.merging import plan_over_all
from streamtally.sql.planning.ordering import check_order
from streamtally.sql.planning.relations import Relation, RelationColumn, RelationNames, StreamLookup
from streamtally.sql.planning.row_windows import plan_row_windows
from streamtally.sql.planning.select_list import expand_items, has_aggregate, project
from streamtally.sql.planning.sliding import is_sliding, plan_sliding
from streamtally.sql.planning.stages import as_rows
from streamtally.sql.planning.stream_joins import join_streams, join_with_table
from streamtally.sql.planning.table_functions import plan_table_function
from streamtally.sql.problems import Problems


def plan_query(query: exp.Expr, lookup: StreamLookup, problems: Problems) -> list[Relation]:
    """Plan a SELECT, possibly in parentheses: one relation for each relation that its FROM gives.

    Raises: SqlError: a problem after which planning cannot continue; others are collected in ``problems``.
    """
    if isinstance(query, exp.Subquery):
        return plan_query(query.this, lookup, problems)
    if not isinstance(query, exp.Select):
        raise problems.syntax(query, "expected SELECT STREAM")
    sources, alias, joins = _plan_from(query, lookup, problems)
    for join in joins if problems.to_flink else ():
        sources = _join_for_flink(query, sources, join, alias, lookup, problems)

    def plan(source: Relation) -> Relation:
        for join in () if problems.to_flink else joins:
            source = join_table(source, join, alias, lookup.tables, problems)
        return _plan_select(query, source, alias, problems)

    if len(sources) > 1 and _is_aggregate(query) and problems.to_flink:
        sources = [as_rows(source, problems) for source in sources]
    if len(sources) > 1 and _is_aggregate(query):
        refused = problems.unsupported(
            query,
            "an aggregate over a stream that several pumps fill with an aggregate's results or with different types",
            "let each pump fill a stream of its own, and aggregate each",
        )
        if any(source.window is not None for source in sources):
            raise refused
        # Columns with a mistake, which is already reported, are missing: the whole ones show what else is wrong.
        count = max(len(source.columns) for source in sources)
        sources = [source for source in sources if len(source.columns) == count]
        return [plan_over_all(sources, plan, refused)]
    # The problems are the same for each pump that fills the stream, and are collected once.
    return [plan(source) for source in sources]


def _join_for_flink(
    query: exp.Select,
    sources: list[Relation],
    join: TableJoin,
    alias: str,
    lookup: StreamLookup,
    problems: Problems,
) -> list[Relation]:
    """Each relation joined with a table, or with each relation of a stream. Raises: SqlError."""
    if not join.is_stream:
        return [join_with_table(source, join, alias, lookup.tables, problems) for source in sources]
    others = _plan_source(join.origin, lookup, problems)
    if len(sources) * len(others) > 1 and join.kind != "INNER":
        raise problems.unsupported(
            join.origin, f"{join.kind} JOIN of a stream that several pumps fill", "let one pump fill each stream"
        )
    return [join_streams(query, left, right, join, alias, problems) for left in sources for right in others]


def _is_aggregate(query: exp.Select) -> bool:
    args = query.args
    clauses = (args.get("group"), args.get("distinct"), args.get("having"))
    return any(clauses) or any(has_aggregate(item) for item in query.expressions)


def _plan_from(
    query: exp.Select, lookup: StreamLookup, problems: Problems
) -> tuple[list[Relation], str, list[TableJoin]]:
    if query.args.get("from_") is None:
        raise problems.error(query, "a SELECT without FROM", 'select from a stream, such as "SOURCE_SQL_STREAM_001"')
    origin, joins = split_from(query, lookup.tables, problems)
    if isinstance(origin, exp.Select):
        raise problems.syntax(origin, "a SELECT in FROM without parentheses", "write FROM (SELECT STREAM …) AS name")
    alias = origin.args.get("alias")
    name = check_name(alias.this, problems) if alias is not None and alias.this else ""
    if alias is not None and alias.args.get("over") is not None and not any(join.is_stream for join in joins):
        raise problems.unsupported(
            origin, "a window of a stream that is not joined with another", "write OVER after the aggregate"
        )
    if not name and not isinstance(origin, exp.Subquery) and not isinstance(origin.this, exp.Anonymous):
        name = stored_name(origin.this)
    return _plan_source(origin, lookup, problems), name, joins


def _plan_source(origin: exp.Expr, lookup: StreamLookup, problems: Problems) -> list[Relation]:
    """The relations of a stream, a subquery or a function in FROM, with the names that its alias gives the columns."""
    alias = origin.args.get("alias")
    if isinstance(origin, exp.Subquery):
        relations = plan_query(origin.this, lookup, problems)
    elif isinstance(origin.this, exp.Anonymous):
        relations = plan_table_function(origin.this, lookup, problems, plan_query)
    else:
        relations = list(lookup(origin, stored_name(origin.this)))
    columns = alias.args.get("columns") if alias is not None else None
    if alias is not None and columns:
        names = [check_name(column, problems) for column in columns]
        relations = [_rename(relation, names, alias, problems) for relation in relations]
    return relations


def _rename(relation: Relation, names: list[str], origin: exp.Expr, problems: Problems) -> Relation:
    if len(names) != len(relation.columns):
        raise problems.error(origin, f"{len(names)} names for {len(relation.columns)} columns")
    pairs = zip(names, relation.columns, strict=True)
    return replace(relation, columns=tuple(RelationColumn(name, column.value) for name, column in pairs))


def _rows_under(query: exp.Select, source: Relation, problems: Problems) -> Relation:
    """The rows of which a windowed relation has the distinct ones, else the relation: its results are the rows.

    Raises: SqlError: its results cannot be aggregated.
    """
    rows = rows_under(source)
    if rows is not None:
        return rows
    if problems.to_flink:
        return as_rows(source, problems)
    check_below(query.args.get("group") or query, source, problems)
    if query.args.get("distinct"):
        raise refuse_distinct(query, problems)
    return source


def _plan_select(query: exp.Select, source: Relation, alias: str, problems: Problems) -> Relation:
    by_row = is_sliding(query) and problems.to_flink and not problems.by_minute
    if source.window is not None and by_row:
        source = as_rows(source, problems)
    if source.window is not None and _is_aggregate(query) and not is_sliding(query):
        source = _rows_under(query, source, problems)
    names = RelationNames(source, alias, problems)
    translator = Translator(problems, names)
    relation = source
    if where := query.args.get("where"):
        try:
            relation = source.where(translator.condition(where.this, "WHERE").node)
        except SqlError as error:
            problems.add(error)
    items = expand_items(query, names, problems)
    if order := query.args.get("order"):
        check_order(order, items, translator, problems)
    if by_row:
        return plan_row_windows(query, relation, items, translator, problems)
    if is_sliding(query):
        return plan_sliding(query, relation, items, translator, problems)
    if _is_aggregate(query):
        by_distinct = query.args.get("distinct") and query.args.get("group") is None
        plan = plan_distinct if by_distinct else plan_grouped
        return plan(query, relation, items, translator, problems)
    return project(relation, items, translator, problems)
