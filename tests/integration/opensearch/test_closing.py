"""Closing on a real server: partials go after their windows are settled and verified, and what comes later is late."""

from __future__ import annotations

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.indices.names import partials_name
from tests.integration.opensearch.data import (
    DAY_MS,
    MINUTE_MS,
    bulk,
    changed_plan,
    counts,
    expected,
    forever,
    make_documents,
    make_pipeline,
    manager_of,
    ms,
    put_stamped,
    refresh,
    run_settle,
    settled,
)

NOW = ms("2026-03-10T12:00")
WINDOW = ms("2026-03-10T11:58")
PARTIALS = partials_name("request_data", WINDOW)
LATER = NOW + 11 * DAY_MS  # partials are kept for ten whole days
QUARTER = 15 * MINUTE_MS


def index_names(cluster: Cluster, pattern: str) -> list[str]:
    return sorted(cluster.request("GET", f"/{pattern}", params={"expand_wildcards": "open"}))


def manage(cluster: Cluster, now_ms: int, **options: object) -> None:
    managed = manager_of(cluster, **options).manage(now_ms, forever)  # type: ignore[arg-type]
    assert not managed.failed


# Two runs a quarter of an hour apart: the first moves the mark, the second settles once more and deletes the partials.
def test_closing_takes_two_runs(cluster: Cluster) -> None:
    pipeline = make_pipeline()
    manage(cluster, NOW)
    bulk(cluster, make_documents(pipeline, "one", [(WINDOW, 200), (WINDOW, 404)], NOW))
    run_settle(cluster, NOW)

    manage(cluster, LATER)
    too_early = run_settle(cluster, LATER + QUARTER - 1)
    in_time = run_settle(cluster, LATER + QUARTER)

    assert (too_early.deleted, in_time.deleted) == ([], [PARTIALS])
    assert index_names(cluster, "partials-*") == []
    assert counts(settled(cluster)) == expected([(WINDOW, 200), (WINDOW, 404)])


# A late partial after closing goes to the late index of the month it came, and is added to no sum.
def test_late_partial_after_closing(cluster: Cluster) -> None:
    pipeline = make_pipeline()
    manage(cluster, NOW)
    bulk(cluster, make_documents(pipeline, "one", [(WINDOW, 200)], NOW))
    run_settle(cluster, NOW)
    manage(cluster, LATER)
    run_settle(cluster, LATER + QUARTER)

    bulk(cluster, make_documents(pipeline, "two", [(WINDOW, 200)], NOW))
    refresh(cluster)
    report = run_settle(cluster, LATER + QUARTER + MINUTE_MS)

    assert report.late == 1
    assert counts(settled(cluster)) == expected([(WINDOW, 200)])
    assert index_names(cluster, "partials-*") == []
    assert len(index_names(cluster, "late-request_data-2*")) == 1


# A partial accepted just before closing begins is counted: closing reads again before it deletes.
def test_partial_accepted_after_the_last_settle(cluster: Cluster) -> None:
    pipeline = make_pipeline()
    manage(cluster, NOW)
    bulk(cluster, make_documents(pipeline, "one", [(WINDOW, 200)], NOW))
    run_settle(cluster, NOW)
    manage(cluster, LATER)
    late = make_documents(pipeline, "two", [(WINDOW, 200)], NOW)[0]
    put_stamped(cluster, late, NOW)  # an old stamp: no minute's run takes it for new

    report = run_settle(cluster, LATER + QUARTER)

    assert report.deleted == [PARTIALS]
    assert counts(settled(cluster)) == expected([(WINDOW, 200)] * 2)


# Between the last reading and the delete nothing is accepted, even if an old pipeline came into force again.
def test_nothing_is_accepted_while_closing(cluster: Cluster, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from streamtally.aws.opensearch.settling import close

    pipeline = make_pipeline()
    manage(cluster, NOW)
    old = cluster.request("GET", "/_ingest/pipeline/inbox-log-summary-stream")["inbox-log-summary-stream"]
    bulk(cluster, make_documents(pipeline, "one", [(WINDOW, 200)], NOW))
    run_settle(cluster, NOW)
    manage(cluster, LATER)
    refused: list[int] = []
    original = close.settle_closed

    def settle_closed(*arguments: object) -> None:
        original(*arguments)  # type: ignore[arg-type]
        cluster.request("PUT", "/_ingest/pipeline/inbox-log-summary-stream", old)
        refused.extend(item.status for item in bulk(cluster, make_documents(pipeline, "two", [(WINDOW, 200)], NOW)))

    monkeypatch.setattr(close, "settle_closed", settle_closed)
    report = run_settle(cluster, LATER + QUARTER)

    assert report.deleted == [PARTIALS]
    assert refused == [403]  # Firehose tries again, and by then the pipeline sends it to the late index


# If the pipeline in force is behind the mark (a slow run put an old one), nothing is closed and the wait starts again.
def test_pipeline_behind_the_mark(cluster: Cluster) -> None:
    pipeline = make_pipeline()
    manage(cluster, NOW)
    old = cluster.request("GET", "/_ingest/pipeline/inbox-log-summary-stream")["inbox-log-summary-stream"]
    bulk(cluster, make_documents(pipeline, "one", [(WINDOW, 200)], NOW))
    manage(cluster, LATER)
    cluster.request("PUT", "/_ingest/pipeline/inbox-log-summary-stream", old)

    behind = run_settle(cluster, LATER + QUARTER)
    manage(cluster, LATER + QUARTER)
    waiting = run_settle(cluster, LATER + 2 * QUARTER - 1)
    closed = run_settle(cluster, LATER + 2 * QUARTER)

    assert (behind.deleted, waiting.deleted, closed.deleted) == ([], [], [PARTIALS])


# If a settled document is not as its partials say, they are kept, and the run says so.
def test_partials_are_kept_if_the_check_fails(cluster: Cluster) -> None:
    pipeline = make_pipeline()
    manage(cluster, NOW)
    bulk(cluster, make_documents(pipeline, "one", [(WINDOW, 200)], NOW))
    run_settle(cluster, NOW)
    manage(cluster, LATER)
    cluster.request(
        "POST", "/request_data-2026-03-10/_delete_by_query", {"query": {"match_all": {}}}, {"refresh": "true"}
    )
    cluster.request("PUT", "/request_data-2026-03-10/_settings", {"index.blocks.write": True})

    report = manager_of(cluster).settle(LATER + QUARTER, forever)[0]

    assert report.deleted == []
    assert len(report.problems) == 1
    assert index_names(cluster, "partials-*") == [PARTIALS]


# A window whose settled index retention has deleted is not settled again, and its index is not made again.
def test_window_whose_index_is_gone(cluster: Cluster) -> None:
    pipeline = make_pipeline(retention={"max_count": 1})
    manage(cluster, NOW, pipeline=pipeline)
    tomorrow = WINDOW + DAY_MS
    bulk(cluster, make_documents(pipeline, "one", [(WINDOW, 200)], NOW))
    bulk(cluster, make_documents(pipeline, "two", [(tomorrow, 200)], tomorrow))
    run_settle(cluster, NOW + DAY_MS, pipeline)
    manage(cluster, NOW + DAY_MS, pipeline=pipeline)  # moves the mark
    manage(cluster, NOW + DAY_MS + QUARTER, pipeline=pipeline)  # deletes

    bulk(cluster, make_documents(pipeline, "one", [(WINDOW, 200)], NOW))  # a repeat: late
    report = run_settle(cluster, NOW + DAY_MS + QUARTER + 1, pipeline)
    refresh(cluster)
    again = run_settle(cluster, NOW + 2 * DAY_MS + QUARTER, pipeline)

    assert index_names(cluster, "request_data-2*") == ["request_data-2026-03-11"]
    assert counts(settled(cluster)) == expected([(tomorrow, 200)])
    assert report.late + again.late >= 1


# A batch of two plans that loses some of its partials keeps the choice that was made over all of them.
def test_choice_outlives_closing(cluster: Cluster) -> None:
    not_404 = {"op": "<>", "args": [{"column": "response"}, {"literal": 404, "type": "INTEGER"}]}
    whole, cut = make_pipeline(changed_plan(where=not_404)), make_pipeline()
    midnight = ms("2026-03-11T00:00")
    lines = [(midnight - 1000, 200), (midnight + 1000, 200), (midnight + MINUTE_MS, 404)]
    manage(cluster, midnight, pipeline=whole)
    manage(cluster, midnight, pipeline=cut)
    # Whole under one plan (two partials); under the other two of three were put: alone, the second day's say otherwise.
    bulk(cluster, make_documents(whole, "batch", lines, midnight))
    bulk(cluster, make_documents(cut, "batch", lines, midnight)[1:])
    run_settle(cluster, midnight + MINUTE_MS, cut)
    before = counts(settled(cluster))

    after_ten_days = midnight + 10 * DAY_MS + MINUTE_MS
    manage(cluster, after_ten_days, pipeline=cut)
    report = run_settle(cluster, after_ten_days + QUARTER, cut)
    other = lines[1:]  # a batch that came late: the windows are settled again, from what is left of the first
    bulk(cluster, make_documents(cut, "other", other, midnight))
    run_settle(cluster, after_ten_days + DAY_MS, cut)

    assert report.deleted == ["partials-request_data-2026-03-10"]
    assert before == expected(lines[:2])
    assert counts(settled(cluster)) == expected(lines[:2] + other)
