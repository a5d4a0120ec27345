"""The documents of a windowed output: its columns and HAVING, over a window's key and finished aggregates."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from streamtally.errors import EvaluationError, PlanError
from streamtally.plan.aggregates.base import Slot
from streamtally.plan.codegen import make_function
from streamtally.plan.expression_code import Code, Scope, cast_code, compile_expression
from streamtally.plan.rows import output_source
from streamtally.plan.types import BIGINT, BOOLEAN, TIMESTAMP, parse_type

FinishWindow = Callable[[int, tuple[Any, ...], list[Any], tuple[Any, ...]], tuple[dict[str, Any], bool]]
"""(window start in ms, key, finished aggregates, item) → (columns, whether HAVING shows the document)."""

NO_ITEM = (None, None)
"""The (value, count) in a document without an item."""


class WindowColumn(NamedTuple):
    """A column, compiled.

    Attributes:
        name: its name in documents.
        source: its value in generated code, for windows, keys and values.
        evaluate: the value alone; None if it cannot be evaluated.
        origin: what it is: the same in all documents of a window, a value of the key, the value of an aggregate, or
            something else.
        position: that of the value in the key, or among the aggregates.
        length: to how many characters the text of the key is cut; None: it is not.
    """

    name: str
    source: str
    evaluate: Callable[..., Any]
    origin: Literal["window", "key", "value", "other"]
    position: int = 0
    length: int | None = None


class WindowColumns(NamedTuple):
    """The columns of an output.

    Attributes:
        finish: makes all of them.
        columns: each of them.
    """

    finish: FinishWindow
    columns: tuple[WindowColumn, ...]


def compile_window_columns(
    node: dict[str, Any],
    keys: list[Code],
    slots: tuple[Slot, ...],
    arguments: list[Code | None],
    window_ms: int,
) -> WindowColumns:
    """What makes the columns of a document. Raises: PlanError."""
    key_index = {key["name"]: i for i, key in enumerate(node["keys"])}
    slot_index = {slot.name: i for i, slot in enumerate(slots)}

    def window(which: str) -> Code:
        if which not in ("start", "end"):
            raise PlanError(f"unknown window edge {which!r}: expected 'start' or 'end'")
        return Code("start" if which == "start" else f"(start + {window_ms})", TIMESTAMP)

    def key(name: str) -> Code:
        if name not in key_index:
            raise PlanError(f"unknown key {name!r}: the keys are {', '.join(key_index) or 'none'}")
        return Code(f"keys[{key_index[name]}]", keys[key_index[name]].type)

    def aggregate(name: str) -> Code:
        if name not in slot_index:
            raise PlanError(f"unknown aggregate {name!r}: the aggregates are {', '.join(slot_index) or 'none'}")
        return Code(f"values[{slot_index[name]}]", slots[slot_index[name]].aggregate.result)

    scope = Scope({"window": window, "key": key, "aggregate": aggregate, "item": _item_leaf(slots, arguments)})
    columns = tuple(_compile_column(column, scope) for column in node["columns"])
    evaluate_all = _all_at_once(columns, scope)
    having = _compile_having(node.get("having"), scope)

    def finish(
        start: int, key: tuple[Any, ...], values: list[Any], item: tuple[Any, ...]
    ) -> tuple[dict[str, Any], bool]:
        try:
            shown = evaluate_all(start, key, values, item)
        except (EvaluationError, ArithmeticError, ValueError):  # one of them cannot be evaluated, which is then None
            shown = {column.name: column.evaluate(start, key, values, item) for column in columns}
        return shown, having is None or having(start, key, values, item) is True

    return WindowColumns(finish, columns)


def _item_leaf(slots: tuple[Slot, ...], arguments: list[Code | None]) -> Callable[[str], Code]:
    """The leaf ``{"item": "value"}`` or ``{"item": "count"}`` of an output that expands an aggregate's items."""
    pairs = zip(slots, arguments, strict=True)
    item_type = next((argument.type for slot, argument in pairs if slot.aggregate.has_items and argument), None)

    def item(part: str) -> Code:
        if part not in ("value", "count") or item_type is None:
            raise PlanError(f"unknown item part {part!r}: expected 'value' or 'count', in an output that expands items")
        return Code("item[0]", item_type) if part == "value" else Code("item[1]", BIGINT)

    return item


def _compile_having(node: Any, scope: Scope) -> Callable[..., Any] | None:
    if node is None:
        return None
    condition = compile_expression(node, scope)
    if condition.type != BOOLEAN:
        raise PlanError(f"HAVING must be a condition, not {condition.type}")
    return _evaluator(condition.source, scope)


def _compile_column(node: dict[str, Any], scope: Scope) -> WindowColumn:
    sql_type = parse_type(node["type"])
    expression = compile_expression(node["expr"], scope)
    source = output_source(cast_code(expression, sql_type, scope).source, sql_type, scope)
    evaluate = _evaluator(source, scope)
    origin, index = _origin(source)
    if not sql_type.is_integer:
        is_cut = origin == "other" and sql_type.name == "VARCHAR" and expression.type.is_text
        if is_cut and _origin(expression.source)[0] == "key":
            return WindowColumn(node["name"], source, evaluate, *_origin(expression.source), sql_type.length)
        return WindowColumn(node["name"], source, evaluate, origin, index)
    value = scope.temporary()
    in_64_bits = f"({value} if type({value} := {source}) is not int or {-(2**63)} <= {value} < {2**63} else None)"
    return WindowColumn(node["name"], in_64_bits, _in_64_bits(evaluate), origin, index)


_LEAF = re.compile(r"(key|value)s\[(\d+)\]")


def _origin(source: str) -> tuple[Literal["window", "key", "value", "other"], int]:
    """What a column is made of. Args: source: generated code, in which only leaves have brackets after their names."""
    leaf = _LEAF.fullmatch(source)
    if leaf is not None:
        return "key" if leaf[1] == "key" else "value", int(leaf[2])
    return ("other" if _LEAF.search(source) or "item[" in source else "window"), 0


def _all_at_once(columns: Sequence[WindowColumn], scope: Scope) -> Callable[..., dict[str, Any]]:
    """A function that evaluates all columns, or raises what the first one raises that cannot be evaluated."""
    members = ", ".join(f"{scope.bind(column.name)}: {column.source}" for column in columns)
    return make_function("evaluate_all", "start, keys, values, item", [f"return {{{members}}}"], scope.namespace)


def _in_64_bits(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """Replace integers past 64 bits, to which a sum can grow, by None.

    OpenSearch rejects a document with such an integer, and all counts of a rejected partial would be lost. The state
    stays exact.
    """

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
