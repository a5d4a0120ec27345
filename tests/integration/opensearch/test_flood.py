"""Retention on a disk past the flood stage: the server's own watermarks block writes, and deleting goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from streamtally.aws.opensearch.apply_plan import describe_failures
from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.opensearch.manager import Managed, Manager
from streamtally.aws.opensearch.observe import state_id
from streamtally.aws.opensearch.stored_state import read_output_state, update_output_state
from streamtally.indices.load_entries import Load
from streamtally.indices.names import STATE_INDEX, output_name, partials_name
from tests.integration.opensearch.data import (
    DAY_MS,
    MINUTE_MS,
    bulk,
    forever,
    make_documents,
    make_pipeline,
    manager_of,
    ms,
    refresh,
    run_settle,
)

INDEX = "request_data"
NOW = ms("2026-03-20T12:00")
HOUR_MS = 60 * MINUTE_MS
WATERMARK = "cluster.routing.allocation.disk.watermark."
AGE = {"max_age_days": 10}


def _set(cluster: Cluster, **values: Any) -> None:
    cluster.request("PUT", "/_cluster/settings", {"persistent": values})


def _unblock(cluster: Cluster) -> None:
    body = {"index.blocks.read_only_allow_delete": None}
    cluster.request("PUT", "/_all/_settings", body, {"expand_wildcards": "all"})


def _wait(until: Callable[[], bool], seconds: float = 45) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "the server did not do it"
        time.sleep(0.5)


def _is_blocked(cluster: Cluster, index: str) -> bool:
    """Whether the server refuses to change a document."""
    try:
        cluster.request("DELETE", f"/{index}/_doc/probe", ignore=(404,))
    except ClusterError as error:
        return error.is_flooded
    return False


@pytest.fixture
def flood(cluster: Cluster) -> Iterator[Callable[[str], None]]:
    """Lowers the watermarks below what is used, and waits for the server's block on an index."""

    def fill(index: str) -> None:
        marks = {"low": "0.001%", "high": "0.002%", "flood_stage": "0.003%"}
        _set(
            cluster,
            **{
                "cluster.routing.allocation.disk.threshold_enabled": True,
                "cluster.info.update.interval": "10s",
                **{WATERMARK + name: value for name, value in marks.items()},
            },
        )
        _wait(lambda: _is_blocked(cluster, index))

    yield fill
    cluster.request("PUT", "/_cluster/settings", {"persistent": {"*": None}, "transient": {"*": None}})
    _unblock(cluster)


def _filled(cluster: Cluster, days: int, **settings: Any) -> Manager:
    """A deployment with one settled index for each of the last days; partials of the last three days."""
    pipeline = make_pipeline(retention=settings, partials_days=3)
    manager = manager_of(cluster, pipeline)
    manager.manage(NOW - days * DAY_MS, forever)
    for day in range(days, -1, -1):
        moment = NOW - day * DAY_MS
        assert bulk(cluster, make_documents(pipeline, f"day{day}", [(moment - HOUR_MS, 200)], moment)) == []
    refresh(cluster)
    run_settle(cluster, NOW, pipeline)
    assert not manager.manage(NOW, forever).failed
    run_settle(cluster, NOW + HOUR_MS, pipeline)  # closes what may be closed
    return manager


def _names(cluster: Cluster, pattern: str = f"{INDEX}-2*") -> list[str]:
    return sorted(cluster.request("GET", f"/{pattern}"))


def _settled(day: int) -> str:
    return output_name(INDEX, "day", NOW - day * DAY_MS)


def _deleted(managed: Managed) -> list[str]:
    return [r.action.target for r in managed.results if r.action.kind == "delete_index" and r.outcome == "done"]


def test_ten_days_past_the_flood_stage(cluster: Cluster, flood: Callable[[str], None]) -> None:
    """The mark reaches the state each day, and each day's index goes a quarter of an hour later; no other one does."""
    manager = _filled(cluster, 8, **AGE)
    flood(_settled(0))
    _wait(lambda: _is_blocked(cluster, STATE_INDEX))

    kept = [_names(cluster)]
    for day in range(1, 11):
        manager.manage(NOW + day * DAY_MS, forever)
        manager.manage(NOW + day * DAY_MS + 20 * MINUTE_MS, forever)
        kept.append(_names(cluster))

    assert _is_blocked(cluster, _settled(0))
    assert kept[0][0] == _settled(8)
    assert kept[-1] == [_settled(0)]  # its day ended 9.5 days ago
    mark = read_output_state(cluster, INDEX).state.dropped_before_ms
    assert mark == ms("2026-03-20T00:00")
    for earlier, later in pairwise(kept):
        assert set(later) <= set(earlier)
        assert later == sorted(earlier)[-len(later) :], "an older one stayed, a newer one went"


def test_by_free_disk(cluster: Cluster, flood: Callable[[str], None]) -> None:
    """No disk has that much free: everything that nobody writes to goes, in two runs."""
    manager = _filled(cluster, 6, min_free_disk_share=0.99)
    before = _names(cluster)
    flood(_settled(0))
    _wait(lambda: _is_blocked(cluster, STATE_INDEX))

    manager.manage(NOW + 2 * HOUR_MS, forever)
    manager.manage(NOW + 3 * HOUR_MS, forever)

    assert len(before) >= 3
    assert _names(cluster) == [_settled(0)]


def test_a_state_that_nothing_can_write_to(cluster: Cluster, flood: Callable[[str], None]) -> None:
    """A person's block on the state is not lifted: what was closed goes without a mark, unsettled days stay."""
    manager = _filled(cluster, 8, **AGE)
    cluster.request("PUT", f"/{STATE_INDEX}/_settings", {"index.blocks.write": True})
    flood(_settled(0))
    open_days = _names(cluster, f"partials-{INDEX}-*")
    before = read_output_state(cluster, INDEX).state

    failures = []
    for day in range(1, 16):
        managed = manager.manage(NOW + day * DAY_MS, forever)
        failures.append(describe_failures(managed.results))

    assert read_output_state(cluster, INDEX).state == before
    assert all("put_state request_data" in text and "index write (api)" in text for text in failures[3:])
    assert _names(cluster, f"partials-{INDEX}-*") == open_days, "partials that were never settled"
    still = [name.replace("partials-", "") for name in open_days]
    assert len(still) >= 2
    assert [name for name in _names(cluster) if name not in still] == []
    assert set(still) <= set(_names(cluster))


def test_a_block_of_the_whole_cluster(cluster: Cluster) -> None:
    """Read-only / allow delete, as services set it: the same."""
    manager = _filled(cluster, 8, **AGE)
    _set(cluster, **{"cluster.blocks.read_only_allow_delete": True})
    try:
        managed = manager.manage(NOW + 5 * DAY_MS, forever)
    finally:
        _set(cluster, **{"cluster.blocks.read_only_allow_delete": None})

    assert "FORBIDDEN/13" in describe_failures(managed.results)
    assert _deleted(managed) == [_settled(8), _settled(7), _settled(6)]


def test_a_load_keeps_its_days(cluster: Cluster, flood: Callable[[str], None]) -> None:
    """Old logs are being loaded into a day: it stays whatever the disk says, with a mark and without one."""
    manager = _filled(cluster, 8, **AGE)
    day = NOW - 7 * DAY_MS
    start = day - day % DAY_MS
    load = Load(((start, start + DAY_MS),), "run", NOW)
    update_output_state(cluster, INDEX, lambda old: replace(old, loads={"load": load}))
    flood(_settled(0))

    for later in (6, 8, 9):
        manager.manage(NOW + later * DAY_MS, forever)
        manager.manage(NOW + later * DAY_MS + 20 * MINUTE_MS, forever)
    cluster.request("PUT", f"/{STATE_INDEX}/_settings", {"index.blocks.write": True}, ignore=(429,))
    manager.manage(NOW + 12 * DAY_MS, forever)

    assert _settled(7) in _names(cluster)
    assert _settled(8) not in _names(cluster)


def test_partials_of_days_that_are_not_closed_are_never_lost(cluster: Cluster, flood: Callable[[str], None]) -> None:
    """After the flood everything that was not expired is settled as if there had been none."""
    manager = _filled(cluster, 5, **AGE)
    pipeline = make_pipeline(retention=AGE, partials_days=3)
    assert bulk(cluster, make_documents(pipeline, "last", [(NOW - HOUR_MS, 404)], NOW)) == []
    flood(partials_name(INDEX, NOW))
    manager.manage(NOW + DAY_MS, forever)
    assert manager.settle(NOW + DAY_MS, forever)[0].problems

    _set(cluster, **{"cluster.routing.allocation.disk.threshold_enabled": False})
    _unblock(cluster)
    manager.manage(NOW + DAY_MS + HOUR_MS, forever)
    assert not run_settle(cluster, NOW + DAY_MS + HOUR_MS, pipeline).problems

    refresh(cluster)
    hits = cluster.request("POST", f"/{_settled(0)}/_search", {"size": 20})["hits"]["hits"]
    assert sorted(hit["_source"]["status"] for hit in hits) == [200, 404]
    assert cluster.request("GET", f"/{STATE_INDEX}/_doc/{state_id(INDEX)}")["found"]
