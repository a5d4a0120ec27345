"""The rows of a windowed output: their window, their key, and how they are added to the aggregates of their group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from streamtally.errors import EvaluationError
from streamtally.plan.aggregates.base import Slot
from streamtally.plan.aggregates.registry import make_aggregate
from streamtally.plan.codegen import FILTERED, OUT_OF_RANGE, Reads, RowSource, make_function, time_lines
from streamtally.plan.conditions import columns_in, required_columns
from streamtally.plan.expression_code import Code, Scope, cast_code, compile_expression
from streamtally.plan.joins import JoinRow, Tables, compile_joins, joined_scope, joined_tables
from streamtally.plan.rows import where_lines
from streamtally.plan.types import FLOATS, parse_type

Groups = dict[tuple[Any, ...], list[Any]]
"""(window start in ms, *key values) → [rows, rows out of range, *aggregate states]: what a batch's rows add up to."""

AddRow = Callable[[dict[str, Any], int, int, int, Groups, int], int]
"""(row, arrival, low, high in ms, groups, number of equal rows) → their fate; the groups are unchanged if it raises."""

ORDER = "\0order"
"""The member of a row that says where it stands among all rows: (arrival in ms, its record's identity, its line)."""

NO_STATUS = "the line has no status"
"""Why a row is not counted by its status."""

ROWS, ROWS_OUT_OF_RANGE, _FIRST_STATE = 0, 1, 2
"""Positions in a group's list."""


@dataclass(frozen=True, slots=True)
class WindowRows:
    """What a node of the plan says about rows, compiled.

    Attributes:
        add: adds rows to their group; raises EvaluationError (and whatever Python raises for hostile values).
        keys: the values of the key.
        arguments: those of the aggregates; None: COUNT(*).
        slots: the aggregates.
        required: the fields without which no row is counted, by the WHERE.
        shape: equal for nodes whose states can be merged.
        join: joins a row with reference tables before it is added; None: there is no join.
    """

    add: AddRow
    keys: list[Code]
    arguments: list[Code | None]
    slots: tuple[Slot, ...]
    required: frozenset[str]
    shape: object
    join: JoinRow | None


def compile_window_rows(
    part: dict[str, Any], window_ms: int, source: RowSource, reads: Reads, tables: Tables
) -> WindowRows:
    """The rows of a windowed output of a plan. Raises: PlanError."""
    joins = part.get("joins", ())
    scope = joined_scope(source, reads, joined_tables(joins, tables))
    time = part.get("time") or {"time": "arrival"}
    key_codes = [
        cast_code(compile_expression(key["expr"], scope), parse_type(key["type"]), scope) for key in part["keys"]
    ]
    arguments = [
        None if aggregate.get("argument") is None else compile_expression(aggregate["argument"], scope)
        for aggregate in part["aggregates"]
    ]
    slots = make_slots(part["aggregates"], arguments)
    reads.arrival = reads.arrival or any(slot.aggregate.is_ordered for slot in slots)  # so rows are added one by one
    body = where_lines(part, scope, f"return {FILTERED}")
    body += _value_lines(part["keys"], source, scope)
    body += time_lines(time, compile_expression(time, scope))
    body += _add_lines(key_codes, arguments, slots, window_ms, scope)
    scope.namespace["no_status"] = lambda: EvaluationError(NO_STATUS)
    scope.namespace["no_time"] = lambda: EvaluationError("no event time")
    add = make_function("add_row", "row, arrival, low, high, groups, n", body, scope.namespace)
    required = frozenset(source.column(name)[0] for name in required_columns(part.get("where")))
    aggregates = [
        (node["name"], node["function"], slot.aggregate.result)
        for node, slot in zip(part["aggregates"], slots, strict=True)
    ]
    shape = ([code.type for code in key_codes], aggregates)
    join = compile_joins(joins, tables, source, reads)
    return WindowRows(add, key_codes, arguments, slots, required, shape, join)


def _value_lines(keys: Iterable[Mapping[str, Any]], source: RowSource, scope: Scope) -> list[str]:
    """Refuse rows that lack the status by which they are to be counted: a count of nulls would look like an answer."""
    names = sorted({name for key in keys for name in columns_in(key["expr"]) if source.needs_value(name)})
    fields = [source.column(name)[0] for name in names]
    return [f"if {scope.bind(field_name)} not in row: raise no_status()" for field_name in fields]


def make_slots(nodes: list[dict[str, Any]], arguments: list[Code | None]) -> tuple[Slot, ...]:
    """The aggregates of a plan, and where their states are in a group. Raises: PlanError."""
    slots: list[Slot] = []
    index = _FIRST_STATE
    for node, argument in zip(nodes, arguments, strict=True):
        aggregate = make_aggregate(node["function"], argument.type if argument else None)
        # COUNT(*) is the number of rows, which every group has anyway.
        rows = node["function"] == "count" and argument is None
        slots.append(Slot(node["name"], aggregate, ROWS if rows else index))
        index += 0 if rows else 1
    return tuple(slots)


def _add_lines(
    keys: list[Code], arguments: list[Code | None], slots: tuple[Slot, ...], window_ms: int, scope: Scope
) -> list[str]:
    """The lines that add a row; all is evaluated before the group is changed, so that a failing row leaves no trace."""
    lines = [f"k{i} = {code.source}" for i, code in enumerate(keys)]
    lines += [f"a{i} = {code.source}" for i, code in enumerate(arguments) if code]
    lines += [_without_signed_zero(f"k{i}") for i, code in enumerate(keys) if _has_signed_zero(code)]
    lines += [_without_signed_zero(f"a{i}") for i, code in enumerate(arguments) if code and _has_signed_zero(code)]
    parts = [f"time - time % {window_ms}", *(f"k{i}" for i in range(len(keys)))]
    zeros = [(slot, scope.bind(slot.aggregate.zero)) for slot in slots if slot.index != ROWS]
    lines += [
        f"key = ({', '.join(parts)},)",
        "state = groups.get(key)",
        f"if state is None: state = groups[key] = [0, 0, {', '.join(f'{zero}()' for _, zero in zeros)}]",
        f"state[{ROWS}] += n",
    ]
    order = f"row[{scope.bind(ORDER)}]" if any(slot.aggregate.is_ordered for slot in slots) else ""
    for i, slot in enumerate(slots):
        if slot.index == ROWS:
            continue
        value = f"({order}, a{i})" if slot.aggregate.is_ordered else f"a{i}"
        statement = slot.aggregate.add_source(f"state[{slot.index}]", value, scope.bind(slot.aggregate.add))
        lines += [statement] if slot.aggregate.takes_null else [f"if a{i} is not None:", f"    {statement}"]
    return [*lines, f"if fate == {OUT_OF_RANGE}: state[{ROWS_OUT_OF_RANGE}] += n", "return fate"]


def _has_signed_zero(code: Code) -> bool:
    return code.type.name == "DECIMAL" or code.type.name in FLOATS


def _without_signed_zero(name: str) -> str:
    # -0.0 equals 0.0 but is written differently: otherwise a key and its id would depend on which row came first.
    return f"if {name} == 0: {name} = abs({name})"
