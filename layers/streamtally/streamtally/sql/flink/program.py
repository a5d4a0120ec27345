"""A compiled program → the statements of Flink SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from streamtally.errors import PlanError, SqlError, SqlProgramError, UnsupportedSqlError
from streamtally.sql.flink.queries import Source, Statements, row_statements, window_statements
from streamtally.sql.flink.stage_rows import Sources
from streamtally.sql.flink.stages import stage_statements
from streamtally.sql.flink.syntax import name
from streamtally.sql.flink.tables import (
    AWS,
    ERROR_STREAM,
    Place,
    Reading,
    error_statement,
    reference_statement,
    sink_statement,
)
from streamtally.sql.flink.values import FlinkError
from streamtally.sql.planning.plan_output import make_output
from streamtally.sql.planning.program_streams import Stream
from streamtally.sql.problems import SourceText, offset_of
from streamtally.sql.program import PlannedOutput, Program

ARRIVAL_DELAY_MS = 5_000
"""Records of a shard arrive in order; shards differ by little."""
EVENT_DELAY_MS = 300_000
"""How late a row may be, in a window by its own time, before Flink drops it."""
PAST_MS, FUTURE_MS = 7 * 86_400_000, 3_600_000
"""The reach of an event time from the arrival, as the transform function's."""

SETTINGS = ("SET 'table.local-time-zone' = 'UTC'",)


@dataclass(frozen=True, slots=True)
class FlinkProgram:
    """A program in Flink SQL; statements are without their semicolons.

    Attributes:
        settings: SET statements.
        tables: CREATE TABLE of the sources, sinks and the error stream.
        views: CREATE TEMPORARY VIEW.
        inserts: INSERT, which run as one statement set.
        sinks: the names of the sinks.
        nodes: the outputs.
    """

    settings: Sequence[str]
    tables: Sequence[str]
    views: Sequence[str]
    inserts: Sequence[str]
    sinks: Sequence[str]
    nodes: Sequence[dict[str, Any]] = field(default_factory=tuple)

    def tables_sql(self) -> str:
        """``tables.sql``."""
        return _script([*self.settings, *self.tables]).rstrip() + "\n"

    def program_sql(self) -> str:
        """``program.sql``."""
        inserts = "".join(f"{insert};\n\n" for insert in self.inserts)
        return f"{_script(self.views)}EXECUTE STATEMENT SET BEGIN\n\n{inserts}END;\n"


def _script(statements: Sequence[str]) -> str:
    return "".join(f"{statement};\n\n" for statement in statements)


def generate(program: Program, place: Place = AWS, in_part: bool = False) -> FlinkProgram:
    """The program in Flink SQL.

    Args:
        place: where rows come from and go to.
        in_part: whether outputs that Flink SQL cannot say are left out; if all are, nothing is generated.
    Raises: SqlProgramError: what Flink SQL cannot say, with the place of the pump and what to do.
    """
    problems: list[SqlError] = []
    said: list[PlannedOutput] = []
    for planned in program.planned:
        try:
            alone = _sources(program)
            output_statements(planned, alone)
            stage_statements(alone)
            said.append(planned)
        except PlanError as error:
            problems.append(refusal(program.text, planned, error))
    if problems and not in_part:
        raise SqlProgramError(problems)
    return _generate(said, _sources(program), place)


def _sources(program: Program) -> Sources:
    given = program.source
    return Sources(Source(given.name, given.columns, given.by_role, given.time_column, paths=given.paths))


def _generate(outputs: Sequence[PlannedOutput], sources: Sources, place: Place) -> FlinkProgram:
    views: list[str] = []
    inserts: list[str] = []
    nodes: list[dict[str, Any]] = []
    sinks: dict[str, Stream] = {}
    for planned in outputs:
        nodes.append(_node(planned))
        statements = output_statements(planned, sources)
        sinks[planned.stream.name] = planned.stream
        views += statements.views
        inserts += statements.inserts
    stages = stage_statements(sources)
    views, inserts = [*stages.views, *views], [*inserts, *stages.inserts]
    tables = [reading.statement(place) for reading in _readings(sources.source, inserts + views)]
    tables += [reference_statement(table, columns, place) for table, columns in sources.tables.items()]
    for stream in sinks.values():
        tables.append(sink_statement(stream.name, [(column.name, column.type) for column in stream.columns], place))
    if any(insert.startswith(f"INSERT INTO {name(ERROR_STREAM)}") for insert in inserts):
        tables.append(error_statement(place))
    return FlinkProgram(SETTINGS, tables, views, inserts, list(sinks), nodes)


def _node(planned: PlannedOutput) -> dict[str, Any]:
    return make_output(planned.name, planned.stream, planned.relation, lambda _: False)


def output_statements(planned: PlannedOutput, sources: Sources) -> Statements:
    """The statements of an output. Raises: FlinkError: what Flink SQL cannot say."""
    node = _node(planned)
    if any(way.get("joins") for way in (node, *node.get("also", ()))):
        raise FlinkError(
            "a JOIN with a reference table",
            "Flink joins a stream with a table of its own by FOR SYSTEM_TIME AS OF: write that join into program.sql",
        )
    if "levels" in node:
        raise FlinkError("an aggregate of aggregates that was compiled for the functions", "compile it --to flink")
    window = planned.relation.window
    source = sources.of_base(planned.relation.base)
    if window is None:
        return row_statements(node, source, planned.stream.name)
    ways = [source, *(sources.of_base(way.base) for way in window.also)]
    return window_statements(node, ways, planned.stream.name)


def refusal(text: str, planned: PlannedOutput, error: PlanError) -> SqlError:
    """What Flink SQL cannot say, at the place of its pump."""
    pumps = {pump.name: pump for pump in planned.stream.pumps}
    pump = pumps.get(planned.relation.pumps[0])
    offset = offset_of(pump.query) if pump is not None else 0
    line, column = SourceText(text).position(offset)
    advice = error.advice if isinstance(error, FlinkError) else "leave out its pump with --without"
    who = f'the pump "{planned.relation.pumps[0]}"'
    return UnsupportedSqlError(f"{who} does not run on Flink: {error}", line, column, advice)


def _readings(source: Source, statements: Sequence[str]) -> list[Reading]:
    """The source's tables that the statements read."""
    reach = (PAST_MS, FUTURE_MS)
    columns = source.declared()
    metadata, members = source.metadata(), source.members()
    readings = [Reading(source.name, columns, source.times, None, ARRIVAL_DELAY_MS, *reach, metadata, members)]
    for event, table in source.events.items():
        readings.append(Reading(table, columns, source.times, event, EVENT_DELAY_MS, *reach, metadata, members))
    return [
        reading for reading in readings if any(f"FROM {name(reading.table)}" in statement for statement in statements)
    ]
