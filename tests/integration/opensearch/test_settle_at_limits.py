"""Settling where its limits bite: many windows, large windows, little time, shards that fail, and junk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.opensearch.connect import connect
from streamtally.aws.opensearch.manager import Manager
from streamtally.aws.opensearch.observe import state_id
from streamtally.aws.opensearch.settling import partials, reading, settle_windows
from streamtally.aws.opensearch.settling.groups import fetch_groups
from streamtally.aws.opensearch.settling.partials import PageSize
from streamtally.aws.opensearch.settling.settle import settle
from streamtally.aws.opensearch.settling.settle_run import SettleRun
from streamtally.indices.names import STATE_INDEX
from streamtally.indices.state import Progress, read_state
from tests.integration.opensearch.data import (
    DAY_MS,
    MINUTE_MS,
    OUTPUT,
    Document,
    changed_plan,
    counts,
    expected,
    forever,
    make_documents,
    make_pipeline,
    manager_of,
    ms,
    refresh,
    run_settle,
    settled,
)
from tests.integration.opensearch.server import Server
from tests.system.faults.proxy import Proxy, proxy_of

NOW = ms("2026-03-12T12:00")
WINDOW = ms("2026-03-12T11:58")
QUARTER = 15 * MINUTE_MS


@pytest.fixture
def managed(cluster: Cluster) -> Cluster:
    assert not manager_of(cluster).manage(NOW, forever).failed
    return cluster


def fetching(cluster: Cluster) -> Manager:
    """A manager that reads every partial, also where the cluster could merge them."""
    return replace(manager_of(cluster), way=fetch_groups)


def put_all(cluster: Cluster, documents: Sequence[Document], stamped_ms: int) -> None:
    """Write partials where the inbox's pipeline would, all stamped alike."""
    lines: list[bytes] = []
    for document in documents:
        tally = {**document["tally"], "ingested_at": stamped_ms}
        index = f"partials-request_data-{tally['window_start'][:10]}"
        head = {"index": {"_index": index, "_id": tally.get("partial_id", "without-id")}}
        lines += [json.dumps(head).encode(), json.dumps({**document, "tally": tally}).encode()]
    assert cluster.bulk(lines, {"refresh": "true"}) == []


def progress(cluster: Cluster) -> Progress:
    document = cluster.request("GET", f"/{STATE_INDEX}/_doc/{state_id('request_data')}")["_source"]
    return read_state(document).progress_of(OUTPUT)


def partials_indices(cluster: Cluster) -> list[str]:
    return sorted(cluster.request("GET", "/partials-*"))


# --- many windows -----------------------------------------------------------------------------------------------------


def many_lines() -> list[tuple[int, int]]:
    """1,500 windows in a row over midnight, some missing, two lines each, and one window a day later."""
    first = ms("2026-03-10T22:00")
    starts = [first + n * MINUTE_MS for n in range(1_520) if n % 76]
    assert len(starts) == 1_500
    return [(w + 1_000 * n, 200 + 304 * n) for w in starts for n in (0, 1)] + [(WINDOW, 200)]


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


# --- shards that fail -------------------------------------------------------------------------------------------------


class Partly(Proxy):
    """A proxy that lets the answers to some searches say that one shard failed, with HTTP 200.

    ``fail_from``: from the n-th search on; the answer has lost its documents, as that of the other shards has.
    """

    fail_from = 10_000
    searches = 0


@pytest.fixture
def partly(opensearch: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Partly]:
    from tests.system.faults import proxy as module

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


# --- little time ------------------------------------------------------------------------------------------------------


def clock_of(ticks: int) -> Any:
    """Time left: enough for so many looks at the clock, then none."""
    looks = iter([100.0] * ticks)
    return lambda: next(looks, 0.0)


# One window of 40 keys and little time: each run stops after some group, the next goes on after it, none is done twice.
def test_a_run_stops_inside_a_window(managed: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partials, "PAGE_START", 7)
    monkeypatch.setattr(partials, "PAGE_BYTES", 1)
    pipeline, specs = make_pipeline(), manager_of(managed).specs
    lines = [(WINDOW + n, 100 + n % 40) for n in range(120)]
    for batch in range(3):
        name, part = f"batch-{batch}", lines[batch * 40 : batch * 40 + 40]
        put_all(managed, make_documents(pipeline, name, part, NOW), NOW)
    written = 0
    groups = []

    for _ in range(60):
        report = settle(managed, pipeline, specs, NOW, clock_of(24), way=fetch_groups)[0]
        assert report.problems == []
        written += report.written
        if report.finished:
            break
        cursor = progress(managed).cursor
        if cursor:
            assert cursor.window_ms == WINDOW
            groups.append(cursor.group)
            assert progress(managed).checkpoint_ms == 0

    assert len(groups) > 3
    assert groups == sorted(groups, key=str)
    assert len(set(groups)) == len(groups)
    assert written == 40
    assert counts(settled(managed)) == expected(lines)
    assert progress(managed).cursor is None


# A group that was begun when the time ran out is not written in part, and what arrives meanwhile is not passed over.
def test_news_for_what_a_cut_run_has_done(managed: Cluster) -> None:
    pipeline, specs = make_pipeline(), manager_of(managed).specs
    lines = [(WINDOW + n, 100 + n) for n in range(20)]
    put_all(managed, make_documents(pipeline, "one", lines, NOW), NOW)
    assert not settle(managed, pipeline, specs, NOW, clock_of(12))[0].finished
    cursor = progress(managed).cursor
    assert cursor is not None
    assert 0 < len(settled(managed)) < 20

    put_all(managed, make_documents(pipeline, "two", lines, NOW), NOW + MINUTE_MS)  # of groups before and after it
    for _ in range(3):
        run_settle(managed, NOW + MINUTE_MS)

    assert counts(settled(managed)) == expected(lines * 2)


# The last request of a run is cut short by the run's own end: what was done before it is kept, and nothing is wrong.
@pytest.mark.parametrize("time_is_out", [True, False])
def test_a_request_cut_by_the_end_of_the_run(
    managed: Cluster, monkeypatch: pytest.MonkeyPatch, time_is_out: bool
) -> None:
    lines = [(WINDOW - n * MINUTE_MS, 200) for n in range(5)]
    put_all(managed, make_documents(make_pipeline(), "one", lines, NOW), NOW)
    original, left = reading.read_hits, [100.0]

    def hits(*arguments: Any) -> Any:
        for number, hit in enumerate(original(*arguments)):
            yield hit
            if number == 3:
                left[0] = 12.5 if time_is_out else 100.0
                raise ClusterError("no whole answer in 1.3 s")

    monkeypatch.setattr(reading, "read_hits", hits)
    report = fetching(managed).settle(NOW, lambda: left[0])[0]

    assert (report.finished, report.written) == (False, 3 if time_is_out else 0)
    assert report.problems == ([] if time_is_out else ["no whole answer in 1.3 s"])
    assert (progress(managed).cursor is not None) == time_is_out


def test_pages_go_by_bytes() -> None:
    pace = PageSize()
    sizes = [pace.size]
    for size_bytes, seconds in [
        (500_000, 0.1),
        (1_000_000, 0.1),
        (5_000_000, 0.1),
        (3_000_000, 2.0),
        (16_000_000, 0.1),
    ]:
        pace.note(size_bytes, seconds)
        sizes.append(pace.size)
    # Grows while twice as much is under 8 MB and a page is quick; a page of 16 MB is halved.
    assert sizes == [1_000, 2_000, 4_000, 4_000, 4_000, 2_000]
    for _ in range(20):
        pace.note(1, 0.0)
    assert pace.size == 10_000
    pace.note(10**15, 0.0)
    assert pace.size == 1


# --- how often a partial is read --------------------------------------------------------------------------------------


# Half an hour of steady traffic, settled each minute; batches come 20 to 75 s after their lines. Each partial is read
# at most three times: as its window fills, when that has ended, and when it becomes final.
def test_reads_in_steady_state(managed: Cluster) -> None:
    pipeline = make_pipeline()
    start, fetched, total, lines = NOW, 0, 0, []
    for minute in range(60):
        now = start + minute * MINUTE_MS
        if minute < 30:
            here = [(now - 75_000 + n * 1_000, 200 + n % 2) for n in range(60)]
            documents = make_documents(pipeline, f"batch-{minute}", here, now)
            put_all(managed, documents, now - 20_000)
            lines += here
            total += len(documents)
        fetched += run_settle(managed, now).partials

    assert counts(settled(managed)) == expected(lines)
    assert all(document["tally"]["final"] for document in settled(managed))
    assert total < fetched <= 3 * total


# Equal numbers are skipped, but for what becomes final, was settled under another plan, or holds a batch of two plans.
def test_what_is_skipped(cluster: Cluster) -> None:
    old = make_pipeline()
    none = {"literal": 999, "type": "INTEGER"}
    new = make_pipeline(changed_plan(where={"op": "<>", "args": [{"column": "response"}, none]}))
    manager_of(cluster, old).manage(NOW, forever)
    put_all(cluster, make_documents(old, "one", [(WINDOW, 200)], NOW), NOW)
    runs = [run_settle(cluster, NOW, old), run_settle(cluster, NOW + MINUTE_MS, old)]
    manager_of(cluster, new).manage(NOW, forever)
    runs += [run_settle(cluster, NOW + n * MINUTE_MS, new) for n in (2, 3)]
    runs += [run_settle(cluster, NOW + n * MINUTE_MS, new) for n in (40, 41)]
    put_all(cluster, make_documents(new, "one", [(WINDOW, 200)], NOW), NOW + 41 * MINUTE_MS)
    runs += [run_settle(cluster, NOW + n * MINUTE_MS, new) for n in (42, 43)]

    assert [(run.windows, run.skipped) for run in runs] == [
        (1, 0), (0, 1), (1, 0), (0, 1), (1, 0), (0, 0), (1, 0), (1, 0)
    ]  # fmt: skip
    assert counts(settled(cluster)) == expected([(WINDOW, 200)])


# --- junk -------------------------------------------------------------------------------------------------------------


def spoiled(document: Document, number: int, **changes: Any) -> Document:
    """A partial with fields of ``tally`` replaced; None takes one away. Junk has nothing to merge in the cluster."""
    tally = {
        **document["tally"],
        "merge": None,
        "partial_id": f"junk-{number}",
        "batch_id": f"junk-{number}",
        **changes,
    }
    return {**document, "tally": {name: value for name, value in tally.items() if value is not None}}


STATE = {"key": [200], "rows": 1, "aggregates": [1]}
JUNK: list[dict[str, Any]] = [
    {"state": None},
    {"state": "text"},
    {"state": {}},
    {"state": {**STATE, "key": 200}},
    {"state": {**STATE, "key": []}},
    {"state": {**STATE, "rows": "1"}},
    {"state": {**STATE, "rows": -5}},
    {"state": {**STATE, "rows": True}},
    {"state": {**STATE, "aggregates": []}},
    {"state": {**STATE, "aggregates": [{"a": 1}]}},
    {"state": {**STATE, "aggregates": [[1]]}},
    {"state": {**STATE, "aggregates": ["many"]}},
    {"state": {**STATE, "aggregates": [None]}},
    {"batch_id": None},
    {"plan_id": 5},
    {"plan_id": None},
    {"plan_id": "a plan that nobody has", "ingested_at": NOW - 2 * DAY_MS},
    {"out_of_range": "many"},
    {"group_id": "another"},
    {"partial_id": None},
]


# The least that can be a partial to the inbox, and what else may be in one: each is a problem of its window; the others
# of its window and key are settled, marks move, and at closing it is copied to late-unknown before its index goes.
def test_junk_is_a_problem_of_its_window(managed: Cluster) -> None:
    pipeline = make_pipeline()
    lines = [(WINDOW, 200), (WINDOW, 404), (WINDOW - MINUTE_MS, 200)]
    put_all(managed, make_documents(pipeline, "one", lines, NOW), NOW)
    good = make_documents(pipeline, "two", [(WINDOW, 200)], NOW)[0]
    stamped = [{"ingested_at": NOW, **changes} for changes in JUNK]
    for number, changes in enumerate(stamped):
        put_all(managed, [spoiled(good, number, **changes)], changes["ingested_at"])

    report = manager_of(managed).settle(NOW, forever)[0]
    problems = list(report.problems)

    assert report.finished
    assert sum(int(text.split()[0]) for text in problems) == len(JUNK), problems
    assert all("in no settled document" in text and "\n" not in text for text in problems)
    assert counts(settled(managed)) == expected(lines)
    assert progress(managed).checkpoint_ms == NOW
    assert manager_of(managed).settle(NOW + 30 * MINUTE_MS, forever)[0].finished
    quiet = run_settle(managed, NOW + 60 * MINUTE_MS)  # marks have moved on: nothing of it is read any more
    assert quiet.windows == 0

    later = NOW + 11 * DAY_MS
    manager_of(managed).manage(later, forever)
    closing = manager_of(managed).settle(later + QUARTER, forever)[0]
    refresh(managed)
    unknown = managed.request("POST", "/late-unknown/_search", {"size": 100})["hits"]["hits"]
    assert closing.deleted == ["partials-request_data-2026-03-12"]
    assert len(unknown) == len(JUNK)
    assert all(hit["_source"]["streamtally_failure"] for hit in unknown)
    assert counts(settled(managed)) == expected(lines)


# A plan that nobody knows holds its windows for a day (a deployment may be under way), and no longer.
def test_unknown_plan(managed: Cluster) -> None:
    pipeline = make_pipeline()
    put_all(managed, make_documents(pipeline, "one", [(WINDOW, 200)], NOW), NOW)
    good = make_documents(pipeline, "two", [(WINDOW, 200)], NOW)[0]
    put_all(managed, [spoiled(good, 1, plan_id="unknown")], NOW)

    first = manager_of(managed).settle(NOW + MINUTE_MS, forever)[0]
    held = progress(managed).checkpoint_ms
    late = manager_of(managed).settle(NOW + DAY_MS, forever)[0]

    assert (first.problems, first.finished, held) == (["1 partials of the unknown plan unknown"], False, 0)
    assert late.finished
    assert progress(managed).checkpoint_ms == NOW + DAY_MS
    assert counts(settled(managed)) == expected([(WINDOW, 200)])


# A run that was cut and one that ends with a window that waits: the next begins with the oldest, not after the cut.
def test_a_held_window_after_a_cut(managed: Cluster) -> None:
    pipeline, specs = make_pipeline(), manager_of(managed).specs
    lines = [(WINDOW - n * MINUTE_MS, 200) for n in range(9)]
    put_all(managed, make_documents(pipeline, "one", lines, NOW), NOW)
    put_all(managed, [spoiled(make_documents(pipeline, "x", [(WINDOW, 200)], NOW)[0], 1, plan_id="unknown")], NOW)
    assert not settle(managed, pipeline, specs, NOW, clock_of(8))[0].finished
    assert progress(managed).cursor is not None

    assert not manager_of(managed).settle(NOW + MINUTE_MS, forever)[0].finished
    put_all(managed, make_documents(pipeline, "two", lines[-1:], NOW), NOW + MINUTE_MS)
    assert not manager_of(managed).settle(NOW + 2 * MINUTE_MS, forever)[0].finished

    assert counts(settled(managed)) == expected([*lines, lines[-1]])
    assert (progress(managed).checkpoint_ms, progress(managed).cursor) == (0, None)


# --- the rest of the cluster ------------------------------------------------------------------------------------------


# Less is read than is there (whatever the reason): a problem, no mark moves, and closing keeps the index.
def test_less_is_read_than_is_there(managed: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [(WINDOW - n * MINUTE_MS, 200) for n in range(5)]
    put_all(managed, make_documents(make_pipeline(), "one", lines, NOW), NOW)
    original = reading.read_hits

    def hits(*arguments: Any) -> Any:
        return (hit for hit in original(*arguments) if hit[0] != WINDOW)

    monkeypatch.setattr(reading, "read_hits", hits)
    report = fetching(managed).settle(NOW, forever)[0]
    later = NOW + 11 * DAY_MS
    manager_of(managed).manage(later, forever)
    closing = fetching(managed).settle(later + QUARTER, forever)[0]

    assert report.problems == [
        "1 windows from 2026-03-12T11:58:00.000Z on were read incompletely: 0 of 1 partials of the first"
    ]
    assert not report.finished
    assert progress(managed).checkpoint_ms == 0
    assert closing.deleted == []
    monkeypatch.undo()
    assert run_settle(managed, later + QUARTER).deleted == ["partials-request_data-2026-03-12"]
    assert counts(settled(managed)) == expected(lines)


# The partials of windows that are not final yet are gone: a problem until their time is closed; what was counted stays.
def test_partials_are_gone(managed: Cluster) -> None:
    lines = [(WINDOW, 200), (WINDOW - DAY_MS, 200)]
    put_all(managed, make_documents(make_pipeline(), "one", lines, NOW), NOW)
    run_settle(managed, NOW)
    managed.request("DELETE", "/partials-request_data-2026-03-12")

    report = manager_of(managed).settle(NOW + 60 * MINUTE_MS, forever)[0]
    audit = manager_of(managed).settle(NOW + 61 * MINUTE_MS, forever, audit=True)[0]

    assert "1 windows from 2026-03-12T11:58:00.000Z on are settled but not final" in report.problems[0]
    assert report.unsettled_seconds == 62 * 60 - 60 - 20 * 60  # since the window's start, less its length and its grace
    assert any("rest on more partials than are there" in text for text in audit.problems)
    assert counts(settled(managed)) == expected(lines)


# A full disk blocks the settled index: the run says so, no mark moves, and once there is room the next run settles it.
def test_full_disk(managed: Cluster) -> None:
    put_all(managed, make_documents(make_pipeline(), "one", [(WINDOW, 200)], NOW), NOW)
    run_settle(managed, NOW)
    put_all(managed, make_documents(make_pipeline(), "two", [(WINDOW, 200)], NOW), NOW + MINUTE_MS)
    before = progress(managed)
    block = {"index.blocks.read_only_allow_delete": True}
    managed.request("PUT", "/request_data-2026-03-12/_settings", block)

    report = manager_of(managed).settle(NOW + MINUTE_MS, forever)[0]
    blocked = progress(managed)
    managed.request("PUT", "/request_data-2026-03-12/_settings", {"index.blocks.read_only_allow_delete": None})
    run_settle(managed, NOW + 2 * MINUTE_MS)

    assert len(report.problems) == 1
    assert "blocked" in report.problems[0]
    assert blocked == before
    assert counts(settled(managed)) == expected([(WINDOW, 200)] * 2)


# An index of partials with the mapping of another release (nothing of tally is searchable): closing keeps it.
def test_partials_under_another_mapping(managed: Cluster) -> None:
    index = "partials-request_data-2026-03-12"
    older = {"index_patterns": [index], "priority": 9_999, "template": {"mappings": {"dynamic": "false"}}}
    managed.request("PUT", "/_index_template/older", older)
    put_all(managed, make_documents(make_pipeline(), "one", [(WINDOW, 200)], NOW), NOW)
    manager_of(managed).settle(NOW, forever)
    later = NOW + 11 * DAY_MS
    # manage gives existing indices the fields that they lack, which does not reach the documents they hold.
    manager_of(managed).manage(later, forever)
    report = manager_of(managed).settle(later + QUARTER, forever)[0]

    assert report.deleted == []
    assert len(report.problems) == 1
    assert "is kept: 1 of its documents belong to no output of the plan" in report.problems[0]


# Whatever an output raises is its own: another is settled, and the line names what it was.
def test_another_output_goes_on(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    first = changed_plan()["outputs"][0]
    pipeline = make_pipeline(
        {**changed_plan(), "outputs": [{**first, "name": n, "stream": "S"} for n in ("BAD", OUTPUT)]}
    )
    manager_of(cluster, pipeline).manage(NOW, forever)
    put_all(cluster, make_documents(pipeline, "one", [(WINDOW, 200)], NOW), NOW)
    original = settle_windows.write_groups

    def write_groups(run: SettleRun, *arguments: Any) -> Any:
        if run.output.name == "BAD":
            raise KeyError("aggregates\nof it")
        return original(run, *arguments)

    monkeypatch.setattr(settle_windows, "write_groups", write_groups)
    bad, good = manager_of(cluster, pipeline).settle(NOW, forever)

    assert (bad.finished, good.finished, good.problems) == (False, True, [])
    assert bad.problems == ["KeyError: 'aggregates\\nof it'"]
    assert bad.unsettled_seconds == 0.0
    assert good.written == 1


# A cluster that allows few buckets is asked for smaller pages: every window is settled and audited, with either way.
def test_few_buckets_allowed(managed: Cluster) -> None:
    pipeline = make_pipeline()
    starts = [NOW - 2 * number * MINUTE_MS for number in range(60, 160)]
    documents = [
        document for start in starts for document in make_documents(pipeline, str(start), [(start, 200)], start)
    ]
    put_all(managed, documents, NOW)
    setting = {"search.max_buckets": 30}
    managed.request("PUT", "/_cluster/settings", {"persistent": setting})
    try:
        report = run_settle(managed, NOW)
        audited = manager_of(managed).settle(NOW, forever, audit=True)[0]
    finally:
        managed.request("PUT", "/_cluster/settings", {"persistent": dict.fromkeys(setting)})

    assert report.windows == 100
    assert counts(settled(managed)) == expected([(start, 200) for start in starts])
    assert (audited.problems, audited.audit_differences, audited.finished) == ([], 0, True)


# Searches pass over an index that somebody has closed. A run says so, moves no mark and deletes nothing; what is in it
# is settled by the first run after it was opened, not by the daily audit.
def test_closed_index_of_partials(managed: Cluster) -> None:
    pipeline = make_pipeline()
    yesterday, today = WINDOW - DAY_MS, WINDOW
    run_settle(managed, NOW - MINUTE_MS)
    before = progress(managed)
    documents = [d for start in (yesterday, today) for d in make_documents(pipeline, str(start), [(start, 200)], start)]
    put_all(managed, documents, NOW)
    managed.request("POST", "/partials-request_data-2026-03-11/_close")

    report = manager_of(managed).settle(NOW, forever)[0]
    unsettled = manager_of(managed).unsettled(NOW)
    between = progress(managed)
    at_closing = counts(settled(managed))
    managed.request("POST", "/partials-request_data-2026-03-11/_open")
    run_settle(managed, NOW + QUARTER)

    assert not report.finished
    assert [line for line in report.problems if "partials-request_data-2026-03-11" in line and "/_open" in line]
    assert [line for line in unsettled.problems if "partials-request_data-2026-03-11" in line]
    assert between == before
    assert at_closing == expected([(today, 200)])
    assert counts(settled(managed)) == expected([(yesterday, 200), (today, 200)])


# Of a closed time nothing is read any more, so its settled index may be closed to save memory.
def test_closed_index_of_closed_time(managed: Cluster) -> None:
    managed.request("PUT", "/request_data-2026-01-05")
    managed.request("POST", "/request_data-2026-01-05/_close")

    run_settle(managed, NOW)
    managed.request("PUT", "/request_data-2026-03-12")
    managed.request("POST", "/request_data-2026-03-12/_close")

    assert "request_data-2026-03-12" in manager_of(managed).settle(NOW, forever)[0].problems[0]


# Of a red index nothing can be read, and a refresh of it waits a minute for its shard: the run names it, moves no mark
# and writes nothing.
def test_red_index(managed: Cluster) -> None:
    run_settle(managed, NOW - MINUTE_MS)
    before = progress(managed)
    put_all(managed, make_documents(make_pipeline(), "one", [(WINDOW, 200)], WINDOW), NOW)
    settings = {"settings": {"index.routing.allocation.require._name": "nobody"}}
    params = {"wait_for_active_shards": "0", "timeout": "1s"}
    managed.request("PUT", "/partials-request_data-2026-03-10", settings, params)

    report = manager_of(managed).settle(NOW, forever, audit=True)[0]
    between = progress(managed)
    managed.request("DELETE", "/partials-request_data-2026-03-10")
    run_settle(managed, NOW + MINUTE_MS)

    assert not report.finished
    assert len(report.problems) == 1
    assert report.problems[0].startswith("partials-request_data-2026-03-10: red")
    assert between == before
    assert counts(settled(managed)) == expected([(WINDOW, 200)])
