"""In-application streams: the source's, those that a program declares, and the pumps that fill them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from streamtally.config.source import DEFAULT_SOURCE_STREAM
from streamtally.plan.types import TIMESTAMP, SqlType
from streamtally.sql.expressions.typed import Typed
from streamtally.sql.planning.relations import EVENT, Relation, RelationColumn


@dataclass(frozen=True, slots=True)
class SourceStream:
    """The in-application stream of the source.

    Attributes:
        columns: name → type.
        name: its name in the program.
        time_column: the column whose text is the event time.
        times: (column, pattern) of the texts that CHAR_TO_TIMESTAMP reads as the source reads the event time. A text
            that the source reads in another zone than UTC is not among them.
        by_role: more columns, which ``*`` does not name.
        tables: the reference tables that it can be joined with: name → its columns.
        paths: the JSON paths of columns that are not the members of their names.
    """

    columns: Mapping[str, SqlType]
    name: str = DEFAULT_SOURCE_STREAM
    time_column: str | None = None
    times: frozenset[tuple[str, str]] = frozenset()
    by_role: Mapping[str, SqlType] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, SqlType]] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)

    def relation(self) -> Relation:
        """The rows of the stream."""
        columns = tuple(RelationColumn(name, self._value(name, sql_type)) for name, sql_type in self.columns.items())
        hidden = {name: self._value(name, sql_type) for name, sql_type in self.by_role.items()}
        return Relation(columns, of_source=True, hidden=hidden)

    def _value(self, name: str, sql_type: SqlType) -> Typed:
        if sql_type == TIMESTAMP and name == self.time_column:
            return EVENT
        return Typed({"column": name}, sql_type)

    def is_event_time(self, node: Mapping[str, Any]) -> bool:
        """Whether a call of the plan reads the event time, as the source does."""
        if node.get("call") != "char_to_timestamp":
            return False
        pattern, text = node["args"]
        return any(pattern.get("literal") == written and text == {"column": column} for column, written in self.times)


@dataclass(frozen=True, slots=True)
class StreamColumnDefinition:
    """A declared column of an in-application stream."""

    name: str
    type: SqlType
    not_null: bool


@dataclass(slots=True)
class Stream:
    """An in-application stream.

    Attributes:
        name: its stored name.
        columns: its declared columns.
        origin: its name in CREATE STREAM, for errors.
        pumps: the pumps that fill it.
        relations: what the pumps fill it with, once that is planned.
        is_read: whether a pump reads it.
        in_progress: whether it is being planned, to detect a stream that reads from itself.
    """

    name: str
    columns: list[StreamColumnDefinition]
    origin: exp.Expr
    pumps: list[Pump] = field(default_factory=list)
    relations: list[Relation] | None = None
    is_read: bool = False
    in_progress: bool = False


@dataclass(frozen=True, slots=True)
class Pump:
    """A pump.

    Attributes:
        name: its stored name.
        columns: the columns of its stream, in the order in which its SELECT fills them.
        query: the SELECT.
    """

    name: str
    columns: Sequence[StreamColumnDefinition]
    query: exp.Expr
