"""VAR and STDDEV, with exact merging.

The state holds the number of rows, their sum and the sum of their squares as exact numbers m · 2^e, so that partials
merge to the same result in any order. The result is rounded once, at the end.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

from streamtally.plan.aggregates.base import Aggregate, State, number_argument
from streamtally.plan.types import DOUBLE, SqlType

Dyadic = tuple[int, int]
"""(m, e): the number m · 2^e."""


def to_dyadic(value: int | float) -> Dyadic:
    """The exact value of a number."""
    if isinstance(value, int):
        return value, 0
    numerator, denominator = value.as_integer_ratio()
    return numerator, 1 - denominator.bit_length()


def add_dyadic(a: Dyadic, b: Dyadic) -> Dyadic:
    """The exact sum."""
    if a[1] == b[1]:
        return a[0] + b[0], a[1]
    low, high = (a, b) if a[1] < b[1] else (b, a)
    return low[0] + (high[0] << (high[1] - low[1])), low[1]


def to_fraction(value: Dyadic) -> Fraction:
    """The exact value."""
    return Fraction(value[0]) * Fraction(2) ** value[1]


class Spread(Aggregate):
    """VAR_POP, and the base of the other three.

    DECIMAL values are added in units of their last digit; ``finish`` scales them back.
    """

    result = DOUBLE
    sample = False
    """Whether the divisor is the number of rows less one."""
    root = False
    """Whether the result is the square root."""

    def __init__(self, argument_type: SqlType | None) -> None:
        argument_type = number_argument("STDDEV and VAR", argument_type)
        super().__init__(argument_type)
        self.scale = 10**argument_type.scale if argument_type.name == "DECIMAL" else 1

    def zero(self) -> State:
        return (0, (0, 0), (0, 0))

    def add(self, state: State, value: Any, n: int = 1) -> State:
        if isinstance(value, Decimal):
            value = int(value * self.scale)
        m, e = to_dyadic(value)
        return (state[0] + n, add_dyadic(state[1], (m * n, e)), add_dyadic(state[2], (m * m * n, 2 * e)))

    def merge(self, a: State, b: State) -> State:
        return (a[0] + b[0], add_dyadic(a[1], b[1]), add_dyadic(a[2], b[2]))

    def finish(self, state: State) -> Any:
        count = state[0]
        divisor = count - 1 if self.sample else count
        if divisor < 1:
            return None
        total, squares = to_fraction(state[1]), to_fraction(state[2])
        variance = (squares - total * total / count) / divisor / (self.scale * self.scale)
        try:
            number = float(variance)
        except OverflowError:
            return None  # beyond the range of a double, as for SUM
        return math.sqrt(number) if self.root else number

    def to_json(self, state: State) -> Any:
        return [state[0], [str(state[1][0]), state[1][1]], [str(state[2][0]), state[2][1]]]

    def from_json(self, value: Any) -> State:
        count, total, squares = value
        return (count, (int(total[0]), total[1]), (int(squares[0]), squares[1]))


class VarSamp(Spread):
    """VAR_SAMP: NULL for fewer than two rows."""

    sample = True


class StddevPop(Spread):
    """STDDEV_POP."""

    root = True


class StddevSamp(VarSamp):
    """STDDEV_SAMP: NULL for fewer than two rows."""

    root = True
