"""Parking and putting later, against an S3-like server and the simulator's streams."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_lambda_powertools import Logger, Metrics

from streamtally.aws import clients
from streamtally.aws.sinks.objects import Bucket
from streamtally.aws.sinks.parking import park, put_parked
from streamtally.local.simulator.server import Server
from streamtally.local.stream_names import SUMMARY
from tests.integration.moto.conftest import CREDENTIALS, REGION
from tests.system.faults.world import Faults, MemoryEnd, World
from tests.unit.aws.sinks.test_parking import at

NOW = 1_740_830_400_000
BUCKET = "log-summary-failed"
PAGE = 10  # instead of the 1,000 keys of S3's listings


@pytest.fixture
def world(moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose streams take puts over HTTP, and a bucket; the function's clients reach both."""
    world = World(tmp_path, MemoryEnd(), NOW, Faults(1))
    server = Server(("127.0.0.1", 0), world.laptop.api, lambda path: None)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto_url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_FIREHOSE", f"http://127.0.0.1:{server.server_address[1]}")
    made: tuple[Any, ...] = (clients.s3_client, clients.firehose_client)
    for client in made:
        client.cache_clear()
    boto3.client("s3", endpoint_url=moto_url, region_name=REGION).create_bucket(Bucket=BUCKET)
    yield world
    for client in made:
        client.cache_clear()
    server.shutdown()
    server.server_close()
    world.laptop.close()


def documents_of(world: World) -> list[bytes]:
    """Partials that were never put."""
    taken: list[bytes] = []
    world._deliver = lambda deliveries, _: taken.extend(d for delivery in deliveries for d in delivery.documents)  # type: ignore[method-assign]
    world.put([(NOW - 60_000 * n, [200, 404]) for n in range(6)])
    world.step(flush=True)
    return taken


def run(seconds: float = 60.0) -> Any:
    metrics = Metrics(namespace="Streamtally", service="index-manager")
    return put_parked({"FAILED_BUCKET": BUCKET}, lambda: seconds, metrics, Logger(service="index-manager"))


# What the function parks, the scheduled one puts, with the ids that it had: more objects than one listing holds, a
# broken one among them, two runs at once. The broken one stays, and is named.
def test_more_than_a_page(world: World) -> None:
    small: Any = lambda params, **_: params.update(MaxKeys=PAGE)  # noqa: E731
    clients.s3_client().meta.events.register("before-parameter-build.s3.ListObjectsV2", small)
    bucket = Bucket(clients.s3_client(), BUCKET)
    documents = documents_of(world)
    assert len(documents) == 12
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: bucket.put(f"undelivered/{SUMMARY}/0/{n:04}.jsonl.gz", b""), range(3 * PAGE)))
    bucket.put(f"undelivered/{SUMMARY}/1/broken.jsonl.gz", b"no gzip")
    for document in documents:
        park(bucket, SUMMARY, [document], at())

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: run(600.0), range(2)))

    assert [len(outcome.problems) for outcome in both] == [1, 1]
    assert "broken.jsonl.gz" in both[0].problems[0]
    assert sum(outcome.documents for outcome in both) >= 12
    assert list(bucket.keys("")) == [f"undelivered/{SUMMARY}/1/broken.jsonl.gz"]
    world.finish()
    world.check()


# Without a bucket there is nothing to do; one that is not there is said, and settling has its turn.
def test_no_bucket(world: World) -> None:
    log, metrics = Logger(service="index-manager"), Metrics(namespace="Streamtally", service="index-manager")
    assert put_parked({}, lambda: 60.0, metrics, log).problems == []
    (problem,) = put_parked({"FAILED_BUCKET": "nobodys"}, lambda: 60.0, metrics, log).problems
    assert "NoSuchBucket" in problem
