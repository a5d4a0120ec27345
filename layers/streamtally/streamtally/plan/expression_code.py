"""Expressions of a plan → Python source, so that no row has to walk a tree.

An expression is JSON (see ``docs/plan.md``). :func:`compile_expression` gives its code and type; leaves (columns,
times, keys) come from a :class:`Scope`. All names in the code are generated and constants are bound by number: no text
of the plan ever reaches the source. NULL is None; operators on NULL give None; AND, OR and NOT are three-valued.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from streamtally.errors import EvaluationError, PlanError
from streamtally.plan.casts import compile_cast
from streamtally.plan.coercions import coercion, to_decimal
from streamtally.plan.functions.base import as_numbers
from streamtally.plan.functions.registry import FUNCTIONS
from streamtally.plan.types import BIGINT, BOOLEAN, DOUBLE, FLOATS, TIMES, VARCHAR, SqlType, parse_type


@dataclass(frozen=True, slots=True)
class Code:
    """The Python source of an expression, and the type of its value."""

    source: str
    type: SqlType


@dataclass
class Scope:
    """The leaves that an expression may use, and the namespace in which its code runs.

    Attributes:
        leaves: leaf kind (``column``, ``time``, ``window``, ``key``, …) → what names it → code; raises PlanError.
        namespace: constants of the generated code, by their generated names.
    """

    leaves: Mapping[str, Callable[[Any], Code]]
    namespace: dict[str, Any] = field(default_factory=dict)
    _temporaries: int = 0

    def bind(self, value: Any) -> str:
        """Bind a constant to a new name in the generated code."""
        name = f"c{len(self.namespace)}"
        self.namespace[name] = value
        return name

    def temporary(self) -> str:
        """A new local name."""
        self._temporaries += 1
        return f"v{self._temporaries}"


def compile_expression(node: Any, scope: Scope) -> Code:
    """The code of an expression. Raises: PlanError: not an expression, or operands of the wrong type."""
    if not isinstance(node, dict):
        raise PlanError(f"an expression must be a JSON object, not {type(node).__name__}")
    for kind, compile_kind in _KINDS.items():
        if kind in node:
            return compile_kind(node, scope)
    for kind, leaf in scope.leaves.items():
        if kind in node:
            return leaf(node[kind])
    known = ", ".join([*_KINDS, *scope.leaves])
    raise PlanError(f"unknown expression with {', '.join(map(repr, node))}: expected one of {known}")


def _compile_literal(node: dict[str, Any], scope: Scope) -> Code:
    sql_type = parse_type(node.get("type", "VARCHAR"))
    value = node["literal"]
    if sql_type.name in TIMES and type(value) is int:
        return Code(repr(value), sql_type)
    try:
        value = coercion(sql_type)(value)
    except EvaluationError as error:
        raise PlanError(f"literal {node['literal']!r}: {error}") from None
    return Code("None" if value is None else scope.bind(value), sql_type)


def _compile_call(node: dict[str, Any], scope: Scope) -> Code:
    name, arguments = node["call"], node.get("args", [])
    function = FUNCTIONS.get(name)
    if function is None:
        raise PlanError(f"unknown function {name!r}: the functions are {', '.join(sorted(FUNCTIONS))}")
    fewest, most = function.arity
    if not fewest <= len(arguments) <= most:
        raise PlanError(f"function {name!r} takes {fewest} to {most} arguments")
    codes = [compile_expression(argument, scope) for argument in arguments]
    result = function.result(tuple(code.type for code in codes))
    call: Callable[..., Any] = function.call
    first = [argument.get("literal") for argument in arguments[: function.prepared]]
    if function.prepare and None not in first:
        call, codes = function.prepare(*first), codes[function.prepared :]
    sources = [code.source for code in codes]
    if function.takes_null:
        return Code(f"{scope.bind(call)}({', '.join(sources)})", result)
    return Code(null_safe(sources, lambda names: f"{scope.bind(call)}({', '.join(names)})", scope), result)


def null_safe(sources: list[str], make: Callable[[list[str]], str], scope: Scope) -> str:
    """Code that gives None if an operand is None, else what ``make`` builds from the operands' names."""
    names = [scope.temporary() for _ in sources]
    checks = [f"({name} := {source}) is None" for name, source in zip(names, sources, strict=True)]
    return f"(None if {' or '.join(checks)} else {make(names)})" if checks else make([])


def _compile_cast(node: dict[str, Any], scope: Scope) -> Code:
    return cast_code(compile_expression(node["cast"], scope), parse_type(node["type"]), scope)


def cast_code(code: Code, to: SqlType, scope: Scope) -> Code:
    """The code, with its value cast to the type. Raises: PlanError: there is no such cast."""
    cast = compile_cast(code.type, to)
    if cast is None:
        return Code(code.source, to)
    return Code(null_safe([code.source], lambda names: f"{scope.bind(cast)}({names[0]})", scope), to)


_COMPARISONS = {"=": "==", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_ARITHMETIC = {"+": "+", "-": "-", "*": "*"}


def _compile_operator(node: dict[str, Any], scope: Scope) -> Code:
    operator = node["op"]
    codes = [compile_expression(argument, scope) for argument in node.get("args", [])]
    sources = [code.source for code in codes]
    if operator in ("is_null", "is_not_null", "not", "and", "or"):
        return _compile_logic(operator, codes, scope)
    if operator == "coalesce":
        return _compile_coalesce(codes, scope)
    if len(codes) != 2:
        raise PlanError(f"operator {operator!r} takes two arguments")
    if operator in _COMPARISONS:
        _check_comparable(operator, codes)
        return Code(null_safe(sources, lambda n: f"{n[0]} {_COMPARISONS[operator]} {n[1]}", scope), BOOLEAN)
    if operator == "||":
        texts = [cast_code(code, VARCHAR, scope).source for code in codes]
        return Code(null_safe(texts, lambda n: f"{n[0]} + {n[1]}", scope), VARCHAR)
    if operator in _ARITHMETIC or operator == "/":
        return _compile_arithmetic(operator, codes, scope)
    raise PlanError(f"unknown operator {operator!r}")


def _compile_logic(operator: str, codes: list[Code], scope: Scope) -> Code:
    sources = [code.source for code in codes]
    if operator in ("is_null", "is_not_null"):
        return Code(f"({sources[0]} is {'not ' if operator == 'is_not_null' else ''}None)", BOOLEAN)
    if wrong := [code.type for code in codes if code.type != BOOLEAN]:
        raise PlanError(f"{operator.upper()} takes conditions, not {wrong[0]}")
    if operator == "not":
        return Code(null_safe(sources, lambda n: f"not {n[0]}", scope), BOOLEAN)
    # One False decides AND, one True decides OR; otherwise the result is NULL if any side is NULL.
    deciding = "False" if operator == "and" else "True"
    names = [scope.temporary() for _ in sources]
    decided = " or ".join(f"({name} := {source}) is {deciding}" for name, source in zip(names, sources, strict=True))
    unknown = " or ".join(f"{name} is None" for name in names)
    other = "True" if operator == "and" else "False"
    return Code(f"({deciding} if {decided} else None if {unknown} else {other})", BOOLEAN)


def _compile_coalesce(codes: list[Code], scope: Scope) -> Code:
    """The first operand that is not NULL; later operands are not evaluated."""
    if not codes:
        raise PlanError("COALESCE takes at least one argument")
    kinds = {code.type.kind for code in codes}
    if len(kinds) > 1:
        raise PlanError(f"COALESCE mixes {' and '.join(sorted(kinds))}: cast them to one type")
    source = codes[-1].source
    for code in reversed(codes[:-1]):
        name = scope.temporary()
        source = f"({name} if ({name} := {code.source}) is not None else {source})"
    return Code(source, _common_type([code.type for code in codes]))


def _check_comparable(operator: str, codes: list[Code]) -> None:
    left, right = (code.type for code in codes)
    if left.kind != right.kind:
        raise PlanError(f"{operator!r} cannot compare {left} with {right}: cast one of them")


def _number_type(operator: str, codes: list[Code]) -> SqlType:
    left, right = (code.type for code in codes)
    if not (left.is_number and right.is_number):
        raise PlanError(f"{operator!r} takes numbers, not {left} and {right}")
    if left.name in FLOATS or right.name in FLOATS:
        return DOUBLE
    if left.name == "DECIMAL" or right.name == "DECIMAL":
        return _decimal_type(operator, left, right)
    return BIGINT


def _decimal_type(operator: str, left: SqlType, right: SqlType) -> SqlType:
    """The type of DECIMAL arithmetic.

    Division keeps max(6, s1 + p2 + 1) decimal places, as far as 18 digits in total leave room (Kinesis Analytics' SQL
    Reference, Numeric Types and Precision).
    """
    if operator == "*":
        return SqlType("DECIMAL", 18, min(left.scale + right.scale, 18))
    if operator != "/":
        return SqlType("DECIMAL", 18, max(left.scale, right.scale))
    precision, divisor_precision = _precision(left), _precision(right)
    whole = min(18, max(1, precision - left.scale + right.scale))
    return SqlType("DECIMAL", 18, min(max(6, left.scale + divisor_precision + 1), 18 - whole))


def _precision(sql_type: SqlType) -> int:
    digits = sql_type.length if sql_type.name == "DECIMAL" else _INTEGER_DIGITS[sql_type.name]
    return 18 if digits is None else digits


_INTEGER_DIGITS = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 18}


def _compile_arithmetic(operator: str, codes: list[Code], scope: Scope) -> Code:
    result = _number_type(operator, codes)
    if result.name == "DOUBLE":
        codes = [cast_code(code, DOUBLE, scope) for code in codes]
    sources = [code.source for code in codes]
    if operator == "/":
        divide = scope.bind(_divide_integers if result.is_integer else _divide)
        computed = null_safe(sources, lambda names: f"{divide}({names[0]}, {names[1]})", scope)
    else:
        symbol = _ARITHMETIC[operator]
        computed = null_safe(sources, lambda names: f"({names[0]} {symbol} {names[1]})", scope)
    check = scope.bind(_range_check(result))
    return Code(null_safe([computed], lambda names: f"{check}({names[0]})", scope), result)


def _range_check(result: SqlType) -> Callable[[Any], Any]:
    if result.name == "DECIMAL":
        return lambda value: to_decimal(value, result, rounded=True)
    return coercion(result)


def _divide_integers(a: int, b: int) -> int:
    if b == 0:
        raise EvaluationError("division by zero")
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _divide(a: Any, b: Any) -> Any:
    if b == 0:
        raise EvaluationError("division by zero")
    return Decimal(a) / Decimal(b) if isinstance(a, Decimal) or isinstance(b, Decimal) else a / b


def _compile_case(node: dict[str, Any], scope: Scope) -> Code:
    branches = [(compile_expression(when, scope), compile_expression(then, scope)) for when, then in node["case"]]
    otherwise = Code("None", branches[0][1].type)
    if node.get("else") is not None:
        otherwise = compile_expression(node["else"], scope)
    kinds = {then.type.kind for _, then in branches} | {otherwise.type.kind}
    if len(kinds) > 1:
        raise PlanError(f"CASE mixes {' and '.join(sorted(kinds))}: cast them to one type")
    source = otherwise.source
    for when, then in reversed(branches):
        # "else" binds to the right, so no parentheses are needed.
        source = f"{then.source} if {when.source} is True else {source}"
    return Code(f"({source})", _common_type([then.type for _, then in branches] + [otherwise.type]))


def _common_type(types: list[SqlType]) -> SqlType:
    if len(set(types)) == 1:
        return types[0]
    if types[0].is_text:
        return VARCHAR
    if types[0].is_number:
        return as_numbers(tuple(types))
    return types[0]


_KINDS: dict[str, Callable[[dict[str, Any], Scope], Code]] = {
    "literal": _compile_literal,
    "call": _compile_call,
    "cast": _compile_cast,
    "op": _compile_operator,
    "case": _compile_case,
}
