"""Stages of a program → views of Flink SQL: calls OVER rows, and windows whose results are rows.

Source: *Over Aggregation* and *Window Aggregation* in Apache Flink's documentation. A statement takes one OVER window,
so that each window has a view of its own. Joins are in ``stage_joins``.
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from streamtally.sql.flink.over_calls import call_columns
from streamtally.sql.flink.queries import Statements, view_statement, window_rows
from streamtally.sql.flink.stage_joins import join_views, table_views
from streamtally.sql.flink.stage_rows import Sources, StageSource, read_view, used_columns
from streamtally.sql.flink.syntax import name
from streamtally.sql.flink.tables import TIME
from streamtally.sql.planning.plan_output import make_output
from streamtally.sql.planning.program_streams import Stream, StreamColumnDefinition
from streamtally.sql.planning.relations import Relation
from streamtally.sql.planning.stages import JoinStage, OverCall, OverStage, TableStage, WindowStage


def stage_statements(sources: Sources) -> Statements:
    """The views of all stages that are read. Raises: FlinkError: Flink SQL cannot say one."""
    written: dict[str, Statements] = {}
    while waiting := [rows for stage, rows in sources.stages.items() if stage not in written]:
        # What reads a stage has a higher number: when the stage is written, all its columns are known.
        rows = max(waiting, key=_number)
        written[rows.name] = _write(rows, sources)
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
        return join_views(stage, rows, sources)
    assert isinstance(stage, TableStage)  # noqa: S101 (there are no others)
    return table_views(stage, rows, sources)


def _over(stage: OverStage, rows: StageSource, sources: Sources) -> Statements:
    calls = [call for call in stage.calls if call.name in rows.used]
    needed = {column for call in calls for column in (*call.frame.keys, call.argument) if column is not None}
    needed |= {str(call.default.node["column"]) for call in calls if call.default and "column" in call.default.node}
    groups: dict[object, list[OverCall]] = {}
    for call in calls:
        frame = call.frame.keys if call.function == "lag" else call.frame
        groups.setdefault(frame, []).append(call)
    names = [f"{stage.name} part {number}" for number in range(len(groups))]
    names.append(stage.name)
    read = read_view(stage.rows, used_columns(stage.rows.columns, also=needed | rows.used), names[0], sources)
    views = list(read.views)
    for group, before, view in zip(groups.values(), names, names[1:], strict=False):
        columns = ",\n".join(f"  {column}" for call in group for column in call_columns(stage, call)[0])
        views.append(view_statement(view, f"SELECT\n  *,\n{columns}\nFROM {name(before)}"))
    return Statements(views, read.inserts)


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
