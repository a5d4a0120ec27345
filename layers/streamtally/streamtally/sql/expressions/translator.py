"""Expressions of the dialect → expressions of the plan, with their names resolved and their types checked.

Types come from the plan's own compiler: an operator or call is compiled once over stand-ins for its operands, so what
is accepted here is what the functions can run, and the words for what does not fit are the same. What each kind of
expression means stands in ``literals``, ``operators``, ``arithmetic``, ``calls`` and ``timecalls``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from sqlglot import exp

from streamtally.errors import SettingsError
from streamtally.plan.expression_code import Code, Scope, compile_expression
from streamtally.plan.types import SqlType, parse_type
from streamtally.sql.expressions.typed import (
    BIGINT,
    BOOLEAN,
    DATE,
    INTEGER,
    INTERVAL,
    MAX_DEPTH,
    MAX_SIZE,
    NULL_LITERAL,
    RECORD,
    TIME,
    TIMESTAMP,
    UNIT_MS,
    VARCHAR,
    PlanNode,
    Typed,
    adopt,
    common_type,
    convert,
    kind_of,
    make_literal,
)
from streamtally.sql.problems import Problems
from streamtally.sql.signatures import NOW


class Names(Protocol):
    """Where an expression's names come from."""

    def column(self, node: exp.Column) -> Typed:
        """A column's value. Raises: SqlError: there is none of that name."""

    def now(self) -> Typed:
        """Unqualified ROWTIME and LOCALTIMESTAMP: the time of the row about to be produced."""


TODAY = {"CURRENT_DATE": DATE, "CURRENT_TIME": TIME, "LOCALTIME": TIME}


class Translator:
    """Translates expressions whose names a scope resolves; each method raises SqlError at the place of a problem."""

    def __init__(self, problems: Problems, names: Names) -> None:
        self.problems = problems
        self.names = names

    def translate(self, node: exp.Expr) -> Typed:
        """An expression of the program as one of the plan."""
        handle = _HANDLERS.get(type(node))
        if handle is None:
            raise self.problems.error(node, f"{type(node).__name__.upper()} cannot stand in an expression")
        found = handle(self, node)
        if found.size > MAX_SIZE or found.depth > MAX_DEPTH:
            raise self.problems.error(
                node, "the expression is too large once its stages are put together", "split it into fewer steps"
            )
        return found

    def condition(self, node: exp.Expr, clause: str) -> Typed:
        """An expression that must be a condition."""
        found = adopt(self.translate(node), BOOLEAN)
        if found.type != BOOLEAN:
            raise self.problems.error(
                node, f"{clause} takes a condition, not {found.type}", "compare it with something"
            )
        return found

    def build(
        self, place: exp.Expr, template: PlanNode, arguments: Sequence[Typed], of: SqlType | None = None
    ) -> Typed:
        """An operator or call over arguments, with the type that the plan's compiler gives it."""
        probe = {**template, "args": [_stand_in(argument) for argument in arguments]}
        try:
            code = compile_expression(probe, Scope({"typed": lambda found: Code("x", found)}))  # type: ignore[arg-type]
        except SettingsError as error:
            raise self.problems.error(place, str(error)) from None
        node = {**template, "args": [argument.node for argument in arguments]}
        size = 1 + sum(argument.size for argument in arguments)
        depth = 1 + max((argument.depth for argument in arguments), default=0)
        return Typed(node, of or code.type, size=size, depth=depth)

    def _column(self, node: exp.Column) -> Typed:
        identifier = node.this
        if isinstance(identifier, exp.Star):
            raise self.problems.error(node, "* cannot stand in an expression")
        if not node.args.get("table") and not identifier.args.get("quoted"):
            name = str(identifier.this).upper()
            if name in NOW:
                return self.names.now()
            if name in TODAY:
                return self.cast(node, self.names.now(), TODAY[name])
        return self.names.column(node)

    def compare(self, place: exp.Expr, operator: str, left: Typed, right: Typed) -> Typed:
        """A comparison of two values of one kind."""
        left, right = adopt(left, right.type), adopt(right, left.type)
        left, right = adopt(left, VARCHAR), adopt(right, VARCHAR)
        if kind_of(left.type) != kind_of(right.type) or left.type == RECORD:
            raise self.problems.error(
                place, f"{operator} compares {left.type} with {right.type}", _compare_advice(left, right)
            )
        if "CHAR" in (left.type.name, right.type.name):  # blanks that fill a CHAR up do not count
            left, right = (self._without_fill(place, each) for each in (left, right))
        return self.build(place, {"op": operator}, [left, right])

    def _without_fill(self, place: exp.Expr, value: Typed) -> Typed:
        options = [make_literal("TRAILING", VARCHAR), make_literal(" ", VARCHAR)]
        return self.build(place, {"call": "trim"}, [*options, value])

    def argument(self, node: exp.Expr, kind: str, name: str) -> Typed:
        """An argument that must be of a kind: a key of ``FITS``."""
        value = adopt(self.translate(node), _NULL_OF[kind])
        if not _FITS[kind](value.type):
            raise self.problems.error(
                node, f"{name} takes {_WANTED[kind]} here, not {value.type}", _ADVICE.get(kind, "")
            )
        return value

    def alike(self, node: exp.Expr, name: str, values: list[Typed]) -> list[Typed]:
        """Values as one type that all of them have in common."""
        of = common_type([value.type for value in values])
        if of is None or of == RECORD:
            kinds = sorted({str(value.type) for value in values if not value.is_null})
            raise self.problems.error(node, f"{name} mixes {' and '.join(kinds)}", "CAST them to one type")
        return [convert(value, of) for value in values]

    def _cast(self, node: exp.Cast) -> Typed:
        return self.cast(node, self.translate(node.this), self.type_of(node.args["to"]))

    def type_of(self, node: exp.Expr) -> SqlType:
        """A type that the program names."""
        try:
            return parse_type(str(node.this))
        except SettingsError as error:
            raise self.problems.error(node, str(error)) from None

    def cast(self, place: exp.Expr, value: Typed, to: SqlType) -> Typed:
        """A value as another type."""
        if value.is_null:
            return make_literal(None, to)
        if value.type == INTERVAL:
            if not to.is_integer:
                raise self.problems.error(place, f"CAST of an INTERVAL to {to}", "CAST it to BIGINT, in its unit")
            whole = self.build(place, {"op": "/"}, [value, make_literal(UNIT_MS[value.unit], BIGINT)])
            return self.cast(place, whole, to)
        probe = {"cast": {"typed": value.type}, "type": str(to)}
        try:
            compile_expression(probe, Scope({"typed": lambda found: Code("x", found)}))  # type: ignore[arg-type]
        except SettingsError as error:
            raise self.problems.error(place, str(error)) from None
        return Typed({"cast": value.node, "type": str(to)}, to, size=value.size + 1, depth=value.depth + 1)


def _stand_in(value: Typed) -> Any:
    """What stands for an operand while its operator is typed: a constant itself, since patterns are checked with it."""
    return value.node if "literal" in value.node else {"typed": value.plan_type}


def _compare_advice(left: Typed, right: Typed) -> str:
    kinds = {kind_of(left.type), kind_of(right.type)}
    if kinds == {"text", "TIMESTAMP"}:
        return "convert the text with CHAR_TO_TIMESTAMP, or write TIMESTAMP '…'"
    if kinds == {"text", "number"}:
        return "write the number without quotes, or CAST one of them"
    return "CAST one of them"


_NULL_OF = {"text": VARCHAR, "number": BIGINT, "integer": INTEGER, "timestamp": TIMESTAMP, "date": DATE, "time": TIME}
_WANTED = {
    "text": "text",
    "number": "a number",
    "integer": "a whole number",
    "timestamp": "a TIMESTAMP",
    "date": "a DATE",
    "time": "a TIME",
}
_ADVICE = {
    "text": "CAST it to VARCHAR",
    "number": "CAST it to a number",
    "integer": "CAST it to INTEGER",
    "timestamp": "convert it with CHAR_TO_TIMESTAMP or CAST",
    "date": "CAST it to DATE",
    "time": "CAST it to TIME",
}
_FITS: dict[str, Callable[[SqlType], bool]] = {
    "text": lambda of: of.is_text,
    "number": lambda of: of.is_number,
    "integer": lambda of: of.is_integer,
    "timestamp": lambda of: of == TIMESTAMP,
    "date": lambda of: of == DATE,
    "time": lambda of: of == TIME,
}

_Handler = Callable[[Translator, Any], Typed]

_HANDLERS: dict[type[exp.Expr], _Handler] = {
    exp.Null: lambda self, node: NULL_LITERAL,
    exp.Boolean: lambda self, node: make_literal(bool(node.this), BOOLEAN),
    exp.Column: Translator._column,
    exp.Paren: lambda self, node: self.translate(node.this),
    exp.Cast: Translator._cast,
}
_H = TypeVar("_H", bound=Callable[..., Typed])


def translates(*kinds: type[exp.Expr]) -> Callable[[_H], _H]:
    """Registers the decorated function for these nodes; the package imports every module that has one."""

    def register(handler: _H) -> _H:
        _HANDLERS.update(dict.fromkeys(kinds, handler))
        return handler

    return register
