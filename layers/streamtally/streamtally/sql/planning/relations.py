"""Relations: what a FROM gives, and how names are looked up in it.

Their columns are expressions over the source, so that stages are composed by substitution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.plan.types import TIMESTAMP, VARCHAR, SqlType
from streamtally.sql.expressions.calls import record_column
from streamtally.sql.expressions.translator import Translator
from streamtally.sql.expressions.typed import RECORD, PlanNode, Typed
from streamtally.sql.grammar.allowed import stored_name
from streamtally.sql.grammar.refusals import TO_FLINK
from streamtally.sql.problems import Problems
from streamtally.text import near_names

ARRIVAL = Typed({"time": "arrival"}, TIMESTAMP)
EVENT = Typed({"time": "event"}, TIMESTAMP)
WINDOW_START = Typed({"window": "start"}, TIMESTAMP)
WINDOW_END = Typed({"window": "end"}, TIMESTAMP)
STAGE_WINDOW_START = Typed({"time": "window_start"}, TIMESTAMP)
"""Over a stage of windows' results: the start of a row's window. Its ROWTIME is the end."""

METADATA = {"SHARD_ID": "shard-id", "SEQUENCE_NUMBER": "sequence-number", "PARTITION_KEY": ""}
"""Columns of a Kinesis source that are not in its records, and their names in Flink's connector; empty: none."""


@dataclass(frozen=True, slots=True)
class RelationColumn:
    """A column: its stored name, and its value as an expression of the plan."""

    name: str
    value: Typed


class Base(Protocol):
    """What a relation's expressions are over, if it is not the source (:mod:`streamtally.sql.planning.stages`)."""

    @property
    def name(self) -> str:
        """Its name, which no other has."""

    @property
    def columns(self) -> Mapping[str, SqlType]:
        """Column → type."""

    @property
    def has_time(self) -> bool:
        """Whether its time attribute is ROWTIME."""

    @property
    def offset_ms(self) -> int:
        """ROWTIME less the time attribute."""

    @property
    def window_ms(self) -> int:
        """The length of the windows whose results its rows are; 0: they are not."""


@dataclass(frozen=True, slots=True)
class JoinedTable:
    """A join of rows with a reference table.

    Attributes:
        place: what names its columns in expressions: its place in the program.
        table: the table's name.
        kind: ``inner`` or ``left``.
        where: conditions on the rows before they are joined.
        on: equalities, as (expression of the table, expression of the row).
        conditions: all other conditions of ON.
    """

    place: str
    table: str
    kind: str
    where: tuple[PlanNode, ...]
    on: tuple[tuple[PlanNode, PlanNode], ...]
    conditions: tuple[PlanNode, ...]

    def changed(self, put: Callable[[Any], Any]) -> JoinedTable:
        """The join with each of its expressions replaced."""
        on = tuple((put(key), put(value)) for key, value in self.on)
        return replace(self, where=tuple(map(put, self.where)), on=on, conditions=tuple(map(put, self.conditions)))


@dataclass(frozen=True, slots=True)
class Side:
    """One of the relations that a FROM joins: the name that qualifies its columns, and these.

    Attributes:
        hidden: columns that can be read, but that ``*`` does not name.
    """

    alias: str
    columns: tuple[RelationColumn, ...]
    hidden: Mapping[str, Typed]


@dataclass(frozen=True, slots=True)
class Way:
    """How rows that come through one of several pumps reach a window: like the same members of :class:`Window`.

    Attributes:
        through: the pumps of the way.
    """

    where: tuple[PlanNode, ...]
    time: PlanNode
    keys: tuple[PlanNode, ...]
    aggregates: tuple[PlanNode, ...]
    through: tuple[str, ...]
    joins: tuple[JoinedTable, ...] = ()
    base: Base | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The windowed part of an output of the plan.

    Attributes:
        where: conditions on the rows.
        time: the TIMESTAMP by which rows are assigned to windows.
        window_ms: the length of a window.
        keys: the plan's keys.
        aggregates: the plan's aggregates.
        expand: the plan's ``expand``, for an aggregate over items.
        through: where several pumps fill the stream that is aggregated, those of the first way.
        also: the other ways.
        is_distinct: whether it comes from SELECT DISTINCT.
        joins: the reference tables that rows are joined with, before ``where``.
        inner_ms: of windows that others are composed of, their length; 0: there are no others.
        levels: the plan's levels, for aggregates of these windows' results.
        sliding: the OVER of sliding windows, for errors.
    """

    where: tuple[PlanNode, ...]
    time: PlanNode
    window_ms: int
    keys: tuple[PlanNode, ...]
    aggregates: tuple[PlanNode, ...]
    expand: PlanNode | None = None
    through: tuple[str, ...] = ()
    also: tuple[Way, ...] = ()
    is_distinct: bool = False
    joins: tuple[JoinedTable, ...] = ()
    inner_ms: int = 0
    levels: tuple[PlanNode, ...] = ()
    sliding: exp.Expr | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows, or windows.

    Attributes:
        columns: its columns: over the source's columns for rows; over keys, aggregates and edges for windows.
        rowtime: the time of a row, or the end of a window.
        conditions: which rows to keep (WHERE), or which windows to show (HAVING).
        window: how windows are made; None: the relation has rows.
        of_source: whether it is the source's own stream, which has APPROXIMATE_ARRIVAL_TIME.
        pumps: the pumps that it came through.
        hidden: columns that can be read, but that ``*`` does not name.
        distinct: for rows of which only distinct ones count: the tuple by which they are compared.
        joins: the reference tables that rows are joined with, before ``conditions``.
        sides: in a FROM with joins, the relations that are joined; their columns together are ``columns``.
        base: what its expressions are over; None: the source.
    """

    columns: tuple[RelationColumn, ...]
    rowtime: Typed = ARRIVAL
    conditions: tuple[PlanNode, ...] = ()
    window: Window | None = None
    of_source: bool = False
    pumps: tuple[str, ...] = ()
    hidden: Mapping[str, Typed] = field(default_factory=dict)
    distinct: PlanNode | None = None
    joins: tuple[JoinedTable, ...] = ()
    sides: tuple[Side, ...] = ()
    base: Base | None = None

    def where(self, *conditions: PlanNode) -> Relation:
        """The same relation with more conditions."""
        return replace(self, conditions=self.conditions + conditions)


class StreamLookup(Protocol):
    """The streams and tables of a program."""

    @property
    def tables(self) -> Mapping[str, Mapping[str, SqlType]]:
        """The reference tables: name → its columns."""

    def __call__(self, origin: exp.Expr, name: str) -> Sequence[Relation]:
        """One relation per pump that fills a stream. Args: origin: what names it. Raises: SqlError."""


class RelationNames:
    """Resolves names as columns of a relation in a FROM.

    Args: alias: the name that qualifies its columns; those of joined relations have names of their own.
    """

    def __init__(self, relation: Relation, alias: str, problems: Problems) -> None:
        self.relation = relation
        self.problems = problems
        self.sides = relation.sides or (Side(alias, relation.columns, relation.hidden),)
        self._columns = [
            {**side.hidden, **{column.name: column.value for column in side.columns}} for side in self.sides
        ]

    def now(self) -> Typed:
        return self.relation.rowtime

    def column(self, node: exp.Column) -> Typed:
        name = stored_name(node.this)
        record = self._record_of(node)
        if record is not None:
            return record_column(Translator(self.problems, self), node, record, name)
        table = node.args.get("table")
        numbers = range(len(self.sides)) if table is None else self.numbers_of(table, node.args.get("db"))
        known = [number for number in numbers if name in self._columns[number]]
        if len(known) > 1:
            names = " and ".join(f'"{self.sides[number].alias}"' for number in known)
            raise self.problems.error(
                node, f"the column {name} is in {names}", f'name one of them: "{self.sides[known[0]].alias}"."{name}"'
            )
        if known:
            return self._columns[known[0]][name]
        if 0 in numbers and (pseudo := self._pseudo_column(node, name)) is not None:
            return pseudo
        raise self.unknown(node, name, bool(node.this.args.get("quoted")), numbers)

    def numbers_of(self, table: exp.Expr, schema: exp.Expr | None = None) -> list[int]:
        """The relation that a qualifier names. Raises: SqlError: none does."""
        numbers = [number for number, side in enumerate(self.sides) if side.alias == stored_name(table)]
        if schema is None and numbers:
            return numbers
        names = " and ".join(f'"{side.alias}"' for side in self.sides)
        advice = f"the stream is called {names} here" if len(self.sides) == 1 else f"the names here are {names}"
        raise self.problems.error(table, f"unknown stream {stored_name(table)} in this SELECT", advice)

    def _record_of(self, node: exp.Column) -> Typed | None:
        """The log parser's record in ``t.rec.COLUMN1`` or ``rec.COLUMN1``."""
        table, outer = node.args.get("table"), node.args.get("db")
        if table is None:
            return None
        for side, columns in zip(self.sides, self._columns, strict=True):
            value = columns.get(stored_name(table))
            if value is not None and value.type == RECORD and (outer is None or stored_name(outer) == side.alias):
                return value
        return None

    def _pseudo_column(self, node: exp.Column, name: str) -> Typed | None:
        if name == "ROWTIME":
            return self.relation.rowtime
        if name == "APPROXIMATE_ARRIVAL_TIME" and self.relation.of_source:
            return ARRIVAL
        if name in METADATA and self.relation.of_source and self.problems.to_flink and METADATA[name]:
            return Typed({"column": name}, VARCHAR)
        if name in METADATA:
            way_out = f"; or {TO_FLINK}" if METADATA[name] and not self.problems.to_flink else ""
            what = "Flink has no such column" if self.problems.to_flink else "Firehose does not pass on this metadata"
            raise self.problems.unsupported(node, f"the column {name}", f"{what}: leave it out{way_out}")
        return None

    def unknown(self, node: exp.Expr, name: str, quoted: bool, numbers: Sequence[int] = (0,)) -> SqlError:
        """The error for an unknown column, with near names and a reminder of folding.

        Args: numbers: the relations that it could belong to.
        """
        names = [known for number in numbers for known in self._columns[number]]
        same = [known for known in names if known.upper() == name.upper()]
        if same and not quoted:
            return self.problems.error(
                node, f"unknown column {name}", f'unquoted names fold to upper case: write "{same[0]}"'
            )
        near = same or near_names(name, names)
        listed = ", ".join(f'"{known}"' for known in near or names[:12])
        advice = f"did you mean {listed}?" if near else f"the columns are: {listed or 'none'}"
        if quoted and not near:
            text = name.replace("'", "''")[:60]
            advice = f"text stands in single quotes ('{text}'), a column's name in double ones; {advice}"
        if not self.relation.columns and not near and self.relation.of_source:
            advice = "the format defines no columns: declare it under [source.types] in pipeline.toml"
        return self.problems.error(node, f"unknown column {name}", advice)
