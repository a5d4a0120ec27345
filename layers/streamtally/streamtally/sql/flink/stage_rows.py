"""The rows of stages: what expressions over them read, and the views of the rows that a stage reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamtally.plan.types import TIMESTAMP, SqlType
from streamtally.sql.flink.over_calls import call_columns
from streamtally.sql.flink.queries import Node, Source, Statements, read_rows, view_statement
from streamtally.sql.flink.syntax import interval, name
from streamtally.sql.flink.tables import TIME
from streamtally.sql.flink.values import FlinkError, Value
from streamtally.sql.planning.relations import Base
from streamtally.sql.planning.shaping import conjunction
from streamtally.sql.planning.stages import OverStage, Rows, Stage

_TIMES = ({"time": "arrival"}, {"time": "window_start"})


@dataclass
class StageSource(Source):
    """The rows of a stage. Attributes: stage: the stage."""

    stage: Stage | None = None

    def _column(self, column: str) -> Value:
        self.used.add(column)
        stage = self.stage
        calls = stage.calls if isinstance(stage, OverStage) else ()
        call = next((one for one in calls if one.name == column), None)
        if call is not None and isinstance(stage, OverStage):
            return call_columns(stage, call)[1]
        return Value(name(column), self.columns[column])

    def _time(self, which: str) -> Value:
        stage = self._stage()
        if not stage.has_time:
            raise FlinkError("ROWTIME of rows in another order", "select a time of the rows in an earlier pump")
        back_ms = stage.window_ms if which == "window_start" else 0
        return Value(shifted(f"CAST({name(TIME)} AS TIMESTAMP(3))", stage.offset_ms - back_ms), TIMESTAMP)

    def _named(self, node: Node, value: Value) -> Value:
        return value

    def json_columns(self) -> Sequence[str]:
        return sorted(self.used)

    def rowtime(self) -> str:
        return self._time("arrival").sql if self._stage().has_time else "CAST(NULL AS TIMESTAMP(3))"

    def check_window(self, window_ms: int) -> None:
        if self._stage().window_ms and window_ms % self._stage().window_ms:
            raise FlinkError(
                f"a window of {window_ms // 1000} seconds over windows of {self._stage().window_ms // 1000} seconds",
                "make the outer window a multiple of the inner one",
            )

    def read_by(self, time: Node) -> tuple[str, str, Value | None]:
        if time not in _TIMES or not self._stage().has_time:
            raise FlinkError(
                "a window, a join or an OVER by a time that is not ROWTIME, of rows that Flink has joined or computed "
                "from other rows",
                "use ROWTIME, or group the rows before they are joined",
            )
        return self.name, TIME, None

    def _stage(self) -> Stage:
        assert self.stage is not None  # noqa: S101 (given when it is made)
        return self.stage


def shifted(time: str, by_ms: int) -> str:
    """A time later by a number of milliseconds, or earlier."""
    if not by_ms:
        return time
    return f"({time} {'+' if by_ms > 0 else '-'} {interval(abs(by_ms))})"


@dataclass
class Sources:
    """The source, and the stages that are read so far.

    Attributes:
        source: the source.
        stages: name → its rows.
        tables: the reference tables that are read: name → its columns.
    """

    source: Source
    stages: dict[str, StageSource] = field(default_factory=dict)
    tables: dict[str, Mapping[str, SqlType]] = field(default_factory=dict)

    def of_base(self, base: Base | None) -> Source:
        """What a relation's expressions are over."""
        if base is None:
            return self.source
        assert isinstance(base, Stage)  # noqa: S101 (there are no others)
        if base.name not in self.stages:
            self.stages[base.name] = StageSource(base.name, base.columns, stage=base)
        return self.stages[base.name]


def read_view(rows: Rows, columns: Sequence[str], view: str, sources: Sources) -> Statements:
    """The view of the rows that a stage reads."""
    source = sources.of_base(rows.base)
    expressions = source.expressions()
    values = [(column, expressions.write(rows.columns[column].node)) for column in columns]
    query, errors = read_rows(source, rows.time, conjunction(rows.where), values, rows.pump)
    return Statements([view_statement(view, query)], errors)


def used_columns(own: Mapping[str, Any], *names: str | None, also: set[str]) -> list[str]:
    """The columns that are used, in their order."""
    return [column for column in own if column in also or column in names]
