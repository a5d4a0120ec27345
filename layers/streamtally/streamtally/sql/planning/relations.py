"""What a FROM names: rows or windows with columns that are expressions over the source, so that stages compose by
substitution; and how names are looked up in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.sql.expressions.calls import record_column
from streamtally.sql.expressions.translator import Translator
from streamtally.sql.expressions.typed import RECORD, TIMESTAMP, PlanNode, Typed
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
    """A column: its stored name and its value."""

    name: str
    value: Typed


@dataclass(frozen=True, slots=True)
class Window:
    """The windowed part of a plan's output, as its JSON has it.

    Attributes: where: conditions on the rows; time: the TIMESTAMP that windows go by; keys, aggregates,
        expand: the plan's.
    """

    where: tuple[PlanNode, ...]
    time: PlanNode
    window_ms: int
    keys: tuple[PlanNode, ...]
    aggregates: tuple[PlanNode, ...]
    expand: PlanNode | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows (``window`` is None: columns over the source's) or windows (columns over keys, aggregates and edges).

    Attributes:
        conditions: what keeps a row (WHERE), or shows a window (HAVING).
        rowtime: a row's time, a window's end.
        of_source: whether it is the source's own stream, which has APPROXIMATE_ARRIVAL_TIME.
        pumps: the pumps that it came through.
    """

    columns: tuple[RelationColumn, ...]
    rowtime: Typed = ARRIVAL
    conditions: tuple[PlanNode, ...] = ()
    window: Window | None = None
    of_source: bool = False
    pumps: tuple[str, ...] = field(default=())

    def where(self, *conditions: PlanNode) -> Relation:
        """The same with more conditions."""
        return replace(self, conditions=self.conditions + conditions)


class RelationNames:
    """Looks names up in a relation that a FROM names.

    Args: alias: the name that qualifies its columns.
    """

    def __init__(self, relation: Relation, alias: str, problems: Problems) -> None:
        self.relation = relation
        self.alias = alias
        self.problems = problems
        self._columns = {column.name: column.value for column in relation.columns}

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
                table, f"unknown stream {stored_name(table)} in this SELECT", f'here it is called "{self.alias}"'
            )
        if name in self._columns:
            return self._columns[name]
        if (pseudo := self._pseudo_column(node, name)) is not None:
            return pseudo
        raise self.unknown(node, name, quoted=bool(node.this.args.get("quoted")))

    def _record_of(self, node: exp.Column) -> Typed | None:
        """The record in ``t.rec.COLUMN1`` and ``rec.COLUMN1``."""
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
            raise self.problems.unsupported(node, f"the column {name}", "Firehose hands on no such metadata")
        return None

    def unknown(self, node: exp.Expr, name: str, quoted: bool) -> SqlError:
        """The error for a name that is no column: the near ones, and a reminder of folding."""
        names = list(self._columns)
        same = [each for each in names if each.upper() == name.upper()]
        if same and not quoted:
            return self.problems.error(
                node, f"unknown column {name}", f'unquoted names fold to upper case: write "{same[0]}"'
            )
        near = same or near_names(name, names)
        listed = ", ".join(f'"{each}"' for each in near or names[:12])
        advice = ("near it: " if near else "the columns are: ") + (listed or "none")
        if not names and self.relation.of_source:
            advice = "the format has no columns of its own: declare it under [source.types] of pipeline.toml"
        return self.problems.error(node, f"unknown column {name}", advice)
