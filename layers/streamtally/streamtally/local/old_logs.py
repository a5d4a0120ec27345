"""Runs old logs of a bucket through the same transform, with identities that make two runs count once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from itertools import groupby
from typing import Any

import orjson

from streamtally.aws.recovery.failed_objects import MAX_OBJECT_BYTES
from streamtally.aws.recovery.other_failures import is_error_object
from streamtally.aws.recovery.places import error_type, to_place
from streamtally.aws.sinks.objects import ObjectStore
from streamtally.errors import RecordError, SinkError
from streamtally.ids import canonical_json, digest
from streamtally.indices.load_entries import Span
from streamtally.local.arrival import ReadLine, arrive_when_logged, read_lines
from streamtally.local.logs import LogLine, plain_bytes
from streamtally.plan.windowed import WindowedOutput
from streamtally.times.iso import from_iso
from streamtally.transform.bounds import NO_BOUNDS
from streamtally.transform.documents import UNPARSED_LINE
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.record import Record
from streamtally.transform.transform import Outcome, iter_documents, transform

BATCH_LINES = 5_000
HOUR_MS = 3_600_000
MAX_BUFFER_MS = 900_000
"""The longest time Firehose buffers before it writes an object, whose name has the time of its oldest record."""
_LINE_ID = re.compile(rb'^\{"line_id":"([0-9a-f]{32})"')


@dataclass
class Seen:
    """What was read and what was left out."""

    lines: int = 0
    """Lines read."""
    unparsed: int = 0
    """Lines that were delivered as unparsed, and are not read."""
    twins: int = 0
    """Lines left out because one with the same ``line_id`` was read."""
    without_id: int = 0
    """Lines read that have no ``line_id``."""
    skipped: int = 0
    """Objects left out because they cannot contain the requested windows."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Error prefixes → how many of their objects were left out: their lines are elsewhere, or were never counted."""
    problems: list[str] = field(default_factory=list)
    line_ids: set[int] = field(default_factory=set)
    """The ids of the lines read."""
    known: Set[int] = frozenset()
    """The ids of lines that were read elsewhere before."""
    hours: tuple[int, int] | None = (2**62, -(2**62))
    """The first and the last hour of arrival, in ms since the epoch; None if Firehose did not name every object."""

    def add_hour(self, hour_ms: int | None) -> None:
        """Take in an object's hour of arrival; None: unknown."""
        if hour_ms is None:
            self.hours = None
        elif self.hours:
            self.hours = min(self.hours[0], hour_ms), max(self.hours[1], hour_ms)

    def add(self, other: Seen) -> None:
        """Take in what was seen in one object."""
        self.lines += other.lines
        self.unparsed += other.unparsed
        self.twins += other.twins
        self.without_id += other.without_id
        self.left_out += other.left_out
        self.problems += other.problems
        self.line_ids |= other.line_ids

    @property
    def has_line_ids(self) -> bool:
        """Whether every line has an id, so that no line was counted twice."""
        return self.lines > 0 and self.without_id == 0


def run_old_logs(
    objects: ObjectStore, pipeline: Pipeline, seen: Seen, between: Span | None = None, zone: tzinfo = UTC
) -> Iterator[Outcome]:
    """Run every object's lines, batch by batch; a line's identity is its object's address and its number.

    A line arrives when it was logged. An object that cannot be read is added to the problems of ``seen``; the others
    are read.

    Args:
        between: skip Firehose objects that cannot contain lines of these windows.
        zone: the time zone of the dates in objects' names: the stream's ``CustomTimeZone``.
    """
    slack_ms = 0 if zone is UTC else HOUR_MS  # an hour's name may stand for two hours, when clocks go back
    for key in objects.keys(""):
        location = to_place(objects.base, key, zone)
        if location and location.kind != "delivered":
            if location.kind == "other":
                seen.left_out[error_type(location)] += 1
            continue
        if location and between and not _may_contain(location.arrival, between, pipeline, slack_ms):
            seen.skipped += 1
            continue
        try:
            data = plain_bytes(objects.get(key), MAX_OBJECT_BYTES)
        except (RecordError, SinkError) as error:
            seen.problems.append(f"{key}: {error}")
            continue
        if is_error_object(data):  # below a prefix of any name
            seen.left_out["Firehose's error objects"] += 1
            continue
        seen.add_hour(location.arrival if location else None)
        if location and slack_ms:
            seen.add_hour(location.arrival + slack_ms)
        hour_ms = location.arrival if location else 0
        yield from run_object(objects.address + key, data.split(b"\n"), hour_ms, pipeline, seen)


def _may_contain(arrival_ms: int, between: Span, pipeline: Pipeline, slack_ms: int) -> bool:
    believed = believed_windows((arrival_ms, arrival_ms + slack_ms), pipeline)
    return believed[0] < between[1] and believed[1] >= between[0]


def believed_windows(hours: tuple[int, int], pipeline: Pipeline) -> Span:
    """The windows by event time that lines with these hours of arrival can be in; others count by their arrival.

    Args: hours: the first and the last, in ms since the epoch.
    """
    settings = [output.settings for output in pipeline.outputs.values()]
    earliest = hours[0] - 1000 * max(setting.max_past_seconds for setting in settings) - HOUR_MS
    return earliest, hours[1] + 1000 * max(setting.max_ahead_seconds for setting in settings) + HOUR_MS + MAX_BUFFER_MS


def run_object(address: str, data: Iterable[bytes], hour_ms: int, pipeline: Pipeline, seen: Seen) -> Iterator[Outcome]:
    """Run an object's lines, batch by batch.

    Args:
        data: its lines, without their line ends.
        hour_ms: its hour of arrival, in ms since the epoch; 0: unknown.
    """
    # A batch is a fixed number of lines. If a log has grown since, its last batch is the same with more lines, and
    # its documents overwrite the old ones.
    lines = arrive_when_logged(read_lines(_lines(address, data, seen), pipeline.source, hour_ms), hour_ms)
    for number, batch in groupby(lines, key=lambda line: line.line.number // BATCH_LINES):
        records = [_record(address, line) for line in batch]
        yield transform(
            pipeline, records, max_response_bytes=2**62, batch_id=digest(["lines", address, number]), bounds=NO_BOUNDS
        )


def _lines(address: str, data: Iterable[bytes], seen: Seen) -> Iterator[LogLine]:
    for number, line in enumerate(data):
        if not line:
            continue
        if UNPARSED_LINE.match(line):
            seen.unparsed += 1
            continue
        match = _LINE_ID.match(line)
        line_id = int(match[1][:16], 16) if match else None
        if line_id in seen.line_ids or line_id in seen.known:
            seen.twins += 1
            continue
        if line_id is None:
            seen.without_id += 1
        else:
            seen.line_ids.add(line_id)
        seen.lines += 1
        yield LogLine(address, number, line, len(line))


def _record(address: str, line: ReadLine) -> Record:
    identity = f"{address}#{line.line.number}"
    data = line.line.data
    return Record(identity, identity, line.arrival, line.arrival, "", data, data, header=line.header)


GroupKey = tuple[str, int, str]
"""(output, window start in ms, key as canonical JSON)."""


def recompute(outcomes: Iterable[Outcome], pipeline: Pipeline) -> dict[GroupKey, dict[str, Any]]:
    """The results of the windowed outputs over all batches: group → columns. Row outputs have nothing to compare."""
    states: dict[GroupKey, dict[str, Any]] = {}
    for outcome in outcomes:
        for document in iter_documents(outcome.deliveries):
            tally = orjson.loads(document)["tally"]
            if "partial_id" not in tally:
                continue
            state = tally["state"]
            group = (tally["output"], from_iso(tally["window_start"]), canonical_json(state["key"]).decode())
            output = pipeline.output(group[0])
            if isinstance(output, WindowedOutput):
                states[group] = output.merge_states([states[group], state]) if group in states else state
    results = {}
    for group, state in states.items():
        output = pipeline.output(group[0])
        if isinstance(output, WindowedOutput):
            for more, columns, visible in output.finish_all(group[1], state):
                if visible:
                    place = (group[0], group[1], canonical_json([*state["key"], *more]).decode())
                    results[place] = orjson.loads(orjson.dumps(columns, default=float))
    return results
