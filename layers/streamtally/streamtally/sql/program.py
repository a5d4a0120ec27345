"""A program's text → the plan's outputs: statements, streams, pumps, and the streams that have a destination."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlglot import exp

from streamtally.config.outputs import ERROR_STREAM
from streamtally.errors import SqlError, SqlProgramError
from streamtally.indices.detectors import Detector
from streamtally.plan.sliding import step_name
from streamtally.plan.types import SqlType
from streamtally.sql.grammar.statements import parse_program
from streamtally.sql.planning.anomaly import (
    detector_note,
    forest_in,
    is_score,
    make_detector,
    threshold_of,
    without_scores,
)
from streamtally.sql.planning.declarations import Declarations
from streamtally.sql.planning.plan_output import make_output
from streamtally.sql.planning.program_streams import SourceStream, Stream
from streamtally.sql.planning.pumps import insert
from streamtally.sql.planning.relations import Relation
from streamtally.sql.planning.selects import plan_query
from streamtally.sql.planning.sliding import WAYS_OUT
from streamtally.sql.problems import Note, Problems, SkippedError, SourceText
from streamtally.transform.error_stream import error_output_node


@dataclass(frozen=True, slots=True)
class PlannedOutput:
    """An output before it is shaped for the plan.

    Attributes:
        name: its name in the plan.
        stream: the stream to which it belongs.
        relation: what fills it.
    """

    name: str
    stream: Stream
    relation: Relation


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled program.

    Attributes:
        outputs: the plan's outputs (JSON).
        streams: the names of the streams to which they belong.
        remarks: what the user should know, as notes about lines of the text.
        place: a line's number → its file and number; None: the program is one text.
        text: its text.
        source: the in-application stream of its source.
        planned: its outputs as relations, which other targets than the plan are generated from.
        detectors: the anomaly detectors that RANDOM_CUT_FOREST becomes.
    """

    outputs: list[dict[str, Any]]
    streams: list[str]
    remarks: list[Note]
    place: Callable[[int], str] | None = None
    text: str = ""
    source: SourceStream = field(default_factory=lambda: SourceStream({}))
    planned: Sequence[PlannedOutput] = ()
    detectors: Sequence[Detector] = ()

    @property
    def notes(self) -> list[str]:
        """The remarks as text."""
        return [note.shown(self.place) for note in self.remarks]


def compile_program(
    text: str,
    source: SourceStream,
    bound: Iterable[str] | None = None,
    without: Collection[str] = (),
    sliding: Mapping[str, str] | None = MappingProxyType({}),
    detects: bool = False,
    to_flink: bool = False,
) -> Program:
    """Compile a program.

    Args:
        bound: the in-application streams that have a destination; None: those that no pump reads from.
        without: the pumps to leave out.
        sliding: the streams whose sliding windows are composed of minutes or seconds, and of which; None: all, of what
            they need.
        detects: whether RANDOM_CUT_FOREST becomes an anomaly detector.
        to_flink: whether it is for Flink, which keeps state between rows. It then has no outputs of a plan, and
            ``planned`` may have stages.
    Raises: SqlProgramError: every problem of the program.
    """
    problems = Problems(SourceText(text), detects, to_flink)
    declared = Declarations(problems, source)
    try:
        trees = parse_program(text, problems, without)
        for tree in trees:
            declared.add(tree)
        declared.incomplete = bool(problems.errors)
        planner = _Planner(declared, sliding)
        outputs, streams = planner.outputs(None if bound is None else list(bound))
    except SqlProgramError:
        raise
    except SqlError as error:
        problems.add(error)
        outputs, streams = [], []
    except RecursionError:
        problems.add(problems.error(0, "the program is nested too deeply", "split it into several pumps"))
    problems.check()
    return Program(
        outputs, streams, problems.notes, text=text, source=source, planned=planner.planned, detectors=planner.detectors
    )


class _Planner:
    """Plans the declared streams, each once and after the streams that its pumps read; then the outputs.

    Attributes:
        planned: the outputs, once they are planned.
    """

    def __init__(self, declared: Declarations, sliding: Mapping[str, str] | None) -> None:
        self.declared = declared
        self.sliding = sliding
        self.problems = declared.problems
        self.planned: list[PlannedOutput] = []
        self.detectors: list[Detector] = []

    @property
    def tables(self) -> Mapping[str, Mapping[str, SqlType]]:
        """The reference tables: name → its columns."""
        return self.declared.source.tables

    def __call__(self, origin: exp.Expr, name: str) -> Sequence[Relation]:
        """The relations that fill a stream in a FROM. Raises: SqlError: no such stream, or nothing fills it."""
        if name == self.declared.source.name:
            return [self.declared.source.relation()]
        stream = self.declared.streams.get(name)
        if stream is None and self.declared.is_parallel_input(name):
            self.problems.note(
                origin,
                f'"{self.declared.source.name}" has all rows: what reads the parallel input "{name}" is left out',
            )
            return []
        if stream is None:
            raise self.declared.unknown_stream(origin, name)
        stream.is_read = True
        if not stream.pumps and self.declared.incomplete:
            raise SkippedError("", 1, 1)
        if not stream.pumps:
            raise self.problems.error(
                origin, f'no pump fills the stream "{name}"', "add a pump that fills it, or select from another stream"
            )
        return self.relations(stream)

    def relations(self, stream: Stream) -> list[Relation]:
        """The relations with which its pumps fill a stream, with the declared names and types."""
        if stream.relations is not None:
            return stream.relations
        if stream.in_progress:
            raise self.problems.error(stream.origin, f'the stream "{stream.name}" reads from itself')
        stream.in_progress = True
        relations: list[Relation] = []
        before = self.problems.pump, self.problems.by_minute
        self.problems.by_minute = stream.name in (self.sliding or ())
        for pump in stream.pumps:
            self.problems.pump = pump.name
            try:
                for relation in plan_query(pump.query, self, self.problems):
                    relations.append(insert(stream, pump, relation, self.problems))
            except SqlError as error:
                self.problems.add(error)
        self.problems.pump, self.problems.by_minute = before
        stream.in_progress = False
        stream.relations = relations
        return relations

    def outputs(self, bound: list[str] | None) -> tuple[list[dict[str, Any]], list[str]]:
        """(The plan's outputs, the names of the streams to which they belong)."""
        for stream in self.declared.streams.values():
            if stream.pumps:
                self.relations(stream)
        self.problems.check()
        chosen = self._chosen(bound)
        entries = []
        for stream in chosen:
            relations = self.relations(stream)
            for relation in relations:
                self._check_sliding(stream, relation)
                relation = self._detect(stream, relation)
                name = stream.name if len(relations) == 1 else "/".join((stream.name, *relation.pumps))
                self.planned.append(PlannedOutput(name, stream, relation))
                if not self.problems.to_flink:
                    entries.append(make_output(name, stream, relation, self.declared.source.is_event_time))
        streams = [stream.name for stream in chosen]
        if bound is not None and ERROR_STREAM in bound:
            entries.append(error_output_node())
            streams.append(ERROR_STREAM)
        return entries, streams

    def _check_sliding(self, stream: Stream, relation: Relation) -> None:
        """Raises: SqlError: the output has a sliding window, and pipeline.toml does not ask for its steps."""
        window = relation.window
        if window is None or window.sliding is None or self.sliding is None:
            return
        wanted, asked = step_name(window.inner_ms), self.sliding.get(stream.name)
        if asked is None:
            raise self.problems.unsupported(
                window.sliding, "a sliding window (OVER … RANGE), with a value of every row,", WAYS_OUT
            )
        if asked != wanted:
            raise self.problems.error(
                window.sliding,
                f'sliding windows of the output "{stream.name}" are composed of {wanted}s, not of {asked}s',
                f'write sliding = "{wanted}" in pipeline.toml',
            )

    def _detect(self, stream: Stream, relation: Relation) -> Relation:
        """The rows of an output without scores, which become a detector over it. Raises: SqlError: its shape."""
        scores = [column.value.node for column in relation.columns if forest_in(column.value.node) is not None]
        relation, conditions = without_scores(relation)
        forest = next(
            (number for node in conditions if (number := forest_in(node)) is not None), self._forest_of(stream)
        )
        if forest is None:
            return relation
        thresholds = [threshold_of(condition) for condition in conditions]
        is_computed = not all(map(is_score, scores)) or forest_in(self._all_of(relation)) is not None
        if None in thresholds or is_computed:
            raise self.problems.unsupported(
                stream.origin,
                "an anomaly score in anything but columns and WHERE ANOMALY_SCORE > number",
                "select the score itself, and filter by it in WHERE only",
            )
        detector = make_detector(
            stream.name, relation, self.problems.forests[forest], thresholds[0] or "" if thresholds else ""
        )
        if not detector.features:
            raise self.problems.unsupported(
                stream.origin,
                f'RANDOM_CUT_FOREST whose columns are not in the output "{stream.name}"',
                "select them into it: a detector reads documents",
            )
        self.detectors.append(detector)
        self.problems.note(stream.origin, detector_note(detector))
        return relation

    def _forest_of(self, stream: Stream) -> int | None:
        """The forest whose score a stream has in a column."""
        nodes = [column.value.node for relation in stream.relations or () for column in relation.columns]
        return next((number for node in nodes if (number := forest_in(node)) is not None), None)

    @staticmethod
    def _all_of(relation: Relation) -> list[Any]:
        window = relation.window
        rows = [] if window is None else [*window.where, window.time, *window.keys, *window.aggregates, *window.levels]
        return [*rows, relation.rowtime.node]

    def _chosen(self, bound: list[str] | None) -> list[Stream]:
        if bound is None:
            chosen = [stream for stream in self.declared.streams.values() if stream.pumps and not stream.is_read]
            if not chosen:
                raise self.problems.error(
                    0, "the program has no output", "add a pump that fills a stream which no other pump reads"
                )
            return chosen
        chosen = []
        for name in bound:
            if name == ERROR_STREAM:
                continue
            stream = self.declared.streams.get(name)
            if stream is None:
                error = self.declared.unknown_stream(exp.Identifier(this=name), name, is_lacking=False)
                advice = error.advice.replace("write", "write it in pipeline.toml as")
                raise self.problems.unbound(name, advice)
            if not stream.pumps:
                raise self.problems.error(
                    stream.origin, f'no pump fills the output "{name}"', "add a pump that fills it"
                )
            chosen.append(stream)
        for stream in self.declared.streams.values():
            if stream.pumps and stream not in chosen and not stream.is_read:
                text = f'the stream "{stream.name}" has no destination in pipeline.toml: it is left out'
                self.problems.note(stream.origin, text)
        return chosen
