"""Expressions of the plan → expressions of Flink SQL, with the same values.

Types come from the plan's own compiler, as in :mod:`streamtally.sql.expressions.translator`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamtally.plan.expression_code import Code, Scope, compile_expression
from streamtally.plan.types import BOOLEAN, DOUBLE, VARCHAR, SqlType, parse_type
from streamtally.sql.flink.casts import cast_value, to_number
from streamtally.sql.flink.functions import CALLS
from streamtally.sql.flink.syntax import constant
from streamtally.sql.flink.values import Failure, FlinkError, Value, by_zero, divisor, failures_of

Leaf = Callable[[str], Value]
"""A leaf's name → its value."""


@dataclass(frozen=True, slots=True)
class Expressions:
    """Writes expressions of the plan as Flink SQL.

    Attributes:
        leaves: kind of leaf (``column``, ``time``, ``window``, ``key``, ``aggregate``, ``item``) → its values.
        named: gives the result of a call a name of its own, where it is long and can be computed once a row.
    """

    leaves: Mapping[str, Leaf]
    named: Callable[[Mapping[str, Any], Value], Value] | None = None

    def write(self, node: Mapping[str, Any]) -> Value:
        """An expression. Raises: FlinkError: Flink SQL cannot say it."""
        for kind, leaf in self.leaves.items():
            if kind in node:
                return leaf(node[kind])
        for kind, write in _KINDS.items():
            if kind in node:
                return write(self, node)
        raise FlinkError(f"an expression with {', '.join(node)}", "leave out the pump with --without")

    def condition(self, nodes: Sequence[Mapping[str, Any]]) -> Value | None:
        """The conditions joined by AND; None without conditions."""
        if not nodes:
            return None
        return self.write(nodes[0] if len(nodes) == 1 else {"op": "and", "args": list(nodes)})


def result_type(node: Mapping[str, Any], values: Sequence[Value]) -> SqlType:
    """The type of an operator or call over values."""
    arguments = [
        {"literal": value.constant, "type": str(value.type)} if value.constant is not None else {"typed": value.type}
        for value in values
    ]
    scope = Scope({"typed": lambda sql_type: Code("x", sql_type)})
    return compile_expression({**node, "args": arguments}, scope).type


def _literal(writer: Expressions, node: Mapping[str, Any]) -> Value:
    sql_type = parse_type(node.get("type", "VARCHAR"))
    return Value(constant(node["literal"], sql_type), sql_type, constant=node["literal"])


def _cast(writer: Expressions, node: Mapping[str, Any]) -> Value:
    return cast_value(writer.write(node["cast"]), parse_type(node["type"]))


def _call(writer: Expressions, node: Mapping[str, Any]) -> Value:
    values = [writer.write(argument) for argument in node.get("args", [])]
    write = CALLS.get(node["call"])
    if write is None:
        raise FlinkError(
            f"{node['call'].upper()} has no counterpart in Flink SQL",
            "parse the text before Flink, or write a user-defined function",
        )
    value = write(result_type(node, values), *values)
    if writer.named is not None:
        value = writer.named(node, value)
    return Value(value.sql, value.type, (*failures_of(values), *value.failures))


_COMPARISONS = frozenset(("=", "<>", "<", "<=", ">", ">="))


def _operator(writer: Expressions, node: Mapping[str, Any]) -> Value:
    operator = node["op"]
    values = [writer.write(argument) for argument in node.get("args", [])]
    if operator in ("and", "or"):
        return _logic(operator, values)
    if operator == "coalesce":
        return _coalesce(result_type(node, values), values)
    failures = failures_of(values)
    if operator == "not":
        return Value(f"(NOT {values[0].sql})", BOOLEAN, failures)
    if operator in ("is_null", "is_not_null"):
        return Value(f"({values[0].sql} {operator.replace('_', ' ').upper()})", BOOLEAN, failures)
    if operator in _COMPARISONS:
        return Value(f"({values[0].sql} {operator} {values[1].sql})", BOOLEAN, failures)
    if operator == "||":
        left, right = (cast_value(value, VARCHAR) for value in values)
        return Value(f"({left.sql} || {right.sql})", VARCHAR, failures)
    return _arithmetic(operator, result_type(node, values), values)


def _logic(operator: str, values: Sequence[Value]) -> Value:
    """AND and OR: an operand is evaluated only if none before it decides."""
    failures: list[Failure] = []
    decided = "IS NOT FALSE" if operator == "and" else "IS NOT TRUE"
    for index, value in enumerate(values):
        guard = " AND ".join(f"{before.sql} {decided}" for before in values[:index])
        failures += [failure.after(guard) if guard else failure for failure in value.failures]
    sql = f" {operator.upper()} ".join(value.sql for value in values)
    return Value(f"({sql})", BOOLEAN, tuple(failures))


def _coalesce(sql_type: SqlType, values: Sequence[Value]) -> Value:
    alike = [_alike(value, sql_type) for value in values]
    failures: list[Failure] = []
    for index, value in enumerate(alike):
        guard = " AND ".join(f"{before.sql} IS NULL" for before in alike[:index])
        failures += [failure.after(guard) if guard else failure for failure in value.failures]
    return Value(f"COALESCE({', '.join(value.sql for value in alike)})", sql_type, tuple(failures))


def _case(writer: Expressions, node: Mapping[str, Any]) -> Value:
    branches = [(writer.write(when), writer.write(then)) for when, then in node["case"]]
    sql_type = _case_type([then for _, then in branches])
    default = writer.write(node["else"]) if node.get("else") is not None else None
    if default is not None:
        sql_type = _case_type([*(then for _, then in branches), default])
    failures: list[Failure] = []
    before: list[str] = []
    sql = "CASE"
    for when, then in branches:
        guard = " AND ".join(f"{condition} IS NOT TRUE" for condition in before)
        failures += [failure.after(guard) if guard else failure for failure in when.failures]
        taken = " AND ".join([*([guard] if guard else []), f"{when.sql} IS TRUE"])
        failures += [failure.after(taken) for failure in then.failures]
        before.append(when.sql)
        sql += f" WHEN {when.sql} THEN {_alike(then, sql_type).sql}"
    if default is not None:
        guard = " AND ".join(f"{condition} IS NOT TRUE" for condition in before)
        failures += [failure.after(guard) for failure in default.failures]
        sql += f" ELSE {_alike(default, sql_type).sql}"
    return Value(f"({sql} END)", sql_type, tuple(failures))


def _case_type(values: Sequence[Value]) -> SqlType:
    typed = [{"typed": value.type} for value in values]
    scope = Scope({"typed": lambda sql_type: Code("x", sql_type)})
    return compile_expression({"op": "coalesce", "args": typed}, scope).type


def _alike(value: Value, sql_type: SqlType) -> Value:
    """The value with the type that all branches have. Widening never fails."""
    if value.type.is_number and value.type != sql_type:
        return to_number(value, sql_type)
    return value


def _arithmetic(operator: str, sql_type: SqlType, values: Sequence[Value]) -> Value:
    failures = failures_of(values)
    left, right = (to_number(value, DOUBLE if sql_type == DOUBLE else sql_type).sql for value in values)
    if sql_type.name == "DECIMAL":  # each operand has its own scale
        left, right = (value.sql for value in values)
    if operator == "/":
        quotient = Value(
            f"({left} / {divisor(Value(right, sql_type, constant=values[1].constant))})", sql_type, failures
        )
        if sql_type.name == "DECIMAL":
            quotient = cast_value(Value(quotient.sql, SqlType("DECIMAL", 38, 18)), sql_type)
            quotient = Value(quotient.sql, sql_type, (*failures, *quotient.failures))
        return by_zero(values[0], values[1], quotient)
    result = f"({left} {operator} {right})"
    if sql_type.name == "DECIMAL":
        limited = cast_value(Value(result, SqlType("DECIMAL", 38, 18)), sql_type)
        return Value(limited.sql, sql_type, (*failures, *limited.failures))
    return Value(result, sql_type, failures)


_KINDS: dict[str, Callable[[Expressions, Mapping[str, Any]], Value]] = {
    "literal": _literal,
    "cast": _cast,
    "call": _call,
    "op": _operator,
    "case": _case,
}
