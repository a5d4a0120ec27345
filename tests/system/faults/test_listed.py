"""The faults of docs/exactness.md that take more than one strike: repeats, throttling to the end, a crash anywhere."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.sinks import objects
from streamtally.aws.sinks.objects import Folder
from streamtally.local.simulator.parts import Refusal
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import transform
from tests.integration.opensearch.data import make_pipeline, pipeline_document, row_plan
from tests.system.conformance.contract import events
from tests.system.faults.world import Faults, FaultyClient, FaultySink, Killed, MemoryEnd, World

NOW = 1_740_830_400_000  # 2025-03-01T12:00:00Z
HOUR_MS = 3_600_000


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, MemoryEnd(), NOW, Faults(1))
    yield world
    world.laptop.close()


# Lambda throttles every retry: the batch ends in processing-failed/, whether the first call had counted all of it, a
# part, or nothing. redrive tells these apart by the digest that each document carries: it finishes what was counted
# under the batch's own id and brings the lines to S3 alone; what was not counted goes back as new.
@pytest.mark.parametrize(
    "first, counted",
    [(["error after the put"], 7), (["put in part", "objects refused"], None), (["throttled"], 0)],
    ids=["counted", "in part", "not counted"],
)
def test_every_retry_throttled(world: World, first: list[str], counted: int | None) -> None:
    assert isinstance(world.end, MemoryEnd)
    world.max_failed_tries = 4
    world.put([(NOW - 60_000 * n, [200, 404, 500][: n + 1]) for n in range(3)] + [(NOW, [301])])
    world.faults.next = [*first, *["throttled"] * 3]
    for _ in range(2):
        world.step(flush=True)
        world.now += 1_000
    [key] = world.objects.keys("processing-failed/")
    codes = {json.loads(line)["errorMessage"] for line in world.objects.get(key).splitlines()}
    assert "Rate Exceeded" in str(codes)
    before = world.end.counts().total()
    assert 0 < before < 7 if counted is None else before == counted
    assert world.objects.delivered.lines == 0

    planned = world.redrive(world.objects, world.end.batches())

    assert planned.decision.batches_found == (0 if counted == 0 else 1)
    assert planned.decision.undecided == []
    world.finish()
    world.check()


# Every batch comes again, hours later, in another order and with its records in another order, twice.
@pytest.mark.parametrize("seed", range(4))
def test_batches_repeated_and_reordered(world: World, seed: int) -> None:
    random = Random(seed)
    for _ in range(8):
        world.put([(world.now - random.randint(0, 200_000), [200, 404, 500]) for _ in range(10)])
        world.now += 5_000
        world.step(flush=True)
    again = list(world.events.values()) * 2
    assert len(again) == 16
    random.shuffle(again)
    for event in again:
        world.now += HOUR_MS
        world._call({**event, "records": random.sample(event["records"], len(event["records"]))})
    world.finish()
    world.check()


# A producer that sends a record twice, in one batch or in two, has sent two.
def test_records_repeated_by_the_producer(world: World) -> None:
    for flush in (False, True, True):
        world.put([(NOW, [200, 404])] * 2)
        world.step(flush)
    world.finish()
    world.check()
    assert world.end.counts().total() == 12


def partials(event: dict[str, Any]) -> dict[str, int]:
    """Partial id → rows."""
    outcome = transform(make_pipeline(), decode_records(event["records"], 0))
    documents = [json.loads(document) for delivery in outcome.deliveries for document in delivery.documents]
    return {document["tally"]["partial_id"]: document["tally"]["state"]["rows"] for document in documents}


def rows(event: dict[str, Any]) -> list[str]:
    """The ids of an output of rows."""
    pipeline = load_pipeline(pipeline_document(row_plan()), ZoneInfo)
    outcome = transform(pipeline, decode_records(event["records"], 0))
    return [
        json.loads(document)["tally"]["row_id"] for delivery in outcome.deliveries for document in delivery.documents
    ]


def cut(event: dict[str, Any], start: int, end: int) -> dict[str, Any]:
    """Some of an event's records, called again: a data stream's records have other recordIds then."""
    records = [{**record, "recordId": f"again-{record['recordId']}"} for record in event["records"][start:end]]
    return {**event, "records": records}


# After a data stream's failover Firehose reads from its last checkpoint. The same batch again counts once, for its
# identities are shard and sequence number. A batch cut otherwise is another batch: exactly the records that lie in both
# are counted in both, no more. Rows, whose ids go by record, are there once in any case.
@pytest.mark.parametrize("seed", range(4))
def test_overlapping_batches_after_a_failover(seed: int) -> None:
    random = Random(seed)
    total = 100
    whole = events.from_data_stream(*(events.line(number) for number in range(total)))
    middle, overlap = random.randint(30, 70), random.randint(1, 29)
    before = cut(whole, 0, middle)

    same = partials(before) | partials(cut(whole, 0, middle)) | partials(cut(whole, middle, total))
    other = partials(before) | partials(cut(whole, middle - overlap, total))

    assert sum(same.values()) == total
    assert sum(other.values()) == total + overlap
    assert len(set(rows(before) + rows(cut(whole, middle - overlap, total)))) == total


class Steps:
    """Everything that leaves a trace outside the process, counted; the process dies before or after one of them.

    A step is a call as a whole, and within it each thing that it leaves: a file of its own for an object, half of its
    bytes, the other half, its name; each statement of the journal that writes, with its beginning and its commit; each
    document that the second stream's end takes.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.armed = False
        self.done = 0
        self.deadly = -1
        self.names: Counter[str] = Counter()
        self._patch = monkeypatch
        for owner, name in [
            (FaultyClient, "put_record_batch"),
            (FaultySink, "write"),
            (Folder, "put"),
            (Folder, "delete"),
            (World, "_call"),
            (Path, "replace"),
            (Path, "unlink"),
            (tempfile, "mkstemp"),
        ]:
            self._around(owner, name)
        self._by_halves()
        self._by_statement()
        self._by_document()

    def _around(self, owner: Any, name: str) -> None:
        original = getattr(owner, name)
        step = f"{owner.__name__}.{name}"

        def call(*given: Any, **more: Any) -> Any:
            self.tick(step)
            answer = original(*given, **more)
            self.tick(step)
            return answer

        self._patch.setattr(owner, name, call)

    def _by_halves(self) -> None:
        """An object's bytes come to the disk in two parts."""
        original = os.fdopen

        @contextmanager
        def fdopen(handle: int, mode: str) -> Iterator[Any]:
            with original(handle, mode) as file:

                def write(data: bytes) -> None:
                    for part in (data[: len(data) // 2], data[len(data) // 2 :]):
                        file.write(part)
                        file.flush()
                        self.tick("half of an object")

                yield SimpleNamespace(write=write)

        self._patch.setattr(objects.os, "fdopen", fdopen)

    def _by_statement(self) -> None:
        """The journal's connection dies before or after each statement that writes."""
        tick, connect = self.tick, sqlite3.connect

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *given: Any) -> Any:
                kind = sql.split()[0]
                if kind not in ("BEGIN", "INSERT", "DELETE", "COMMIT"):
                    return super().execute(sql, *given)
                tick(kind)
                result = super().execute(sql, *given)
                tick(kind)
                return result

            def executemany(self, sql: str, given: Any) -> Any:
                tick("INSERT")
                result = super().executemany(sql, given)
                tick("INSERT")
                return result

        self._patch.setattr(sqlite3, "connect", lambda *given, **more: connect(*given, **more, factory=Connection))

    def _by_document(self) -> None:
        """The end takes documents one by one."""
        original = MemoryEnd.write

        def write(end: MemoryEnd, records: Any) -> list[Refusal]:
            for record in records:
                original(end, [record])
                self.tick("a document")
            return []

        self._patch.setattr(MemoryEnd, "write", write)

    def tick(self, name: str) -> None:
        if not self.armed:
            return
        self.names[name] += 1
        self.done += 1
        if self.done == self.deadly:
            raise Killed


WRITTEN = {"Folder.put", "tempfile.mkstemp", "half of an object", "Path.replace"}
JOURNALED = {"BEGIN", "INSERT", "DELETE", "COMMIT"}
CALLED = {"FaultyClient.put_record_batch", "World._call", "FaultySink.write", "a document"}


# One small course of traffic: the process dies at its first step, then in another world at its second, and so on to the
# last: the counts are exact each time, no object is there in part, and none has a twin.
@pytest.mark.parametrize("fault", [[], ["put refused"], ["error after the put"]], ids=["plain", "parked", "retried"])
def test_crash_between_any_two_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: list[str]) -> None:
    steps = Steps(monkeypatch)

    def course(folder: Path, deadly: int) -> None:
        steps.done, steps.deadly = 0, deadly
        world = World(folder, MemoryEnd(), NOW, Faults(1))
        world.put([(NOW, [200, 404]), (NOW - 60_000, [500])])
        world.faults.next = list(fault)
        steps.armed = True
        for _ in range(3):
            world.now += 20_000
            world.step(flush=True)
            world.redeliver()
        steps.armed = False
        world.finish()
        world.check()
        assert set(world.objects.keys()) == world.objects.delivered.keys()
        assert world.objects.delivered.lines == 3
        world.laptop.close()

    course(tmp_path / "none", -1)
    count = steps.done
    deleted = {"Folder.delete", "Path.unlink"} if fault == ["put refused"] else set()
    assert set(steps.names) == WRITTEN | JOURNALED | CALLED | deleted
    assert count > 30
    for deadly in range(1, count + 1):
        course(tmp_path / str(deadly), deadly)
