"""The fault list of docs/exactness.md: each fault, made on purpose, and the counts that come out all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streamtally.transform.pipeline import Pipeline, load_pipeline
from tests.system.faults.world import Faults, MemoryEnd, World

NOW = 1_740_830_400_000  # 2025-03-01T12:00:00Z
HOUR_MS = 3_600_000

# (fault of the list, what strikes in this order)
ROWS = {
    "invocation error before the put": ["error before the put"] * 3,
    "invocation error during the put": ["put in part", "error after the put", "crash in put"],
    "invocation error after the put": ["error after the put"] * 3,
    "time-out after the put": ["time-out after the put"] * 3,
    "put failing wholly": ["put refused", "put refused", "put refused"],
    "put and parking refused": ["put refused", "objects refused", "put in part", "objects refused"],
    "put failing in part": ["put in part", "put in part"],
    "the put's answer lost": ["put answer lost", "error before the put"],
    "records reordered on a retry": ["error after the put", "reordered"],
    "OpenSearch away": ["end away", "end away"],
    "OpenSearch throttles (429)": ["end throttles", "end throttles"],
    "OpenSearch's answer lost": ["end answer lost", "end throttles"],
    "S3 refusing": ["objects refused", "objects refused"],
    "crash in the put": ["crash in put"],
    "crash after the put, before the answer": ["crash after the put"],
    "crash in delivery": ["crash in delivery"],
    "crash after an object was written": ["crash after object"],
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, MemoryEnd(), NOW, Faults(1))
    yield world
    world.laptop.close()


def put_some(world: World, rounds: int = 3) -> None:
    random = world.faults.random
    for _ in range(rounds):
        times = [world.now - random.randint(0, 200_000) for _ in range(20)]
        world.put([(time, [200, 404, 200, 500][: random.randint(1, 4)]) for time in times], broken=1)


# Each fault of the list, alone: it struck, and the counts are exact.
@pytest.mark.parametrize("row", ROWS)
def test_each_fault(world: World, row: str) -> None:
    world.faults.next = list(ROWS[row])
    for _ in range(12):
        put_some(world)
        world.now += 5_000
        world.step(flush=True)
        world.redeliver()

    assert world.faults.next == [], "the fault did not strike"
    world.finish()
    world.check()


# All of them by chance, over and over, each seed another course; where all four tries of a batch fail, redrive ends it.
@pytest.mark.parametrize("seed", range(12))
def test_random_faults(tmp_path: Path, seed: int) -> None:
    names = {name for names in ROWS.values() for name in names}
    world = World(tmp_path, MemoryEnd(), NOW, Faults(seed, dict.fromkeys(sorted(names), 0.08)))
    world.max_failed_tries = 4
    for _ in range(60):
        put_some(world, 1)
        world.now += world.faults.random.choice([500, 3_000, 60_000])
        world.step(flush=world.faults.random.random() < 0.3)
        world.redeliver()
    assert world.faults.injected.total() > 20
    world.finish()
    world.check()
    world.laptop.close()


# Documents delayed by hours and days: they come late to the end, and are counted in the window they are of.
def test_delayed_documents(world: World) -> None:
    world.put([(NOW - 30 * HOUR_MS, [200]), (NOW - 6 * 24 * HOUR_MS, [404]), (NOW, [500])])
    world.faults.next = ["put refused"]  # parked
    world.step(flush=True)
    assert len(list(world.failed_objects.keys("undelivered/"))) == 1
    world.now += 30 * HOUR_MS
    world.finish()
    world.check()


# A document that OpenSearch refuses for good (400) lies in the error prefix under its own id, and nothing else is lost.
def test_one_document_refused(world: World) -> None:
    world.faults.next = ["end refuses one"]
    world.put([(NOW, [200] * 3), (NOW - 60_000, [404] * 5)])
    world.step(flush=True)
    world.finish()
    [key] = world.failed_objects.keys("AmazonOpenSearchService_failed/")
    line = json.loads(world.failed_objects.get(key))
    assert line["errorCode"] == "400"
    assert world.end.counts().total() in (3, 5)


# A retry across a deployment: one plan is chosen for the whole batch, and each line counts once.
def test_retry_across_a_deployment(world: World) -> None:
    world.faults.next = ["error after the put"]
    first = world.pipeline

    def deploy(event: dict[str, object]) -> object:
        try:
            return original(event)
        finally:
            world.pipeline = changed_pipeline(world)

    original = world._call
    world.laptop.streams["log-ingestion-stream"]._function = deploy
    put_some(world)
    world.step(flush=True)
    assert world.pipeline.plan_id != first.plan_id
    world.finish()
    assert len({document["tally"]["plan_id"] for document in world.end.documents.values()}) == 2  # type: ignore[attr-defined]
    world.check()


def changed_pipeline(world: World) -> Pipeline:
    """The pipeline of another deployment: other partials of the same batch."""
    document = json.loads(json.dumps(world.pipeline.document))
    for output in document["outputs"].values():
        output["max_past_seconds"] = 8 * 86_400
    return load_pipeline(document, ZoneInfo)


# A producer's clock: records whose lines are ahead of their arrival by less than max_ahead are counted where they say.
def test_lines_ahead_and_behind(world: World) -> None:
    world.put([(NOW + 50 * 60_000, [200]), (NOW - 50 * 60_000, [404])])
    world.finish()
    world.check()
