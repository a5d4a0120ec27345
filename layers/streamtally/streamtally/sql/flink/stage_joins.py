"""Joins of streams, and of a stream with a reference table → views.

Source: *Joins* (interval and temporal joins) in Apache Flink's documentation.
"""

from __future__ import annotations

from collections.abc import Sequence

from streamtally.plan.types import TIMESTAMP
from streamtally.sql.flink.expressions import Expressions
from streamtally.sql.flink.queries import Node, Statements, view_statement
from streamtally.sql.flink.stage_rows import Sources, StageSource, read_view, shifted, used_columns
from streamtally.sql.flink.syntax import name
from streamtally.sql.flink.tables import SINCE, TIME, value_column
from streamtally.sql.flink.values import FlinkError, Value
from streamtally.sql.planning.stages import JoinStage, TableStage


def join_views(stage: JoinStage, rows: StageSource, sources: Sources) -> Statements:
    times = {"left": ("a", stage.left.base), "right": ("b", stage.right.base)}
    read: set[str] = set(rows.used)

    def column(column: str) -> Value:
        read.add(column)
        return Value(name(column), stage.columns[column])

    def time(which: str) -> Value:
        alias, base = times[stage.side]
        offset_ms = base.offset_ms if base is not None else 0
        return Value(shifted(f"CAST({alias}.{name(TIME)} AS TIMESTAMP(3))", offset_ms), TIMESTAMP)

    conditions = [f"a.{name(left)} = b.{name(right)}" for left, right in stage.on]
    conditions += _plain_conditions(stage.conditions, Expressions({"column": column, "time": time}))
    low, high = (shifted(f"a.{name(TIME)}", ms) for ms in (stage.low_ms, stage.high_ms))
    between = f"BETWEEN {low} AND {high}" if stage.low_ms != stage.high_ms else f"= {low}"
    conditions.append(f"b.{name(TIME)} {between}")
    read |= {column for pair in stage.on for column in pair}
    left = read_view(stage.left, used_columns(stage.left.columns, also=read), f"{stage.name} left", sources)
    right = read_view(stage.right, used_columns(stage.right.columns, also=read), f"{stage.name} right", sources)
    columns = [name(column) for column in stage.columns if column in rows.used]
    if stage.side:
        columns.insert(0, f"{times[stage.side][0]}.{name(TIME)} AS {name(TIME)}")
    query = (
        f"SELECT {', '.join(columns) or '1 AS `one`'}\n"
        f"FROM {name(f'{stage.name} left')} AS a\n{stage.kind} JOIN {name(f'{stage.name} right')} AS b\n"
        "  ON " + "\n  AND ".join(conditions)
    )
    return Statements([*left.views, *right.views, view_statement(stage.name, query)], [*left.inserts, *right.inserts])


def _plain_conditions(nodes: Sequence[Node], expressions: Expressions) -> list[str]:
    """Conditions of ON. Raises: FlinkError: one can fail, and the pair would then be lost without a message."""
    values = [expressions.write(node) for node in nodes]
    if any(value.failures for value in values):
        raise FlinkError("a condition of ON whose evaluation can fail", "compute it in an earlier pump, or in WHERE")
    return [value.sql for value in values]


def table_views(stage: TableStage, rows: StageSource, sources: Sources) -> Statements:
    read = set(rows.used)

    def column(column: str) -> Value:
        read.add(column)
        return Value(name(known_as.get(column, column)), stage.columns[column])

    def time(which: str) -> Value:
        offset_ms = stage.rows.base.offset_ms if stage.rows.base is not None else 0
        return Value(shifted(f"CAST(a.{name(TIME)} AS TIMESTAMP(3))", offset_ms), TIMESTAMP)

    own = _own_columns(stage)
    keys = _plain_conditions([key for key, _ in stage.on], Expressions({"column": own.__getitem__}))
    # Flink takes a column for the key that is the same as one: such a column is shown under the key's name only.
    known_as = {column: f"k{keys.index(value.sql)}" for column, value in own.items() if value.sql in keys}
    conditions = [f"a.{name(column)} = b.{name(f'k{number}')}" for number, (_, column) in enumerate(stage.on)]
    conditions += _plain_conditions(stage.conditions, Expressions({"column": column, "time": time}))
    read |= {column for _, column in stage.on}
    left = read_view(stage.rows, used_columns(stage.rows.columns, also=read), f"{stage.name} rows", sources)
    sources.tables[stage.table] = dict(stage.table_columns.values())
    versions = f"{stage.name} versions"
    columns = [
        f"{name(known_as[column])} AS {name(column)}" if column in known_as else name(column)
        for column in stage.columns
        if column in rows.used
    ]
    query = (
        f"SELECT a.{name(TIME)} AS {name(TIME)}{''.join(f', {column}' for column in columns)}\n"
        f"FROM {name(f'{stage.name} rows')} AS a\n"
        f"{stage.kind} JOIN {name(versions)} FOR SYSTEM_TIME AS OF a.{name(TIME)} AS b\n"
        "  ON " + "\n  AND ".join(conditions)
    )
    views = [
        *left.views,
        view_statement(versions, _versions(stage, keys, read - known_as.keys())),
        view_statement(stage.name, query),
    ]
    return Statements(views, left.inserts)


def _own_columns(stage: TableStage) -> dict[str, Value]:
    """The columns of a table. CHAR is padded, as the functions pad it when they read the table."""
    return {
        column: Value(
            f"RPAD({name(own)}, {kind.length}, ' ')" if kind.name == "CHAR" else name(value_column(own, kind)), kind
        )
        for column, (own, kind) in stage.table_columns.items()
    }


def _versions(stage: TableStage, keys: Sequence[str], read: set[str]) -> str:
    """The table with its keys, of which Flink joins one row each."""
    shown = {f"k{number}": key for number, key in enumerate(keys)}
    columns = {column: value.sql for column, value in _own_columns(stage).items() if column in read}
    listed = ",\n".join(f"    {sql} AS {name(column)}" for column, sql in {**columns, **shown}.items())
    names = ", ".join(map(name, [*columns, *shown]))
    first = f"PARTITION BY {', '.join(map(name, shown))} ORDER BY {name(SINCE)} DESC"
    present = " AND ".join(f"{key} IS NOT NULL" for key in keys)
    return (
        f"SELECT {names}, {name(SINCE)} FROM (\n"  # noqa: S608 (the program's own names, quoted)
        f"  SELECT *, ROW_NUMBER() OVER ({first}) AS {name('number')} FROM (\n"
        f"    SELECT\n{listed},\n    {name(SINCE)}\n    FROM {name(stage.table)}\n    WHERE {present}\n  )\n"
        f") WHERE {name('number')} = 1"
    )
