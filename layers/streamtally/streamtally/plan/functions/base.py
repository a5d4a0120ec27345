"""What a scalar function of a plan is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streamtally.plan.types import FLOATS, SqlType

ResultType = Callable[[tuple[SqlType, ...]], SqlType]


@dataclass(frozen=True, slots=True)
class Function:
    """A scalar function.

    Attributes:
        call: the function over values that are not None (unless ``takes_null``).
        result: its type, from the arguments' types.
        arity: how few and how many arguments.
        prepare: makes ``call`` from the first ``prepared`` arguments where these are literals, so that a pattern is
            compiled once; the call made takes the other arguments only.
    """

    call: Callable[..., Any]
    result: ResultType
    arity: tuple[int, int]
    takes_null: bool = False
    prepare: Callable[..., Callable[..., Any]] | None = None
    prepared: int = 1


def always(name: str, length: int | None = None) -> ResultType:
    """A result that is of the same type whatever the arguments are."""
    of = SqlType(name, length)
    return lambda _: of


def as_argument(place: int = 0) -> ResultType:
    """A result of an argument's type."""
    return lambda types: types[place]


def as_numbers(types: tuple[SqlType, ...]) -> SqlType:
    """The number type that holds both arguments' values: DOUBLE, DECIMAL(18, larger scale) or BIGINT."""
    if any(type_.name in FLOATS for type_ in types):
        return SqlType("DOUBLE")
    if any(type_.name == "DECIMAL" for type_ in types):
        return SqlType("DECIMAL", 18, max(type_.scale for type_ in types))
    return SqlType("BIGINT")
