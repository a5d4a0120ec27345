"""redrive: what was counted is not counted again, what was not is; killed half-way and run again it ends the same."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
from typing import Any

import orjson
import pytest

from streamtally.aws.recovery.redrive import Planned, carry_out, plan_redrive
from streamtally.aws.sinks.objects import Folder
from streamtally.local.stream_names import INGESTION, SUMMARY
from streamtally.recovery.decide import Rules
from streamtally.times.iso import to_iso
from tests.system.faults.world import NOW, SEAL, MemoryEnd, World, make_line


def fail(world: World, fault: str, batches: int = 1) -> None:
    """Batches of which all four tries fail."""
    for _ in range(batches):
        world.put([(NOW - 60_000, [200, 404]), (NOW, [200, 500])])
        world.now += 1_000
        world.faults.next = [fault] * 4
        world.step(flush=True)
        world.step(flush=True)
    assert len(list(world.objects.keys("processing-failed/"))) == batches


def run(world: World, client: Any = None, has_index: bool = True, dry_run: bool = False, **options: Any) -> Planned:
    """redrive, beside an index that has what was delivered by now."""
    rules = Rules(world.pipeline, world.end.batches() if has_index else None, seal=SEAL, **options)
    planned = plan_redrive(world.objects, rules, world.failed_objects)
    if not dry_run:
        carry_out(world.objects, planned, client or world.laptop.api, INGESTION, SUMMARY)
    return planned


# All tries failed before or after the put, alone or beside batches that went well: each line counts once.
@pytest.mark.parametrize("fault", ["error before the put", "error after the put", "time-out after the put"])
@pytest.mark.parametrize("batches", [1, 3])
def test_failed_invocations(world: World, fault: str, batches: int) -> None:
    world.put([(NOW, [200] * 7)])
    world.step(flush=True)
    world.now += 1_000
    fail(world, fault, batches)
    world.put([(NOW, [404] * 5)])
    world.step(flush=True)

    dry = run(world, dry_run=True)
    done = run(world)

    assert len(dry.decision.envelopes) == len(done.decision.envelopes) == 2 * batches
    assert done.decision.batches_found == (0 if "before" in fault else batches)
    assert list(world.objects.keys("processing-failed/")) == []
    world.finish()
    world.check()


# A batch that was put in part is finished under its own id.
def test_batch_put_in_part(world: World) -> None:
    fail(world, "error after the put")
    assert isinstance(world.end, MemoryEnd)
    del world.end.documents[sorted(world.end.documents)[0]]
    assert run(world).decision.batches_found == 1
    world.finish()
    world.check()


class Dying:
    """A client that dies after so many requests."""

    def __init__(self, world: World, requests: int) -> None:
        self.world = world
        self.requests = requests

    def put_record_batch(self, **given: Any) -> Any:
        if self.requests <= 0:
            raise KeyboardInterrupt
        self.requests -= 1
        return self.world.laptop.api.put_record_batch(**given)


# Killed after each of its requests in turn, then run again: everything counts once.
@pytest.mark.parametrize("requests", range(5))
@pytest.mark.parametrize("fault", ["error before the put", "error after the put"])
def test_killed_half_way(world: World, fault: str, requests: int) -> None:
    fail(world, fault)
    with contextlib.suppress(KeyboardInterrupt):
        run(world, Dying(world, requests))
    world.step(flush=True)  # what was put back is delivered meanwhile
    run(world)
    world.finish()
    world.check()


# Nobody can tell (no index to ask): the lines come to S3 and are reported, counted only if asked to.
@pytest.mark.parametrize("count", [False, True])
def test_undecided(world: World, count: bool) -> None:
    fail(world, "error before the put")
    done = run(world, has_index=False, count_undecided=count)
    world.finish(redrives=False)
    assert len(done.decision.undecided) == (0 if count else 2)
    assert world.end.counts().total() == (4 if count else 0)
    assert world.objects.delivered.lines == 4


# Lines that never parsed stay where they are, grouped by reason; what the pipeline takes now goes back once.
def test_what_still_fails_stays(world: World) -> None:
    world.laptop.api.put_record_batch(DeliveryStreamName=INGESTION, Records=[{"Data": b"no line of a log\n"}])
    world.step(flush=True)
    first, second = run(world), run(world)
    assert first.decision.stays.total() == second.decision.stays.total() == 1
    [key] = world.objects.keys("processing-failed/")
    line = json.loads(world.objects.get(key).split(b"\n")[0])
    assert base64.b64decode(line["rawData"]) == b"no line of a log\n"


# A line that did not parse beside others goes back once the pipeline takes it, and only once.
def test_unparsed_lines_of_the_good_prefix(world: World) -> None:
    world.put([(NOW, [200])])
    world.step(flush=True)
    key = next(iter(world.objects.keys("2025/")))
    line = make_line(NOW, 404).decode().rstrip("\n")
    unparsed = orjson.dumps({"line_id": "0" * 32, "unparsed": line, "reason": "x"}) + b"\n"
    world.objects.put(key, world.objects.get(key) + unparsed)
    world.broken_lines += 1
    world.accepted[to_iso(NOW - NOW % 60_000)[:-1], 404] += 1
    assert len(run(world).decision.envelopes) == 1
    assert len(run(world).decision.envelopes) == 0
    world.finish()
    world.check()


# Documents that OpenSearch refused go back under the ids they carry.
def test_refused_documents(world: World) -> None:
    world.faults.next = ["end refuses one"]
    world.put([(NOW, [200] * 3), (NOW - 60_000, [404] * 5)])
    world.step(flush=True)
    world.step(flush=True)
    planned = plan_redrive(world.failed_objects, Rules(world.pipeline, seal=SEAL))
    gone = carry_out(world.failed_objects, planned, world.laptop.api, INGESTION, SUMMARY)
    assert (planned.documents, gone) == (1, 1)
    world.finish()
    world.check()


# Firehose may write its error objects as gzip; what stays keeps its number, and the object its form.
def test_gzip_objects(world: World) -> None:
    fail(world, "error before the put")
    [key] = world.objects.keys("processing-failed/")
    bad = json.loads(world.objects.get(key).split(b"\n")[0]) | {"rawData": "bm8gbGluZQo="}
    bad["errorCode"] = "Lambda.ProcessingFailedStatus"
    world.objects.put(key, gzip.compress(world.objects.get(key) + json.dumps(bad).encode() + b"\n"))
    planned = run(world)
    assert (len(planned.decision.envelopes), planned.decision.stays.total()) == (2, 1)
    assert gzip.decompress(world.objects.get(key)).split(b"\n")[2:] == [json.dumps(bad).encode(), b""]
    assert run(world).is_empty
    world.broken_lines = 1
    world.finish()
    world.check()


# An object that cannot be read is named, and keeps no other from going back.
def test_broken_objects(world: World) -> None:
    fail(world, "error before the put")
    for key in ("processing-failed/0", "undelivered/s/0", "AmazonOpenSearchService_failed/0"):
        world.objects.put(key, b"\x1f\x8bbroken")
    world.objects.put("AmazonOpenSearchService_failed/1", b"{broken\n")
    Folder.put(world.objects, "2025/03/01/00/mine", b'{"unparsed": is how my log line begins\n')
    planned = run(world)
    assert sorted(problem.split(":")[0] for problem in planned.problems) == [
        "AmazonOpenSearchService_failed/0",
        "AmazonOpenSearchService_failed/1",
        "processing-failed/0",
        "undelivered/s/0",
    ]
    world.finish()
    assert world.end.counts() == world.accepted


# Of a window that the index has closed nobody can tell whether it was counted: S3 alone, said, counted if asked to.
@pytest.mark.parametrize("fault", ["error before the put", "error after the put"])
@pytest.mark.parametrize("count", [False, True])
def test_closed_windows(world: World, fault: str, count: bool) -> None:
    fail(world, fault)
    assert isinstance(world.end, MemoryEnd)
    world.end.documents.clear()  # the partials were deleted when the windows closed
    later = dict.fromkeys(world.pipeline.outputs, NOW + 1)
    assert len(run(world, dry_run=True, closed_before=dict.fromkeys(later, NOW - 120_000)).decision.undecided) == 0
    planned = run(world, count_undecided=count, closed_before=later)
    assert len(planned.decision.undecided) == (0 if count else 2)
    world.finish()
    assert world.end.counts().total() == (4 if count else 0)
    assert world.objects.delivered.lines == 4


# A stream that fails in the middle has taken whole objects, which are gone; the next run does the rest.
def test_goes_on_where_it_stopped(world: World) -> None:
    fail(world, "error before the put", batches=3)
    with contextlib.suppress(KeyboardInterrupt):
        run(world, Dying(world, 2))
    assert len(list(world.objects.keys("processing-failed/"))) == 1
    assert len(run(world).decision.envelopes) == 2
    world.finish()
    world.check()
