"""Windowed programs over rows: windows, keys, aggregates and stages, against counts made by hand."""

from __future__ import annotations

import random
import statistics
from typing import Any

import pytest

from tests.unit.sql.programs import ARRIVAL, PAIRS, tally

MINUTE = 60_000


def pair(name: str) -> str:
    return (PAIRS / f"{name}.sql").read_text(encoding="utf-8")


def rows_of(*answers: tuple[int, int]) -> list[dict[str, Any]]:
    """Rows of (seconds after ARRIVAL, response)."""
    return [{"arrival": ARRIVAL + 1000 * at, "response": response, "bytes": 10} for at, response in answers]


def program(select: str, columns: str) -> str:
    return f'CREATE STREAM "OUT" ({columns}); CREATE PUMP p AS INSERT INTO "OUT" SELECT STREAM {select}'


# The tutorial's counts: folded names, LOCALTIMESTAMP is the window's end, one document per minute and status.
def test_tutorial_counts() -> None:
    rows = rows_of((1, 200), (2, 200), (59, 404), (60, 200))
    assert tally(pair("tutorial_counts"), rows)["DESTINATION_SQL_STREAM"] == [
        {"DATETIME": "2017-09-08T08:49:00.000", "STATUS": 200, "STATUSCOUNT": 2},
        {"DATETIME": "2017-09-08T08:49:00.000", "STATUS": 404, "STATUSCOUNT": 1},
        {"DATETIME": "2017-09-08T08:50:00.000", "STATUS": 200, "STATUSCOUNT": 1},
    ]


# The tutorial's rows: the time reformatted, texts cut to the lengths of the target's columns.
def test_tutorial_rows() -> None:
    row = {
        "host": "2001:db8:1234:5678::9abc",
        "datetime": "08/Sep/2017:08:47:09 +0200",
        "request": "GET /a/very/long/path/that/does/not/fit HTTP/1.1",
        "response": 200,
        "bytes": 512,
        "agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101",
    }
    assert tally(pair("tutorial_rows"), [row])["DESTINATION_SQL_STREAM"] == [
        {
            "DATETIME": "2017-09-08T06:47:09.000",
            "HOST": "2001:db8:1234:56",
            "REQUEST": "GET /a/very/long/path/that/does/",
            "RESPONSE": 200,
            "BYTES": 512,
            "AGENT": "Mozilla/5.0 (X11; Linux x86_64; ",
        }
    ]


# Three ways lead into one window, each with its own condition, key and time: the third goes by the event time.
def test_three_ways_into_one_window() -> None:
    rows: list[dict[str, Any]] = [
        {"host": "a", "agent": "A", "bytes": 5, "response": 200, "datetime": "08/Sep/2017:08:48:01 +0000"},
        {"host": "a", "agent": "error", "bytes": 7, "response": 500, "datetime": "08/Sep/2017:08:40:00 +0000"},
        {"host": "a", "agent": "error", "bytes": 7, "response": 500, "datetime": "08/Sep/2017:08:40:00 +0000"},
    ]
    expected = [
        {"NAME": "error", "N": 2, "TOTAL": 2, "STARTED": "2017-09-08 08:40:00.000"},
        {"NAME": "A", "N": 2, "TOTAL": 6, "STARTED": "2017-09-08 08:48:00.000"},
        {"NAME": "ERROR", "N": 2, "TOTAL": None, "STARTED": "2017-09-08 08:48:00.000"},
    ]
    assert tally(pair("aggregate_of_three_ways"), rows)["OUT"] == expected
    assert tally(pair("aggregate_of_three_ways"), rows, batches=3)["OUT"] == expected


# The first and the last row are those by arrival and line, in whatever batches and order they come; NULL is a value
# like any other unless IGNORE NULLS says otherwise.
@pytest.mark.parametrize("batches", [1, 2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_first_and_last_values(batches: int, seed: int) -> None:
    rows: list[dict[str, Any]] = [
        {"host": "x", "bytes": None, "agent": "a", "arrival": ARRIVAL, "line": 3},
        {"host": "x", "bytes": 2, "agent": "b", "arrival": ARRIVAL, "line": 10},
        {"host": "x", "bytes": 9, "agent": None, "arrival": ARRIVAL + 5, "line": 0},
        {"host": "y", "bytes": 7, "agent": None, "arrival": ARRIVAL + 9, "line": 0},
        {"host": "z", "bytes": None, "agent": None, "arrival": ARRIVAL + 9, "line": 1},
    ]
    random.Random(seed).shuffle(rows)
    assert tally(pair("first_last_value"), rows, batches)["OUT"] == [
        {"HOST": "x", "A": None, "B": 9, "C": "a", "D": "B", "N": 3},
        {"HOST": "y", "A": 7, "B": 7, "C": None, "D": None, "N": 1},
    ]


# Distinct rows are counted as the set that they are, whatever the batches: against sets made here.
@pytest.mark.parametrize("batches", [1, 4])
def test_count_of_distinct_rows(batches: int) -> None:
    make = random.Random(9)
    rows: list[dict[str, Any]] = [
        {
            "arrival": ARRIVAL + make.randrange(90 * MINUTE),
            "host": make.choice(["", "a", "b", "c", None]),
            "response": make.choice([200, 201, 404, 500, None]),
        }
        for _ in range(300)
    ]
    kept = [row for row in rows if row["host"]]
    seen = {(row["arrival"] // MINUTE, row["host"], row["response"]) for row in kept}
    outputs = tally(pair("count_of_distinct"), rows, batches)
    minutes = sorted({minute for minute, _, _ in seen})
    of_minute = [[code for at, _, code in seen if at == minute] for minute in minutes]
    assert [(document["N"], document["FAILED"], document["LARGEST"]) for document in outputs["BY_MINUTE"]] == [
        (
            len(codes),
            sum(code is not None and code >= 400 for code in codes),
            max((c for c in codes if c), default=None),
        )
        for codes in of_minute
    ]
    assert outputs["BY_MINUTE"][0]["MINUTE_OF"] == "2017-09-08 08:48:00.000"
    by_hour: dict[tuple[int, int], int] = {}
    for minute, _, code in seen:
        if code not in (None, 201):
            by_hour[minute // 60, code] = by_hour.get((minute // 60, code), 0) + 1
    shown = sorted((document["ENDED"][11:13], document["CODE"], document["N"]) for document in outputs["BY_HOUR"])
    assert shown == sorted((f"{(hour + 1) % 24:02}", code, n) for (hour, code), n in by_hour.items() if n > 1)


# Distinct prices per host in five seconds: the window is that of the rows, not the one after it.
def test_count_of_distinct_by_rowtime() -> None:
    rows: list[dict[str, Any]] = [
        {"host": "a", "agent": "x", "bytes": price, "arrival": ARRIVAL + at}
        for price, at in ((1, 0), (1, 4_999), (2, 9))
    ]
    rows += [{"host": "a", "agent": "x", "bytes": None, "arrival": ARRIVAL}]
    rows += [{"host": "a", "agent": "x", "bytes": 1, "arrival": ARRIVAL + 5_000}]
    assert tally(pair("count_of_distinct_rowtime"), rows, 2)["OUT"] == [
        {"HOST": "a", "N": 2, "AT_MS": ARRIVAL},
        {"HOST": "a", "N": 1, "AT_MS": ARRIVAL + 5_000},
    ]


# Stagger windows keyed by a floored event time: late rows are added to the minute in which they happened.
def test_stagger_by_event_time() -> None:
    rows: list[dict[str, Any]] = [
        {
            "host": "a",
            "bytes": size,
            "response": 200,
            "datetime": f"08/Sep/2017:08:4{minute}:01 +0000",
            "arrival": ARRIVAL + at,
        }
        for minute, at, size in ((7, 0, 1), (8, 60_000, 2), (7, 61_000, 4), (7, 400_000, 8), (6, 0, 16))
    ]
    assert tally(pair("stagger"), rows, batches=2)["OUT"] == [
        {"SEEN": "2017-09-08 08:47:00.000", "HOST": "a", "N": 3, "TOTAL": 13, "ENDED": "2017-09-08 08:48:00.000"}
    ]


# Partials are written as JSON, read and merged: the result does not depend on how rows fell into batches.
@pytest.mark.parametrize("name", ["aggregates", "aggregates_spread", "count_distinct_items", "top_k_items", "having"])
def test_batches_make_no_difference(name: str) -> None:
    make = random.Random(name)
    rows = [
        {
            "arrival": ARRIVAL + make.randrange(3 * MINUTE),
            "host": f"198.51.100.{make.randrange(9)}",
            "bytes": make.choice([None, make.randrange(10**6)]),
            "response": make.choice([200, 404]),
        }
        for _ in range(500)
    ]
    once = tally(pair(name), rows)
    assert once["OUT"]
    assert tally(pair(name), rows, batches=7) == once
    assert tally(pair(name), rows[::-1], batches=3) == once


# NULL is only counted by COUNT(*), AVG of whole numbers is truncated, and NULLs alone give NULL.
def test_aggregates_ignore_null() -> None:
    rows: list[dict[str, Any]] = [{"bytes": 5, "host": "b"}, {"bytes": None, "host": None}, {"bytes": 8, "host": "a"}]
    assert tally(pair("aggregates"), rows)["OUT"] == [{"A": 3, "B": 2, "C": 13, "D": 6, "E": 5, "F": 8, "G": "a"}]
    assert tally(pair("aggregates"), [{"bytes": None, "host": None}])["OUT"] == [
        {"A": 1, "B": 0, "C": None, "D": None, "E": None, "F": None, "G": None}
    ]


# STDDEV and VAR of 2, 4, 4, 4, 5, 5, 7, 9: the mean is 5, the squared distances add up to 32.
def test_spread_of_a_known_sample() -> None:
    rows = [{"bytes": value} for value in (2, 4, 4, 4, 5, 5, 7, 9)]
    (document,) = tally(pair("aggregates_spread"), rows, batches=3)["OUT"]
    samp = 32 / 7
    assert document == {"A": 2.0, "B": samp**0.5, "C": 4.0, "D": samp, "E": samp**0.5, "F": samp}


# One value has no sample variance.
def test_spread_of_one_row() -> None:
    (document,) = tally(pair("aggregates_spread"), [{"bytes": 7}])["OUT"]
    assert (document["A"], document["B"], document["C"], document["D"]) == (0.0, None, 0.0, None)


# Sums of squares are exact: values that differ only in their last digits do not cancel out, even over DOUBLE.
def test_spread_does_not_cancel() -> None:
    values = [10**9 + offset + 0.25 for offset in (0, 1, 2, 3)]
    select = 'VAR_SAMP(CAST("agent" AS DOUBLE)) FROM "SOURCE_SQL_STREAM_001" AS s GROUP BY FLOOR(s.ROWTIME TO MINUTE)'
    (document,) = tally(program(select, "v DOUBLE"), [{"agent": str(value)} for value in values], batches=2)["OUT"]
    assert document["V"] == pytest.approx(statistics.variance([0, 1, 2, 3]), rel=0, abs=0)


# STEP by 10 seconds and the old idiom make the same windows; the idiom's value is seconds / 10 since the epoch.
def test_step_and_idiom_make_the_same_windows() -> None:
    rows = rows_of((0, 200), (9, 200), (10, 200), (35, 200))
    stepped = [document["N"] for document in tally(pair("window_step"), rows)["OUT"]]
    idiom = tally(pair("window_idiom_value"), rows)["OUT"]
    assert stepped == [document["N"] for document in idiom] == [2, 1, 1]
    assert idiom[0]["R"] == ARRIVAL // 1000 // 10


# By event time a late row falls into its own minute; ROWTIME beside it only decided when results were emitted.
@pytest.mark.parametrize("name", ["window_event", "window_two_terms_event"])
def test_event_time_windows(name: str) -> None:
    times = ("08/Sep/2017:08:46:59 +0000", "08/Sep/2017:08:47:00 +0000", "08/Sep/2017:08:46:00 +0000")
    rows = [
        {"datetime": time_, "response": 200, "arrival": ARRIVAL + 30_000 * index} for index, time_ in enumerate(times)
    ]
    documents = [(document["T"], document["N"]) for document in tally(pair(name), rows)["OUT"]]
    assert documents == [("2017-09-08 08:46:00.000", 2), ("2017-09-08 08:47:00.000", 1)]


# HAVING is evaluated on the merged value: five rows in five batches pass HAVING COUNT(*) >= 5.
def test_having_sees_the_merged_value() -> None:
    select = (
        '"response", COUNT(*) FROM "SOURCE_SQL_STREAM_001" AS s '
        'GROUP BY "response", FLOOR(s.ROWTIME TO MINUTE) HAVING COUNT(*) >= 5'
    )
    text = program(select, "status INT, n BIGINT")
    rows = rows_of(*[(at, 200) for at in range(5)], (1, 404))
    assert tally(text, rows, batches=5)["OUT"] == [{"STATUS": 200, "N": 5}]


# A row stage after an aggregate, such as an alert's threshold, is evaluated on the settled count.
def test_threshold_after_an_aggregate() -> None:
    rows = rows_of(*[(at % 60, 503) for at in range(101)], (1, 500), (2, 200))
    documents = tally(pair("stage_window_rows"), rows, batches=4)
    assert documents == {"ALERTS": [{"AT_TIME": "2017-09-08 08:49:00.000", "MESSAGE": "status 503: 101"}]}


# A row stage before an aggregate: its CASE and WHERE apply to the rows that are counted.
def test_aggregate_after_a_row_stage() -> None:
    rows = [*rows_of((1, 200), (2, 503), (3, 500), (4, 304)), {"response": 500, "bytes": None}]
    assert tally(pair("stage_rows_window"), rows)["COUNTED"] == [{"FAMILY": "5xx", "N": 2}, {"FAMILY": "ok", "N": 1}]


# GROUP BY treats NULLs as equal.
def test_group_by_null() -> None:
    rows: list[dict[str, Any]] = [{"host": None}, {"host": None}, {"host": "a"}]
    documents = tally(pair("window_step"), rows)["OUT"]
    assert sorted((document["H"] or "", document["N"]) for document in documents) == [("", 2), ("a", 1)]


# SELECT DISTINCT: each combination once per window.
def test_distinct() -> None:
    late = {"host": "a", "arrival": ARRIVAL + MINUTE}
    rows: list[dict[str, Any]] = [{"host": "a"}, {"host": "b"}, {"host": "a"}, late]
    assert [document["H"] for document in tally(pair("distinct"), rows, batches=2)["OUT"]] == ["a", "b", "a"]


# Distinct items are exact up to 10,000, and beyond within three standard errors of HyperLogLog (0.81 %).
@pytest.mark.parametrize("many, tolerance", [(3, 0), (10_000, 0), (30_000, 0.0243)])
def test_count_of_distinct_items(many: int, tolerance: float) -> None:
    rows = [{"host": f"host-{index % many}", "response": 200} for index in range(many * 2)]
    once = tally(pair("count_distinct_items"), rows)["OUT"][0]["NUMBER_OF_DISTINCT_ITEMS"]
    assert abs(once - many) <= many * tolerance
    assert tally(pair("count_distinct_items"), rows, batches=5)["OUT"][0]["NUMBER_OF_DISTINCT_ITEMS"] == once


# One document for each of the K most frequent items; ties are in the order of their text.
def test_top_items() -> None:
    hosts = ["c"] * 5 + ["b"] * 7 + ["a"] * 5 + ["d"]
    text = pair("top_k_items").replace("10, 60", "3, 60")
    documents = tally(text, [{"host": host} for host in hosts], batches=4)["OUT"]
    assert documents == [
        {"ITEM": "b", "ITEM_COUNT": 7.0},
        {"ITEM": "a", "ITEM_COUNT": 5.0},
        {"ITEM": "c", "ITEM_COUNT": 5.0},
    ]


# With more distinct items than a batch keeps, no count is too high, and those of frequent items are exact.
def test_top_items_beyond_the_exact_size() -> None:
    hosts = [f"rare-{index}" for index in range(25_000)] + ["often"] * 300 + ["second"] * 200
    documents = tally(pair("top_k_items"), [{"host": host} for host in hosts], batches=2)["OUT"]
    assert documents[:2] == [{"ITEM": "often", "ITEM_COUNT": 300.0}, {"ITEM": "second", "ITEM_COUNT": 200.0}]
    assert all(document["ITEM_COUNT"] == 1.0 for document in documents[2:])


# Several pumps into one stream are separate outputs with the stream's columns.
def test_pumps_into_one_stream() -> None:
    rows = [{"bytes": 5}, {"bytes": 2_000_000}]
    documents = tally(pair("pumps_into_one_stream"), rows)
    assert documents == {"OUT/A": [{"KIND": "host", "N": 2}], "OUT/B": [{"KIND": "big", "N": 2_000_000}]}


# A row that fails in one pump is still counted by the other.
def test_failing_row_leaves_no_trace() -> None:
    text = program('SUM(1 / "bytes") FROM "SOURCE_SQL_STREAM_001" AS s GROUP BY FLOOR(s.ROWTIME TO MINUTE)', "n BIGINT")
    with pytest.raises(Exception, match="division by zero"):
        tally(text, [{"bytes": 1}, {"bytes": 0}])


# Log parsers: columns of one text, NULL if it does not match.
def test_log_parsers() -> None:
    common = '198.51.100.7 - ann [08/Sep/2017:08:47:09 +0000] "GET / HTTP/1.0" 200 2326'
    row = {"request": common}
    assert tally(pair("w3c_log_parse"), [row])["OUT"] == [{"A": "198.51.100.7", "B": "GET / HTTP/1.0", "C": 200}]
    assert tally(pair("w3c_log_parse"), [{"request": "no"}])["OUT"] == [{"A": None, "B": None, "C": None}]
    row = {"request": "GET /a b HTTP/1.1"}
    assert tally(pair("regex_log_parse"), [row])["OUT"] == [{"METHOD": "GET", "PATH": "/a"}]
    # Lazy: the first two columns are as short as possible, the last takes the rest.
    assert tally(pair("fast_regex_log_parse"), [row])["OUT"] == [{"A": "GET", "B": "b HTTP/1.1"}]
    assert tally(pair("fixed_column_log_parse"), [{"request": "GET  42 "}])["OUT"] == [{"A": "GET ", "B": 42}]
    row = {"request": '"a,\\"b",17'}
    assert tally(pair("variable_column_log_parse"), [row])["OUT"] == [{"A": 'a,"b', "B": 17}]
    row = {"request": "Sep  8 08:47:09 web-1 sshd[7]: hello"}
    documents = tally(pair("sys_log_parse"), [row])["OUT"]
    assert documents == [{"A": "1970-09-08 08:47:09.000", "B": "web-1 sshd[7]: hello"}]
