"""From expressions over a row to one Python function: the columns and times that it reads, and its making."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from streamtally.errors import PlanError
from streamtally.plan.expressions import TIMESTAMP, Code, Scope
from streamtally.plan.types import SqlType, coercion

EMITTED, FILTERED, OUT_OF_RANGE = 0, 1, 2
"""What became of a row in an output; the fourth fate, failing to evaluate, is an exception."""


class RowSource(Protocol):
    """What an expression over rows needs to know of the source."""

    def column(self, name: str) -> tuple[str, SqlType]:
        """A column's field in the row, and its declared type."""

    @property
    def event_time(self) -> Callable[[dict[str, Any], int], int | None]:
        """Row, arrival → event time in ms since the epoch, None where the row has none. Raises EvaluationError."""

    @property
    def event_time_fields(self) -> tuple[str, ...]:
        """The fields that the event time is read from."""

    @property
    def event_time_needs_arrival(self) -> bool:
        """Whether the arrival bears on it: a time without a year is of the arrival's."""


@dataclass
class Reads:
    """What the expressions of an output read of a row: its fields, and whether also its arrival."""

    fields: set[str] = field(default_factory=set)
    arrival: bool = False


def row_scope(source: RowSource, reads: Reads) -> Scope:
    """The scope of expressions over a row: its columns, its event time, and its arrival; what they read is noted."""
    scope: Scope

    def column(name: str) -> Code:
        field_name, of = source.column(name)
        reads.fields.add(field_name)
        return Code(_column_source(f"row.get({scope.bind(field_name)})", of, scope), of)

    def time(which: str) -> Code:
        if which == "arrival":
            reads.arrival = True
            return Code("arrival", TIMESTAMP)
        if which == "event":
            reads.fields.update(source.event_time_fields)
            reads.arrival = reads.arrival or source.event_time_needs_arrival
            return Code(f"{scope.bind(source.event_time)}(row, arrival)", TIMESTAMP)
        raise PlanError(f"unknown time {which!r}: it is 'event' or 'arrival'")

    scope = Scope({"column": column, "time": time})
    return scope


def _column_source(read: str, of: SqlType, scope: Scope) -> str:
    """Code that reads a column with its type, and calls the coercion only for a value that is not of it yet."""
    value, coerce = scope.temporary(), scope.bind(coercion(of))
    if of.is_integer:
        smallest, largest = of.integer_range
        right = f"type({value}) is int and {smallest} <= {value} <= {largest}"
    elif of.is_text:
        right = f"type({value}) is str" + ("" if of.length is None else f" and len({value}) <= {of.length}")
    else:
        right = "False"
    return f"({value} if ({value} := {read}) is None or ({right}) else {coerce}({value}))"


def make_function(name: str, parameters: str, body: list[str], namespace: dict[str, Any]) -> Callable[..., Any]:
    """The function of that source. All names and constants in it are made by this package, none by a plan's text."""
    source = f"def {name}({parameters}):\n" + "\n".join(f"    {line}" for line in body) + "\n"
    scope = dict(namespace)
    exec(compile(source, f"<plan {name}>", "exec"), scope)  # noqa: S102
    function: Callable[..., Any] = scope[name]
    return function


TIME_LINES = (
    "if time < low or time > high:",
    "    time = arrival",
    "    fate = 2",
    "else:",
    "    fate = 0",
)
"""An event time too far from its record's arrival gives way to it, so that it cannot open absurd windows."""


def time_lines(node: Any, code: Code) -> list[str]:
    """The lines that set ``time`` and ``fate``."""
    if code.type != TIMESTAMP:
        raise PlanError(f"the time of an output is a TIMESTAMP, not {code.type}")
    if node == {"time": "arrival"}:
        return ["time = arrival", "fate = 0"]
    return [f"time = {code.source}", "if time is None: raise no_time()", *TIME_LINES]
