"""The scalar functions of a plan: each takes values that are not NULL, and NULL in any argument gives NULL.

Adding a function = one :class:`Function` here. ``result`` gives the result's type from the arguments' types.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streamtally.errors import EvaluationError
from streamtally.plan.types import SqlType
from streamtally.times import RememberedTimes, compile_time_formatter, compile_time_parser

ResultType = Callable[[tuple[SqlType, ...]], SqlType]


@dataclass(frozen=True, slots=True)
class Function:
    """A scalar function.

    Attributes:
        call: the function over values that are not None (unless ``takes_null``).
        result: its type, from the arguments' types.
        arity: how few and how many arguments.
        prepare: makes ``call`` from the first argument where that is a literal, so that a pattern is compiled once;
            the call made takes the other arguments only.
    """

    call: Callable[..., Any]
    result: ResultType
    arity: tuple[int, int]
    takes_null: bool = False
    prepare: Callable[[Any], Callable[..., Any]] | None = None


def always(name: str, length: int | None = None) -> ResultType:
    """A result that is of the same type whatever the arguments are."""
    of = SqlType(name, length)
    return lambda _: of


def _char_to_timestamp(pattern: str, text: str) -> int:
    return compile_time_parser(pattern)(text)


def _prepared_char_to_timestamp(pattern: str) -> Callable[[str], int]:
    return RememberedTimes(compile_time_parser(pattern)).__getitem__


def _timestamp_to_char(pattern: str, ms: int) -> str:
    return compile_time_formatter(pattern)(ms)


def step(value: int, size: int) -> int:
    """The value floored to a multiple of the size, counted from 0 (for a time: from the epoch)."""
    if size <= 0:
        raise EvaluationError("a step that is not positive")
    return value - value % size


FUNCTIONS: dict[str, Function] = {
    "char_to_timestamp": Function(_char_to_timestamp, always("TIMESTAMP"), (2, 2), prepare=_prepared_char_to_timestamp),
    "timestamp_to_char": Function(_timestamp_to_char, always("VARCHAR"), (2, 2), prepare=compile_time_formatter),
    "step": Function(step, lambda types: types[0], (2, 2)),
    "upper": Function(str.upper, lambda types: types[0], (1, 1)),
    "lower": Function(str.lower, lambda types: types[0], (1, 1)),
    "char_length": Function(len, always("INTEGER"), (1, 1)),
    "abs": Function(abs, lambda types: types[0], (1, 1)),
}
