"""Row outputs: a document for each row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streamtally.config.outputs import OutputSettings
from streamtally.errors import EvaluationError, PlanError
from streamtally.plan.casts import value_to_text
from streamtally.plan.codegen import Reads, RowSource, make_function, row_scope, time_lines
from streamtally.plan.expressions import BOOLEAN, Scope, cast_code, compile_expression, null_safe
from streamtally.plan.reserved import why_reserved
from streamtally.plan.types import SqlType, parse_type

MakeRow = Callable[[dict[str, Any], int, int, int], "tuple[int, int, dict[str, Any] | None]"]
"""(row, arrival, low, high in ms) → (fate, time in ms, columns; None if WHERE left the row out)."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an output: its name, its type, and whether its index field is a date."""

    name: str
    type: SqlType
    index_type: str | None


@dataclass(frozen=True, slots=True)
class RowOutput:
    """An output with a document a row.

    Attributes:
        make: evaluates one row; raises EvaluationError (and what Python raises for hostile values).
        pump: the program's pump that it comes from, for reports.
    """

    name: str
    settings: OutputSettings
    columns: tuple[Column, ...]
    make: MakeRow
    kind: str = "row"
    pump: str | None = None


def compile_row_output(node: dict[str, Any], settings: OutputSettings, source: RowSource) -> RowOutput:
    """A row output from its plan. Raises: PlanError."""
    scope = row_scope(source, Reads())
    body = where_lines(node, scope, "return 1, 0, None")
    time = node.get("time") or {"time": "arrival"}
    body += time_lines(time, compile_expression(time, scope))
    columns = read_columns(node)
    values = []
    for column, each in zip(columns, node["columns"], strict=True):
        code = cast_code(compile_expression(each["expr"], scope), column.type, scope)
        values.append(f"{scope.bind(column.name)}: {output_source(code.source, column.type, scope)}")
    body.append(f"return fate, time, {{{', '.join(values)}}}")
    scope.namespace["no_time"] = lambda: EvaluationError("no event time")
    make = make_function("make_row", "row, arrival, low, high", body, scope.namespace)
    return RowOutput(node["name"], settings, columns, make, pump=node.get("pump"))


def where_lines(node: dict[str, Any], scope: Scope, leave: str) -> list[str]:
    """The lines that leave a row out unless its WHERE is TRUE."""
    if node.get("where") is None:
        return []
    condition = compile_expression(node["where"], scope)
    if condition.type != BOOLEAN:
        raise PlanError(f"WHERE is a condition, not {condition.type}")
    return [f"if {condition.source} is not True: {leave}"]


def read_columns(node: dict[str, Any]) -> tuple[Column, ...]:
    """The columns that an output declares. Raises: PlanError: none, or two of one name."""
    columns = tuple(Column(each["name"], parse_type(each["type"]), each.get("index_type")) for each in node["columns"])
    names = [column.name for column in columns]
    if not names:
        raise PlanError("an output has at least one column")
    if twice := [name for name in names if names.count(name) > 1]:
        raise PlanError(f"column {twice[0]!r} is there twice")
    for name in names:
        if why := why_reserved(name):
            raise PlanError(f"a column cannot be called {name!r}: {why}")
    return columns


def output_source(source: str, of: SqlType, scope: Scope) -> str:
    """Code that gives a value the form it has in a document: times as SQL's text, DECIMAL as a number's text."""
    if of.name not in ("TIMESTAMP", "DATE", "TIME"):
        return source
    write = scope.bind(value_to_text(of))
    return null_safe([source], lambda names: f"{write}({names[0]})", scope)
