"""Expressions of the dialect → expressions of the plan, with names resolved and types checked.

Types come from the plan's own compiler: an operator or call is compiled once over stand-ins for its operands. What is
accepted here is therefore what the functions can run, and the messages about wrong types are the same. The handlers of
the nodes are in the package's other modules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlglot import exp

from streamtally.errors import SettingsError
from streamtally.plan.expression_code import Code, Scope, compile_expression
from streamtally.plan.functions.time import UNIT_MS
from streamtally.plan.types import BIGINT, BOOLEAN, DATE, INTEGER, TIME, TIMESTAMP, VARCHAR, SqlType, parse_type
from streamtally.sql.expressions.typed import (
    INTERVAL,
    MAX_DEPTH,
    MAX_SIZE,
    RECORD,
    PlanNode,
    Typed,
    adopt,
    common_type,
    convert,
    make_literal,
)
from streamtally.sql.problems import Problems


class Names(Protocol):
    """Where an expression's names come from."""

    def column(self, node: exp.Column) -> Typed:
        """The value of a column. Raises: SqlError: there is no such column."""

    def now(self) -> Typed:
        """Unqualified ROWTIME and LOCALTIMESTAMP: the time of the row about to be produced."""


Handler = Callable[["Translator", Any], Typed]
"""(translator, node) → the node's expression in the plan. Raises SqlError."""

_HANDLERS: dict[type[exp.Expr], Handler] = {}
_H = TypeVar("_H", bound=Callable[..., Typed])


def translates(*nodes: type[exp.Expr]) -> Callable[[_H], _H]:
    """Register the decorated function as the handler of these nodes."""

    def register(handler: _H) -> _H:
        _HANDLERS.update(dict.fromkeys(nodes, handler))
        return handler

    return register


class Translator:
    """Translates expressions; each method raises SqlError with the position of a problem.

    Args: names: resolves the names in the expressions.
    """

    def __init__(self, problems: Problems, names: Names) -> None:
        self.problems = problems
        self.names = names

    def translate(self, node: exp.Expr) -> Typed:
        """An expression of the program as one of the plan."""
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise self.problems.error(node, f"{type(node).__name__.upper()} is not allowed in an expression")
        value = handler(self, node)
        if value.size > MAX_SIZE or value.depth > MAX_DEPTH:
            raise self.problems.error(
                node, "the expression is too large once its stages are combined", "use fewer steps"
            )
        return value

    def condition(self, node: exp.Expr, clause: str) -> Typed:
        """An expression that must be a condition."""
        value = adopt(self.translate(node), BOOLEAN)
        if value.type != BOOLEAN:
            raise self.problems.error(node, f"{clause} takes a condition, not {value.type}", "compare it with a value")
        return value

    def build(self, origin: exp.Expr, template: PlanNode, arguments: Sequence[Typed]) -> Typed:
        """An operator or call over arguments, with the type that the plan's compiler gives it."""
        code = self._compile(origin, {**template, "args": [_stand_in(argument) for argument in arguments]})
        node = {**template, "args": [argument.node for argument in arguments]}
        size = 1 + sum(argument.size for argument in arguments)
        depth = 1 + max((argument.depth for argument in arguments), default=0)
        return Typed(node, code.type, size=size, depth=depth)

    def _compile(self, origin: exp.Expr, probe: PlanNode) -> Code:
        """The plan's own code for an expression, whose leaves are stand-ins that state their type."""
        scope = Scope({"typed": lambda sql_type: Code("x", sql_type)})
        try:
            return compile_expression(probe, scope)
        except SettingsError as error:
            raise self.problems.error(origin, str(error)) from None

    def compare(self, origin: exp.Expr, operator: str, left: Typed, right: Typed) -> Typed:
        """A comparison of two values of one kind."""
        left, right = adopt(left, right.type), adopt(right, left.type)
        left, right = adopt(left, VARCHAR), adopt(right, VARCHAR)
        if left.type.kind != right.type.kind or left.type == RECORD:
            raise self.problems.error(
                origin, f"{operator} cannot compare {left.type} with {right.type}", _compare_advice(left, right)
            )
        if "CHAR" in (left.type.name, right.type.name):  # the padding of a CHAR is ignored
            left, right = self._without_padding(origin, left), self._without_padding(origin, right)
        return self.build(origin, {"op": operator}, [left, right])

    def _without_padding(self, origin: exp.Expr, value: Typed) -> Typed:
        options = [make_literal("TRAILING", VARCHAR), make_literal(" ", VARCHAR)]
        return self.build(origin, {"call": "trim"}, [*options, value])

    def argument(self, node: exp.Expr, kind_name: str, name: str) -> Typed:
        """An argument that must be of a kind, as :class:`~streamtally.sql.signatures.Signature` names them."""
        kind = _KINDS[kind_name]
        value = adopt(self.translate(node), kind.null)
        if not kind.accepts(value.type):
            raise self.problems.error(node, f"{name} takes {kind.article} here, not {value.type}", kind.advice)
        return value

    def alike(self, node: exp.Expr, name: str, values: list[Typed]) -> list[Typed]:
        """Values converted to their common type."""
        sql_type = common_type([value.type for value in values])
        if sql_type is None or sql_type == RECORD:
            kinds = sorted({str(value.type) for value in values if not value.is_null})
            raise self.problems.error(node, f"{name} mixes {' and '.join(kinds)}", "CAST them to one type")
        return [convert(value, sql_type) for value in values]

    def type_of(self, node: exp.Expr) -> SqlType:
        """The type that a type name of the program stands for."""
        try:
            return parse_type(str(node.this))
        except SettingsError as error:
            raise self.problems.error(node, str(error)) from None

    def cast(self, origin: exp.Expr, value: Typed, to: SqlType) -> Typed:
        """A value cast to another type."""
        if value.is_null:
            return make_literal(None, to)
        if value.type == INTERVAL:
            if not to.is_integer:
                raise self.problems.error(origin, f"CAST of an INTERVAL to {to}", "CAST it to BIGINT, in its unit")
            whole = self.build(origin, {"op": "/"}, [value, make_literal(UNIT_MS[value.unit], BIGINT)])
            return self.cast(origin, whole, to)
        self._compile(origin, {"cast": {"typed": value.type}, "type": str(to)})
        return Typed({"cast": value.node, "type": str(to)}, to, size=value.size + 1, depth=value.depth + 1)


def _stand_in(value: Typed) -> Any:
    """The stand-in for an operand while its operator is typed. A constant stands for itself: patterns are checked."""
    return value.node if "literal" in value.node else {"typed": value.plan_type}


def _compare_advice(left: Typed, right: Typed) -> str:
    kinds = {left.type.kind, right.type.kind}
    if kinds == {"text", "TIMESTAMP"}:
        return "convert the text with CHAR_TO_TIMESTAMP, or write TIMESTAMP '…'"
    if kinds == {"text", "number"}:
        return "write the number without quotes, or CAST one of them"
    return "CAST one of them"


@dataclass(frozen=True, slots=True)
class _ArgumentKind:
    """A kind of argument: which types it accepts, what a bare NULL becomes, and the words for a wrong type."""

    accepts: Callable[[SqlType], bool]
    null: SqlType
    article: str
    advice: str


def _exactly(sql_type: SqlType, advice: str) -> _ArgumentKind:
    return _ArgumentKind(lambda other: other == sql_type, sql_type, f"a {sql_type}", advice)


_KINDS = {
    "text": _ArgumentKind(lambda sql_type: sql_type.is_text, VARCHAR, "text", "CAST it to VARCHAR"),
    "number": _ArgumentKind(lambda sql_type: sql_type.is_number, BIGINT, "a number", "CAST it to a number"),
    "integer": _ArgumentKind(lambda sql_type: sql_type.is_integer, INTEGER, "a whole number", "CAST it to INTEGER"),
    "timestamp": _exactly(TIMESTAMP, "convert it with CHAR_TO_TIMESTAMP or CAST"),
    "date": _exactly(DATE, "CAST it to DATE"),
    "time": _exactly(TIME, "CAST it to TIME"),
}
