"""Windowed outputs: rows → partials per window and key, and merged partials → documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from streamtally.config.outputs import OutputSettings
from streamtally.errors import EvaluationError, PlanError
from streamtally.plan.aggregates.base import Slot
from streamtally.plan.aggregates.merged import Operations, operations_of
from streamtally.plan.aggregates.registry import make_aggregate
from streamtally.plan.codegen import FILTERED, OUT_OF_RANGE, Reads, RowSource, make_function, row_scope, time_lines
from streamtally.plan.conditions import columns_in, required_columns
from streamtally.plan.expression_code import Code, Scope, cast_code, compile_expression
from streamtally.plan.rows import OutputColumn, read_columns, where_lines
from streamtally.plan.types import FLOATS, SqlType, parse_type
from streamtally.plan.window_columns import NO_ITEM, FinishWindow, compile_window_columns

Groups = dict[tuple[Any, ...], list[Any]]
"""(window start in ms, *key values) → [rows, rows out of range, *aggregate states]: what a batch's rows add up to."""

AddRow = Callable[[dict[str, Any], int, int, int, Groups, int], int]
"""(row, arrival, low, high in ms, groups, number of equal rows) → their fate; the groups are unchanged if it raises."""

NO_STATUS = "the line has no status"
"""Why a row is not counted by its status."""

_ROWS, _ROWS_OUT_OF_RANGE, _FIRST_STATE = 0, 1, 2
"""Positions in a group's list."""


@dataclass(frozen=True, slots=True)
class WindowedOutput:
    """An output with one document per window and key.

    Attributes:
        name: its name in the plan.
        settings: its settings in ``pipeline.toml``.
        columns: the columns of its documents.
        window_ms: the length of a window.
        key_types: the types of the key's values.
        slots: its aggregates.
        reads: what the expressions read of a row, so that equal rows can be counted first and added at once.
        add: adds rows to their group; raises EvaluationError (and whatever Python raises for hostile values).
        expand: (name of an aggregate over items, number of items that become documents); None: one document per key.
        pump: the pump of the program that fills the output, for reports.
        required: the fields without which no row is counted, by the output's WHERE.
        operations: how a database merges the numbers of the states; None: only Streamtally can merge them.
    """

    name: str
    settings: OutputSettings
    columns: tuple[OutputColumn, ...]
    window_ms: int
    reads: Reads
    key_types: tuple[SqlType, ...]
    slots: tuple[Slot, ...]
    add: AddRow
    _finish: FinishWindow
    expand: tuple[str, int] | None = None
    pump: str | None = None
    operations: Operations | None = None
    required: frozenset[str] = frozenset()
    kind: str = "windowed"

    def state_to_json(self, key: tuple[Any, ...], group: list[Any]) -> dict[str, Any]:
        """``tally.state`` of a partial: its key, its number of rows, and the states of its aggregates."""
        return {
            "key": self.key_to_json(key),
            "rows": group[_ROWS],
            "aggregates": [slot.aggregate.to_json(group[slot.index]) for slot in self.slots],
        }

    def key_to_json(self, key: tuple[Any, ...]) -> list[Any]:
        """A key's values as JSON: DECIMAL as text, all others unmodified."""
        return [str(value) if isinstance(value, Decimal) else value for value in key]

    def key_from_json(self, key: Iterable[Any]) -> tuple[Any, ...]:
        """The inverse of :meth:`key_to_json`."""
        return tuple(_key_value(value, sql_type) for value, sql_type in zip(key, self.key_types, strict=True))

    def merge_states(self, states: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Merge the states of one window and key exactly, in any order. Raises: ValueError: there are no states."""
        merging = [slot.aggregate.merging() for slot in self.slots]
        rows = 0
        key: list[Any] | None = None
        for state in states:
            rows += state["rows"]
            key = list(state["key"]) if key is None else key
            for into, value in zip(merging, state["aggregates"], strict=True):
                into.add(value)
        if key is None:
            raise ValueError("there are no partials to merge")
        aggregates = [into.aggregate.to_json(into.state) for into in merging]
        return {"key": key, "rows": rows, "aggregates": aggregates}

    def finish(self, window_start: int, state: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """A merged state → (its columns, whether HAVING shows it). A column that cannot be evaluated is None."""
        values = [
            slot.aggregate.finish(slot.aggregate.from_json(value))
            for slot, value in zip(self.slots, state["aggregates"], strict=True)
        ]
        return self._finish(window_start, self.key_from_json(state["key"]), values, NO_ITEM)

    def finish_all(self, window_start: int, state: Mapping[str, Any]) -> list[tuple[list[Any], dict[str, Any], bool]]:
        """A merged state → every document of its window and key: (suffix of the key, columns, visible).

        There is one document, with an empty suffix, unless the output expands the items of an aggregate
        (TOP_K_ITEMS_TUMBLING): then there is one per item, and the suffix is its rank, from 1.
        """
        if self.expand is None:
            return [([], *self.finish(window_start, state))]
        name, limit = self.expand
        slot, value = next(
            (slot, value) for slot, value in zip(self.slots, state["aggregates"], strict=True) if slot.name == name
        )
        items = slot.aggregate.items(slot.aggregate.from_json(value))[:limit]
        key = self.key_from_json(state["key"])
        if not items:  # a hidden document records that the partials were settled
            return [([1], self._finish(window_start, key, [], NO_ITEM)[0], False)]
        return [([rank], *self._finish(window_start, key, [], item)) for rank, item in enumerate(items, 1)]


def _key_value(value: Any, sql_type: SqlType) -> Any:
    return Decimal(value) if sql_type.name == "DECIMAL" and value is not None else value


def compile_windowed_output(node: dict[str, Any], settings: OutputSettings, source: RowSource) -> WindowedOutput:
    """The windowed output of a plan. Raises: PlanError."""
    window_ms = node.get("window_ms")
    if type(window_ms) is not int or window_ms <= 0:
        raise PlanError("window_ms must be a positive number of milliseconds")
    reads = Reads()
    scope = row_scope(source, reads)
    time = node.get("time") or {"time": "arrival"}
    key_codes = [
        cast_code(compile_expression(key["expr"], scope), parse_type(key["type"]), scope) for key in node["keys"]
    ]
    arguments = [
        None if aggregate.get("argument") is None else compile_expression(aggregate["argument"], scope)
        for aggregate in node["aggregates"]
    ]
    slots = _make_slots(node["aggregates"], arguments)
    body = where_lines(node, scope, f"return {FILTERED}")
    body += _value_lines(node["keys"], source, scope)
    body += time_lines(time, compile_expression(time, scope))
    body += _add_lines(key_codes, arguments, slots, window_ms, scope)
    scope.namespace["no_status"] = lambda: EvaluationError(NO_STATUS)
    scope.namespace["no_time"] = lambda: EvaluationError("no event time")
    return WindowedOutput(
        name=node["name"],
        settings=settings,
        columns=read_columns(node),
        window_ms=window_ms,
        reads=reads,
        key_types=tuple(code.type for code in key_codes),
        slots=slots,
        add=make_function("add_row", "row, arrival, low, high, groups, n", body, scope.namespace),
        _finish=compile_window_columns(node, key_codes, slots, arguments, window_ms),
        expand=_read_expand(node, slots),
        pump=node.get("pump"),
        operations=operations_of([slot.aggregate for slot in slots]),
        required=frozenset(source.column(name)[0] for name in required_columns(node.get("where"))),
    )


def _value_lines(keys: Iterable[Mapping[str, Any]], source: RowSource, scope: Scope) -> list[str]:
    """Refuse rows that lack the status by which they are to be counted: a count of nulls would look like an answer."""
    names = sorted({name for key in keys for name in columns_in(key["expr"]) if source.needs_value(name)})
    fields = [source.column(name)[0] for name in names]
    return [f"if {scope.bind(field_name)} not in row: raise no_status()" for field_name in fields]


def _make_slots(nodes: list[dict[str, Any]], arguments: list[Code | None]) -> tuple[Slot, ...]:
    slots: list[Slot] = []
    index = _FIRST_STATE
    for node, argument in zip(nodes, arguments, strict=True):
        aggregate = make_aggregate(node["function"], argument.type if argument else None)
        # COUNT(*) is the number of rows, which every group has anyway.
        rows = node["function"] == "count" and argument is None
        slots.append(Slot(node["name"], aggregate, _ROWS if rows else index))
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
    zeros = [(slot, scope.bind(slot.aggregate.zero)) for slot in slots if slot.index != _ROWS]
    lines += [
        f"key = ({', '.join(parts)},)",
        "state = groups.get(key)",
        f"if state is None: state = groups[key] = [0, 0, {', '.join(f'{zero}()' for _, zero in zeros)}]",
        f"state[{_ROWS}] += n",
    ]
    for i, slot in enumerate(slots):
        if slot.index == _ROWS:
            continue
        statement = slot.aggregate.add_source(f"state[{slot.index}]", f"a{i}", scope.bind(slot.aggregate.add))
        lines += [f"if a{i} is not None:", f"    {statement}"]
    return [*lines, f"if fate == {OUT_OF_RANGE}: state[{_ROWS_OUT_OF_RANGE}] += n", "return fate"]


def _has_signed_zero(code: Code) -> bool:
    return code.type.name == "DECIMAL" or code.type.name in FLOATS


def _without_signed_zero(name: str) -> str:
    # -0.0 equals 0.0 but is written differently: otherwise a key and its id would depend on which row came first.
    return f"if {name} == 0: {name} = abs({name})"


def _read_expand(node: dict[str, Any], slots: tuple[Slot, ...]) -> tuple[str, int] | None:
    expand = node.get("expand")
    if expand is None:
        return None
    name, limit = expand.get("aggregate"), expand.get("limit")
    if type(limit) is not int or limit < 1:
        raise PlanError("expand needs a limit, a number of items")
    if not any(slot.name == name and slot.aggregate.has_items for slot in slots):
        raise PlanError(f"expand must name an aggregate over items, not {name!r}")
    return name, limit
