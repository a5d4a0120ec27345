"""Stages of a program → views of Flink SQL: calls OVER rows, joins, and windows whose results are rows.

Source: *Over Aggregation*, *Joins* (interval and temporal joins) and *Window Aggregation* in Apache Flink's
documentation. A statement takes one OVER window, so that each window has a view of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlglot import exp

from streamtally.plan.types import TIMESTAMP, SqlType
from streamtally.sql.flink.aggregates import aggregate_value
from streamtally.sql.flink.casts import cast_value
from streamtally.sql.flink.expressions import Expressions
from streamtally.sql.flink.queries import Node, Source, Statements, read_rows, view_statement, window_rows
from streamtally.sql.flink.syntax import constant, interval, name
from streamtally.sql.flink.tables import SINCE
from streamtally.sql.flink.values import FlinkError, Value
from streamtally.sql.planning.plan_output import make_output
from streamtally.sql.planning.program_streams import Stream, StreamColumnDefinition
from streamtally.sql.planning.relations import Base, Relation
from streamtally.sql.planning.shaping import conjunction
from streamtally.sql.planning.stages import (
    Frame,
    JoinStage,
    OverCall,
    OverStage,
    Rows,
    Stage,
    TableStage,
    WindowStage,
)

TIME = "t"
"""The time attribute of a stage's rows."""
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
            return _call(stage, call)[1]
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

    def statements(self) -> Statements:
        """The views of all stages that are read. Raises: FlinkError: Flink SQL cannot say one."""
        written: dict[str, Statements] = {}
        while waiting := [rows for stage, rows in self.stages.items() if stage not in written]:
            # What reads a stage has a higher number: when the stage is written, all its columns are known.
            rows = max(waiting, key=_number)
            written[rows.name] = _write(rows, self)
        views = [view for one in reversed(written.values()) for view in one.views]
        return Statements(views, [insert for one in reversed(written.values()) for insert in one.inserts])


def _number(rows: StageSource) -> int:
    return int(rows.name.rpartition(" ")[2])


def _write(rows: StageSource, sources: Sources) -> Statements:
    stage = rows.stage
    if isinstance(stage, OverStage):
        return _over(stage, rows, sources)
    if isinstance(stage, WindowStage):
        return _windows(stage, rows, sources)
    if isinstance(stage, JoinStage):
        return _join(stage, rows, sources)
    assert isinstance(stage, TableStage)  # noqa: S101 (there are no others)
    return _table(stage, rows, sources)


def _read(rows: Rows, columns: Sequence[str], view: str, sources: Sources) -> Statements:
    """The view of the rows that a stage reads."""
    source = sources.of_base(rows.base)
    expressions = source.expressions()
    values = [(column, expressions.write(rows.columns[column].node)) for column in columns]
    query, errors = read_rows(source, rows.time, conjunction(rows.where), values, rows.pump)
    return Statements([view_statement(view, query)], errors)


def _used(own: Mapping[str, Any], *names: str | None, also: set[str]) -> list[str]:
    """The columns that are used, in their order."""
    return [column for column in own if column in also or column in names]


# OVER


def _call(stage: OverStage, call: OverCall) -> tuple[list[str], Value]:
    """(The columns of a call in its view, what is shown of them)."""
    keys = f"PARTITION BY {', '.join(map(name, call.frame.keys))} " if call.frame.keys else ""
    order = f"{keys}ORDER BY {name(TIME)}"
    if call.function == "lag":
        return _lag(call, f"OVER ({order})")
    columns = stage.rows.columns
    argument = None if call.argument is None else Value(name(call.argument), columns[call.argument].plan_type)
    over = f" OVER ({order} {_frame(call.frame)})"
    sql, shown = aggregate_value(call.function, argument, call.type, call.name, over)
    return [f"{sql} AS {name(call.name)}"], shown


def _frame(frame: Frame) -> str:
    start = "UNBOUNDED" if frame.length is None else interval(frame.length) if frame.kind == "RANGE" else frame.length
    return f"{frame.kind} BETWEEN {start} PRECEDING AND CURRENT ROW"


def _lag(call: OverCall, over: str) -> tuple[list[str], Value]:
    """LAG has no frame in Flink, and its default replaces NULL too: a row's time says whether it is in the window."""
    own = f"LAG({name(str(call.argument))}, {call.offset}) {over} AS {name(call.name)}"
    frame = call.frame
    is_inside = frame.length is None or (frame.kind == "ROWS" and frame.length >= call.offset)
    if is_inside and call.default is None:
        return [own], Value(name(call.name), call.type)
    otherwise = constant(None, call.type) if call.default is None else cast_value(_constant(call), call.type).sql
    if frame.kind == "ROWS" and not is_inside:
        return [own], Value(otherwise, call.type)
    at = f"{call.name} at"
    plain = f"CAST({name(TIME)} AS TIMESTAMP(3))"
    time = f"LAG({plain}, {call.offset}) {over} AS {name(at)}"
    inside = f"{name(at)} IS NOT NULL"
    if frame.length is not None and frame.kind == "RANGE":
        inside = f"{name(at)} >= {plain} - {interval(frame.length)}"
    return [own, time], Value(f"(CASE WHEN {inside} THEN {name(call.name)} ELSE {otherwise} END)", call.type)


def _constant(call: OverCall) -> Value:
    assert call.default is not None  # noqa: S101 (the caller's condition)
    return Expressions({}).write(call.default.node)


def _over(stage: OverStage, rows: StageSource, sources: Sources) -> Statements:
    calls = [call for call in stage.calls if call.name in rows.used]
    needed = {column for call in calls for column in (*call.frame.keys, call.argument) if column is not None}
    groups: dict[object, list[OverCall]] = {}
    for call in calls:
        frame = call.frame.keys if call.function == "lag" else call.frame
        groups.setdefault(frame, []).append(call)
    names = [f"{stage.name} part {number}" for number in range(len(groups))]
    names.append(stage.name)
    read = _read(stage.rows, _used(stage.rows.columns, also=needed | rows.used), names[0], sources)
    views = list(read.views)
    for group, before, view in zip(groups.values(), names, names[1:], strict=False):
        columns = ",\n".join(f"  {column}" for call in group for column in _call(stage, call)[0])
        views.append(view_statement(view, f"SELECT\n  *,\n{columns}\nFROM {name(before)}"))
    return Statements(views, read.inserts)


# Windows


def _windows(stage: WindowStage, rows: StageSource, sources: Sources) -> Statements:
    types = [(column.name, column.value.plan_type) for column in stage.relation.columns]
    definitions = [StreamColumnDefinition(column, sql_type, not_null=False) for column, sql_type in types]
    stream = Stream(stage.name, definitions, exp.Identifier(this=stage.name))
    relation = stage.relation if stage.relation.pumps else _with_pump(stage)
    node = make_output(stage.name, stream, relation, lambda _: False)
    node["columns"] = [column for column in node["columns"] if column["name"] in rows.used]
    node["pump"] = stage.pump
    window = stage.relation.window
    bases = [stage.relation.base, *(way.base for way in (window.also if window is not None else ()))]
    view, statements, columns = window_rows(node, [sources.of_base(base) for base in bases])
    return Statements([*statements.views, view_statement(stage.name, columns.query(view, TIME))], statements.inserts)


def _with_pump(stage: WindowStage) -> Relation:
    return replace(stage.relation, pumps=(stage.pump,))


# Joins


def _join(stage: JoinStage, rows: StageSource, sources: Sources) -> Statements:
    times = {"left": ("a", stage.left.base), "right": ("b", stage.right.base)}
    read: set[str] = set(rows.used)

    def column(column: str) -> Value:
        read.add(column)
        return Value(name(column), stage.columns[column])

    def time(which: str) -> Value:
        alias, base = times[stage.side]
        offset_ms = base.offset_ms if base is not None else 0
        return Value(shifted(f"CAST({alias}.{name(TIME)} AS TIMESTAMP(3))", offset_ms), TIMESTAMP)

    conditions = [f"a.{name(left)} = b.{name(right)}" for left, right in stage.on]
    conditions += _plain_conditions(stage.conditions, Expressions({"column": column, "time": time}))
    low, high = (shifted(f"a.{name(TIME)}", ms) for ms in (stage.low_ms, stage.high_ms))
    between = f"BETWEEN {low} AND {high}" if stage.low_ms != stage.high_ms else f"= {low}"
    conditions.append(f"b.{name(TIME)} {between}")
    read |= {column for pair in stage.on for column in pair}
    left = _read(stage.left, _used(stage.left.columns, also=read), f"{stage.name} left", sources)
    right = _read(stage.right, _used(stage.right.columns, also=read), f"{stage.name} right", sources)
    columns = [name(column) for column in stage.columns if column in rows.used]
    if stage.side:
        columns.insert(0, f"{times[stage.side][0]}.{name(TIME)} AS {name(TIME)}")
    query = (
        f"SELECT {', '.join(columns) or '1 AS `one`'}\n"
        f"FROM {name(f'{stage.name} left')} AS a\n{stage.kind} JOIN {name(f'{stage.name} right')} AS b\n"
        "  ON " + "\n  AND ".join(conditions)
    )
    return Statements([*left.views, *right.views, view_statement(stage.name, query)], [*left.inserts, *right.inserts])


def _plain_conditions(nodes: Sequence[Node], expressions: Expressions) -> list[str]:
    """Conditions of ON. Raises: FlinkError: one can fail, and the pair would then be lost without a message."""
    values = [expressions.write(node) for node in nodes]
    if any(value.failures for value in values):
        raise FlinkError("a condition of ON whose evaluation can fail", "compute it in an earlier pump, or in WHERE")
    return [value.sql for value in values]


def _table(stage: TableStage, rows: StageSource, sources: Sources) -> Statements:
    read = set(rows.used)

    def column(column: str) -> Value:
        read.add(column)
        return Value(name(known_as.get(column, column)), stage.columns[column])

    def time(which: str) -> Value:
        offset_ms = stage.rows.base.offset_ms if stage.rows.base is not None else 0
        return Value(shifted(f"CAST(a.{name(TIME)} AS TIMESTAMP(3))", offset_ms), TIMESTAMP)

    own = _own_columns(stage)
    keys = _plain_conditions([key for key, _ in stage.on], Expressions({"column": own.__getitem__}))
    # Flink takes a column for the key that is the same as one: such a column is shown under the key's name only.
    known_as = {column: f"k{keys.index(value.sql)}" for column, value in own.items() if value.sql in keys}
    conditions = [f"a.{name(column)} = b.{name(f'k{number}')}" for number, (_, column) in enumerate(stage.on)]
    conditions += _plain_conditions(stage.conditions, Expressions({"column": column, "time": time}))
    read |= {column for _, column in stage.on}
    left = _read(stage.rows, _used(stage.rows.columns, also=read), f"{stage.name} rows", sources)
    sources.tables[stage.table] = dict(stage.table_columns.values())
    versions = f"{stage.name} versions"
    columns = [
        f"{name(known_as[column])} AS {name(column)}" if column in known_as else name(column)
        for column in stage.columns
        if column in rows.used
    ]
    query = (
        f"SELECT a.{name(TIME)} AS {name(TIME)}{''.join(f', {column}' for column in columns)}\n"
        f"FROM {name(f'{stage.name} rows')} AS a\n"
        f"{stage.kind} JOIN {name(versions)} FOR SYSTEM_TIME AS OF a.{name(TIME)} AS b\n"
        "  ON " + "\n  AND ".join(conditions)
    )
    views = [
        *left.views,
        view_statement(versions, _versions(stage, keys, read - known_as.keys())),
        view_statement(stage.name, query),
    ]
    return Statements(views, left.inserts)


def _own_columns(stage: TableStage) -> dict[str, Value]:
    """The columns of a table. CHAR is padded, as the functions pad it when they read the table."""
    return {
        column: Value(f"RPAD({name(own)}, {kind.length}, ' ')" if kind.name == "CHAR" else name(own), kind)
        for column, (own, kind) in stage.table_columns.items()
    }


def _versions(stage: TableStage, keys: Sequence[str], read: set[str]) -> str:
    """The table with its keys, of which Flink joins one row each."""
    shown = {f"k{number}": key for number, key in enumerate(keys)}
    columns = {column: value.sql for column, value in _own_columns(stage).items() if column in read}
    listed = ",\n".join(f"    {sql} AS {name(column)}" for column, sql in {**columns, **shown}.items())
    names = ", ".join(map(name, [*columns, *shown]))
    first = f"PARTITION BY {', '.join(map(name, shown))} ORDER BY {name(SINCE)} DESC"
    present = " AND ".join(f"{key} IS NOT NULL" for key in keys)
    return (
        f"SELECT {names}, {name(SINCE)} FROM (\n"  # noqa: S608 (the program's own names, quoted)
        f"  SELECT *, ROW_NUMBER() OVER ({first}) AS {name('number')} FROM (\n"
        f"    SELECT\n{listed},\n    {name(SINCE)}\n    FROM {name(stage.table)}\n    WHERE {present}\n  )\n"
        f") WHERE {name('number')} = 1"
    )
