"""The faults of docs/exactness.md that lie at the second stream's end, on a real OpenSearch."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from streamtally.aws.opensearch.connect import connect
from streamtally.aws.opensearch.transport.retries import TRIES, Pace
from streamtally.local.stream_names import INGESTION, SUMMARY
from tests.integration.opensearch.conftest import wipe
from tests.integration.opensearch.server import Server
from tests.system.faults.opensearch_end import OpenSearchEnd
from tests.system.faults.proxy import SLOW_SECONDS, Proxy, proxy_of
from tests.system.faults.test_faults import changed_pipeline
from tests.system.faults.world import Faults, World, line_id_pipeline

pytestmark = [pytest.mark.opensearch, pytest.mark.xdist_group("opensearch")]
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


def real_now() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def proxy(opensearch: Server) -> Iterator[Proxy]:
    wipe(opensearch)
    with proxy_of(opensearch.url) as proxy:
        yield proxy


def make_world(folder: Path, server: Server, now_ms: int, proxy: Proxy | None = None) -> World:
    """A world that ends in the server; Firehose's requests go through the proxy, settling's do not."""
    timeout_seconds = SLOW_SECONDS / 2 if proxy and "slow" in proxy.faults else 30
    through = connect(proxy.url, timeout_seconds=timeout_seconds, pace=Pace(sleep=lambda _: None)) if proxy else None
    end = OpenSearchEnd(connect(server.url), line_id_pipeline(), Faults(), now_ms, through)
    return World(folder, end, now_ms, Faults(1))


# The client asks six times before it gives up, so each delivery meets seven of a kind: Firehose tries again, and what
# was written although nobody heard of it is overwritten.
@pytest.mark.parametrize("fault", ["slow", "503", "429"])
def test_slow_or_refusing(tmp_path: Path, opensearch: Server, proxy: Proxy, fault: str) -> None:
    now = real_now() - DAY_MS
    proxy.faults = [fault] * (TRIES + 1)
    world = make_world(tmp_path, opensearch, now, proxy)
    for _ in range(3):
        world.put([(now - 90_000, [200, 404]), (now, [200, 500, 500])])
        world.now += 20_000
        world.step(flush=True)
    assert proxy.struck == [fault] * (TRIES + 1)
    assert world.laptop.counters()[SUMMARY]["DeliveryToAmazonOpenSearchService.Records"] == 12
    world.finish()
    world.check()
    world.laptop.close()


# OpenSearch refuses one document with 400: it lies in the error prefix, its neighbours are counted, and redrive puts it
# back under the id it carries; twice counts once.
def test_one_document_refused_for_good(tmp_path: Path, opensearch: Server, proxy: Proxy) -> None:
    now = real_now() - DAY_MS
    world = make_world(tmp_path, opensearch, now, proxy)
    proxy.faults = ["spoil one"]
    world.put([(now - 90_000, [200] * 3), (now, [404] * 5)])
    world.finish()
    [key] = world.failed_objects.keys("AmazonOpenSearchService_failed/")
    whole = world.failed_objects.get(key)
    assert [json.loads(line)["errorCode"] for line in whole.splitlines()] == ["400"]
    assert world.end.counts().total() in (3, 5)
    for _ in range(2):
        world.failed_objects.put(key, whole)
        assert world.redrive(world.failed_objects, None).documents == 1
        assert list(world.failed_objects.keys("AmazonOpenSearchService_failed/")) == []
        world.finish()
        world.check()
    world.laptop.close()


# Documents that come to the index hours or days after their window was settled and final: it is settled again.
@pytest.mark.parametrize("delay_ms", [5 * HOUR_MS, 30 * HOUR_MS, 8 * DAY_MS], ids=["hours", "a day", "days"])
def test_delayed_documents(tmp_path: Path, opensearch: Server, delay_ms: int) -> None:
    wipe(opensearch)
    now = real_now() - 9 * DAY_MS
    world = make_world(tmp_path, opensearch, now)
    world.put([(now, [200] * 4), (now - MINUTE_MS, [404])])
    world.step(flush=True)
    world.step(flush=True)
    world.end.settle(now + 1_000)
    world.end.settle(now + 2 * HOUR_MS)  # the grace is over: final
    before = world.end.counts()
    world.put([(now, [200] * 2), (now, [500])])
    world.faults.next = ["put refused"]  # parked, and put when the delay is over
    world.step(flush=True)
    assert len(list(world.failed_objects.keys("undelivered/"))) == 1
    world.end.settle(now + 3 * HOUR_MS)
    assert world.end.counts() == before
    world.now += delay_ms
    world.finish()
    world.check()
    world.laptop.close()


# Settling runs on clocks up to nine minutes apart, in any order, beside a server with its own: nothing is missed. A
# clock an hour ahead hides what comes after it from the next runs; the audit, once a day, finds it.
@pytest.mark.parametrize("seed", range(3))
def test_clock_skew(tmp_path: Path, opensearch: Server, seed: int) -> None:
    wipe(opensearch)
    random = Random(seed)
    world = make_world(tmp_path, opensearch, real_now() - MINUTE_MS)
    window = world.now - 3 * MINUTE_MS
    end = world.end
    assert isinstance(end, OpenSearchEnd)

    def traffic() -> None:
        world.put([(window, [200, 404]), (window + MINUTE_MS, [200])])
        for _ in range(2):
            world.step(flush=True)

    end.settle(real_now() - 9 * MINUTE_MS)
    for _ in range(5):
        traffic()
        end.settle(real_now() + random.randint(-9, 9) * MINUTE_MS)
    traffic()
    end.settle(real_now())
    world.check()

    end.settle(real_now() + HOUR_MS)
    traffic()
    end.settle(real_now())
    assert end.counts().total() == world.accepted_lines - 3
    end.settle(real_now() + DAY_MS)
    world.check()
    world.laptop.close()


# A retry straddles a deployment: partials of two plans for one batch, one of which is chosen for all its windows. The
# first call was cut short, or had put everything; the settling runs come between, or after.
@pytest.mark.parametrize(
    "first", [["error after the put"], ["put in part", "objects refused"]], ids=["whole", "in part"]
)
@pytest.mark.parametrize("between", [False, True])
def test_retry_across_a_deployment(tmp_path: Path, opensearch: Server, first: list[str], between: bool) -> None:
    wipe(opensearch)
    now = real_now() - DAY_MS
    world = make_world(tmp_path, opensearch, now)
    end, old, original = world.end, world.pipeline.plan_id, world._call
    assert isinstance(end, OpenSearchEnd)
    world.faults.next = list(first)

    def deploy(event: dict[str, object]) -> object:
        try:
            return original(event)
        finally:
            if world.pipeline.plan_id == old:
                world.pipeline = changed_pipeline(world)
                world.laptop.streams[SUMMARY].step(world.now, True)
                if between:
                    end.settle(world.now)
                end.deploy(world.pipeline, world.now)

    world.laptop.streams[INGESTION]._function = deploy
    world.put([(now - MINUTE_MS * n, [200, 404, 500, 301][: n + 1]) for n in range(4)])
    world.step(flush=True)
    assert world.pipeline.plan_id != old
    world.finish()
    world.check()
    world.laptop.close()
