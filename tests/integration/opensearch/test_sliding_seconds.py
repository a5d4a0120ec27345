"""Sliding windows by the second on a real server, at a size where limits bite: an hour, and ranges of 10 minutes."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from itertools import accumulate

import pytest

from streamtally.aws.opensearch.cluster import Cluster
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
    run_settle,
    settled,
)
from tests.unit.sql.programs import compile_text

NOW = ms("2026-03-10T12:00")
SECOND, HOUR = 1000, 3600
FIRST = ms("2026-03-09T23:30") // SECOND  # half an hour before midnight: groups of two days
LONG, SHORT = 600, 10
PROGRAM = """-- sliding by seconds: OUT
CREATE STREAM "OUT" (t TIMESTAMP, until TIMESTAMP, s INTEGER, n BIGINT, few BIGINT, bytes BIGINT);
CREATE PUMP a AS INSERT INTO "OUT" SELECT STREAM FLOOR(q.t TO SECOND), q.t, q.s,
  COUNT(*) OVER (PARTITION BY q.s ORDER BY q.t RANGE INTERVAL '10' MINUTE PRECEDING),
  COUNT(*) OVER (PARTITION BY q.s ORDER BY q.t RANGE INTERVAL '10' SECOND PRECEDING),
  SUM(q.b) OVER (PARTITION BY q.s ORDER BY q.t RANGE INTERVAL '10' MINUTE PRECEDING)
  FROM (SELECT STREAM CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', "datetime") AS t, "response" AS s, "bytes" AS b
        FROM "SOURCE_SQL_STREAM_001") AS q;
"""
Line = tuple[int, int]
"""(Second, status)."""
Row = tuple[int, int, int, int, int]


@pytest.fixture
def pipeline() -> Pipeline:
    return make_pipeline({"version": 1, "outputs": compile_text(PROGRAM).outputs})


def expected(lines: list[Line]) -> list[Row]:
    """Each second of a status that has lines, counted from running totals and not from parts."""
    rows = []
    for status in {status for _, status in lines}:
        lines_at = Counter(second for second, other in lines if other == status)
        totals = [0, *accumulate(lines_at[FIRST + second] for second in range(HOUR))]
        for second in lines_at:
            end = second - FIRST + 1
            long, short = (totals[end] - totals[max(end - span, 0)] for span in (LONG, SHORT))
            rows.append((second * SECOND, status, long, short, 512 * long))
    return sorted(rows)


def shown(documents: list[Document]) -> list[Row]:
    for row in documents:
        assert ms(row["UNTIL"][:19].replace(" ", "T")) == ms(row["T"][:19].replace(" ", "T")) + SECOND
    rows = ((row["T"], row["S"], row["N"], row["FEW"], row["BYTES"]) for row in documents)
    return sorted((ms(time[:19].replace(" ", "T")), *rest) for time, *rest in rows)


def write(cluster: Cluster, pipeline: Pipeline, name: str, lines: list[Line]) -> None:
    documents = make_documents(pipeline, name, [(second * SECOND, status) for second, status in lines], NOW)
    for first in range(0, len(documents), 5000):
        assert bulk(cluster, documents[first : first + 5000]) == []


# One line in each second of an hour, and a second status now and then. The runs are stopped in their midst;
# then a tenth of the lines comes late, and a batch for the second time.
def test_an_hour_of_seconds_with_ranges_of_ten_minutes(cluster: Cluster, pipeline: Pipeline) -> None:
    assert not manager_of(cluster, pipeline).manage(NOW, forever).failed
    chance = random.Random(10)
    lines = [(FIRST + second, 200) for second in range(HOUR)]
    lines += [(FIRST + chance.randrange(HOUR), 404) for _ in range(300)]
    late = chance.sample(lines, 390)
    early = list((Counter(lines) - Counter(late)).elements())
    for number in range(4):
        write(cluster, pipeline, f"b{number}", early[number::4])
    assert stops(cluster, pipeline, 120) > 1
    assert shown(settled(cluster)) == expected(early)

    write(cluster, pipeline, "late", late)
    write(cluster, pipeline, "b3", early[3::4])  # Firehose called the function again
    run_settle(cluster, NOW + 60 * SECOND, pipeline)
    assert shown(settled(cluster)) == expected(early + late)

    audit = manager_of(cluster, pipeline).settle(NOW + DAY_MS, forever, audit=True)[0]
    assert (audit.problems, audit.audit_differences) == ([], 0)


def stops(cluster: Cluster, pipeline: Pipeline, seconds: int) -> int:
    """Settle in runs that have so many seconds, of which each look at the clock takes one.

    Returns: how many of the runs ended before their work did.
    """
    for number in range(50):
        left = iter(range(seconds, 0, -1))
        report = manager_of(cluster, pipeline).settle(NOW, partial(next, left, 0.0))[0]
        assert report.problems == []
        if report.finished:
            return number
    raise AssertionError("the runs never came to an end")
