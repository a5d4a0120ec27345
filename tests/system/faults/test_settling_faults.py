"""An OpenSearch that fails the index manager: each of settling's requests meets the fault, or all of them do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.connect import connect
from streamtally.aws.opensearch.transport.retries import TRIES, Pace
from tests.integration.opensearch.conftest import wipe
from tests.integration.opensearch.data import (
    INBOX,
    MINUTE_MS,
    bulk,
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
from tests.system.faults.proxy import Proxy, proxy_of

pytestmark = [pytest.mark.opensearch, pytest.mark.xdist_group("opensearch")]
NOW = ms("2026-03-10T12:00")
LINES = [(NOW - MINUTE_MS * n, status) for n in range(40) for status in (200, 404, 200)]


@pytest.fixture
def proxy(opensearch: Server) -> Iterator[Proxy]:
    wipe(opensearch)
    with proxy_of(opensearch.url) as proxy:
        proxy.only = ""
        yield proxy


@pytest.fixture
def direct(opensearch: Server, proxy: Proxy) -> Cluster:
    """The server without the proxy, managed, with partials of 40 windows."""
    cluster = connect(opensearch.url)
    assert not manager_of(cluster).manage(NOW, forever).failed
    bulk(cluster, make_documents(make_pipeline(), "one", LINES, NOW))
    return cluster


def through(proxy: Proxy) -> Cluster:
    return connect(proxy.url, timeout_seconds=1.0, pace=Pace(sleep=lambda _: None))


def progress(cluster: Cluster) -> Any:
    source = cluster.request("GET", "/streamtally-state/_doc/output-request_data")["_source"]
    return json.loads(json.dumps(source)).get("progress")


def check(direct: Cluster, proxy: Proxy, fault: str) -> None:
    """Each request meets the fault once, then every try does, then none: the counts are the plain counts."""
    proxy.faults = [fault, ""] * 30
    report = manager_of(through(proxy)).settle(NOW, forever)[0]
    assert (report.problems, report.finished) == ([], True)
    assert len(proxy.struck) >= 5
    assert counts(settled(direct)) == expected(LINES)

    more = [(NOW, 500), *LINES[:7]]
    bulk(direct, make_documents(make_pipeline(), "two", more, NOW))
    before = progress(direct)
    proxy.faults, proxy.struck = [fault] * (TRIES * 20), []
    report = manager_of(through(proxy)).settle(NOW + MINUTE_MS, forever)[0]
    assert len(proxy.struck) >= TRIES
    assert report.problems
    assert not report.finished
    assert progress(direct) == before, "a mark moved though nothing could be read"

    proxy.faults = []
    report = manager_of(through(proxy)).settle(NOW + 2 * MINUTE_MS, forever)[0]
    assert (report.problems, report.finished) == ([], True)
    assert counts(settled(direct)) == expected([*LINES, *more])


# The server takes a request and says nothing, or does it and says nothing.
@pytest.mark.parametrize("fault", ["hang", "hang after it"])
def test_opensearch_hangs(direct: Cluster, proxy: Proxy, fault: str) -> None:
    check(direct, proxy, fault)


@pytest.mark.parametrize("fault", ["429", "503"])
def test_opensearch_throttles_settling(direct: Cluster, proxy: Proxy, fault: str) -> None:
    check(direct, proxy, fault)


# The connection ends before or after the request was done; the server is there again for the next.
@pytest.mark.parametrize("fault", ["die", "die after it"])
def test_opensearch_dies_and_comes_back(direct: Cluster, proxy: Proxy, fault: str) -> None:
    check(direct, proxy, fault)


# An item or two of each bulk is throttled, on the server's own terms: those alone go again.
def test_items_are_throttled(direct: Cluster, proxy: Proxy) -> None:
    proxy.only, proxy.faults = "_bulk", ["some items", "some items", ""]
    report = manager_of(through(proxy)).settle(NOW, forever)[0]
    assert (report.problems, report.finished) == ([], True)
    assert proxy.struck == ["some items"] * 2
    assert counts(settled(direct)) == expected(LINES)
    assert report.written == len(expected(LINES))


# A run whose time is all but over sends nothing more than its checkpoint, moves no mark, and the next one goes on.
def test_hanging_with_little_time(direct: Cluster, proxy: Proxy) -> None:
    before = progress(direct)
    proxy.faults = ["hang"] * 50
    report = manager_of(through(proxy)).settle(NOW, lambda: 1.0)[0]
    assert not report.finished
    assert proxy.struck == []
    assert progress(direct) == before
    proxy.faults = []
    assert manager_of(through(proxy)).settle(NOW, forever)[0].finished
    assert counts(settled(direct)) == expected(LINES)
    assert INBOX not in direct.request("GET", "/_all/_settings", params={"filter_path": "*.settings.index.uuid"})
