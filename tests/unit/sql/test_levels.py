"""Aggregates of aggregates: random rows in random batches give what a count of all rows at once gives."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamtally.errors import PlanError
from tests.examples import examples
from tests.unit.sql.programs import ARRIVAL, load_text, tally

MINUTE, HOUR = 60_000, 3_600_000
FIRST = ARRIVAL - ARRIVAL % HOUR

PER_MINUTE = """
CREATE STREAM mid (t TIMESTAMP, h VARCHAR(64), n BIGINT, total BIGINT);
CREATE PUMP a AS INSERT INTO mid SELECT STREAM FLOOR(s.ROWTIME TO MINUTE), "host", COUNT(*), SUM("bytes")
  FROM "SOURCE_SQL_STREAM_001" AS s GROUP BY "host", FLOOR(s.ROWTIME TO MINUTE);
"""
PEAK = (
    PER_MINUTE.replace(";\n", ";\n", 1).replace("TO MINUTE);", "TO MINUTE) HAVING COUNT(*) > 1;")
    + """
CREATE STREAM "OUT" (t TIMESTAMP, h VARCHAR(64), peak BIGINT, mean DOUBLE, minutes BIGINT, bytes BIGINT);
CREATE PUMP b AS INSERT INTO "OUT"
  SELECT STREAM FLOOR(m.ROWTIME TO HOUR), m.h, MAX(n), AVG(CAST(n AS DOUBLE)), COUNT(*), SUM(total)
  FROM mid AS m WHERE n < 5 GROUP BY m.h, FLOOR(m.ROWTIME TO HOUR);
"""
)
SAME = (
    PER_MINUTE
    + """
CREATE STREAM "OUT" (t TIMESTAMP, e TIMESTAMP, hosts BIGINT, busy BIGINT);
CREATE PUMP b AS INSERT INTO "OUT" SELECT STREAM m.t, ROWTIME, COUNT(*), SUM(CASE WHEN n > 1 THEN 1 ELSE 0 END)
  FROM mid AS m GROUP BY m.t;
"""
)
THREE = (
    PER_MINUTE
    + """
CREATE STREAM hours (t TIMESTAMP, peak BIGINT);
CREATE PUMP b AS INSERT INTO hours SELECT STREAM STEP(m.ROWTIME BY INTERVAL '1' HOUR), MAX(n)
  FROM mid AS m GROUP BY STEP(m.ROWTIME BY INTERVAL '1' HOUR);
CREATE STREAM "OUT" (d TIMESTAMP, low BIGINT, high BIGINT, hours BIGINT);
CREATE PUMP c AS INSERT INTO "OUT" SELECT STREAM FLOOR(x.t TO DAY), MIN(peak), MAX(peak), COUNT(*)
  FROM hours AS x GROUP BY FLOOR(x.t TO DAY);
"""
)

ROWS = st.lists(
    st.fixed_dictionaries({
        "host": st.sampled_from(["a", "b", None]),
        "bytes": st.one_of(st.none(), st.integers(-(2**60), 2**60)),
        "arrival": st.integers(FIRST - 4 * MINUTE, FIRST + 4 * MINUTE),
    }),
    max_size=40,
)  # fmt: skip
FEW = settings(max_examples=examples(40), deadline=None)


def text(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}.000"


def per_minute(rows: list[dict[str, Any]]) -> dict[tuple[int, Any], list[dict[str, Any]]]:
    minutes: dict[tuple[int, Any], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        minutes[row["arrival"] // MINUTE * MINUTE, row["host"]].append(row)
    return minutes


def unordered(documents: list[dict[str, Any]]) -> list[str]:
    return sorted(map(repr, documents))


# MAX, AVG, COUNT and SUM over per-minute results, with the inner HAVING and the outer WHERE, by hour and key.
@FEW
@given(ROWS, st.integers(1, 5))
def test_level_by_hour_and_key(rows: list[dict[str, Any]], batches: int) -> None:
    hours: dict[tuple[int, Any], list[tuple[int, int | None]]] = defaultdict(list)
    for (minute, host), members in per_minute(rows).items():
        values = [row["bytes"] for row in members if row["bytes"] is not None]
        if 1 < len(members) < 5:
            hours[minute // HOUR * HOUR, host].append((len(members), sum(values) if values else None))
    expected = []
    for (hour, host), results in hours.items():
        counts = [count for count, _ in results]
        sums = [total for _, total in results if total is not None]
        expected.append({
            "T": text(hour), "H": host, "PEAK": max(counts), "MEAN": sum(counts) / len(counts),
            "MINUTES": len(counts), "BYTES": sum(sums) if sums else None,
        })  # fmt: skip
    for document in expected:  # past 64 bits a document has no number
        if document["BYTES"] is not None and not -(2**63) <= document["BYTES"] < 2**63:
            document["BYTES"] = None
    assert unordered(tally(PEAK, rows, batches)["OUT"]) == unordered(expected)


# An outer window as long as the inner one: keys are counted by their results. ROWTIME is the window's end.
@FEW
@given(ROWS, st.integers(1, 5))
def test_level_of_the_same_window(rows: list[dict[str, Any]], batches: int) -> None:
    minutes: dict[int, list[int]] = defaultdict(list)
    for (minute, _), members in per_minute(rows).items():
        minutes[minute].append(len(members))
    expected = [
        {"T": text(m), "E": text(m + MINUTE), "HOSTS": len(counts), "BUSY": sum(count > 1 for count in counts)}
        for m, counts in minutes.items()
    ]
    assert unordered(tally(SAME, rows, batches)["OUT"]) == unordered(expected)


# Three levels: minutes, hours, days.
@FEW
@given(ROWS, st.integers(1, 5))
def test_three_levels(rows: list[dict[str, Any]], batches: int) -> None:
    hours: dict[int, int] = defaultdict(int)
    for (minute, _), members in per_minute(rows).items():
        hour = minute // HOUR * HOUR
        hours[hour] = max(hours[hour], len(members))
    days: dict[int, list[int]] = defaultdict(list)
    for hour, peak in hours.items():
        days[hour // (24 * HOUR) * 24 * HOUR].append(peak)
    expected = [
        {"D": text(day), "LOW": min(peaks), "HIGH": max(peaks), "HOURS": len(peaks)} for day, peaks in days.items()
    ]
    assert unordered(tally(THREE, rows, batches)["OUT"]) == unordered(expected)


# A minute whose rows come in two batches is one result: the peak is of the whole minute, never of a part of it.
def test_split_minute_is_one_result() -> None:
    rows = [{"host": "a", "bytes": 1, "arrival": FIRST + 1000}] * 4
    assert [document["PEAK"] for document in tally(PEAK, rows, 4)["OUT"]] == [4]


# More rows can take a result out of the outer window again: nothing of an earlier state remains.
def test_late_rows_can_hide_a_result() -> None:
    rows = [{"host": "a", "bytes": 1, "arrival": FIRST + 1000}] * 4
    assert tally(PEAK, rows)["OUT"]
    assert tally(PEAK, [*rows, rows[0]])["OUT"] == []


# With more inner results than the index manager's memory takes, the aggregates are NULL, never too low.
def test_too_many_results_give_null(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamtally.plan.levels.MAX_CELLS", 2)
    rows = [{"host": "a", "bytes": 1, "arrival": FIRST + minute * MINUTE} for minute in (0, 0, 1, 1, 2, 2)]
    assert [(row["H"], row["PEAK"], row["MINUTES"]) for row in tally(PEAK, rows)["OUT"]] == [("a", None, None)]


# A plan whose outer key depends on a result, or whose windows do not nest, is refused when it is loaded.
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keys": [{"name": "k0", "type": "BIGINT", "expr": {"aggregate": "a0"}}]}, "unknown expression"),
        ({"window_ms": 90_000}, "multiple of the window below"),
        ({"window_ms": 7_200_000}, "that of the last level"),
        ({"where": {"literal": 1, "type": "INTEGER"}}, "WHERE must be a condition"),
    ],
)
def test_wrong_level_is_refused(change: dict[str, Any], message: str) -> None:
    from zoneinfo import ZoneInfo

    from streamtally.transform.pipeline import load_pipeline

    document = {**load_text(PEAK).document}
    plan = document["plan"]
    node = {**plan["outputs"][0], "levels": [{**plan["outputs"][0]["levels"][0], **change}]}
    with pytest.raises(PlanError, match=message):
        load_pipeline({**document, "plan": {**plan, "outputs": [node]}}, ZoneInfo)
