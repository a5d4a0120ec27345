"""Old logs into a cluster that has closed their time: opened, filled, settled and closed again, on a real server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.connect import connect
from streamtally.aws.opensearch.settling import close as opensearch_close
from streamtally.aws.opensearch.stored_state import read_output_state
from streamtally.errors import IndexPlanError
from streamtally.ids import digest
from streamtally.indices.state import OutputState
from streamtally.local.load_spool import LoadOptions
from streamtally.local.opensearch_store import OpenSearchStore
from streamtally.transform.pipeline import Pipeline
from tests.integration.opensearch.data import (
    DAY_MS,
    MINUTE_MS,
    bulk,
    counts,
    expected,
    forever,
    make_documents,
    make_pipeline,
    manager_of,
    refresh,
    row_plan,
    run_settle,
    settled,
)
from tests.integration.opensearch.server import Server
from tests.integration.opensearch.test_at_size import Killed, Mortal

Lines = list[tuple[int, int]]
QUARTER = 15 * MINUTE_MS
REPLACE = LoadOptions(replace_span=True)


def real_now() -> int:
    return time.time_ns() // 1_000_000


def days_ago(days: float) -> int:
    """A minute's start, at noon, so that a test that crosses midnight sees the same."""
    return real_now() // DAY_MS * DAY_MS - int(days * DAY_MS) + DAY_MS // 2


def manage(cluster: Cluster, now_ms: int | None = None, pipeline: Pipeline | None = None) -> None:
    assert not manager_of(cluster, pipeline).manage(now_ms or real_now(), forever).failed


def load(
    cluster: Cluster,
    lines: Sequence[tuple[int, int]],
    name: str = "log",
    options: LoadOptions | None = None,
    pipeline: Pipeline | None = None,
    lives: int = 10_000,
) -> OpenSearchStore:
    """Load a log; the same name is the same log. A batch an hour, as a log's lines arrive.

    Args: lives: it is killed before this request of those that come after the cluster was prepared.
    """
    pipeline = pipeline or make_pipeline()
    mortal = Mortal(cluster, 10_000)
    store = OpenSearchStore(mortal, pipeline, digest(name), options)
    mortal.lives = mortal.requests + lives
    for hour in sorted({at // 3_600_000 for at, _ in lines}):
        batch = [line for line in lines if line[0] // 3_600_000 == hour]
        documents = make_documents(pipeline, f"{name}-{hour}", batch, batch[0][0])
        store.put(json.dumps(document).encode() for document in documents)
    try:
        store.settle(pipeline)
    finally:
        store.close()
    return store


def close(cluster: Cluster, now_ms: int | None = None, pipeline: Pipeline | None = None) -> list[str]:
    """What is due is closed: the mark moves, and half an hour later the partials go."""
    now_ms = now_ms or real_now()
    manage(cluster, now_ms, pipeline)
    return run_settle(cluster, now_ms + 2 * QUARTER, pipeline).deleted


def manage_after_closing(cluster: Cluster, pipeline: Pipeline) -> None:
    """Two runs: the first may be in a new day, whose mark then has to wait another quarter of an hour."""
    for quarters in (2, 4):
        manage(cluster, real_now() + quarters * QUARTER, pipeline)


def names(cluster: Cluster, pattern: str) -> list[str]:
    return sorted(cluster.request("GET", f"/{pattern}", params={"expand_wildcards": "open"}))


def state_of(cluster: Cluster) -> OutputState:
    return read_output_state(cluster, "request_data").state


def late_count(cluster: Cluster) -> int:
    refresh(cluster)
    return int(cluster.request("POST", "/late-request_data-2*/_count").get("count") or 0)


def stream_counts(cluster: Cluster, lines: Lines, batches: int = 1) -> None:
    """What a stream delivered of a time, while it was open: settled, closed, the partials deleted."""
    now = max(at for at, _ in lines)
    manage(cluster, now)
    for number in range(batches):
        bulk(cluster, make_documents(make_pipeline(), f"stream-{number}", lines, now))
    run_settle(cluster, now)
    assert close(cluster) != []
    assert counts(settled(cluster)) == expected(lines * batches)


def nothing_is_left(cluster: Cluster) -> bool:
    """Whether no load holds anything open, and no pipeline of a load is left."""
    pipelines = [name for name in cluster.request("GET", "/_ingest/pipeline") if name.startswith("load-")]
    return not pipelines and not any(entry.is_open for entry in state_of(cluster).loads.values())


# A log of last month, of last year, and of a time that nobody will have counted: the cluster has closed none of them,
# since nothing was there. They count, and are closed afterwards as what a stream delivered is.
@pytest.mark.parametrize("days", [12, 40, 400, 3000])
def test_a_time_that_was_never_filled(cluster: Cluster, days: int) -> None:
    manage(cluster)
    at = days_ago(days)
    lines = [(at + n * 1_000, (200, 404)[n % 2]) for n in range(300)]
    assert state_of(cluster).closed_before_ms > at

    load(cluster, lines)
    loaded = counts(settled(cluster))
    deleted = close(cluster)

    assert loaded == expected(lines)
    assert len(deleted) == 1
    assert names(cluster, "partials-*") == []
    assert counts(settled(cluster)) == expected(lines)
    assert all(document["tally"]["final"] for document in settled(cluster))
    assert late_count(cluster) == 0
    assert nothing_is_left(cluster)


# Of a log across the mark, what lies before it and after it count alike; only the days before it are closed.
def test_across_the_mark(cluster: Cluster) -> None:
    manage(cluster)
    now = real_now() // MINUTE_MS * MINUTE_MS  # not noon, which may not have come yet
    lines = [(at, 200) for at in (now, *map(days_ago, (9, 10, 11, 12, 30))) for _ in range(3)]

    load(cluster, lines)
    loaded = counts(settled(cluster))
    deleted = close(cluster)

    mark = state_of(cluster).closed_before_ms
    assert loaded == counts(settled(cluster)) == expected(lines)
    assert len(deleted) == len({at for at, _ in lines if at < mark}) > 2
    assert len(names(cluster, "partials-*")) == len({at for at, _ in lines if at >= mark}) > 2


# The same log again: before its time is closed again, and in a run beside the stream; the counts stay.
def test_the_same_log_twice(cluster: Cluster) -> None:
    manage(cluster)
    lines = [(days_ago(40) + n * MINUTE_MS, 200) for n in range(200)]
    for _ in range(3):
        load(cluster, lines)
        assert counts(settled(cluster)) == expected(lines)
    grown = [*lines, (lines[-1][0] + 3_600_000, 404)]
    load(cluster, grown)
    assert counts(settled(cluster)) == expected(grown)


# Once its time is closed again, it is recognised, and nothing is loaded; with another line it is refused, since what it
# would be added to is not there any more; replacing comes to the counts of its lines.
def test_the_same_log_after_closing(cluster: Cluster) -> None:
    manage(cluster)
    lines = [(days_ago(40) + n * MINUTE_MS, 200) for n in range(50)]
    load(cluster, lines)
    close(cluster)

    again = load(cluster, lines)
    with pytest.raises(IndexPlanError, match=r"closed with counts.*50 windows.*--replace-span"):
        load(cluster, [*lines, (lines[0][0], 404)])
    assert counts(settled(cluster)) == expected(lines)
    for _ in range(2):
        load(cluster, lines[10:], options=REPLACE)
        close(cluster)
        assert counts(settled(cluster)) == expected(lines)
    load(cluster, [(lines[10][0], 404), lines[-1]], name="other", options=REPLACE)
    close(cluster)

    assert ["was loaded before" in note for note in again.notes] == [True]
    with pytest.raises(IndexPlanError, match="closed with counts"):
        load(cluster, lines[10:])  # not what is there any more
    assert counts(settled(cluster)) == expected([*lines[:10], (lines[10][0], 404), lines[-1]])


# While a load is open, what a stream delivers for that time is late as ever; for today it counts.
def test_the_stream_meanwhile(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = make_pipeline()
    manage(cluster)
    old, today = days_ago(40), real_now() // MINUTE_MS * MINUTE_MS
    put = OpenSearchStore._put_all

    def meanwhile(store: OpenSearchStore, run: Any) -> None:
        put(store, run)
        bulk(cluster, make_documents(pipeline, "late", [(old, 200)] * 5, old))
        bulk(cluster, make_documents(pipeline, "live", [(today, 404)] * 7, today))
        manage(cluster)  # the hourly run
        run_settle(cluster, real_now())
        assert close(cluster) == []
        put(store, run)

    monkeypatch.setattr(OpenSearchStore, "_put_all", meanwhile)
    load(cluster, [(old, 200)] * 3)
    run_settle(cluster, real_now())

    assert counts(settled(cluster)) == expected([(old, 200)] * 3 + [(today, 404)] * 7)
    assert late_count(cluster) == 1


# A span closed with counts: refused by name before anything is loaded, and nothing has changed.
def test_closed_with_counts_is_refused(cluster: Cluster) -> None:
    old = days_ago(40)
    lines = [(old + n * MINUTE_MS, 200) for n in range(10)]
    stream_counts(cluster, lines)
    before = settled(cluster)
    indices, state = names(cluster, "*"), state_of(cluster)

    # The first windows were never filled, and are loaded by no means as long as others are refused.
    with pytest.raises(IndexPlanError) as raised:
        load(cluster, [(old - 2 * MINUTE_MS, 200), *lines])

    assert "T11:58:00.000Z to " in str(raised.value)
    assert "(10 windows): nothing was loaded; --replace-span" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert settled(cluster) == before
    assert names(cluster, "*") == indices
    assert state_of(cluster).loads == state.loads == {}
    assert nothing_is_left(cluster)


# Of the same day, windows that nobody has counted are loaded: they were never closed with counts.
def test_windows_beside_counted_ones(cluster: Cluster) -> None:
    old = days_ago(40)
    lines = [(old, 200)] * 4
    stream_counts(cluster, lines)

    load(cluster, [(old + MINUTE_MS, 200), (old - DAY_MS, 404)])

    assert counts(settled(cluster)) == expected([*lines, (old + MINUTE_MS, 200), (old - DAY_MS, 404)])
    close(cluster)
    assert counts(settled(cluster)) == expected([*lines, (old + MINUTE_MS, 200), (old - DAY_MS, 404)])


# Replaced: the counts are those of the logs alone, also where fewer partials make them up (lower versions), where the
# logs have no such key, and in minutes without a line. Before and after the logs' first and last line nothing changes.
def test_replace_span(cluster: Cluster) -> None:
    old = days_ago(40)
    streamed = [(old + n * MINUTE_MS, status) for n in range(8) for status in (200, 500)]
    stream_counts(cluster, streamed, batches=6)
    logged = [(old + MINUTE_MS, 200), (old + 2 * MINUTE_MS, 404), (old + 5 * MINUTE_MS, 200)]
    wanted = expected([*[line for line in streamed if line[0] in (old, old + 6 * MINUTE_MS, old + 7 * MINUTE_MS)] * 6])
    wanted += expected(logged)

    for _ in range(2):
        load(cluster, logged, options=REPLACE)
        assert counts(settled(cluster)) == wanted
    deleted = close(cluster)

    assert len(deleted) == 1
    assert counts(settled(cluster)) == wanted
    assert manager_of(cluster).settle(real_now() + 3 * QUARTER, forever, audit=True)[0].audit_differences == 0


# A settling run that read what was counted before and is slow writes after it was replaced: it is outrun.
def test_a_slow_run_cannot_bring_back_what_was_replaced(cluster: Cluster) -> None:
    old = days_ago(40)
    stream_counts(cluster, [(old, 200)] * 3, batches=5)
    head = {"version": 2 * 5 + 1, "version_type": "external_gte", "pipeline": "_none"}
    hits = cluster.request("POST", "/request_data/_search")["hits"]["hits"]

    load(cluster, [(old, 404)], options=REPLACE)
    for hit in hits:
        path = f"/{hit['_index']}/_doc/{hit['_id']}"
        assert cluster.request("PUT", path, hit["_source"], head, ignore=(409,)).get("status") == 409

    assert counts(settled(cluster)) == expected([(old, 404)])


# Rows of a span that is replaced are those of the logs; others stay. Without it, rows come beside those that are there.
def test_rows(cluster: Cluster) -> None:
    both = {"version": 1, "outputs": [*make_pipeline().document["plan"]["outputs"], *row_plan()["outputs"]]}
    both["outputs"] = [{**node, "stream": "S"} for node in both["outputs"]]
    pipeline = make_pipeline(both)
    old = days_ago(40)
    streamed = [(old, 200), (old + MINUTE_MS, 500), (old + DAY_MS, 200)]
    manage(cluster, old, pipeline)
    bulk(cluster, make_documents(pipeline, "stream", streamed, old + DAY_MS))
    run_settle(cluster, old, pipeline)
    close(cluster, pipeline=pipeline)

    def rows() -> list[int]:
        refresh(cluster)
        body = {"size": 100, "query": {"exists": {"field": "tally.row_id"}}, "sort": ["tally.time"]}
        hits = cluster.request("POST", "/request_data-2*/_search", body)["hits"]["hits"]
        return [hit["_source"]["status"] for hit in hits]

    assert rows() == [200, 500, 200]
    for _ in range(2):
        load(cluster, [(old, 404), (old + MINUTE_MS, 301)], options=REPLACE, pipeline=pipeline)
        assert rows() == [404, 301, 200]


def kill_everywhere(cluster: Cluster, lines: Lines, options: LoadOptions | None = None) -> int:
    """A load that is killed before its first request, its second, and so on, with closing runs in between."""
    for lives in range(1, 200):
        try:
            load(cluster, lines, options=options, lives=lives)
        except Killed:
            if lives % 10 == 0:
                manage(cluster)
                assert run_settle(cluster, real_now() + 2 * QUARTER).problems == []
            continue
        return lives
    raise AssertionError("it never lived to its end")


# Killed before each of its requests, one after the other, it ends in the same state; its span is not closed meanwhile.
def test_killed_anywhere(cluster: Cluster) -> None:
    manage(cluster)
    old = days_ago(40)
    lines = [(old + n * 30_000, (200, 404)[n % 2]) for n in range(50)] + [(old - DAY_MS, 500), (real_now(), 200)]

    assert kill_everywhere(cluster, lines) > 20

    assert counts(settled(cluster)) == expected(lines)
    assert nothing_is_left(cluster)
    close(cluster)
    assert len(names(cluster, "partials-*")) == 1  # today's
    assert counts(settled(cluster)) == expected(lines)


def test_replacing_killed_anywhere(cluster: Cluster) -> None:
    old = days_ago(40)
    stream_counts(cluster, [(old + n * MINUTE_MS, status) for n in range(8) for status in (200, 500)], batches=3)
    lines = [(old + n * MINUTE_MS, 404) for n in (0, 2, 7)]

    assert kill_everywhere(cluster, lines, REPLACE) > 25

    assert counts(settled(cluster)) == expected(lines)
    assert nothing_is_left(cluster)
    close(cluster)
    assert counts(settled(cluster)) == expected(lines)


# A load that was cut short holds its span open: status says so, and no run closes, drops or merges it.
def test_cut_short(cluster: Cluster) -> None:
    manage(cluster)
    lines = [(days_ago(40), 200)] * 5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OpenSearchStore, "_put_all", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            load(cluster, lines)
    assert not nothing_is_left(cluster)
    assert close(cluster) == []
    load(cluster, lines)
    assert nothing_is_left(cluster)
    assert counts(settled(cluster)) == expected(lines)


# Two logs of overlapping spans, one after the other and at once: both count, and what one has finished stays open for
# the other.
def test_two_loads_of_one_span(cluster: Cluster, opensearch: Server) -> None:
    manage(cluster)
    old = days_ago(40)
    logs: list[Lines] = [[(old + (n + first) * 20_000, 200) for n in range(400)] for first in (0, 100, 300)]
    load(cluster, logs[0], "first")
    failures: list[BaseException] = []

    def run(name: str, lines: Lines) -> None:
        try:
            load(connect(opensearch.url), lines, name)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(name, logs[n])) for n, name in ((1, "second"), (2, "third"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert counts(settled(cluster)) == expected(line for log in logs for line in log)
    assert len(close(cluster)) == 1
    assert counts(settled(cluster)) == expected(line for log in logs for line in log)


# The same log in two runs at once: the later one takes over, the earlier one ends with a line that says so.
def test_one_load_twice_at_once(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    manage(cluster)
    lines = [(days_ago(40) + n * MINUTE_MS, 200) for n in range(30)]
    put, depth = OpenSearchStore._put_all, [0]

    def other_first(store: OpenSearchStore, run: Any) -> None:
        depth[0] += 1
        if depth[0] == 1:
            load(cluster, lines)
        put(store, run)

    monkeypatch.setattr(OpenSearchStore, "_put_all", other_first)
    with pytest.raises(IndexPlanError, match="another run of this load has taken over"):
        load(cluster, lines)

    assert counts(settled(cluster)) == expected(lines)
    assert nothing_is_left(cluster)


# A day is either closed or loaded: the second to try finds the other's entry in the state document.
def test_loading_while_a_day_is_being_closed(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    old = days_ago(40)
    manage(cluster, old)
    bulk(cluster, make_documents(make_pipeline(), "stream", [(old, 200)] * 3, old))
    run_settle(cluster, old)
    original, refusals = opensearch_close.settle_closed, []

    def meanwhile(run: Any, *arguments: Any) -> None:
        original(run, *arguments)
        with pytest.raises(IndexPlanError) as raised:
            load(cluster, [(old, 200)])
        refusals.append(str(raised.value))

    with monkeypatch.context() as patch:
        patch.setattr(opensearch_close, "settle_closed", meanwhile)
        assert len(close(cluster)) == 1
    assert "is being closed since" in refusals[0]
    assert state_of(cluster).closing == {}
    assert counts(settled(cluster)) == expected([(old, 200)] * 3)


# A closing run that was killed keeps its claim until no run of its time can be alive; then another one closes.
def test_a_killed_closing_run_is_taken_over(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    old = days_ago(40)
    manage(cluster, old)
    bulk(cluster, make_documents(make_pipeline(), "stream", [(old, 200)] * 3, old))
    run_settle(cluster, old)
    now = real_now()
    with monkeypatch.context() as patch:
        patch.setattr(opensearch_close, "_close", lambda *_: (_ for _ in ()).throw(Killed))
        patch.setattr(opensearch_close, "_release", lambda *_: None)
        with pytest.raises(Killed):
            close(cluster, now)
    assert run_settle(cluster, now + 3 * QUARTER - 1).deleted == []
    with pytest.raises(IndexPlanError, match="is being closed since"):
        load(cluster, [(old, 200)])
    assert len(run_settle(cluster, now + 3 * QUARTER).deleted) == 1
    assert counts(settled(cluster)) == expected([(old, 200)] * 3)


# Retention that keeps no such time: refused before anything is loaded, with the name of the setting.
@pytest.mark.parametrize(
    ("retention", "limit"),
    [({"max_age_days": 30}, "retention.max_age of 30 days"), ({"max_count": 2}, "retention.max_count of 2 indices")],
)
def test_older_than_retention(cluster: Cluster, retention: dict[str, Any], limit: str) -> None:
    pipeline = make_pipeline(retention=retention)
    manage(cluster, pipeline=pipeline)
    bulk(cluster, make_documents(pipeline, "stream", [(real_now(), 200), (real_now() - DAY_MS, 200)], real_now()))
    run_settle(cluster, real_now(), pipeline)
    before = names(cluster, "*")

    with pytest.raises(IndexPlanError) as raised:
        load(cluster, [(days_ago(40), 200)] * 3, pipeline=pipeline)

    assert limit in str(raised.value)
    assert "3 documents" in str(raised.value) or "1 documents" in str(raised.value)
    assert "nothing was loaded" in str(raised.value)
    assert names(cluster, "*") == before
    recent = [(days_ago(1) + n * MINUTE_MS, 404) for n in range(5)]
    load(cluster, recent, pipeline=pipeline)  # and what it keeps is loaded
    assert sum(counts(settled(cluster)).values()) == 7


# A mark that retention set without anything to drop is no obstacle once the setting is raised.
def test_retention_raised(cluster: Cluster) -> None:
    manage(cluster, pipeline=make_pipeline(retention={"max_age_days": 30}))
    longer = make_pipeline(retention={"max_age_days": 100})
    lines = [(days_ago(40) + n * MINUTE_MS, 200) for n in range(5)]

    load(cluster, lines, pipeline=longer)
    close(cluster, pipeline=longer)

    assert counts(settled(cluster)) == expected(lines)


# While a load is open, its indices stay, though retention would let them go; then they go.
def test_retention_waits_for_a_load(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = make_pipeline(retention={"max_age_days": 50})
    manage(cluster, pipeline=pipeline)
    lines = [(days_ago(49), 200)] * 3
    load(cluster, lines, pipeline=pipeline)
    put = OpenSearchStore._put_all
    later = real_now() + 5 * DAY_MS

    def meanwhile(store: OpenSearchStore, run: Any) -> None:
        for wait in (0, 2 * QUARTER):
            manage(cluster, later + wait, pipeline)
        put(store, run)

    with monkeypatch.context() as patch:
        patch.setattr(OpenSearchStore, "_put_all", meanwhile)
        load(cluster, lines, pipeline=pipeline)
    assert counts(settled(cluster)) == expected(lines)
    for wait in (0, 2 * QUARTER):
        manage(cluster, later + DAY_MS + wait, pipeline)
    assert names(cluster, "request_data-2*") == []


# A log over a change of rotation: each window goes where its time says.
def test_across_a_change_of_rotation(cluster: Cluster) -> None:
    then = days_ago(45)
    manage(cluster, then)
    monthly = make_pipeline(rotation="month")
    manage(cluster, then + DAY_MS, monthly)
    change = state_of(cluster).rotations[-1].from_ms
    lines = [(change + n * 6 * 3_600_000, 200) for n in range(-8, 8)]

    load(cluster, lines, pipeline=monthly)

    assert counts(settled(cluster)) == expected(lines)
    assert {name.count("-") for name in names(cluster, "request_data-2*")} == {2, 3}
    close(cluster, pipeline=monthly)
    assert counts(settled(cluster)) == expected(lines)


# Indices that were made read-only when their time was closed are written again while it is open, and then read-only.
def test_force_merged(cluster: Cluster) -> None:
    pipeline = make_pipeline(options={"force_merge": True})
    old = days_ago(40)
    manage(cluster, old, pipeline)
    bulk(cluster, make_documents(pipeline, "stream", [(old, 200)] * 3, old))
    run_settle(cluster, old, pipeline)
    close(cluster, pipeline=pipeline)
    manage_after_closing(cluster, pipeline)
    [index] = names(cluster, "request_data-2*")

    def is_blocked() -> bool:
        settings = cluster.request("GET", f"/{index}/_settings")[index]["settings"]["index"]
        return bool((settings.get("blocks") or {}).get("write") == "true")

    assert is_blocked()
    load(cluster, [(old + MINUTE_MS, 404)], pipeline=pipeline)
    assert not is_blocked()
    assert counts(settled(cluster)) == expected([(old, 200)] * 3 + [(old + MINUTE_MS, 404)])
    manage_after_closing(cluster, pipeline)
    assert is_blocked()


# Stray lines far away open their own days, not the years between; what no index holds is refused, and can be left out.
def test_stray_lines(cluster: Cluster) -> None:
    manage(cluster)
    old = days_ago(40)
    next_year = (days_ago(-366), 404)
    lines = [(old + n * MINUTE_MS, 200) for n in range(20)]
    ancient = (86_400_000, 500)

    for stray, text in ((ancient, r"1 documents are dated 1970-01-02.*--from"), (next_year, "in the future.*--to")):
        with pytest.raises(IndexPlanError, match=text):
            load(cluster, [*lines, stray])
        assert names(cluster, "partials-*") == []
    between = LoadOptions(between=(946_684_800_000, real_now()))
    long_ago = (days_ago(7000), 404)
    store = load(cluster, [ancient, long_ago, *lines, next_year], options=between)

    assert store.left_out == 2
    assert counts(settled(cluster)) == expected([long_ago, *lines])
    [entry] = state_of(cluster).loads.values()
    assert sorted(end - start for start, end in entry.spans) == [DAY_MS, DAY_MS]
    assert len(close(cluster)) == 2


# A load without a document changes nothing, and says nothing.
def test_nothing_to_load(cluster: Cluster) -> None:
    manage(cluster)
    load(cluster, [])
    assert state_of(cluster).loads == {}
