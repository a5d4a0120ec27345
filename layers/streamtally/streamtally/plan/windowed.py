"""Windowed outputs: rows → partials of (window, key), and partials → what they say together.

A group of rows is a dict (window start in ms, *key) → ``[rows, out of range, state of each aggregate …]``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from streamtally.config.outputs import OutputSettings
from streamtally.errors import EvaluationError, PlanError
from streamtally.plan.aggregates.base import Aggregate
from streamtally.plan.aggregates.merged import Operations, operations_of
from streamtally.plan.aggregates.registry import make_aggregate
from streamtally.plan.codegen import Reads, RowSource, make_function, row_scope, time_lines
from streamtally.plan.expressions import BOOLEAN, TIMESTAMP, Code, Scope, cast_code, compile_expression
from streamtally.plan.rows import Column, output_source, read_columns, where_lines
from streamtally.plan.types import FLOATS, SqlType, parse_type

Group = dict[tuple[Any, ...], list[Any]]
"""(window start in ms, *key values) → [rows, rows out of range, *aggregate states]."""

AddRow = Callable[[dict[str, Any], int, int, int, Group, int], int]
"""(row, arrival, low, high in ms, group, how many such rows) → their fate; the group is unchanged if this raises."""

_ROWS, _OUT_OF_RANGE, _FIRST_STATE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Slot:
    """An aggregate of an output, and where its state lies in a group's list."""

    name: str
    aggregate: Aggregate
    index: int


@dataclass(frozen=True, slots=True)
class WindowedOutput:
    """An output with a document a window and key.

    Attributes:
        reads: what of a row decides where it is counted, so that equal rows can be counted first and added at once.
        add: puts rows into a group; raises EvaluationError (and what Python raises for hostile values).
        expand: (an aggregate over items, how many of them become a document each); None: one document a key.
        pump: the program's pump that it comes from, for reports.
        operations: how a database merges the numbers of the states; None: they are merged here alone.
    """

    name: str
    settings: OutputSettings
    columns: tuple[Column, ...]
    window_ms: int
    reads: Reads
    key_types: tuple[SqlType, ...]
    slots: tuple[Slot, ...]
    add: AddRow
    _finish: Callable[..., tuple[dict[str, Any], bool]]
    expand: tuple[str, int] | None = None
    pump: str | None = None
    operations: Operations | None = None
    kind: str = "windowed"

    def state_to_json(self, key: tuple[Any, ...], group: list[Any]) -> dict[str, Any]:
        """What a partial carries in ``tally.state``: its key, how many rows, and the aggregates' states."""
        return {
            "key": self.key_to_json(key),
            "rows": group[_ROWS],
            "aggregates": [slot.aggregate.to_json(group[slot.index]) for slot in self.slots],
        }

    def key_to_json(self, key: tuple[Any, ...]) -> list[Any]:
        """A key's values as JSON: DECIMAL as text, all others as they are."""
        return [str(value) if isinstance(value, Decimal) else value for value in key]

    def key_from_json(self, key: Iterable[Any]) -> tuple[Any, ...]:
        """The key back from its JSON."""
        return tuple(_key_value(value, of) for value, of in zip(key, self.key_types, strict=True))

    def merge_states(self, states: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Partials of one window and key, merged exactly, in any order. Raises: ValueError: there is none."""
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
        """A merged state → (its columns, whether HAVING lets it show). A column that cannot be evaluated is None."""
        values = [
            slot.aggregate.finish(slot.aggregate.from_json(value))
            for slot, value in zip(self.slots, state["aggregates"], strict=True)
        ]
        return self._finish(window_start, self.key_from_json(state["key"]), values, NO_ITEM)

    def finish_all(self, window_start: int, state: Mapping[str, Any]) -> list[tuple[list[Any], dict[str, Any], bool]]:
        """A merged state → every document of its window and key: (what to add to the key, columns, visible).

        There is one, with nothing to add, unless the output expands an aggregate's items (TOP_K_ITEMS_TUMBLING): then
        one an item, and its rank (from 1) is what tells them apart.
        """
        if self.expand is None:
            return [([], *self.finish(window_start, state))]
        name, limit = self.expand
        slot, value = next(
            (slot, value) for slot, value in zip(self.slots, state["aggregates"], strict=True) if slot.name == name
        )
        items = slot.aggregate.items(slot.aggregate.from_json(value))[:limit]
        key = self.key_from_json(state["key"])
        if not items:  # a hidden document says that the partials were seen
            return [([1], self._finish(window_start, key, [], NO_ITEM)[0], False)]
        return [([rank], *self._finish(window_start, key, [], item)) for rank, item in enumerate(items, 1)]


NO_ITEM = (None, None)
"""The (value, count) of a document that shows no item."""


def _key_value(value: Any, of: SqlType) -> Any:
    return Decimal(value) if of.name == "DECIMAL" and value is not None else value


def compile_windowed_output(node: dict[str, Any], settings: OutputSettings, source: RowSource) -> WindowedOutput:
    """A windowed output from its plan. Raises: PlanError."""
    window_ms = node.get("window_ms")
    if type(window_ms) is not int or window_ms <= 0:
        raise PlanError("window_ms is a positive number of milliseconds")
    reads = Reads()
    scope = row_scope(source, reads)
    time = node.get("time") or {"time": "arrival"}
    key_codes = [
        cast_code(compile_expression(each["expr"], scope), parse_type(each["type"]), scope) for each in node["keys"]
    ]
    arguments = [
        None if each.get("argument") is None else compile_expression(each["argument"], scope)
        for each in node["aggregates"]
    ]
    slots = _make_slots(node["aggregates"], arguments)
    body = where_lines(node, scope, "return 1")
    body += time_lines(time, compile_expression(time, scope))
    body += _add_lines(key_codes, arguments, slots, window_ms, scope)
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
        _finish=_compile_finish(node, key_codes, slots, arguments, window_ms),
        expand=_read_expand(node, slots),
        pump=node.get("pump"),
        operations=operations_of([slot.aggregate for slot in slots]),
    )


def _make_slots(nodes: list[dict[str, Any]], arguments: list[Code | None]) -> tuple[Slot, ...]:
    slots: list[Slot] = []
    index = _FIRST_STATE
    for node, argument in zip(nodes, arguments, strict=True):
        aggregate = make_aggregate(node["function"], argument.type if argument else None)
        # COUNT(*) is the number of rows, which every group keeps anyway.
        rows = node["function"] == "count" and argument is None
        slots.append(Slot(node["name"], aggregate, _ROWS if rows else index))
        index += 0 if rows else 1
    return tuple(slots)


def _add_lines(
    keys: list[Code], arguments: list[Code | None], slots: tuple[Slot, ...], window_ms: int, scope: Scope
) -> list[str]:
    """Everything is evaluated before the group is touched, so a row that fails leaves no trace in it."""
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
        "state[0] += n",
    ]
    for i, slot in enumerate(slots):
        if slot.index == _ROWS:
            continue
        statement = slot.aggregate.add_source(f"state[{slot.index}]", f"a{i}", scope.bind(slot.aggregate.add))
        lines += [f"if a{i} is not None:", f"    {statement}"]
    return [*lines, "if fate: state[1] += n", "return fate"]


def _has_signed_zero(code: Code) -> bool:
    return code.type.name == "DECIMAL" or code.type.name in FLOATS


def _without_signed_zero(name: str) -> str:
    # -0.0 equals 0.0 and is written otherwise: a key would be, and its id hang on, whichever row came first.
    return f"if {name} == 0: {name} = abs({name})"


def _read_expand(node: dict[str, Any], slots: tuple[Slot, ...]) -> tuple[str, int] | None:
    expand = node.get("expand")
    if expand is None:
        return None
    name, limit = expand.get("aggregate"), expand.get("limit")
    if type(limit) is not int or limit < 1:
        raise PlanError("expand has a limit, a number of items")
    if not any(slot.name == name and slot.aggregate.has_items for slot in slots):
        raise PlanError(f"expand names an aggregate over items, not {name!r}")
    return name, limit


def _compile_finish(
    node: dict[str, Any],
    keys: list[Code],
    slots: tuple[Slot, ...],
    arguments: list[Code | None],
    window_ms: int,
) -> Callable[..., tuple[dict[str, Any], bool]]:
    key_at = {each["name"]: i for i, each in enumerate(node["keys"])}
    slot_at = {slot.name: i for i, slot in enumerate(slots)}

    def window(which: str) -> Code:
        if which not in ("start", "end"):
            raise PlanError(f"unknown window edge {which!r}: it is 'start' or 'end'")
        return Code("start" if which == "start" else f"(start + {window_ms})", TIMESTAMP)

    def key(name: str) -> Code:
        if name not in key_at:
            raise PlanError(f"unknown key {name!r}: the keys are {', '.join(key_at) or 'none'}")
        return Code(f"keys[{key_at[name]}]", keys[key_at[name]].type)

    def aggregate(name: str) -> Code:
        if name not in slot_at:
            raise PlanError(f"unknown aggregate {name!r}: the aggregates are {', '.join(slot_at) or 'none'}")
        return Code(f"values[{slot_at[name]}]", slots[slot_at[name]].aggregate.result)

    scope = Scope({"window": window, "key": key, "aggregate": aggregate, "item": _item_leaf(slots, arguments)})
    columns = [_compile_column(each, scope) for each in node["columns"]]
    having = None
    if node.get("having") is not None:
        condition = compile_expression(node["having"], scope)
        if condition.type != BOOLEAN:
            raise PlanError(f"HAVING is a condition, not {condition.type}")
        having = _evaluator(condition.source, scope)

    def finish(
        start: int, key: tuple[Any, ...], values: list[Any], item: tuple[Any, ...]
    ) -> tuple[dict[str, Any], bool]:
        shown = {name: evaluate(start, key, values, item) for name, evaluate in columns}
        return shown, having is None or having(start, key, values, item) is True

    return finish


def _item_leaf(slots: tuple[Slot, ...], arguments: list[Code | None]) -> Callable[[str], Code]:
    """What ``{"item": "value"}`` and ``{"item": "count"}`` are, in an output that expands an aggregate's items."""
    pairs = zip(slots, arguments, strict=True)
    of = next((argument.type for slot, argument in pairs if slot.aggregate.has_items and argument), None)

    def item(part: str) -> Code:
        if part not in ("value", "count") or of is None:
            raise PlanError(f"unknown item part {part!r}: it is 'value' or 'count', of an output that expands items")
        return Code("item[0]", of) if part == "value" else Code("item[1]", SqlType("BIGINT"))

    return item


def _compile_column(node: dict[str, Any], scope: Scope) -> tuple[str, Callable[..., Any]]:
    of = parse_type(node["type"])
    code = cast_code(compile_expression(node["expr"], scope), of, scope)
    evaluate = _evaluator(output_source(code.source, of, scope), scope)
    return node["name"], _in_64_bits(evaluate) if of.is_integer else evaluate


def _in_64_bits(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """A column that is None where an integer has grown past 64 bits, as a sum can: OpenSearch takes none in a document,
    and a partial that it refuses would take all its other counts with it. Its state goes on being exact."""

    def checked(*arguments: Any) -> Any:
        value = evaluate(*arguments)
        return None if type(value) is int and not -(2**63) <= value < 2**63 else value

    return checked


def _evaluator(source: str, scope: Scope) -> Callable[..., Any]:
    evaluate = make_function("evaluate", "start, keys, values, item", [f"return {source}"], scope.namespace)

    def evaluate_or_null(start: int, key: tuple[Any, ...], values: list[Any], item: tuple[Any, ...]) -> Any:
        try:
            return evaluate(start, key, values, item)
        except (EvaluationError, ArithmeticError, ValueError):
            return None

    return evaluate_or_null
