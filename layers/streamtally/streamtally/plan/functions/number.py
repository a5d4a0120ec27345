"""Scalar functions over numbers and conditions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from streamtally.errors import EvaluationError
from streamtally.plan.functions.base import Function, always, as_argument, as_numbers
from streamtally.plan.types import SqlType

Number = int | float | Decimal


def _whole_type(types: tuple[SqlType, ...]) -> SqlType:
    sql_type = types[0]
    return SqlType("DECIMAL", sql_type.length) if sql_type.name == "DECIMAL" else sql_type


def _floor(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value.to_integral_value(ROUND_FLOOR)
    return float(math.floor(value)) if isinstance(value, float) else value


def _ceil(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value.to_integral_value(ROUND_CEILING)
    return float(math.ceil(value)) if isinstance(value, float) else value


def mod(a: Any, b: Any) -> Any:
    """The remainder of truncating division, with the sign of ``a``. Raises: EvaluationError: division by zero."""
    if b == 0:
        raise EvaluationError("division by zero")
    if isinstance(a, float) or isinstance(b, float):
        return math.fmod(a, b)
    if isinstance(a, Decimal) or isinstance(b, Decimal):
        return Decimal(a) % Decimal(b)
    remainder = abs(a) % abs(b)
    return -remainder if a < 0 else remainder


def step_number(value: Any, size: Any) -> Any:
    """STEP(e BY n): e truncated toward zero to a multiple of n (Kinesis Analytics' SQL Reference, STEP)."""
    return value - mod(value, size)


def _real(compute: Callable[..., float]) -> Callable[..., float]:
    """The function over doubles; undefined and infinite results raise EvaluationError."""

    def call(*values: Number) -> float:
        try:
            result = compute(*map(float, values))
        except (ValueError, ArithmeticError):
            raise EvaluationError("a number that the function is not defined for") from None
        if not math.isfinite(result):
            raise EvaluationError("out of range for DOUBLE")
        return result

    return call


def _not_null(value: Any) -> Any:
    if value is None:
        raise EvaluationError("NULL in a NOT NULL column")
    return value


_DOUBLE = always("DOUBLE")
_BOOLEAN = always("BOOLEAN")

NUMBER_FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(abs, as_argument(), (1, 1)),
    "ceil": Function(_ceil, _whole_type, (1, 1)),
    "floor": Function(_floor, _whole_type, (1, 1)),
    "mod": Function(mod, as_numbers, (2, 2)),
    "step_number": Function(step_number, as_numbers, (2, 2)),
    "exp": Function(_real(math.exp), _DOUBLE, (1, 1)),
    "ln": Function(_real(math.log), _DOUBLE, (1, 1)),
    "log10": Function(_real(math.log10), _DOUBLE, (1, 1)),
    "power": Function(_real(math.pow), _DOUBLE, (2, 2)),
    "sqrt": Function(_real(math.sqrt), _DOUBLE, (1, 1)),
    "is_true": Function(lambda value: value is True, _BOOLEAN, (1, 1), takes_null=True),
    "is_false": Function(lambda value: value is False, _BOOLEAN, (1, 1), takes_null=True),
    "not_null": Function(_not_null, as_argument(), (1, 1), takes_null=True),
}
