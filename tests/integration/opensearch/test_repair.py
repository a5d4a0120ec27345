"""Documents that came before the first manage, and indices that a stream wrote to before: repaired to exact counts."""

from __future__ import annotations

import time

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.times.iso import to_iso
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
    refresh,
    row_plan,
    run_settle,
    settled,
)

NOW = ms("2026-03-10T12:00")
WINDOW = ms("2026-03-10T11:50")


def exists(cluster: Cluster, index: str) -> bool:
    return bool(cluster.request("GET", f"/{index}", ignore=(404,)).get(index))


# 1,000 documents, some of them twice, lie in an inbox that nobody prepared: after the first manage they count exactly.
def test_documents_before_the_first_manage(cluster: Cluster) -> None:
    pipeline = make_pipeline()
    lines = [(WINDOW + n * 1000, 200 + n % 5) for n in range(500)]
    documents = [d for n in range(50) for d in make_documents(pipeline, f"b{n}", lines[n * 10 : n * 10 + 10], NOW)]
    while len(documents) < 1000:
        documents += documents[: 1000 - len(documents)]
    bulk(cluster, documents)
    assert exists(cluster, INBOX)

    managed = manager_of(cluster).manage(NOW, forever)
    run_settle(cluster, NOW)

    assert not managed.failed
    assert counts(settled(cluster)) == expected(lines)


# The inbox index that should not be there goes when it has been seen empty in two runs, and not before.
def test_empty_inbox_goes_after_two_runs(cluster: Cluster) -> None:
    bulk(cluster, make_documents(make_pipeline(), "one", [(WINDOW, 200)], NOW))
    manager = manager_of(cluster)

    first = manager.manage(NOW, forever)
    there = exists(cluster, INBOX)
    manager.manage(NOW + 60 * MINUTE_MS, forever)

    assert not first.failed
    assert there
    assert not exists(cluster, INBOX)
    assert manager.plan(NOW + 61 * MINUTE_MS)[0].actions == ()


# While the inbox index is still there, its default pipeline sends new documents where they belong.
def test_inbox_index_is_piped(cluster: Cluster) -> None:
    pipeline = make_pipeline()
    bulk(cluster, make_documents(pipeline, "one", [(WINDOW, 200)], NOW))
    manager_of(cluster).manage(NOW, forever)

    bulk(cluster, make_documents(pipeline, "two", [(WINDOW, 200)], NOW))
    run_settle(cluster, NOW)

    assert counts(settled(cluster)) == expected([(WINDOW, 200)] * 2)


# An index that a stream writes to with Firehose's own daily suffix: what is there stays visible, what has ids of ours
# is moved, and tomorrow's name, which nobody made yet, has the pipeline too.
def test_stream_with_rotation_of_its_own(cluster: Cluster) -> None:
    pipeline = make_pipeline()
    foreign = {"datetime": "2026-03-10T09:00:00.000", "status": 200, "statusCount": 7}
    batch = make_documents(pipeline, "one", [(WINDOW, 200), (WINDOW, 404)], NOW)
    bulk(cluster, [foreign, *batch, *batch], "request_data-2026-03-10")

    assert not manager_of(cluster).manage(NOW, forever).failed
    tomorrow = make_documents(pipeline, "two", [(WINDOW, 200)], NOW)
    bulk(cluster, [*tomorrow, *tomorrow], "request_data-2026-03-11")
    run_settle(cluster, NOW)

    assert counts(settled(cluster)) == expected([(WINDOW, 200)] * 2 + [(WINDOW, 404)]) + counts([foreign])


# An index has the alias's own name: it gets the pipeline, the view stands beside it, and --replace swaps in one call.
def test_index_with_the_aliass_name(cluster: Cluster) -> None:
    pipeline = make_pipeline()
    foreign = {"datetime": "2026-03-10T09:00:00.000", "status": 200, "statusCount": 7}
    bulk(cluster, [foreign, *make_documents(pipeline, "one", [(WINDOW, 200)], NOW)], "request_data")

    managed = manager_of(cluster).manage(NOW, forever)
    run_settle(cluster, NOW)
    beside = counts(settled(cluster, "request_data-view"))
    replaced = manager_of(cluster, replace=["request_data"]).manage(NOW, forever)
    bulk(cluster, make_documents(pipeline, "two", [(WINDOW, 200)], NOW), "request_data")  # the stream goes on
    run_settle(cluster, NOW + MINUTE_MS)

    assert not managed.failed
    assert not replaced.failed
    assert any(note.target == "request_data" and "request_data-view" in note.text for note in managed.plan.notes)
    assert beside == expected([(WINDOW, 200)]) + counts([foreign])
    assert counts(settled(cluster)) == expected([(WINDOW, 200)] * 2) + counts([foreign])
    assert manager_of(cluster).plan(NOW + MINUTE_MS)[0].actions == ()


# Rows have their ids from the record: a repeated delivery is one document, in the index of the row's own date.
def test_rows_overwrite_themselves(cluster: Cluster) -> None:
    pipeline = make_pipeline(row_plan(), index="requests", rotation="week")
    manager_of(cluster, pipeline).manage(NOW, forever)
    documents = make_documents(pipeline, "one", [(WINDOW, 200), (WINDOW, 404)], NOW)

    bulk(cluster, documents)
    bulk(cluster, list(reversed(documents)))
    refresh(cluster)

    assert sorted(cluster.request("GET", "/requests-2*")) == ["requests-2026-w11"]
    assert sorted(document["status"] for document in settled(cluster, "requests")) == [200, 404]


# What the pipeline cannot place is kept in late-unknown with the reason, and never refused.
def test_what_cannot_be_placed(cluster: Cluster) -> None:
    manager_of(cluster).manage(NOW, forever)
    unplaced = [
        {"tally": {"partial_id": "a", "output": "NOBODY", "window_start": "2026-03-10T11:50:00.000Z"}},
        {"tally": {"partial_id": "b", "output": "DESTINATION_SQL_STREAM", "window_start": "yesterday"}},
        {"tally": {"row_id": "c"}, "status": {"an": "object"}},
    ]

    assert bulk(cluster, unplaced) == []
    refresh(cluster)

    hits = cluster.request("POST", "/late-unknown/_search")["hits"]["hits"]
    assert len(hits) == 3
    assert all(hit["_source"]["streamtally_failure"] for hit in hits)
    assert not exists(cluster, INBOX)


# A window that no honest time can have yet is kept apart: it makes no index, and settles into none.
def test_windows_to_come(cluster: Cluster) -> None:
    manager_of(cluster).manage(NOW, forever)
    now_ms = time.time_ns() // 1_000_000
    ahead = {"believed": 75, "too far": 85, "next year": 525_600, "years ahead": 4_000_000}  # max_ahead + grace: 80 min
    made, ids = [], {}
    for name, minutes in ahead.items():
        (document,) = make_documents(make_pipeline(), name, [(NOW, 200)], NOW)
        document["tally"]["window_start"] = to_iso(now_ms + minutes * 60_000)
        made.append(document)
        ids[name] = document["tally"]["partial_id"]
    before = set(cluster.request("GET", "/*"))

    assert bulk(cluster, made) == []
    refresh(cluster)

    hits = cluster.request("POST", "/late-unknown/_search")["hits"]["hits"]
    assert {hit["_id"] for hit in hits} == {ids[name] for name in ("next year", "too far", "years ahead")}
    assert all("a time in the future" in hit["_source"]["streamtally_failure"] for hit in hits)
    assert len(set(cluster.request("GET", "/*")) - before - {"late-unknown"}) <= 1
