"""Joins that Flink keeps state for: of two streams, and of a stream with a reference table.

Source: *JOIN clause* in Kinesis Analytics' SQL Reference. A stream without a window stands for its current row. A row
is joined when it arrives, with the rows of the other stream's window: of two rows the later one's side is the current
one, and the earlier one must lie in its own side's window.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.plan.types import TIMESTAMP
from streamtally.sql.expressions.translator import Translator
from streamtally.sql.expressions.typed import Typed, common_type, convert
from streamtally.sql.grammar.allowed import stored_name
from streamtally.sql.grammar.nodes import WindowRange
from streamtally.sql.plan_tree import contains, rewritten
from streamtally.sql.planning.joins import TableJoin, Tables
from streamtally.sql.planning.relations import ARRIVAL, Relation, RelationColumn, RelationNames, Side
from streamtally.sql.planning.row_windows import window_length
from streamtally.sql.planning.stages import Columns, JoinStage, Rows, TableStage, as_rows, stage_name
from streamtally.sql.problems import Problems

_ON = 'write ON a."column" = b."column", with a column of each'


def join_streams(
    query: exp.Select, left: Relation, right: Relation, join: TableJoin, alias: str, problems: Problems
) -> Relation:
    """The pairs of rows of two relations, as a stage. Raises: SqlError: Flink cannot join them."""
    left, right = as_rows(left, problems), as_rows(right, problems)
    for relation in (left, right):
        if relation.rowtime.node != ARRIVAL.node or not _has_time(relation) or relation.distinct is not None:
            raise problems.unsupported(
                join.origin,
                "a join of streams whose ROWTIME is a computed time, or of distinct rows",
                "join the source's rows, or the results of a GROUP BY",
            )
    windows = [_window_ms(query, window, left, problems) for window in (_left_window(query), join.window)]
    side = "left" if windows[0] == 0 else "right" if windows[1] == 0 else ""
    if (side == "left" and join.kind in ("RIGHT", "FULL")) or (side == "right" and join.kind in ("LEFT", "FULL")):
        side = ""  # where there is no row on that side, it has no time
    columns = [Columns("l", side == "left"), Columns("r", side == "right")]
    sides = [
        *(columns[0].side(one) for one in left.sides or (Side(alias, left.columns, left.hidden),)),
        columns[1].side(Side(join.alias, right.columns, right.hidden)),
    ]
    if sides[-1].alias in {one.alias for one in sides[:-1]}:
        raise problems.error(join.origin, f'the name "{join.alias}" is used twice in FROM', "give it another with AS")
    times = [own.add(ARRIVAL) for own in columns]
    sides = [
        replace(one, hidden={**_times_of(relation, time), **one.hidden})
        for one, relation, time in (
            *((one, left, times[0]) for one in sides[:-1]),
            (sides[-1], right, times[1]),
        )
    ]
    both = Relation(
        tuple(column for one in sides for column in one.columns),
        _pair_time(times, side, problems),
        pumps=(*left.pumps, *right.pumps),
        sides=tuple(sides),
    )
    on = _On(join, Translator(problems, RelationNames(both, alias, problems)), columns)
    pairs, rest = on.split()
    if not pairs:
        raise problems.unsupported(join.origin, "a join of streams without an equality", _ON)
    offset_ms = _offset_ms(left) - _offset_ms(right)
    reads = [
        Rows(relation.base, ARRIVAL.node, relation.conditions, own.values, problems.pump)
        for relation, own in zip((left, right), columns, strict=True)
    ]
    stage = JoinStage(
        stage_name("join", problems), reads[0], reads[1], join.kind, pairs, rest,
        offset_ms - windows[1], offset_ms + windows[0], side,
    )  # fmt: skip
    return replace(both, base=stage)


def _times_of(relation: Relation, time: Typed) -> dict[str, Typed]:
    """The times that every row of a side has. Args: time: ROWTIME over the stage."""
    return {"ROWTIME": time, **({"APPROXIMATE_ARRIVAL_TIME": time} if relation.of_source else {})}


def _has_time(relation: Relation) -> bool:
    return relation.base is None or relation.base.has_time


def _offset_ms(relation: Relation) -> int:
    return relation.base.offset_ms if relation.base is not None else 0


def _pair_time(times: list[Typed], side: str, problems: Problems) -> Typed:
    """ROWTIME of a pair: that of the later row."""
    if side:
        return ARRIVAL
    left, right = (time.node for time in times)
    later = {"op": "or", "args": [{"op": "is_null", "args": [left]}, {"op": ">", "args": [right, left]}]}
    return Typed({"case": [[later, right]], "else": left}, TIMESTAMP, size=8, depth=4)


def _left_window(query: exp.Select) -> exp.Expr | None:
    alias = query.args["from_"].this.args.get("alias")
    return alias.args.get("over") if alias is not None else None


def _window_ms(query: exp.Select, window: exp.Expr | None, rows: Relation, problems: Problems) -> int:
    """The length of a stream's window; 0 without one. Raises: SqlError: Flink cannot join rows of such a window."""
    if window is None:
        return 0
    if isinstance(window, exp.Identifier):
        named = {stored_name(one.this): one.args["window"] for one in query.args.get("windows") or ()}
        if stored_name(window) not in named:
            known = ", ".join(named) or "none"
            raise problems.error(window, f"unknown window {stored_name(window)}", f"the WINDOW clause has: {known}")
        window = named[stored_name(window)]
    assert isinstance(window, WindowRange)  # noqa: S101 (by the grammar)
    length = None
    if str(window.args.get("kind")) == "RANGE":
        length = window_length(window, Translator(problems, RelationNames(rows, "", problems)), problems)
    if length is None or window.expressions:
        raise problems.unsupported(
            window,
            "a join with a window of rows, without an end, or with PARTITION BY",
            "give the stream OVER (RANGE INTERVAL '1' MINUTE PRECEDING)",
        )
    return length


@dataclass(frozen=True, slots=True)
class _On:
    """The conditions of a join. Attributes: columns: those of its left and right rows."""

    join: TableJoin
    translator: Translator
    columns: list[Columns]

    def split(self) -> tuple[tuple[tuple[str, str], ...], tuple[dict[str, object], ...]]:
        """(Pairs of columns that must be equal, all other conditions)."""
        pairs: list[tuple[str, str]] = []
        rest = []
        for condition in self.join.conditions:
            try:
                pair = self._pair(condition)
                other = None if pair is not None or self.join.is_comma else self.translator.condition(condition, "ON")
            except SqlError:
                if self.join.is_comma:  # a condition of WHERE, where its problem is reported
                    continue
                raise
            if pair is not None:
                pairs.append(pair)
            elif other is not None:
                rest.append(other.node)
        return tuple(pairs), tuple(rest)

    def _pair(self, condition: exp.Expr) -> tuple[str, str] | None:
        if not isinstance(condition, exp.EQ):
            return None
        names = self.translator
        left, right = names.translate(condition.this), names.translate(condition.expression)
        compared = names.compare(condition, "=", left, right).node["args"]
        typed = [Typed(node, value.type) for node, value in zip(compared, (left, right), strict=True)]
        if all(value.type.is_number for value in typed) and (number := common_type([value.type for value in typed])):
            typed = [convert(value, number) for value in typed]
        sides = [self._side(value) for value in typed]
        if sorted(map(str, sides)) != ["0", "1"]:
            return None
        ordered = typed if sides[0] == 0 else typed[::-1]
        first, second = (
            own.named(Typed(_below(value.node, own), value.type))
            for own, value in zip(self.columns, ordered, strict=True)
        )
        return first, second

    def _side(self, value: Typed) -> int | None:
        """Whose columns an expression reads: 0 for the left rows', 1 for the right rows'; None: neither, or both."""
        read = set(_columns_in(value.node))
        sides = {number for number, own in enumerate(self.columns) if read & own.values.keys()}
        return sides.pop() if len(sides) == 1 and not contains(value.node, ARRIVAL.node) else None


def _columns_in(node: object) -> list[str]:
    if isinstance(node, dict):
        if isinstance(node.get("column"), str):
            return [node["column"]]
        return [name for child in node.values() for name in _columns_in(child)]
    return [name for child in node for name in _columns_in(child)] if isinstance(node, list) else []


def _below(node: dict[str, object], own: Columns) -> dict[str, object]:
    """An expression over a side's columns, as one over what these stand for."""
    result: dict[str, object] = rewritten(
        node, lambda leaf: own.values[leaf["column"]].node if isinstance(leaf.get("column"), str) else None
    )
    return result


def join_with_table(relation: Relation, join: TableJoin, alias: str, tables: Tables, problems: Problems) -> Relation:
    """Rows with those of a reference table, as a stage. Raises: SqlError: no equality relates the two."""
    relation = as_rows(relation, problems)
    keeps_time = relation.rowtime.node == ARRIVAL.node and _has_time(relation)
    if not keeps_time:
        raise problems.unsupported(
            join.origin, "a reference table joined with rows whose ROWTIME is computed", "join it in an earlier pump"
        )
    columns = Columns("x")
    hidden = {**relation.hidden, **({"APPROXIMATE_ARRIVAL_TIME": ARRIVAL} if relation.of_source else {})}
    sides = [columns.side(one) for one in relation.sides or (Side(alias, relation.columns, hidden),)]
    own = {f"t{number}": (name, kind) for number, (name, kind) in enumerate(tables[join.name].items())}
    shown = tuple(RelationColumn(name, Typed({"column": column}, kind)) for column, (name, kind) in own.items())
    if join.alias in {one.alias for one in sides}:
        raise problems.error(join.origin, f'the name "{join.alias}" is used twice in FROM', "give it another with AS")
    sides.append(Side(join.alias, shown, {}))
    both = Relation(
        tuple(column for one in sides for column in one.columns), ARRIVAL, pumps=relation.pumps, sides=tuple(sides)
    )
    of_table = Columns("t", values={column: Typed({"column": column}, kind) for column, (_, kind) in own.items()})
    pairs, rest = _TableOn(join, Translator(problems, RelationNames(both, alias, problems)), [columns, of_table]).both()
    if not pairs:
        raise problems.unsupported(join.origin, "a join without an equality", _ON)
    read = Rows(relation.base, ARRIVAL.node, relation.conditions, columns.values, problems.pump)
    stage = TableStage(stage_name("table", problems), read, join.name, own, join.kind.upper(), pairs, rest)
    return replace(both, base=stage)


class _TableOn(_On):
    """The conditions of a join with a reference table, whose keys are expressions over the table's own columns."""

    def both(self) -> tuple[tuple[tuple[dict[str, object], str], ...], tuple[dict[str, object], ...]]:
        """(Equalities as (expression of the table, column of the rows), all other conditions)."""
        pairs, rest = self.split()
        return tuple((self.columns[1].values[key].node, column) for column, key in pairs), rest
