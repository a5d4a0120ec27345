"""Relations: what a FROM gives, and how names are looked up in it.

Their columns are expressions over the source, so that stages are composed by substitution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.plan.types import TIMESTAMP
from streamtally.sql.expressions.calls import record_column
from streamtally.sql.expressions.translator import Translator
from streamtally.sql.expressions.typed import RECORD, PlanNode, Typed
from streamtally.sql.grammar.allowed import stored_name
from streamtally.sql.problems import Problems
from streamtally.text import near_names

ARRIVAL = Typed({"time": "arrival"}, TIMESTAMP)
EVENT = Typed({"time": "event"}, TIMESTAMP)
WINDOW_START = Typed({"window": "start"}, TIMESTAMP)
WINDOW_END = Typed({"window": "end"}, TIMESTAMP)

_METADATA = {"SHARD_ID", "PARTITION_KEY", "SEQUENCE_NUMBER"}


@dataclass(frozen=True, slots=True)
class RelationColumn:
    """A column: its stored name, and its value as an expression of the plan."""

    name: str
    value: Typed


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
    """

    columns: tuple[RelationColumn, ...]
    rowtime: Typed = ARRIVAL
    conditions: tuple[PlanNode, ...] = ()
    window: Window | None = None
    of_source: bool = False
    pumps: tuple[str, ...] = ()
    hidden: Mapping[str, Typed] = field(default_factory=dict)
    distinct: PlanNode | None = None

    def where(self, *conditions: PlanNode) -> Relation:
        """The same relation with more conditions."""
        return replace(self, conditions=self.conditions + conditions)


StreamLookup = Callable[[exp.Expr, str], Sequence[Relation]]
"""(the node that names a stream, its stored name) → one relation per pump that fills it. Raises SqlError."""


class RelationNames:
    """Resolves names as columns of a relation in a FROM.

    Args: alias: the name that qualifies its columns.
    """

    def __init__(self, relation: Relation, alias: str, problems: Problems) -> None:
        self.relation = relation
        self.alias = alias
        self.problems = problems
        self._columns = {**relation.hidden, **{column.name: column.value for column in relation.columns}}

    def now(self) -> Typed:
        return self.relation.rowtime

    def column(self, node: exp.Column) -> Typed:
        name = stored_name(node.this)
        record = self._record_of(node)
        if record is not None:
            return record_column(Translator(self.problems, self), node, record, name)
        table = node.args.get("table")
        if table is not None and (node.args.get("db") or stored_name(table) != self.alias):
            raise self.problems.error(
                table,
                f"unknown stream {stored_name(table)} in this SELECT",
                f'the stream is called "{self.alias}" here',
            )
        if name in self._columns:
            return self._columns[name]
        if (pseudo := self._pseudo_column(node, name)) is not None:
            return pseudo
        raise self.unknown(node, name, quoted=bool(node.this.args.get("quoted")))

    def _record_of(self, node: exp.Column) -> Typed | None:
        """The log parser's record in ``t.rec.COLUMN1`` or ``rec.COLUMN1``."""
        table, outer = node.args.get("table"), node.args.get("db")
        if table is None or (outer is not None and stored_name(outer) != self.alias):
            return None
        value = self._columns.get(stored_name(table))
        return value if value is not None and value.type == RECORD else None

    def _pseudo_column(self, node: exp.Column, name: str) -> Typed | None:
        if name == "ROWTIME":
            return self.relation.rowtime
        if name == "APPROXIMATE_ARRIVAL_TIME" and self.relation.of_source:
            return ARRIVAL
        if name in _METADATA and not node.this.args.get("quoted"):
            raise self.problems.unsupported(node, f"the column {name}", "Firehose does not pass on this metadata")
        return None

    def unknown(self, node: exp.Expr, name: str, quoted: bool) -> SqlError:
        """The error for an unknown column, with near names and a reminder of folding."""
        names = list(self._columns)
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
