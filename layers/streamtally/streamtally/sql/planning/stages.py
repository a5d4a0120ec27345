"""Stages: what Flink keeps state for, between the rows that a program reads and the rows that it computes further with.

The functions compose all streams between pumps away. Over a stage that is not possible: its rows depend on other rows.
So a stage is to what follows what the source is: a relation over it has expressions over its columns, and its ROWTIME.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from streamtally.ids import canonical_json
from streamtally.plan.types import SqlType
from streamtally.sql.expressions.typed import RECORD, PlanNode, Typed
from streamtally.sql.planning.relations import (
    ARRIVAL,
    STAGE_WINDOW_START,
    WINDOW_END,
    WINDOW_START,
    Base,
    Relation,
    RelationColumn,
    Side,
)
from streamtally.sql.problems import Problems


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows that a stage reads.

    Attributes:
        base: the stage that they come from; None: the source.
        time: the TIMESTAMP by which they are in order.
        where: which of them it reads.
        columns: the columns that it may need: name → expression over the base.
        pump: the pump of which it is a part.
    """

    base: Base | None
    time: PlanNode
    where: tuple[PlanNode, ...]
    columns: Mapping[str, Typed]
    pump: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The window of a call OVER rows.

    Attributes:
        keys: the columns of PARTITION BY.
        kind: ``RANGE`` or ``ROWS``.
        length: milliseconds or a number of rows before the current row; None: all rows before it.
    """

    keys: tuple[str, ...]
    kind: str
    length: int | None


@dataclass(frozen=True, slots=True)
class OverCall:
    """A call OVER rows.

    Attributes:
        name: the column with its result.
        function: the plan's name of the aggregate, or ``lag``.
        argument: the column with its argument; None: COUNT(*).
        type: the type of its result.
        frame: its window.
        offset: for ``lag``, how many rows back.
        default: for ``lag``, the constant or column where there is no such row; None: NULL.
    """

    name: str
    function: str
    argument: str | None
    type: SqlType
    frame: Frame
    offset: int = 0
    default: Typed | None = None


class _OfRows:
    """A stage whose rows are other ones with more columns: their time is its time."""

    __slots__ = ()
    rows: Rows

    @property
    def has_time(self) -> bool:
        """Whether its time attribute is ROWTIME."""
        return bool(self.rows.time == ARRIVAL.node)

    @property
    def offset_ms(self) -> int:
        """ROWTIME less the time attribute."""
        return self.rows.base.offset_ms if self.rows.base is not None else 0

    @property
    def window_ms(self) -> int:
        """The length of the windows whose results the rows are; 0: they are not."""
        return self.rows.base.window_ms if self.rows.base is not None and self.has_time else 0


@dataclass(frozen=True, slots=True, eq=False)
class OverStage(_OfRows):
    """Each row with the results of calls over the rows before it."""

    name: str
    rows: Rows
    calls: tuple[OverCall, ...]

    @property
    def columns(self) -> dict[str, SqlType]:
        """Column → type."""
        calls = {call.name: call.type for call in self.calls}
        return {**{name: value.plan_type for name, value in self.rows.columns.items()}, **calls}


@dataclass(frozen=True, slots=True, eq=False)
class WindowStage:
    """The results of windows, as rows. Attributes: relation: the windows, with a column for each that may be needed."""

    name: str
    relation: Relation
    columns: Mapping[str, SqlType]
    pump: str
    has_time: ClassVar[bool] = True
    offset_ms: ClassVar[int] = 1

    @property
    def window_ms(self) -> int:
        """The length of the windows."""
        window = self.relation.window
        return window.window_ms if window is not None else 0


@dataclass(frozen=True, slots=True, eq=False)
class JoinStage:
    """The pairs of rows of two streams.

    Attributes:
        kind: ``INNER``, ``LEFT``, ``RIGHT`` or ``FULL``.
        on: pairs of columns, of the left and the right rows, that must be equal.
        conditions: more conditions, over the columns of both.
        low_ms: the least that the right row's time attribute may be later than the left one's.
        high_ms: the most.
        side: the side whose time is that of the pair; empty: it depends on the pair.
    """

    name: str
    left: Rows
    right: Rows
    kind: str
    on: tuple[tuple[str, str], ...]
    conditions: tuple[PlanNode, ...]
    low_ms: int
    high_ms: int
    side: str
    window_ms: ClassVar[int] = 0

    @property
    def columns(self) -> dict[str, SqlType]:
        """Column → type."""
        return {name: value.plan_type for rows in (self.left, self.right) for name, value in rows.columns.items()}

    @property
    def has_time(self) -> bool:
        """Whether its time attribute is ROWTIME."""
        return bool(self.side)

    @property
    def offset_ms(self) -> int:
        """ROWTIME less the time attribute."""
        base = (self.right if self.side == "right" else self.left).base
        return base.offset_ms if base is not None else 0


@dataclass(frozen=True, slots=True, eq=False)
class TableStage(_OfRows):
    """Rows, each with the row of a reference table that belongs to it.

    Attributes:
        table: the table's name.
        table_columns: its columns, as columns of the stage: name → (the table's name of it, type).
        kind: ``INNER`` or ``LEFT``.
        on: equalities, as (expression of the table's own columns, column of the rows).
        conditions: more conditions, over the columns of both.
    """

    name: str
    rows: Rows
    table: str
    table_columns: Mapping[str, tuple[str, SqlType]]
    kind: str
    on: tuple[tuple[PlanNode, str], ...]
    conditions: tuple[PlanNode, ...]

    @property
    def columns(self) -> dict[str, SqlType]:
        """Column → type."""
        own = {name: sql_type for name, (_, sql_type) in self.table_columns.items()}
        return {**{name: value.plan_type for name, value in self.rows.columns.items()}, **own}


Stage = OverStage | WindowStage | JoinStage | TableStage


def stage_name(kind: str, problems: Problems) -> str:
    """A name for one more stage."""
    problems.stages += 1
    return f"{kind} {problems.stages}"


@dataclass
class Columns:
    """The columns of the rows that a stage reads, which are named as they are asked for.

    Attributes:
        prefix: what their names begin with.
        keeps_time: whether ROWTIME of the rows is ROWTIME of the stage's rows.
    """

    prefix: str
    keeps_time: bool = True
    values: dict[str, Typed] = field(default_factory=dict)
    _known: dict[bytes, str] = field(default_factory=dict)

    def add(self, value: Typed) -> Typed:
        """The value as one over the stage's columns."""
        is_time = self.keeps_time and value.node in (ARRIVAL.node, STAGE_WINDOW_START.node)
        if is_time or "literal" in value.node:
            return value
        return Typed({"column": self.named(value)}, value.type, value.unit)

    def named(self, value: Typed) -> str:
        """The name of the column with a value."""
        key = canonical_json([value.node, str(value.plan_type)])
        if key not in self._known:
            self._known[key] = f"{self.prefix}{len(self.values)}"
            self.values[self._known[key]] = value
        return self._known[key]

    def staged(self, columns: Sequence[RelationColumn]) -> tuple[RelationColumn, ...]:
        """Columns of a relation as columns over the stage. Those with a log parser's record are left out."""
        return tuple(
            RelationColumn(column.name, self.add(column.value)) for column in columns if column.value.type != RECORD
        )

    def side(self, side: Side) -> Side:
        """A side of a FROM over the stage."""
        hidden = {name: self.add(value) for name, value in side.hidden.items()}
        return Side(side.alias, self.staged(side.columns), hidden)


def as_rows(relation: Relation, problems: Problems) -> Relation:
    """A relation that has rows: the results of windows become a stage."""
    window = relation.window
    if window is None:
        return relation
    name = stage_name("windows", problems)
    shown: dict[str, Typed] = {}
    columns = []
    for number, column in enumerate(relation.columns):
        value = _EDGES.get(canonical_json(column.value.node))
        if value is None:
            shown[f"w{number}"] = column.value
            value = Typed({"column": f"w{number}"}, column.value.type, column.value.unit)
        columns.append(RelationColumn(column.name, value))
    whole = replace(relation, columns=tuple(RelationColumn(name, value) for name, value in shown.items()))
    types = {name: value.plan_type for name, value in shown.items()}
    stage = WindowStage(name, whole, types, problems.pump)
    return Relation(tuple(columns), ARRIVAL, pumps=relation.pumps, base=stage)


_EDGES = {canonical_json(WINDOW_END.node): ARRIVAL, canonical_json(WINDOW_START.node): STAGE_WINDOW_START}
