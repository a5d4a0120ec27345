"""Settling where its limits bite: many windows, large windows, little time, shards that fail, and junk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from streamtally.aws.opensearch import Cluster, connect
from streamtally.aws.opensearch_observe import state_id
from streamtally.indices.names import STATE_INDEX
from streamtally.indices.state import Progress, read_state
from tests.faults.proxy import Proxy, proxy_of
from tests.opensearch.data import (
    DAY_MS,
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
    run_settle,
    settled,
)
from tests.opensearch.server import Server

NOW = ms("2026-03-12T12:00")
WINDOW = ms("2026-03-12T11:58")
QUARTER = 15 * MINUTE_MS


@pytest.fixture
def managed(cluster: Cluster) -> Cluster:
    assert not manager_of(cluster).manage(NOW, forever).failed
    return cluster


def put_all(cluster: Cluster, documents: Sequence[Document], stamped_ms: int) -> None:
    """Write partials where the inbox's pipeline would, all stamped alike."""
    lines: list[bytes] = []
    for document in documents:
        tally = {**document["tally"], "ingested_at": stamped_ms}
        index = f"partials-request_data-{tally['window_start'][:10]}"
        head = {"index": {"_index": index, "_id": tally.get("partial_id") or f"junk-{len(lines)}"}}
        lines += [json.dumps(head).encode(), json.dumps({**document, "tally": tally}).encode()]
    assert cluster.bulk(lines, {"refresh": "true"}) == []


def progress(cluster: Cluster) -> Progress:
    document = cluster.request("GET", f"/{STATE_INDEX}/_doc/{state_id('request_data')}")["_source"]
    return read_state(document).progress_of(OUTPUT)


def partials_indices(cluster: Cluster) -> list[str]:
    return sorted(cluster.request("GET", "/partials-*"))


# --- many windows ----------------------------------------------------------------------------------------------------


def many_lines() -> list[tuple[int, int]]:
    """1,500 windows in a row over midnight, some missing, two lines each, and one window a day later."""
    first = ms("2026-03-10T22:00")
    windows = [first + n * MINUTE_MS for n in range(1_520) if n % 76]
    assert len(windows) == 1_500
    return [(w + 1_000 * n, 200 + 304 * n) for w in windows for n in (0, 1)] + [(WINDOW, 200)]


# More windows at once than a shard takes clauses, over three indices: each is settled, audited and closed right. (Asked
# for as a list of dates, they made a shard fail; the others answered, and what was not read was deleted.)
def test_more_windows_than_clauses(managed: Cluster) -> None:
    pipeline = make_pipeline()
    lines = many_lines()
    put_all(managed, make_documents(pipeline, "one", lines, NOW), NOW)
    assert len(partials_indices(managed)) == 3

    first = run_settle(managed, NOW)
    assert counts(settled(managed)) == expected(lines)
    again = manager_of(managed).settle(NOW, forever, audit=True)[0]
    later = NOW + 11 * DAY_MS
    manager_of(managed).manage(later, forever)
    closing = run_settle(managed, later + QUARTER)

    assert (first.windows, first.partials, first.audit_differences) == (1_501, 3_001, 0)
    assert (again.audit_differences, again.problems) == (0, [])
    assert len(closing.deleted) == 3
    assert counts(settled(managed)) == expected(lines)


# Every other minute: no two windows are next to each other, and there are more pieces than one search takes.
def test_windows_with_gaps(managed: Cluster) -> None:
    lines = [(ms("2026-03-11T00:00") + 2 * n * MINUTE_MS, 200) for n in range(130)]
    put_all(managed, make_documents(make_pipeline(), "one", lines, NOW), NOW)

    report = run_settle(managed, NOW)

    assert (report.windows, report.partials) == (130, 130)
    assert counts(settled(managed)) == expected(lines)


# --- shards that fail ------------------------------------------------------------------------------------------------


class Partly(Proxy):
    """A proxy that lets the answers to some searches say that one shard failed, with HTTP 200.

    ``fail_from``: from the n-th search on; the answer has lost its documents, as that of the other shards has.
    """

    fail_from = 10_000
    searches = 0


@pytest.fixture
def partly(opensearch: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Partly]:
    from tests.faults import proxy as module

    original = module.Handler._forward

    def forward(handler: Any, body: bytes) -> tuple[int, bytes]:
        status, answer = original(handler, body)
        server = handler.server
        if "/_search" in handler.path or "/_count" in handler.path:
            server.searches += 1
            if server.searches >= server.fail_from and status == 200:
                whole = json.loads(answer)
                reason = {"type": "node_disconnected", "reason": "gone"}
                shards = {"total": 2, "successful": 1, "skipped": 0, "failed": 1, "failures": [{"reason": reason}]}
                cut = {"took": 1, "timed_out": False, "_shards": shards, "hits": {"hits": []}, "count": 0}
                return status, json.dumps({**cut, "was": len(whole)}).encode()
        return status, answer

    monkeypatch.setattr(module.Handler, "_forward", forward)
    with proxy_of(opensearch.url) as server:
        server.__class__ = Partly
        yield server  # type: ignore[misc]


# A shard that fails at any search of a run: the run fails with one line, moves no mark and deletes nothing.
def test_no_mark_moves_on_a_partial_answer(managed: Cluster, partly: Partly) -> None:
    lines = [(WINDOW, 200), (WINDOW - DAY_MS, 200)]
    put_all(managed, make_documents(make_pipeline(), "one", lines, NOW), NOW)
    run_settle(managed, NOW)
    later = NOW + 12 * DAY_MS
    manager_of(managed).manage(later, forever)
    before, indices = progress(managed), partials_indices(managed)
    through = connect(partly.url)

    for search in range(1, 60):
        partly.searches, partly.fail_from = 0, search
        report = manager_of(through).settle(later + QUARTER, forever)[0]
        if not report.problems:
            break
        assert len(report.problems) == 1
        assert "answered in part: 1 of 2 shards failed (node_disconnected: gone)" in report.problems[0]
        assert report.deleted == []
        assert not report.finished
        assert partials_indices(managed) == indices
        assert progress(managed).audited_ms in (before.audited_ms, later + QUARTER)
        if progress(managed).checkpoint_ms == before.checkpoint_ms:
            assert progress(managed) == before
    else:
        raise AssertionError("the run never came to its end")

    assert search > 8  # each of its searches was struck
    assert report.deleted == indices
    assert counts(settled(managed)) == expected(lines)
