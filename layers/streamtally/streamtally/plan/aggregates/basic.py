"""COUNT, SUM, MIN, MAX and AVG."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from streamtally.errors import PlanError
from streamtally.plan.aggregates.base import Aggregate, State, decode_number, number_argument
from streamtally.plan.types import DOUBLE, FLOATS, SqlType


class Count(Aggregate):
    """COUNT."""

    addition = "{state} += n"

    def zero(self) -> State:
        return 0

    def merge(self, a: State, b: State) -> State:
        return a + b


class Sum(Aggregate):
    """SUM over integers and DECIMAL: exact in any order."""

    addition = "{state} = {value} * n if {state} is None else {state} + {value} * n"

    def __init__(self, argument_type: SqlType | None) -> None:
        argument_type = number_argument("SUM", argument_type)
        super().__init__(argument_type)
        if argument_type.name == "DECIMAL":
            self.result = SqlType("DECIMAL", 18, argument_type.scale)

    def zero(self) -> State:
        return None

    def merge(self, a: State, b: State) -> State:
        return b if a is None else a if b is None else a + b

    def from_json(self, value: Any) -> State:
        if value is not None and self.result.name == "DECIMAL":
            return Decimal(value)
        return decode_number(value)


class FloatSum(Aggregate):
    """SUM over DOUBLE: the state is an exact expansion (Shewchuk 1997), rounded once at the end.

    A sum beyond the range of a double is NULL.
    """

    result = DOUBLE

    def zero(self) -> State:
        return None

    def add(self, state: State, value: Any, n: int = 1) -> State:
        for _ in range(n):  # a product would be rounded
            state = grow_expansion(state or (), value)
        return state

    def merge(self, a: State, b: State) -> State:
        if a is None or b is None:
            return b if a is None else a
        for value in b:
            a = grow_expansion(a, value)
        return a

    def finish(self, state: State) -> Any:
        if state is None:
            return None
        try:
            total = math.fsum(state)
        except (OverflowError, ValueError):
            return None
        return total if math.isfinite(total) else None

    def to_json(self, state: State) -> Any:
        # JSON has no infinity. An expansion that overflowed is written as a mark, which finishes as NULL as well.
        if state is None:
            return None
        return list(state) if all(map(math.isfinite, state)) else ["overflow"]

    def from_json(self, value: Any) -> State:
        if value is None:
            return None
        return (math.inf, -math.inf) if value == ["overflow"] else tuple(map(float, value))


def grow_expansion(partials: Iterable[float], value: float) -> tuple[float, ...]:
    """Add a double to an expansion: doubles that do not overlap and whose exact sum is the total."""
    grown = []
    for partial in partials:
        if abs(value) < abs(partial):
            value, partial = partial, value
        high = value + partial
        low = partial - (high - value)
        if low:
            grown.append(low)
        value = high
    grown.append(value)
    return tuple(grown)


class Extreme(Aggregate):
    """MIN and MAX, over any values that can be compared."""

    def __init__(self, argument_type: SqlType | None) -> None:
        if argument_type is None:
            raise PlanError("MIN and MAX take an argument")
        super().__init__(argument_type)
        self.result = argument_type

    def zero(self) -> State:
        return None

    def from_json(self, value: Any) -> State:
        if value is None:
            return None
        if self.result.name == "DECIMAL":
            return Decimal(value)
        if self.result.is_integer:
            return int(value)
        return float(value) if self.result.name in FLOATS else value


class Min(Extreme):
    """MIN."""

    addition = "if {state} is None or {value} < {state}: {state} = {value}"

    def merge(self, a: State, b: State) -> State:
        return b if a is None else a if b is None else min(a, b)


class Max(Extreme):
    """MAX."""

    addition = "if {state} is None or {value} > {state}: {state} = {value}"

    def merge(self, a: State, b: State) -> State:
        return b if a is None else a if b is None else max(a, b)


def make_sum(argument_type: SqlType | None) -> Aggregate:
    """SUM over arguments of a type, exact for doubles as well. Raises: PlanError."""
    is_float = argument_type is not None and argument_type.name in FLOATS
    return FloatSum(argument_type) if is_float else Sum(argument_type)


class Avg(Aggregate):
    """AVG: a sum and a count. Over integers the mean is truncated, as in integer division (see docs/sql.md)."""

    def __init__(self, argument_type: SqlType | None) -> None:
        super().__init__(number_argument("AVG", argument_type))
        self.sum = make_sum(argument_type)
        self.result = self.sum.result

    def zero(self) -> State:
        return (None, 0)

    def add(self, state: State, value: Any, n: int = 1) -> State:
        return (self.sum.add(state[0], value, n), state[1] + n)

    def merge(self, a: State, b: State) -> State:
        return (self.sum.merge(a[0], b[0]), a[1] + b[1])

    def finish(self, state: State) -> Any:
        total, count = self.sum.finish(state[0]), state[1]
        if total is None or not count:
            return None
        if isinstance(total, int):
            return abs(total) // count * (-1 if total < 0 else 1)
        return total / count

    def to_json(self, state: State) -> Any:
        return [self.sum.to_json(state[0]), state[1]]

    def from_json(self, value: Any) -> State:
        return (self.sum.from_json(value[0]), value[1])
