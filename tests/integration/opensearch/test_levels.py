"""Aggregates of aggregates on a real server: exact under repeats, late rows, a second plan, an audit and closing."""

from __future__ import annotations

import random
from collections import Counter

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
HOUR, MINUTE = 3_600_000, 60_000
FIRST = ms("2026-03-10T10:30")
PROGRAM = """
CREATE STREAM mid (t TIMESTAMP, s INTEGER, n BIGINT);
CREATE PUMP a AS INSERT INTO mid SELECT STREAM
  FLOOR(CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', "datetime") TO MINUTE), "response", COUNT(*)
  FROM "SOURCE_SQL_STREAM_001" GROUP BY "response",
  FLOOR(CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', "datetime") TO MINUTE);
CREATE STREAM "OUT" (t TIMESTAMP, s INTEGER, peak BIGINT, low BIGINT, minutes BIGINT, total BIGINT);
CREATE PUMP b AS INSERT INTO "OUT" SELECT STREAM FLOOR(m.t TO HOUR), m.s, MAX(n), MIN(n), COUNT(*), SUM(n)
  FROM mid AS m GROUP BY m.s, FLOOR(m.t TO HOUR){having};
"""
Line = tuple[int, int]


def leveled(having: str = "") -> Pipeline:
    program = compile_text(PROGRAM.replace("{having}", having))
    return make_pipeline({"version": 1, "outputs": program.outputs})


def expected(lines: list[Line]) -> list[tuple[int, int, int, int, int, int]]:
    minutes = Counter((time // MINUTE * MINUTE, status) for time, status in lines)
    hours: dict[tuple[int, int], list[int]] = {}
    for (minute, status), count in minutes.items():
        hours.setdefault((minute // HOUR * HOUR, status), []).append(count)
    return sorted((hour, s, max(n), min(n), len(n), sum(n)) for (hour, s), n in hours.items())


def shown(documents: list[Document]) -> list[tuple[int, int, int, int, int, int]]:
    names = ("PEAK", "LOW", "MINUTES", "TOTAL")
    return sorted((ms(row["T"][:16].replace(" ", "T")), row["S"], *(row[name] for name in names)) for row in documents)


def random_lines(seed: int) -> list[Line]:
    chance = random.Random(seed)
    return [(FIRST + chance.randrange(0, HOUR, 1000), chance.choice([200, 404, 500])) for _ in range(120)]


# Batches in any order, some of them twice; a settling run between them; then late rows, which change peaks.
@pytest.mark.parametrize("seed", [1, 2])
def test_levels_are_exact(cluster: Cluster, seed: int) -> None:
    pipeline = leveled()
    assert not manager_of(cluster, pipeline).manage(NOW, forever).failed
    lines = random_lines(seed)
    batches = [make_documents(pipeline, f"b{n}", lines[n * 30 : n * 30 + 30], NOW) for n in range(4)]

    for number, batch in enumerate([batches[1], batches[0], batches[1], batches[3]]):
        assert bulk(cluster, batch) == []
        run_settle(cluster, NOW + number * MINUTE, pipeline)
    assert shown(settled(cluster)) == expected(lines[:60] + lines[90:])

    assert bulk(cluster, batches[2]) == []  # late: results change, and the hours' documents with them
    run_settle(cluster, NOW + HOUR, pipeline)
    again = run_settle(cluster, NOW + HOUR + MINUTE, pipeline)
    assert shown(settled(cluster)) == expected(lines)
    assert again.written == 0  # nothing changed, nothing is written

    audit = manager_of(cluster, pipeline).settle(NOW + DAY_MS, forever, audit=True)[0]
    assert (audit.problems, audit.audit_differences) == ([], 0)


# A late row can take an hour out of HAVING, and bring it back.
def test_outer_having_follows_late_rows(cluster: Cluster) -> None:
    pipeline = leveled(" HAVING MAX(n) <> 2")
    manager_of(cluster, pipeline).manage(NOW, forever)
    peaks = []
    for number in range(3):
        bulk(cluster, make_documents(pipeline, f"b{number}", [(FIRST, 200)], NOW))
        run_settle(cluster, NOW + number * MINUTE, pipeline)
        peaks.append([row["PEAK"] for row in settled(cluster)])
    assert peaks == [[1], [], [3]]


# A batch with more inner results than a document holds has several partials; each counts once.
def test_a_batch_of_several_parts(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamtally.plan.aggregates.cells.MAX_PART_BYTES", 100)
    pipeline = leveled()
    manager_of(cluster, pipeline).manage(NOW, forever)
    lines = random_lines(3)
    documents = make_documents(pipeline, "one", lines, NOW)
    assert len({document["tally"]["partial_id"] for document in documents}) == len(documents) > 10
    for part in (documents[:7], documents, documents[3:]):
        assert bulk(cluster, part) == []
        run_settle(cluster, NOW, pipeline)
    assert shown(settled(cluster)) == expected(lines)


# When partials are deleted after their time, the documents rest on all of them.
def test_partials_are_closed(cluster: Cluster) -> None:
    pipeline = leveled()
    manager = manager_of(cluster, pipeline)
    manager.manage(NOW, forever)
    lines = random_lines(4)
    bulk(cluster, make_documents(pipeline, "one", lines, NOW))
    run_settle(cluster, NOW, pipeline)
    later = NOW + 12 * DAY_MS
    assert not manager_of(cluster, pipeline).manage(later, forever).failed
    reports = manager_of(cluster, pipeline).settle(later + HOUR, forever)
    assert reports[0].problems == []
    assert reports[0].deleted == ["partials-request_data-2026-03-10"]
    assert shown(settled(cluster)) == expected(lines)
