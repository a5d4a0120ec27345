"""Old logs of a bucket through the same transform, with identities that make doing it twice count once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from streamtally.aws.objects import ObjectStore
from streamtally.canonical import canonical_json
from streamtally.documents import UNPARSED_LINE
from streamtally.errors import RecordError
from streamtally.local.arrival import ReadLine, arrive_when_logged, read_lines
from streamtally.local.logs import LogLine
from streamtally.pipeline import Outcome, Pipeline, transform
from streamtally.plan.windowed import WindowedOutput
from streamtally.records import MAX_DECOMPRESSED_EVENT_BYTES, Record, decompress
from streamtally.times import from_iso

BATCH_LINES = 5_000
NOT_LOGS = (
    "processing-failed/",
    "undelivered/",
    "redriven/",
    "AmazonOpenSearchService_failed/",
    "elasticsearch-failed/",
)
_HOUR = re.compile(r"(\d{4})/(\d\d)/(\d\d)/(\d\d)/")
_LINE_ID = re.compile(rb'^\{"line_id":"([0-9a-f]{32})"')


@dataclass
class Seen:
    """What was left out: lines that never parsed, and twins of lines that carry a ``line_id``."""

    lines: int = 0
    unparsed: int = 0
    twins: int = 0
    line_ids: set[bytes] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def run_old_logs(objects: ObjectStore, pipeline: Pipeline, seen: Seen) -> Iterator[Outcome]:
    """Every object's lines, batch by batch; a line's identity is its object's key and its number.

    A line's arrival is when it was logged. An object that cannot be read is a problem in ``seen``, and no other's.
    """
    for key in objects.keys(""):
        if key.startswith(NOT_LOGS):
            continue
        try:
            data = objects.get(key)
            data = decompress(data, MAX_DECOMPRESSED_EVENT_BYTES * 16) if data[:2] == b"\x1f\x8b" else data
        except RecordError as error:
            seen.problems.append(f"{key}: {error}")
            continue
        lines = read_lines(_lines(key, data, seen), pipeline.source, _hour_ms(key))
        batch: list[Record] = []
        for each in arrive_when_logged(lines, _hour_ms(key)):
            batch.append(_record(key, each))
            if len(batch) == BATCH_LINES:
                yield transform(pipeline, batch, max_response_bytes=2**62)
                batch = []
        if batch:
            yield transform(pipeline, batch, max_response_bytes=2**62)


def _lines(key: str, data: bytes, seen: Seen) -> Iterator[LogLine]:
    for number, line in enumerate(data.split(b"\n")):
        if not line:
            continue
        if UNPARSED_LINE.match(line):
            seen.unparsed += 1
            continue
        found = _LINE_ID.match(line)
        if found and found[1] in seen.line_ids:
            seen.twins += 1
            continue
        if found:
            seen.line_ids.add(found[1])
        seen.lines += 1
        yield LogLine(key, number, line, len(line))


def _record(key: str, each: ReadLine) -> Record:
    identity = f"{key}#{each.line.number}"
    return Record(identity, identity, each.arrival, each.arrival, "", each.line.data, each.line.data)


def _hour_ms(key: str) -> int:
    found = _HOUR.search(key)
    return from_iso("{}-{}-{}T{}:00:00.000Z".format(*found.groups())) if found else 0


Group = tuple[str, int, str]
"""(output, window start in ms, key as canonical JSON)."""


def recompute(outcomes: Iterable[Outcome], pipeline: Pipeline) -> dict[Group, dict[str, Any]]:
    """What the windowed outputs come to, over all batches: group → columns. Rows have nothing to compare."""
    states: dict[Group, dict[str, Any]] = {}
    for outcome in outcomes:
        for document in (each for delivery in outcome.deliveries for each in delivery.documents):
            tally = orjson.loads(document)["tally"]
            if "partial_id" not in tally:
                continue
            state = tally["state"]
            group = (tally["output"], from_iso(tally["window_start"]), canonical_json(state["key"]).decode())
            output = pipeline.output(group[0])
            if isinstance(output, WindowedOutput):
                states[group] = output.merge_states([states[group], state]) if group in states else state
    found = {}
    for group, state in states.items():
        output = pipeline.output(group[0])
        if isinstance(output, WindowedOutput):
            columns, visible = output.finish(group[1], state)
            if visible:
                found[group] = orjson.loads(orjson.dumps(columns, default=float))
    return found
