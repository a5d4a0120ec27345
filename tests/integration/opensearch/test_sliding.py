"""Sliding windows by the minute on a real server: exact under repeats and late rows, audited, closed."""

from __future__ import annotations

import random
from time import sleep

import pytest

from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.transform.pipeline import Pipeline
from tests.integration.opensearch.data import (
    DAY_MS,
    Document,
    bulk,
    forever,
    make_documents,
    make_pipeline,
    manager_of,
    ms,
    refresh,
    run_settle,
    settled,
)
from tests.unit.sql.programs import compile_text

NOW = ms("2026-03-10T12:00")
HOUR, MINUTE = 3_600_000, 60_000
FIRST = ms("2026-03-09T23:50")  # around midnight: groups of two days
SPAN = 5
PROGRAM = """-- sliding: OUT
CREATE STREAM "OUT" (m TIMESTAMP, s INTEGER, n BIGINT, bytes BIGINT);
CREATE PUMP a AS INSERT INTO "OUT" SELECT STREAM FLOOR(q.t TO MINUTE), q.s,
  COUNT(*) OVER (PARTITION BY q.s ORDER BY q.t RANGE INTERVAL '5' MINUTE PRECEDING),
  SUM(q.b) OVER (PARTITION BY q.s ORDER BY q.t RANGE INTERVAL '5' MINUTE PRECEDING)
  FROM (SELECT STREAM CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', "datetime") AS t, "response" AS s, "bytes" AS b
        FROM "SOURCE_SQL_STREAM_001") AS q;
"""
Line = tuple[int, int]


@pytest.fixture
def pipeline() -> Pipeline:
    return make_pipeline({"version": 1, "outputs": compile_text(PROGRAM).outputs})


def expected(lines: list[Line]) -> list[tuple[int, int, int, int]]:
    documents = []
    for minute, status in {(time // MINUTE, status) for time, status in lines}:
        count = sum(s == status and minute - SPAN < time // MINUTE <= minute for time, s in lines)
        documents.append((minute * MINUTE, status, count, 512 * count))
    return sorted(documents)


def shown(documents: list[Document]) -> list[tuple[int, int, int, int]]:
    rows = [(ms(row["M"][:16].replace(" ", "T")), row["S"], row["N"], row["BYTES"]) for row in documents]
    return sorted(rows)


def random_lines(seed: int) -> list[Line]:
    chance = random.Random(seed)
    return [(FIRST + chance.randrange(0, 20 * MINUTE, 1000), chance.choice([200, 404])) for _ in range(80)]


# Batches out of order, one of them twice, settled after each; then late rows, which change the minutes after them.
@pytest.mark.parametrize("seed", [1, 2])
def test_sliding_windows_are_exact(cluster: Cluster, pipeline: Pipeline, seed: int) -> None:
    assert not manager_of(cluster, pipeline).manage(NOW, forever).failed
    lines = random_lines(seed)
    batches = [make_documents(pipeline, f"b{n}", lines[n * 20 : n * 20 + 20], NOW) for n in range(4)]
    for number, batch in enumerate([batches[3], batches[0], batches[3], batches[1]]):
        assert bulk(cluster, batch) == []
        run_settle(cluster, NOW + number * MINUTE, pipeline)
    assert shown(settled(cluster)) == expected(lines[:40] + lines[60:])

    assert bulk(cluster, batches[2]) == []
    run_settle(cluster, NOW + HOUR, pipeline)
    again = run_settle(cluster, NOW + HOUR + MINUTE, pipeline)
    assert shown(settled(cluster)) == expected(lines)
    assert again.written == 0

    audit = manager_of(cluster, pipeline).settle(NOW + DAY_MS, forever, audit=True)[0]
    assert (audit.problems, audit.audit_differences) == ([], 0)


# A group whose documents were written only in part is not taken for settled, whichever of them is missing.
def test_a_missing_document_is_written_again(cluster: Cluster, pipeline: Pipeline) -> None:
    manager_of(cluster, pipeline).manage(NOW, forever)
    lines = [(FIRST + minute * MINUTE, 200) for minute in range(3)]
    bulk(cluster, make_documents(pipeline, "one", lines, NOW))
    run_settle(cluster, NOW, pipeline)
    refresh(cluster)
    for hit in cluster.request("POST", "/request_data-2*/_search", {"size": 50})["hits"]["hits"]:
        # A tombstone would keep the version of the document for a minute.
        cluster.request("PUT", f"/{hit['_index']}/_settings", {"index.gc_deletes": "0s"})
        cluster.request("DELETE", f"/{hit['_index']}/_doc/{hit['_id']}", params={"refresh": "true"})
        settle_until_whole(cluster, pipeline, lines)


def settle_until_whole(cluster: Cluster, pipeline: Pipeline, lines: list[Line]) -> None:
    """Settle until all documents are there: OpenSearch drops a tombstone when its coarse clock has moved."""
    for _ in range(50):
        run_settle(cluster, NOW + MINUTE, pipeline)
        if shown(settled(cluster)) == expected(lines):
            return
        sleep(0.1)
    assert shown(settled(cluster)) == expected(lines)


# Rows of the present minute reach groups that begin after it: the inbox takes these partials, up to the span.
def test_groups_ahead_of_the_clock_are_taken(cluster: Cluster) -> None:
    text = PROGRAM.replace("'5' MINUTE", "'3' HOUR")
    pipeline = make_pipeline(
        {"version": 1, "outputs": compile_text(text).outputs}, max_ahead_seconds=60, grace_seconds=60
    )
    manager_of(cluster, pipeline).manage(NOW, forever)
    stats = cluster.request("GET", "/_nodes/stats/process", params={"filter_path": "nodes.*.timestamp"})
    clock = next(iter(stats["nodes"].values()))["timestamp"] // MINUTE * MINUTE
    assert bulk(cluster, make_documents(pipeline, "one", [(clock, 200)], clock)) == []
    refresh(cluster)
    with pytest.raises(ClusterError):
        cluster.request("POST", "/late-unknown/_count")


# When partials are deleted after their time, the documents rest on all of them.
def test_partials_are_closed(cluster: Cluster, pipeline: Pipeline) -> None:
    manager_of(cluster, pipeline).manage(NOW, forever)
    lines = random_lines(4)
    bulk(cluster, make_documents(pipeline, "one", lines, NOW))
    run_settle(cluster, NOW, pipeline)
    later = NOW + 13 * DAY_MS
    assert not manager_of(cluster, pipeline).manage(later, forever).failed
    report = manager_of(cluster, pipeline).settle(later + HOUR, forever)[0]
    assert report.problems == []
    assert report.deleted == ["partials-request_data-2026-03-09", "partials-request_data-2026-03-10"]
    assert shown(settled(cluster)) == expected(lines)
