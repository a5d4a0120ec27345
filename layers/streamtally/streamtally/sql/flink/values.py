"""Values of the generated program: an expression of Flink SQL with its type, and the conditions under which it fails.

A failed evaluation ends a Flink job, which restarts, reads the same row and fails again. So no generated expression
fails: it gives NULL, and says under which condition that NULL stands for a failure. Such rows go to the error stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streamtally.errors import PlanError
from streamtally.plan.types import SqlType


class FlinkError(PlanError):
    """An expression that Flink SQL does not have.

    Attributes:
        advice: what to do.
    """

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Failure:
    """What makes an evaluation fail.

    Attributes:
        condition: TRUE if it fails, never NULL.
        reason: what the error stream says.
    """

    condition: str
    reason: str

    def after(self, condition: str) -> Failure:
        """The same failure, where the expression is evaluated only if the condition is TRUE."""
        return Failure(f"({condition}) AND {self.condition}", self.reason)


@dataclass(frozen=True, slots=True)
class Value:
    """An expression of Flink SQL.

    Attributes:
        sql: its text, which can be an operand without further parentheses.
        type: its type in the dialect.
        failures: what makes its evaluation fail.
        constant: its value, if it is a constant that is not NULL.
    """

    sql: str
    type: SqlType
    failures: tuple[Failure, ...] = ()
    constant: object = None

    def checked(self, condition: str, reason: str) -> Value:
        """The value with one more failure, whose condition may be NULL where an operand is."""
        return Value(self.sql, self.type, (*self.failures, Failure(f"({condition}) IS TRUE", reason)))


def failures_of(values: Iterable[Value]) -> tuple[Failure, ...]:
    """The failures of operands that are evaluated in order, each only if those before it are not NULL."""
    failures: list[Failure] = []
    before: list[str] = []
    for value in values:
        guard = " AND ".join(f"{operand} IS NOT NULL" for operand in before)
        failures += [failure.after(guard) if guard else failure for failure in value.failures]
        if value.constant is None:
            before.append(value.sql)
    return tuple(failures)


def divisor(value: Value) -> str:
    """A number to divide by: NULL for 0, unless it is another constant."""
    return value.sql if value.constant not in (None, 0) else f"NULLIF({value.sql}, 0)"


def by_zero(value: Value, by: Value, quotient: Value) -> Value:
    """The quotient, with the failure if something is divided by zero."""
    if by.constant not in (None, 0):
        return quotient
    return quotient.checked(f"{value.sql} IS NOT NULL AND {by.sql} = 0", "division by zero")
