"""In-application streams: the source's, those that the program declares, and the pumps that fill them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from streamtally.config.source import DEFAULT_SOURCE_STREAM
from streamtally.plan.types import SqlType
from streamtally.sql.expressions.typed import TIMESTAMP, Typed
from streamtally.sql.planning.relations import EVENT, Relation, RelationColumn


@dataclass(frozen=True, slots=True)
class SourceStream:
    """The in-application stream of the source.

    Attributes:
        columns: name → type. time_column, time_format: the column whose text is the event time, and its pattern;
            None where the source reads it in another zone than UTC, so that CHAR_TO_TIMESTAMP means another time.
    """

    columns: Mapping[str, SqlType]
    name: str = DEFAULT_SOURCE_STREAM
    time_column: str | None = None
    time_format: str | None = None

    def relation(self) -> Relation:
        """The stream's rows."""
        columns = tuple(RelationColumn(name, self._value(name, of)) for name, of in self.columns.items())
        return Relation(columns, of_source=True)

    def _value(self, name: str, of: SqlType) -> Typed:
        if of == TIMESTAMP and name == self.time_column:
            return EVENT
        return Typed({"column": name}, of)

    def is_event_time(self, node: Mapping[str, Any]) -> bool:
        """Whether a call reads the event time as the source does."""
        if self.time_column is None or node.get("call") != "char_to_timestamp":
            return False
        pattern, text = node["args"]
        return bool(pattern.get("literal") == self.time_format and text == {"column": self.time_column})


@dataclass(frozen=True, slots=True)
class StreamColumnDefinition:
    """A column of an in-application stream as it was declared."""

    name: str
    type: SqlType
    not_null: bool


@dataclass(slots=True)
class Stream:
    """An in-application stream and the pumps that fill it."""

    name: str
    columns: list[StreamColumnDefinition]
    place: exp.Expr
    pumps: list[Pump] = field(default_factory=list)
    relations: list[Relation] | None = None
    is_read: bool = False
    in_progress: bool = False


@dataclass(frozen=True, slots=True)
class Pump:
    """A pump: its name, the target's columns in the order in which its SELECT fills them, and the SELECT."""

    name: str
    columns: Sequence[StreamColumnDefinition]
    query: exp.Expr
    place: exp.Expr
