"""Arithmetic on numbers, times and intervals."""

from __future__ import annotations

from decimal import Decimal

from sqlglot import exp

from streamtally.plan.functions.time import UNIT_MS
from streamtally.plan.types import BIGINT, INTEGER, TIMESTAMP
from streamtally.sql.expressions.calls import call
from streamtally.sql.expressions.translator import Translator, translates
from streamtally.sql.expressions.typed import INTERVAL, Typed, adopt, as_interval, make_literal
from streamtally.sql.grammar.allowed import ARITHMETIC
from streamtally.sql.grammar.nodes import Qualified
from streamtally.sql.signatures import SIGNATURES


@translates(*ARITHMETIC)
def arithmetic(translator: Translator, node: exp.Binary) -> Typed:
    operator = ARITHMETIC[type(node)]
    left, right = translator.translate(node.this), translator.translate(node.expression)
    kinds = {left.type.name, right.type.name}
    if kinds & {"TIMESTAMP", "DATE", "TIME", "INTERVAL"}:
        return _time_arithmetic(translator, node, operator, left, right)
    left, right = adopt(left, right.type), adopt(right, left.type)
    left, right = adopt(left, BIGINT), adopt(right, BIGINT)
    for side, value in ((node.this, left), (node.expression, right)):
        if not value.type.is_number:
            raise translator.problems.error(side, f"{operator} takes numbers, not {value.type}", "CAST it to a number")
    return translator.build(node, {"op": operator}, [left, right])


def _time_arithmetic(translator: Translator, node: exp.Binary, operator: str, left: Typed, right: Typed) -> Typed:
    unit = left.unit or right.unit
    if right.type == INTERVAL and left.type == TIMESTAMP and operator in "+-":
        amount = right if operator == "+" else _negate(translator, node, right)
        return translator.build(node, {"call": "timestamp_add"}, [left, amount])
    if left.type == INTERVAL and right.type == TIMESTAMP and operator == "+":
        return translator.build(node, {"call": "timestamp_add"}, [right, left])
    if left.type == INTERVAL and right.type == INTERVAL and operator in "+-":
        return as_interval(translator.build(node, {"op": operator}, [left, right]), unit)
    by_number = left.type == INTERVAL and right.type.is_integer and operator in "*/"
    if by_number or (left.type.is_integer and right.type == INTERVAL and operator == "*"):
        return as_interval(translator.build(node, {"op": operator}, [left, right]), unit)
    if left.type == right.type == TIMESTAMP and operator == "-":
        raise translator.problems.error(
            node, "a difference of times needs a unit", "write (a - b) SECOND in parentheses, or TSDIFF(a, b)"
        )
    raise translator.problems.error(node, f"{operator} cannot combine {left.type} and {right.type}")


def _negate(translator: Translator, origin: exp.Expr, value: Typed) -> Typed:
    if isinstance(value.literal, int | float):
        return Typed({**value.node, "literal": -value.literal}, value.type, value.unit)
    if isinstance(value.literal, str) and value.type.is_number:
        return Typed({**value.node, "literal": str(-Decimal(value.literal))}, value.type)
    negated = translator.build(origin, {"op": "-"}, [make_literal(0, INTEGER), value])
    return as_interval(negated, value.unit) if value.type == INTERVAL else negated


@translates(exp.Neg)
def negative(translator: Translator, node: exp.Neg) -> Typed:
    value = adopt(translator.translate(node.this), BIGINT)
    if not (value.type.is_number or value.type == INTERVAL):
        raise translator.problems.error(node, f"- takes a number, not {value.type}")
    return _negate(translator, node, value)


@translates(exp.Mod)
def modulo(translator: Translator, node: exp.Mod) -> Typed:
    return call(translator, node, "MOD", SIGNATURES["MOD"], [node.this, node.expression])


@translates(Qualified)
def difference(translator: Translator, node: Qualified) -> Typed:
    unit = str(node.args["unit"].this)
    inner = node.this
    if unit not in UNIT_MS:
        raise translator.problems.unsupported(
            node, f"intervals of {unit} (they have no fixed length)", "use DAY, HOUR, MINUTE or SECOND"
        )
    if not isinstance(inner, exp.Sub):
        raise translator.problems.error(
            node, f"{unit} after parentheses needs a difference of times", "write (a - b) " + unit
        )
    sides = [_timestamp(translator, inner.this), _timestamp(translator, inner.expression)]
    return as_interval(translator.build(node, {"call": "tsdiff"}, sides), unit)


def _timestamp(translator: Translator, node: exp.Expr) -> Typed:
    value = adopt(translator.translate(node), TIMESTAMP)
    if value.type != TIMESTAMP:
        raise translator.problems.error(
            node, f"a TIMESTAMP is needed, not {value.type}", "convert it with CHAR_TO_TIMESTAMP or CAST"
        )
    return value
