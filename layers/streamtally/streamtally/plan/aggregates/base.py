"""Aggregate functions as zero, add, merge, finish: partials of different batches merge to the same in any order.

A state is what a partial carries; its JSON form is in ``tally.state``. Adding a function = one :class:`Aggregate`
subclass and its line in :data:`AGGREGATES`. ``None`` values are never added (SQL ignores NULL), but by ``COUNT(*)``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from streamtally.errors import PlanError
from streamtally.plan.types import SqlType

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


def number_argument(name: str, of: SqlType | None) -> SqlType:
    if of is None or not of.is_number:
        raise PlanError(f"{name} takes a number, not {of or 'nothing'}")
    return of
