"""Aggregate functions as zero, add, merge and finish: partials merge to the same result in any order.

A state is what a partial carries; its JSON form is stored in ``tally.state``. To add a function, write a subclass of
:class:`Aggregate` and list it in :mod:`streamtally.plan.aggregates.registry`. ``None`` is never added (SQL ignores
NULL), except by ``COUNT(*)`` and by those that say so (``takes_null``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from streamtally.errors import PlanError
from streamtally.plan.types import BIGINT, SqlType

State = Any

LARGEST_JSON_INTEGER = 2**63 - 1


class Aggregate:
    """The base of the aggregate functions.

    A subclass states how a value is added once: as :attr:`addition` where one statement will do, which generated code
    then holds in line, else as :meth:`add`.

    Args: argument_type: the argument's type; None for ``COUNT(*)``.
    """

    result: SqlType = BIGINT
    """The type of the finished value."""
    has_items = False
    """Whether :meth:`items` gives items that an output can expand."""
    is_ordered = False
    """Whether a value is added as (the order of its row, value)."""
    takes_null = False
    """Whether NULL is added too."""
    addition: ClassVar[str | None] = None
    """The statement that adds ``{value}`` to ``{state}``, ``n`` times; :meth:`add` is compiled from it."""

    def __init_subclass__(cls) -> None:
        addition = cls.__dict__.get("addition")
        if addition is not None:
            cls.add = _compile_addition(addition)  # type: ignore[assignment, method-assign]

    def __init__(self, argument_type: SqlType | None) -> None:
        self.argument_type = argument_type

    def items(self, state: State) -> list[tuple[Any, int]]:
        """The items of a state with their counts, the most frequent first."""
        raise NotImplementedError

    def zero(self) -> State:
        """The state of no rows."""
        raise NotImplementedError

    def add(self, state: State, value: Any, n: int = 1) -> State:
        """The state with a value, not None, added ``n`` times; the argument may be changed."""
        raise NotImplementedError

    def add_source(self, state: str, value: str, add: str) -> str:
        """The statement of generated code that adds ``value`` to ``state``, ``n`` times; ``add`` names :meth:`add`."""
        if self.addition is None:
            return f"{state} = {add}({state}, {value}, n)"
        return self.addition.format(state=state, value=value)

    def merge(self, a: State, b: State) -> State:
        """The state of the rows of both; neither argument is changed."""
        raise NotImplementedError

    def merging(self) -> Merging:
        """Merges any number of states, in any order, in steps whose cost does not grow with what is merged already."""
        return Merging(self)

    def finish(self, state: State) -> Any:
        """The aggregate's value; None where SQL gives NULL."""
        return state

    def to_json(self, state: State) -> Any:
        """The state as JSON that any reader preserves exactly."""
        return encode_number(state)

    def from_json(self, value: Any) -> State:
        """The inverse of :meth:`to_json`."""
        return decode_number(value)


def _compile_addition(statement: str) -> Callable[[Any, State, Any, int], State]:
    """:meth:`Aggregate.add` from the statement that generated code holds in line."""
    line = statement.format(state="state", value="value")
    namespace: dict[str, Any] = {}
    exec(f"def add(self, state, value, n=1):\n    {line}\n    return state\n", namespace)  # noqa: S102
    add: Callable[[Any, State, Any, int], State] = namespace["add"]
    return add


class Merging:
    """Merges states of an aggregate one by one.

    Attributes:
        state: the merged state.
    """

    def __init__(self, aggregate: Aggregate) -> None:
        self.aggregate = aggregate
        self.state: State = aggregate.zero()

    def add(self, value: Any) -> None:
        """Merge one more state, given as its JSON."""
        self.state = self.aggregate.merge(self.state, self.aggregate.from_json(value))


@dataclass(frozen=True, slots=True)
class Slot:
    """An aggregate of an output.

    Attributes:
        name: its name in the plan.
        aggregate: the aggregate function.
        index: the position of its state in a group's list.
    """

    name: str
    aggregate: Aggregate
    index: int


def encode_number(value: Any) -> Any:
    """A number as JSON: DECIMAL and integers past 64 bits become text, since JSON readers turn them into doubles."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, int) and abs(value) > LARGEST_JSON_INTEGER:
        return str(value)
    return value


def decode_number(value: Any) -> Any:
    """The inverse of :func:`encode_number`."""
    if not isinstance(value, str):
        return value
    return Decimal(value) if "." in value or "E" in value else int(value)


def number_argument(name: str, argument_type: SqlType | None) -> SqlType:
    """The type of an argument that must be a number. Raises: PlanError."""
    if argument_type is None or not argument_type.is_number:
        raise PlanError(f"{name} takes a number, not {argument_type or 'nothing'}")
    return argument_type
