"""Expressions over a row → one Python function: reading columns and times, and compiling the function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from streamtally.errors import PlanError
from streamtally.plan.coercions import coercion
from streamtally.plan.expression_code import Code, Scope
from streamtally.plan.types import TIMESTAMP, SqlType
from streamtally.times.seconds import SecondsAt

EMITTED, FILTERED, OUT_OF_RANGE = 0, 1, 2
"""What became of a row in an output; a row that cannot be evaluated raises instead.

Generated code holds these as literals, so that returning one costs no look-up of a name.
"""


class RowSource(Protocol):
    """What an expression over rows needs from the source."""

    def column(self, name: str) -> tuple[str, SqlType]:
        """The column's field in the row, and its declared type."""

    def needs_value(self, name: str) -> bool:
        """Whether a row that lacks this column cannot be counted by it."""

    @property
    def event_time(self) -> Callable[[dict[str, Any], int], int | None]:
        """(row, arrival) → event time in ms since the epoch; None if the row has none. Raises EvaluationError."""

    @property
    def event_time_fields(self) -> tuple[str, ...]:
        """The fields from which the event time is read."""

    @property
    def event_time_needs_arrival(self) -> bool:
        """Whether the event time depends on the arrival: a time without a year takes the arrival's."""

    @property
    def event_time_seconds(self) -> SecondsAt | None:
        """Where the text of the event time, which is one field, has its seconds; None: that differs."""


@dataclass
class Reads:
    """What the expressions of an output read.

    Attributes:
        fields: the fields of the row.
        columns: those of them that are read as columns, not only as the event time.
        arrival: whether the row's arrival is read as well.
    """

    fields: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    arrival: bool = False


def row_scope(source: RowSource, reads: Reads, joined: Sequence[tuple[str, Mapping[str, SqlType]]] = ()) -> Scope:
    """The scope of expressions over a row: columns, event time and arrival. What they read is recorded in ``reads``.

    Args: joined: of each join, the row's member with the values of its tables, and the columns of its own.
    """
    scope: Scope

    def column(name: str) -> Code:
        field_name, sql_type = source.column(name)
        reads.fields.add(field_name)
        reads.columns.add(field_name)
        return Code(_column_source(f"row.get({scope.bind(field_name)})", sql_type, scope), sql_type)

    def time(which: str) -> Code:
        if which == "arrival":
            reads.arrival = True
            return Code("arrival", TIMESTAMP)
        if which == "event":
            reads.fields.update(source.event_time_fields)
            reads.arrival = reads.arrival or source.event_time_needs_arrival
            return Code(f"{scope.bind(source.event_time)}(row, arrival)", TIMESTAMP)
        raise PlanError(f"unknown time {which!r}: expected 'event' or 'arrival'")

    def reference(which: Any) -> Code:
        number, name = which
        if type(number) is not int or not 0 <= number < len(joined) or name not in joined[number][1]:
            raise PlanError(f"unknown column of a joined table: {which!r}")
        member, columns = joined[number]
        values, position = scope.temporary(), list(columns).index(name)
        read = f"row[{scope.bind(member)}][{number}]"
        return Code(f"(None if ({values} := {read}) is None else {values}[{position}])", columns[name])

    scope = Scope({"column": column, "time": time, "reference": reference})
    return scope


def _column_source(read: str, sql_type: SqlType, scope: Scope) -> str:
    """Code that reads a column and calls the coercion only for values that are not of its type already."""
    value, coerce = scope.temporary(), scope.bind(coercion(sql_type))
    if sql_type.is_integer:
        smallest, largest = sql_type.integer_range
        is_typed = f"type({value}) is int and {smallest} <= {value} <= {largest}"
    elif sql_type.is_text:
        fits = "" if sql_type.length is None else f" and len({value}) <= {sql_type.length}"
        is_typed = f"type({value}) is str{fits}"
    else:
        is_typed = "False"
    return f"({value} if ({value} := {read}) is None or ({is_typed}) else {coerce}({value}))"


def make_function(name: str, parameters: str, body: list[str], namespace: dict[str, Any]) -> Callable[..., Any]:
    """Compile a function. All names and constants in its source come from this package, none from a plan's text."""
    source = f"def {name}({parameters}):\n" + "\n".join(f"    {line}" for line in body) + "\n"
    scope = dict(namespace)
    exec(compile(source, f"<plan {name}>", "exec"), scope)  # noqa: S102
    function: Callable[..., Any] = scope[name]
    return function


_CHECKED_TIME = (
    "if time < low or time > high:",
    "    time = arrival",
    f"    fate = {OUT_OF_RANGE}",
    "else:",
    f"    fate = {EMITTED}",
)
"""An event time too far from the record's arrival is replaced by the arrival, so that it cannot open absurd windows."""


def time_lines(node: Any, code: Code) -> list[str]:
    """The lines that set ``time`` and ``fate`` (EMITTED or OUT_OF_RANGE). Raises: PlanError: not a TIMESTAMP."""
    if code.type != TIMESTAMP:
        raise PlanError(f"the time of an output must be a TIMESTAMP, not {code.type}")
    if node == {"time": "arrival"}:
        return ["time = arrival", f"fate = {EMITTED}"]
    return [f"time = {code.source}", "if time is None: raise no_time()", *_CHECKED_TIME]
