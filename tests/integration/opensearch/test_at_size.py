"""Settling at size, with everything that may go wrong at once: the settled documents are the plain counts, exactly."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.connect import connect
from streamtally.aws.opensearch.manager import Manager
from tests.integration.opensearch.data import (
    MINUTE_MS,
    OUTPUT,
    Document,
    counts,
    expected,
    forever,
    make_documents,
    make_pipeline,
    manager_of,
    ms,
    settled,
)
from tests.integration.opensearch.server import Server

BATCHES = 3_000
HOURS = 12
REPEATED = 0.2
CLOCKS_APART_MS = 30_000
VISIBLE_LATER_MS = 500_000
RUN_EVERY_MS = 4 * MINUTE_MS
START = ms("2026-03-10T06:00")
END = START + HOURS * 60 * MINUTE_MS


class Killed(BaseException):
    """What ends a run at any request, as Lambda's time limit does."""


class Mortal(Cluster):
    """A cluster that is killed before its n-th request."""

    def __init__(self, cluster: Cluster, lives: int) -> None:
        super().__init__(cluster._client, cluster.name)
        self.lives = lives

    def request(self, *arguments: Any, **options: Any) -> Any:
        if self.requests >= self.lives:
            raise Killed
        return super().request(*arguments, **options)


Delivery = tuple[int, int, Document]
"""(visible from, stamped, document) in simulated milliseconds."""


def make_deliveries(rng: random.Random) -> tuple[list[Delivery], Counter[tuple[str, int]]]:
    """Every delivery of every batch, repeats included, and the plain counts of its lines."""
    pipeline = make_pipeline()
    deliveries: list[Delivery] = []
    total: Counter[tuple[str, int]] = Counter()
    for number in range(BATCHES):
        arrival = START + rng.randrange(END - START)
        behind = rng.choice((0, 0, 0, MINUTE_MS, 10 * MINUTE_MS, 5 * 60 * MINUTE_MS))  # late and out of order
        lines = [(arrival - behind - rng.randrange(90_000), rng.choice((200, 304, 404))) for _ in range(12)]
        total += expected(lines)
        documents = make_documents(pipeline, f"batch-{number}", lines, arrival)
        times = 1 + (rng.random() < REPEATED) * rng.choice((1, 1, 2))
        for repeat in range(times):
            at = arrival + rng.randrange(60_000) if not repeat else rng.randrange(arrival, END + 60 * MINUTE_MS)
            deliveries += [_deliver(rng, at, document) for document in documents]
    return sorted(deliveries, key=lambda delivery: delivery[0]), total


def _deliver(rng: random.Random, at_ms: int, document: Document) -> Delivery:
    stamped = at_ms + rng.randrange(-CLOCKS_APART_MS // 2, CLOCKS_APART_MS // 2)
    later = rng.randrange(VISIBLE_LATER_MS) if rng.random() < 0.1 else 0
    return at_ms + later, stamped, document


def write(cluster: Cluster, deliveries: list[Delivery]) -> None:
    lines: list[bytes] = []
    for _, stamped, document in deliveries:
        tally = {**document["tally"], "ingested_at": stamped}
        target = {"_index": f"partials-request_data-{tally['window_start'][:10]}", "_id": tally["partial_id"]}
        lines += [json.dumps({"index": target}).encode(), json.dumps({**document, "tally": tally}).encode()]
    if lines:
        assert cluster.bulk(lines) == []


def run_once(manager: Manager, cluster: Cluster, now_ms: int, lives: int) -> bool:
    """One run, killed before its `lives`-th request; whether it lived to its end."""
    mortal = Manager(Mortal(cluster, lives), manager.pipeline, manager.specs, manager.wanted)
    try:
        reports = mortal.settle(now_ms, forever)
    except Killed:
        return False
    assert not reports[0].problems
    return True


def run_steps(deliveries: list[Delivery]) -> Iterator[tuple[int, list[Delivery]]]:
    """(now, what has become visible since the step before)."""
    position = 0
    for now_ms in range(START, END + 90 * MINUTE_MS, RUN_EVERY_MS):
        begin = position
        while position < len(deliveries) and deliveries[position][0] <= now_ms:
            position += 1
        yield now_ms, deliveries[begin:position]


# 3,000 batches, a fifth of them repeated at any time later, windows late and out of order, runs killed at random points
# and two at once, partials seen up to 500 s after their stamp, clocks 30 s apart: every count is exact, one a group.
def test_settled_counts_are_the_plain_counts(cluster: Cluster, opensearch: Server) -> None:
    rng = random.Random(20260310)
    manager = manager_of(cluster)
    manager.manage(START, forever)
    deliveries, total = make_deliveries(rng)
    killed = ran = 0

    for now_ms, fresh in run_steps(deliveries):
        write(cluster, fresh)
        lives = rng.randrange(1, 12) if rng.random() < 0.35 else 10_000
        if rng.random() < 0.3:  # a second run at the same time, of a clock 30 s behind
            other = connect(opensearch.url)
            thread = threading.Thread(target=run_once, args=(manager, other, now_ms - CLOCKS_APART_MS, 10_000))
            thread.start()
            lived = run_once(manager, cluster, now_ms, lives)
            thread.join()
        else:
            lived = run_once(manager, cluster, now_ms, lives)
        ran += 1
        killed += not lived
    last_ms = END + 4 * 60 * MINUTE_MS  # before the day's audit, which might make up for a mistake
    assert run_once(manager, cluster, last_ms, 10_000)

    documents = settled(cluster)
    assert len(deliveries) > 10_000
    assert killed > ran / 10
    assert counts(documents) == total
    assert sum(total.values()) == BATCHES * 12
    assert all(document["tally"]["final"] for document in documents)
    audit = manager.settle(START + 25 * 60 * MINUTE_MS, forever)[0]
    assert (audit.output, audit.audit_differences) == (OUTPUT, 0)
