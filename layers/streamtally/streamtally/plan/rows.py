"""Row outputs: one document per row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from streamtally.config.outputs import OutputSettings
from streamtally.errors import EvaluationError, PlanError
from streamtally.plan.casts import value_to_text
from streamtally.plan.codegen import FILTERED, Reads, RowSource, make_function, time_lines
from streamtally.plan.expression_code import Scope, cast_code, compile_expression, null_safe
from streamtally.plan.joins import JoinRow, Tables, compile_joins, joined_scope, joined_tables
from streamtally.plan.reserved import why_reserved
from streamtally.plan.types import BOOLEAN, TIMES, SqlType, parse_type

MakeRow = Callable[[dict[str, Any], int, int, int], "tuple[int, int, dict[str, Any] | None]"]
"""(row, arrival, low, high in ms) → (fate, time in ms, columns, or None for a row that WHERE filters out)."""


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column of an output.

    Attributes:
        name: its name in documents.
        type: its SQL type.
        index_type: ``"date"`` if its index field is a date; None: the index type follows from ``type``.
    """

    name: str
    type: SqlType
    index_type: str | None


@dataclass(frozen=True, slots=True)
class RowOutput:
    """An output with one document per row.

    Attributes:
        name: its name in the plan.
        settings: its settings in ``pipeline.toml``.
        columns: the columns of its documents.
        make: evaluates one row; raises EvaluationError (and whatever Python raises for hostile values).
        pump: the pump of the program that fills the output, for reports.
        passes: how many times each row is evaluated.
        join: joins a row with reference tables before it is evaluated; None: there is no join.
        reads: what ``make`` and ``join`` read of a row.
    """

    name: str
    settings: OutputSettings
    columns: tuple[OutputColumn, ...]
    make: MakeRow
    kind: str = "row"
    pump: str | None = None
    passes: int = 1
    join: JoinRow | None = None
    reads: Reads = field(default_factory=Reads, compare=False)


def compile_row_output(
    node: dict[str, Any], settings: OutputSettings, source: RowSource, tables: Tables | None = None
) -> RowOutput:
    """The row output of a plan. Raises: PlanError."""
    joins, tables, reads = node.get("joins", ()), tables or {}, Reads()
    scope = joined_scope(source, reads, joined_tables(joins, tables))
    body = where_lines(node, scope, f"return {FILTERED}, 0, None")
    time = node.get("time") or {"time": "arrival"}
    body += time_lines(time, compile_expression(time, scope))
    columns = read_columns(node)
    values = []
    for column, column_node in zip(columns, node["columns"], strict=True):
        code = cast_code(compile_expression(column_node["expr"], scope), column.type, scope)
        values.append(f"{scope.bind(column.name)}: {output_source(code.source, column.type, scope)}")
    body.append(f"return fate, time, {{{', '.join(values)}}}")
    scope.namespace["no_time"] = lambda: EvaluationError("no event time")
    make = make_function("make_row", "row, arrival, low, high", body, scope.namespace)
    join = compile_joins(joins, tables, source, reads)
    return RowOutput(node["name"], settings, columns, make, pump=node.get("pump"), join=join, reads=reads)


def where_lines(node: dict[str, Any], scope: Scope, skip: str) -> list[str]:
    """The lines that run the statement ``skip`` unless the row's WHERE is TRUE. Raises: PlanError."""
    if node.get("where") is None:
        return []
    condition = compile_expression(node["where"], scope)
    if condition.type != BOOLEAN:
        raise PlanError(f"WHERE must be a condition, not {condition.type}")
    return [f"if {condition.source} is not True: {skip}"]


def read_columns(node: dict[str, Any]) -> tuple[OutputColumn, ...]:
    """The columns that an output declares. Raises: PlanError: no columns, a repeated name, or a reserved one."""
    columns = tuple(
        OutputColumn(column["name"], parse_type(column["type"]), column.get("index_type")) for column in node["columns"]
    )
    names = [column.name for column in columns]
    if not names:
        raise PlanError("an output needs at least one column")
    if repeated := [name for name in names if names.count(name) > 1]:
        raise PlanError(f"column {repeated[0]!r} is declared twice")
    for name in names:
        if why := why_reserved(name):
            raise PlanError(f"a column cannot be named {name!r}: {why}")
    return columns


def output_source(source: str, sql_type: SqlType, scope: Scope) -> str:
    """Code that gives a value its form in a document: dates and times become SQL text."""
    if sql_type.name not in TIMES:
        return source
    write = scope.bind(value_to_text(sql_type))
    return null_safe([source], lambda names: f"{write}({names[0]})", scope)
