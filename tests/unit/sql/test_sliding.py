"""Sliding windows by the minute: random rows in random batches against a count of the rows in each range."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamtally.errors import PlanError
from streamtally.plan.aggregates.cells import Cells
from streamtally.plan.sliding import MAX_SPANS_MS, MINUTE_MS, SECOND_MS, Sliding, group_ms, step_ms
from streamtally.plan.windowed import WindowedOutput
from streamtally.sql.explain import explain
from tests.examples import examples
from tests.unit.sql.programs import ARRIVAL, compile_text, load_text, tally

PROGRAM = """-- sliding: OUT
CREATE STREAM "OUT" (t TIMESTAMP, m TIMESTAMP, h VARCHAR(9), n BIGINT, total BIGINT, low BIGINT, high BIGINT,
  mean DOUBLE, last_b BIGINT, one BIGINT);
CREATE PUMP p AS INSERT INTO "OUT" SELECT STREAM s.ROWTIME, FLOOR(s.ROWTIME TO MINUTE), "host",
  COUNT(*) OVER w, SUM("bytes") OVER w, MIN("bytes") OVER w, MAX("bytes") OVER w,
  AVG(CAST("bytes" AS DOUBLE)) OVER w, LAST_VALUE("bytes") OVER w,
  COUNT(*) OVER (PARTITION BY "host" RANGE INTERVAL '60' SECOND PRECEDING)
FROM "SOURCE_SQL_STREAM_001" AS s
WINDOW w AS (PARTITION BY "host" RANGE INTERVAL '{minutes}' MINUTE PRECEDING);
"""
BY_SECONDS = """-- sliding by seconds: OUT
CREATE STREAM "OUT" (t TIMESTAMP, h VARCHAR(9), n BIGINT, longer BIGINT);
CREATE PUMP p AS INSERT INTO "OUT" SELECT STREAM s.ROWTIME, "host",
  COUNT(*) OVER (PARTITION BY "host" RANGE INTERVAL '{seconds}' SECOND PRECEDING),
  COUNT(*) OVER (PARTITION BY "host" RANGE INTERVAL '2' MINUTE PRECEDING)
FROM "SOURCE_SQL_STREAM_001" AS s;
"""
THRESHOLD = """-- sliding: ALARMS
CREATE STREAM triggers (h VARCHAR(100), trigger_count INTEGER);
CREATE PUMP a AS INSERT INTO triggers SELECT STREAM "host", COUNT(*) OVER w1 FROM "SOURCE_SQL_STREAM_001"
  WHERE "response" >= 500 WINDOW w1 AS (PARTITION BY "host" RANGE INTERVAL '1' MINUTE PRECEDING);
CREATE STREAM alarms (h VARCHAR(100), trigger_count INTEGER);
CREATE PUMP b AS INSERT INTO alarms SELECT STREAM h, trigger_count FROM triggers WHERE trigger_count >= 2;
"""
FIRST = ARRIVAL - ARRIVAL % MINUTE_MS
ROWS = st.lists(
    st.fixed_dictionaries({
        "host": st.sampled_from(["a", "b", None]),
        "bytes": st.one_of(st.none(), st.integers(-1000, 1000)),
        "arrival": st.integers(FIRST, FIRST + 20 * MINUTE_MS),
    }),
    max_size=40, unique_by=lambda row: row["arrival"],
)  # fmt: skip


def text(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}.000"


def expected(rows: list[dict[str, Any]], minutes: int) -> list[str]:
    """Written from the meaning: for each minute and key with rows, the rows of the range that ends with the minute."""
    documents = []
    for minute, host in {(row["arrival"] // MINUTE_MS, row["host"]) for row in rows}:
        own = [row for row in rows if row["host"] == host]
        inside = [row for row in own if minute - minutes < row["arrival"] // MINUTE_MS <= minute]
        values = [row["bytes"] for row in inside if row["bytes"] is not None]
        documents.append({
            "T": text((minute + 1) * MINUTE_MS), "M": text(minute * MINUTE_MS), "H": host, "N": len(inside),
            "TOTAL": sum(values) if values else None, "LOW": min(values, default=None),
            "HIGH": max(values, default=None), "MEAN": sum(values) / len(values) if values else None,
            "LAST_B": max(inside, key=lambda row: row["arrival"])["bytes"],
            "ONE": sum(row["arrival"] // MINUTE_MS == minute for row in own),
        })  # fmt: skip
    return sorted(map(repr, documents))


@settings(max_examples=examples(40), deadline=None)
@given(ROWS, st.integers(1, 4), st.sampled_from([1, 2, 3, 5, 7, 10, 60]))
def test_every_minute_has_its_range(rows: list[dict[str, Any]], batches: int, minutes: int) -> None:
    documents = tally(PROGRAM.replace("{minutes}", str(minutes)), rows, batches)["OUT"]
    assert sorted(map(repr, documents)) == expected(rows, minutes)


# Ranges that are no whole minutes are composed of seconds; one of whole minutes beside them, too.
@settings(max_examples=examples(40), deadline=None)
@given(ROWS, st.integers(1, 4), st.sampled_from([1, 2, 10, 45, 90, 900]))
def test_every_second_has_its_range(rows: list[dict[str, Any]], batches: int, seconds: int) -> None:
    if not seconds % 60:
        seconds -= 1
    documents = tally(BY_SECONDS.replace("{seconds}", str(seconds)), rows, batches)["OUT"]
    wanted = []
    for second, host in {(row["arrival"] // SECOND_MS, row["host"]) for row in rows}:
        of_host = [row["arrival"] // SECOND_MS for row in rows if row["host"] == host]
        ranges = {"N": seconds, "LONGER": 120}
        counts = {name: sum(second - length < own <= second for own in of_host) for name, length in ranges.items()}
        wanted.append({"T": text((second + 1) * SECOND_MS), "H": host, **counts})
    assert sorted(map(repr, documents)) == sorted(map(repr, wanted))


# The ranges of a group have most of their steps in common: a group costs about as many merges as its ranges have steps,
# not that many for each document.
def test_merges_of_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    sliding = load_text(BY_SECONDS.replace("{seconds}", "890")).outputs["OUT"].sliding
    assert sliding is not None
    assert (sliding.group_ms, sliding.longest_ms) == (30 * SECOND_MS, 890 * SECOND_MS)
    merges = 0
    merge = Cells.merge_inner

    def counting(cells: Cells, a: list[Any], b: list[Any]) -> list[Any]:
        nonlocal merges
        merges += 1
        return merge(cells, a, b)

    monkeypatch.setattr(Cells, "merge_inner", counting)
    seconds = range(FIRST - 900 * SECOND_MS, FIRST + 30 * SECOND_MS, SECOND_MS)
    documents = list(sliding.documents(FIRST, ("a",), {(second, "a"): [1, 0] for second in seconds}))
    assert [(second, columns["N"], columns["LONGER"]) for second, columns, _ in documents] == [
        (FIRST + number * SECOND_MS, 890, 120) for number in range(30)
    ]
    assert merges < 890 + 120 + 30 * 8


# A threshold after the OVER hides documents; it does not change what is counted.
def test_threshold_over_a_sliding_count() -> None:
    rows = [{"host": "a", "response": 500, "arrival": FIRST + second * 1000} for second in (1, 2, 61)]
    assert tally(THRESHOLD, rows)["ALARMS"] == [{"H": "a", "TRIGGER_COUNT": 2}]


# --explain names the setting, how minutes are composed, and the throttle as a tumbling window.
def test_explain_shows_composition_and_throttle() -> None:
    program = compile_text(THRESHOLD)
    shown = "\n".join(explain({"outputs": program.outputs}, {}, program.notes))
    assert 'one document per minute and key (sliding = "minute")' in shown
    assert "a0: the minute and those before it, 1 minute in all" in shown
    assert 'SELECT STREAM "host", COUNT(*) FROM … AS s' in shown
    assert "GROUP BY \"host\", STEP(s.ROWTIME BY INTERVAL '60' SECOND)" in shown
    assert "HAVING (COUNT(*) >= 2)" in shown or "HAVING (CAST(COUNT(*) AS INTEGER) >= 2)" in shown


# The throttle as --explain writes it compiles, and gives one document per key and minute.
def test_the_rewritten_throttle_compiles() -> None:
    rewritten = """CREATE STREAM alarms (h VARCHAR(100), n BIGINT);
    CREATE PUMP b AS INSERT INTO alarms SELECT STREAM "host", COUNT(*) FROM "SOURCE_SQL_STREAM_001" AS s
      WHERE "response" >= 500 GROUP BY "host", STEP(s.ROWTIME BY INTERVAL '60' SECOND) HAVING COUNT(*) >= 2;"""
    rows = [{"host": "a", "response": 500, "arrival": FIRST + second * 1000} for second in (1, 2, 3, 61)]
    assert tally(rewritten, rows)["ALARMS"] == [{"H": "a", "N": 3}]


# Each minute or second is in the group of its own and in those whose steps look back on it, and in no other.
@settings(max_examples=examples(60), deadline=None)
@given(st.integers(0, 3000), st.sampled_from([MINUTE_MS, SECOND_MS]), st.data())
def test_groups_of_a_step(number: int, step: int, data: st.DataObject) -> None:
    steps = data.draw(st.integers(1, MAX_SPANS_MS[step] // step).filter(lambda n: step == MINUTE_MS or n % 60))
    span = steps * step
    group = group_ms([span])
    assert step_ms([span]) == step
    sliding = Sliding(Cells((), ()), step, group, (span,), lambda *_: ({}, True))
    wanted = {(n * step // group * group,) for n in range(number, number + steps)}
    assert list(sliding.places((number * step,))) == sorted(wanted)
    assert 86_400_000 % group == 0
    assert len(wanted) <= 38


# Partials of a batch: the rows are accounted for in their own group only.
def test_rows_are_accounted_for_once() -> None:
    output = load_text(PROGRAM.replace("{minutes}", "5")).output("OUT")
    assert isinstance(output, WindowedOutput)
    groups: dict[Any, list[Any]] = {}
    row = {"host": "a", "bytes": 1, "\0order": (FIRST, "", 0)}
    output.add(row, FIRST, FIRST - MINUTE_MS, FIRST + MINUTE_MS, groups, 1)
    partials = list(output.partials(groups))
    assert Counter(group[0] for _, group, _ in partials) == {1: 1, 0: len(partials) - 1}
    assert len(partials) in (2, 3)


# A plan whose groups do not fit its spans would lose minutes, so it is refused when it is loaded.
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window_ms": 60_000}, "window_ms 180000"),
        ({"inner_ms": 1_000}, "inner_ms 60000"),
        ({"aggregates": []}, "span"),
        ({"inner_ms": 60_000.0}, "inner_ms"),
    ],
)
def test_wrong_plan_is_refused(change: dict[str, Any], message: str) -> None:
    from zoneinfo import ZoneInfo

    from streamtally.transform.pipeline import load_pipeline

    document = {**load_text(PROGRAM.replace("{minutes}", "5")).document}
    node = {**document["plan"]["outputs"][0], **change}
    if "aggregates" in change:
        node["columns"] = [{"name": "a", "type": "BIGINT", "expr": {"literal": 1, "type": "BIGINT"}}]
    with pytest.raises(PlanError, match=message):
        load_pipeline({**document, "plan": {"version": 1, "outputs": [node]}}, ZoneInfo)
