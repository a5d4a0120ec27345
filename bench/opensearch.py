"""make bench-opensearch: settling and managing on a real server, against the figures that were promised.

Settling 100,000 partials in 60 windows takes less than 10 s of one run, memory bounded; manage on a cluster with 1,000
indices asks fewer than 10 requests when nothing changed. Exit status 1 if one of them is not so.
"""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from collections.abc import Iterator

from streamtally.aws.index_manager import Manager
from streamtally.aws.opensearch import Cluster, connect
from streamtally.canonical import digest
from streamtally.times import to_iso
from tests.opensearch.data import DAY_MS, INBOX, MINUTE_MS, OUTPUT, Document, forever, manager_of, ms
from tests.opensearch.server import Unavailable, running

PARTIALS, WINDOWS = 100_000, 60
STATUSES = (200, 206, 301, 302, 304, 400, 403, 404, 500, 503)
SETTLE_LIMIT_SECONDS = 10.0
MEMORY_LIMIT_MB = 100
INDICES = 1_000
REQUEST_LIMIT = 10
NOW = ms("2026-03-10T12:00")


def make_partials(plan_id: str) -> Iterator[Document]:
    """Partials of batches that each touch every window and status."""
    per_batch = WINDOWS * len(STATUSES)
    for number in range(PARTIALS):
        batch, place = divmod(number, per_batch)
        window = NOW - (WINDOWS - place // len(STATUSES)) * MINUTE_MS
        status = STATUSES[place % len(STATUSES)]
        tally = {
            "output": OUTPUT,
            "window_start": to_iso(window),
            "partial_id": digest([batch, window, status]),
            "group_id": digest([OUTPUT, window, [status]]),
            "batch_id": digest([batch]),
            "batch_partials": per_batch,
            "batch_records": 500,
            "batch_arrival": [to_iso(window), to_iso(window + MINUTE_MS)],
            "plan_id": plan_id,
            "state": {"key": [status], "rows": 3, "aggregates": [3]},
            "out_of_range": 0,
        }
        yield {"datetime": to_iso(window)[:-1], "status": status, "statusCount": 3, "tally": tally}


def write(cluster: Cluster, plan_id: str) -> None:
    lines: list[bytes] = []
    for number, document in enumerate(make_partials(plan_id)):
        head = {"index": {"_index": INBOX, "_id": f"firehose-{number}"}}
        lines += [json.dumps(head).encode(), json.dumps(document).encode()]
        if len(lines) >= 10_000:
            assert cluster.bulk(lines) == []
            lines = []
    assert not lines or cluster.bulk(lines) == []


def forget(cluster: Cluster) -> None:
    """Take the settled documents away: what is settled as it is would not be read again."""
    cluster.request("DELETE", "/request_data-2026-03-10", ignore=(404,))


def time_settling(cluster: Cluster, manager: Manager) -> tuple[float, float]:
    """(seconds of the best of three runs, MB at the peak of a fourth)."""
    seconds = []
    for _ in range(3):
        forget(cluster)
        cluster.requests = 0
        start = time.perf_counter()
        report = manager.settle(NOW, forever)[0]
        seconds.append(time.perf_counter() - start)
        assert report.finished
        assert report.partials == PARTIALS, report
        total = f"{report.windows} windows, {report.partials:,} partials, {report.written} documents"
        print(f"  settle: {seconds[-1]:.2f} s, {total}, {cluster.requests} requests")
    forget(cluster)
    tracemalloc.start()
    manager.settle(NOW, forever)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return min(seconds), peak


def count_requests(cluster: Cluster, manager: Manager) -> int:
    """Requests of a manage run that has nothing to do, among 1,000 indices."""
    for number in range(INDICES // 2):
        for prefix in ("request_data-", "other-"):
            name = prefix + to_iso(NOW - number * DAY_MS)[:10]
            cluster.request("PUT", f"/{name}", {"settings": {"number_of_replicas": 0}}, ignore=(400,))
    manager.manage(NOW, forever)
    cluster.requests = 0
    start = time.perf_counter()
    managed = manager.manage(NOW, forever)
    print(
        f"  manage: {cluster.requests} requests, {time.perf_counter() - start:.2f} s, {INDICES} indices in the cluster"
    )
    assert managed.results == []
    return cluster.requests


def main() -> None:
    with running() as server:
        cluster = connect(server.url)
        manager = manager_of(cluster)
        assert not manager.manage(NOW, forever).failed
        write(cluster, manager.pipeline.plan_id)
        seconds, peak = time_settling(cluster, manager)
        keeping = manager_of(cluster, closing=False)
        requests = count_requests(cluster, keeping)
    print(f"settling {PARTIALS:,} partials in {WINDOWS} windows: {seconds:.1f} s (limit {SETTLE_LIMIT_SECONDS:.0f})")
    print(f"memory of it at the peak, Python's own: {peak:.0f} MB (limit {MEMORY_LIMIT_MB})")
    print(f"manage with {INDICES} indices, nothing changed: {requests} requests (fewer than {REQUEST_LIMIT})")
    if seconds >= SETTLE_LIMIT_SECONDS or peak >= MEMORY_LIMIT_MB or requests >= REQUEST_LIMIT:
        sys.exit("a figure was not reached")


if __name__ == "__main__":
    try:
        main()
    except Unavailable as error:
        sys.exit(f"opensearch: {error}")
