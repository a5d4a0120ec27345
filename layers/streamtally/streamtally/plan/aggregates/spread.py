"""VAR and STDDEV, exact on merging: the state holds the number of rows, their sum and the sum of their squares as
exact numbers m · 2^e, so that partials give the same in any order; one rounding comes at the end.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

from streamtally.plan.aggregates.base import Aggregate, State, number_argument
from streamtally.plan.types import SqlType

Dyadic = tuple[int, int]
"""(m, e): the number m · 2^e."""


def to_dyadic(value: int | float) -> Dyadic:
    """A number without loss."""
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
    """VAR_POP; the base of its kin.

    DECIMAL is counted in units of its last digit, which ``finish`` takes back. The result is DOUBLE.
    """

    result = SqlType("DOUBLE")
    sample = False
    root = False

    def __init__(self, of: SqlType | None) -> None:
        super().__init__(number_argument("STDDEV and VAR", of))
        self.scale = 10**self.of.scale if self.of and self.of.name == "DECIMAL" else 1

    def zero(self) -> State:
        return (0, (0, 0), (0, 0))

    def add(self, state: State, value: Any, times: int = 1) -> State:
        if isinstance(value, Decimal):
            value = int(value * self.scale)
        m, e = to_dyadic(value)
        return (state[0] + times, add_dyadic(state[1], (m * times, e)), add_dyadic(state[2], (m * m * times, 2 * e)))

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
            return None  # beyond the range of a double, as a SUM is
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
