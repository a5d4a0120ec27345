"""Aggregate functions as zero, add, merge, finish: partials of different batches merge to the same in any order.

A state is what a partial carries; its JSON form is in ``tally.state``. Adding a function = one :class:`Aggregate`
subclass and its line in :data:`AGGREGATES`. ``None`` values are never added (SQL ignores NULL), but by ``COUNT(*)``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from streamtally.errors import PlanError
from streamtally.plan.types import FLOATS, SqlType

State = Any
LARGEST_JSON_INTEGER = 2**63 - 1


class Aggregate:
    """COUNT and the base of the others.

    Args: of: the argument's type; None for ``COUNT(*)``.
    Attributes: result: the type of the finished value.
    """

    result = SqlType("BIGINT")
    has_items = False
    """Whether :meth:`items` gives what an output can expand."""

    def __init__(self, of: SqlType | None) -> None:
        self.of = of

    def items(self, state: State) -> list[tuple[Any, int]]:
        """The items of a state with their counts, the most frequent first."""
        raise NotImplementedError

    def zero(self) -> State:
        """The state of no rows."""
        return 0

    def add_source(self, state: str, value: str, add: str) -> str:
        """The statement that adds a value, not None, ``n`` times to a state; ``add`` names :meth:`add`."""
        return f"{state} = {add}({state}, {value}, n)"

    def add(self, state: State, value: Any, times: int = 1) -> State:
        """The state with a value added as often."""
        return state + times

    def merge(self, a: State, b: State) -> State:
        """The state of both sides' rows; neither argument is changed."""
        return a + b

    def merging(self) -> Merging:
        """What takes any number of states in, in any order, in steps that do not grow with what is there already."""
        return Merging(self)

    def finish(self, state: State) -> Any:
        """The aggregate's value; None where SQL gives NULL."""
        return state

    def to_json(self, state: State) -> Any:
        """The state as JSON that any reader keeps exactly."""
        return encode_number(state)

    def from_json(self, value: Any) -> State:
        """The state back from its JSON."""
        return decode_number(value)


class Merging:
    """States of an aggregate coming together one by one. Attributes: state: of all that was added."""

    def __init__(self, aggregate: Aggregate) -> None:
        self.aggregate = aggregate
        self.state: State = aggregate.zero()

    def add(self, value: Any) -> None:
        """Take in one more state.

        Args: value: its JSON.
        """
        self.state = self.aggregate.merge(self.state, self.aggregate.from_json(value))


def encode_number(value: Any) -> Any:
    """A number as JSON: DECIMAL and integers past 64 bits as text, since JSON readers make doubles of them."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, int) and abs(value) > LARGEST_JSON_INTEGER:
        return str(value)
    return value


def decode_number(value: Any) -> Any:
    """The number back from :func:`encode_number`."""
    if not isinstance(value, str):
        return value
    return Decimal(value) if "." in value or "E" in value else int(value)


Count = Aggregate


class Sum(Aggregate):
    """SUM over integers and DECIMAL: exact whatever the order."""

    def __init__(self, of: SqlType | None) -> None:
        super().__init__(number_argument("SUM", of))
        if self.of and self.of.name == "DECIMAL":
            self.result = SqlType("DECIMAL", 18, self.of.scale)

    def zero(self) -> State:
        return None

    def add_source(self, state: str, value: str, add: str) -> str:
        return f"{state} = {value} * n if {state} is None else {state} + {value} * n"

    def add(self, state: State, value: Any, times: int = 1) -> State:
        return value * times if state is None else state + value * times

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

    result = SqlType("DOUBLE")

    def zero(self) -> State:
        return None

    def add(self, state: State, value: Any, times: int = 1) -> State:
        for _ in range(times):  # a product would be rounded
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
        # JSON knows no infinity; an expansion that overflowed finishes as NULL, and is kept as such.
        if state is None:
            return None
        return list(state) if all(map(math.isfinite, state)) else ["overflow"]

    def from_json(self, value: Any) -> State:
        if value is None:
            return None
        return (math.inf, -math.inf) if value == ["overflow"] else tuple(map(float, value))


def grow_expansion(partials: Iterable[float], value: float) -> tuple[float, ...]:
    """An expansion (doubles that do not overlap and add up exactly to a sum) with one more double added."""
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
    """MIN and MAX, over anything that compares."""

    def __init__(self, of: SqlType | None) -> None:
        if of is None:
            raise PlanError("MIN and MAX take an argument")
        super().__init__(of)
        self.result = of

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
    def add_source(self, state: str, value: str, add: str) -> str:
        return f"if {state} is None or {value} < {state}: {state} = {value}"

    def add(self, state: State, value: Any, times: int = 1) -> State:
        return value if state is None or value < state else state

    def merge(self, a: State, b: State) -> State:
        return b if a is None else a if b is None else min(a, b)


class Max(Extreme):
    def add_source(self, state: str, value: str, add: str) -> str:
        return f"if {state} is None or {value} > {state}: {state} = {value}"

    def add(self, state: State, value: Any, times: int = 1) -> State:
        return value if state is None or value > state else state

    def merge(self, a: State, b: State) -> State:
        return b if a is None else a if b is None else max(a, b)


class Avg(Aggregate):
    """AVG: a sum and a count. Over integers the mean truncates, as integer division does (see docs/sql.md)."""

    def __init__(self, of: SqlType | None) -> None:
        super().__init__(number_argument("AVG", of))
        self.sum = make_aggregate("sum", of)
        self.result = self.sum.result

    def zero(self) -> State:
        return (None, 0)

    def add(self, state: State, value: Any, times: int = 1) -> State:
        return (self.sum.add(state[0], value, times), state[1] + times)

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


def number_argument(name: str, of: SqlType | None) -> SqlType:
    if of is None or not of.is_number:
        raise PlanError(f"{name} takes a number, not {of or 'nothing'}")
    return of


def make_aggregate(name: str, of: SqlType | None) -> Aggregate:
    """The aggregate function of that name over arguments of a type. Raises: PlanError."""
    if name == "sum" and of is not None and of.name in FLOATS:
        return FloatSum(of)
    kind = AGGREGATES.get(name) or _more(name)
    if kind is None:
        raise PlanError(f"unknown aggregate {name!r}: the aggregates are {', '.join([*AGGREGATES, *OTHERS])}")
    return kind(of)


def _more(name: str) -> type[Aggregate] | None:
    # Loaded only for a program that uses them: most count, and start the faster.
    if name in ("var_pop", "var_samp", "stddev_pop", "stddev_samp"):
        from streamtally.plan import aggregates_spread as spread

        kinds: dict[str, type[Aggregate]] = {
            "var_pop": spread.Spread,
            "var_samp": spread.VarSamp,
            "stddev_pop": spread.StddevPop,
            "stddev_samp": spread.StddevSamp,
        }
        return kinds[name]
    if name in ("count_distinct", "top_items"):
        from streamtally.plan.aggregates_items import CountDistinct, TopItems

        return CountDistinct if name == "count_distinct" else TopItems
    return None


AGGREGATES: dict[str, type[Aggregate]] = {"count": Count, "sum": Sum, "min": Min, "max": Max, "avg": Avg}
"""Aggregate functions by their names in a plan; :func:`_more` has those that are loaded when they are used."""
OTHERS = ("count_distinct", "stddev_pop", "stddev_samp", "top_items", "var_pop", "var_samp")
