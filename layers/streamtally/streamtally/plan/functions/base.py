"""Scalar functions of a plan: their signature, and common result types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streamtally.plan.types import BIGINT, DOUBLE, FLOATS, SqlType

ResultType = Callable[[tuple[SqlType, ...]], SqlType]
"""Types of the arguments → type of the result."""


@dataclass(frozen=True, slots=True)
class Function:
    """A scalar function.

    Attributes:
        call: the function over values.
        result: the type of its result.
        arity: the smallest and the largest number of arguments.
        takes_null: whether ``call`` handles None; otherwise NULL in any argument gives NULL without a call.
        prepare: makes a call from the first ``prepared`` arguments if these are literals, so that a pattern is compiled
            once. The prepared call takes only the other arguments.
        prepared: the number of arguments that ``prepare`` takes.
    """

    call: Callable[..., Any]
    result: ResultType
    arity: tuple[int, int]
    takes_null: bool = False
    prepare: Callable[..., Callable[..., Any]] | None = None
    prepared: int = 1


def always(name: str, length: int | None = None) -> ResultType:
    """A result of one type, whatever the arguments."""
    sql_type = SqlType(name, length)
    return lambda _: sql_type


def as_argument(index: int = 0) -> ResultType:
    """A result of the type of an argument."""
    return lambda types: types[index]


def as_numbers(types: tuple[SqlType, ...]) -> SqlType:
    """The number type that holds the values of all arguments: DOUBLE, DECIMAL(18, largest scale) or BIGINT."""
    if any(sql_type.name in FLOATS for sql_type in types):
        return DOUBLE
    if any(sql_type.name == "DECIMAL" for sql_type in types):
        return SqlType("DECIMAL", 18, max(sql_type.scale for sql_type in types))
    return BIGINT


def literal_pattern(text: str) -> str:
    """A pattern, for ``re`` and RE2 alike, that matches exactly this text."""
    return "".join(char if char.isalnum() or char > "\x7f" else f"\\x{ord(char):02x}" for char in text)
