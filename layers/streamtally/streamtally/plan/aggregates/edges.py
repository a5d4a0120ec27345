"""FIRST_VALUE and LAST_VALUE: the value of the first or the last row of a window, by arrival, record and line.

This order is the same in every repetition of a batch: a row's arrival, its record's identity, and the number of its
line there. Source: *FIRST_VALUE* and *LAST_VALUE* in Kinesis Analytics' SQL Reference, which by default return NULL if
that is the row's value, and with IGNORE NULLS the first or last value that is not.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from streamtally.errors import PlanError
from streamtally.plan.aggregates.base import Aggregate, State, encode_number
from streamtally.plan.types import FLOATS, SqlType


class First(Aggregate):
    """FIRST_VALUE. A state is (order, value) of its row; a value is added with its row's order."""

    is_ordered = True
    takes_null = True

    def __init__(self, argument_type: SqlType | None) -> None:
        if argument_type is None:
            raise PlanError("FIRST_VALUE and LAST_VALUE take an argument")
        super().__init__(argument_type)
        self.result = argument_type

    def zero(self) -> State:
        return None

    def add(self, state: State, value: Any, n: int = 1) -> State:
        return self.merge(state, value)

    def merge(self, a: State, b: State) -> State:
        if a is None or b is None:
            return b if a is None else a
        return a if self.precedes(_rank(a), _rank(b)) else b

    @staticmethod
    def precedes(a: Any, b: Any) -> bool:
        """Whether the first of two ranks is the one to keep."""
        return bool(a <= b)

    def finish(self, state: State) -> Any:
        return None if state is None else state[1]

    def to_json(self, state: State) -> Any:
        return None if state is None else [list(state[0]), encode_number(state[1])]

    def from_json(self, value: Any) -> State:
        return None if value is None else (tuple(value[0]), self._value(value[1]))

    def _value(self, value: Any) -> Any:
        if value is None:
            return None
        if self.result.name == "DECIMAL":
            return Decimal(value)
        if self.result.is_integer:
            return int(value)
        return float(value) if self.result.name in FLOATS else value


def _rank(state: State) -> Any:
    # One row may reach a window by several pumps, with another value by each: the value decides then.
    return (*state[0], repr(state[1]))


class Last(First):
    """LAST_VALUE."""

    @staticmethod
    def precedes(a: Any, b: Any) -> bool:
        return bool(a >= b)


class FirstPresent(First):
    """FIRST_VALUE … IGNORE NULLS."""

    takes_null = False


class LastPresent(Last):
    """LAST_VALUE … IGNORE NULLS."""

    takes_null = False
