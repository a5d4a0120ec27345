"""``run`` is never silent about what it did not count: ``--json``, standard error, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.cli.operator_runner import Ran, run
from tests.unit.events import combined

STREAM = "DESTINATION_SQL_STREAM"
LEAP_SECOND = b'192.0.2.1 - - [31/Dec/2016:23:59:60 +0000] "GET / HTTP/1.1" 200 5 "-" "x"\n'
NO_TIME = b'{"status": 200, "path": "/"}\n'


def run_json(tmp_path: Path, data: bytes, *options: str) -> tuple[Ran, dict[str, Any]]:
    log = tmp_path / "a.log"
    log.write_bytes(data)
    ran = run("run", str(log), "--json", "--out", str(tmp_path / "out"), *options)
    return ran, json.loads(ran.stdout)


# No row has an event time: the object says how many rows that are and why; one line says what to do; status 1.
def test_rows_without_a_time_are_a_finding(tmp_path: Path) -> None:
    ran, printed = run_json(tmp_path, NO_TIME * 2)
    assert ran.status == 1
    assert printed["counted"][STREAM] == {
        "emitted": 0, "filtered": 0, "eval_failed": 2, "out_of_range": 0,
        "reasons": {"STREAM_PUMP: no event time": 2},
    }  # fmt: skip
    assert printed["outputs"] == {STREAM: []}


# A few lines of another file look like logfmt by chance: what is wrong are the others, not the few.
def test_a_few_lines_of_a_format_by_chance(tmp_path: Path) -> None:
    ran, _ = run_json(tmp_path, b"the quick brown fox\n" * 714 + b"a=b c=d\n" * 9)
    assert ran.status == 1
    assert "none of 723 lines was counted: of no known format (714), the line has no status (9), first in" in ran.error


def test_no_lines_at_all_are_said(tmp_path: Path) -> None:
    ran = run("run", "-", "--out", str(tmp_path / "out"), answer="\n")
    assert (ran.status, "nothing to count: 1 line" in ran.error) == (0, True)
    ran = run("run", "/dev/null", "--out", str(tmp_path / "out"))
    assert (ran.status, ran.error) == (0, "note: /dev/null: nothing to count: no lines\n")


def test_a_failed_run_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(NO_TIME)
    out = tmp_path / "out"
    ran = run("run", str(tmp_path / "a.log"), "--opensearch", "http://127.0.0.1:1", "--out", str(out))
    assert (ran.status, out.exists()) == (2, False)
    out.mkdir()
    run("run", str(tmp_path / "a.log"), "--opensearch", "http://127.0.0.1:1", "--out", str(out))
    assert list(out.iterdir()) == []  # it was there before


# The same for lines of no format; the object is whole all the same.
def test_lines_of_no_format_are_a_finding(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"what is this\n\n")
    ran = run("run", str(log), "--json", "--out", str(tmp_path / "out"))
    assert (ran.status, json.loads(ran.stdout)["reasons"]) == (1, {"of no known format": 1})


# A row that no calendar has a second for is missing in one place only, and said so; the others are counted.
def test_some_rows_that_are_not_counted_are_noted(tmp_path: Path) -> None:
    ran, printed = run_json(tmp_path, combined(200) + NO_TIME)
    assert ran.status == 0
    assert printed["counted"][STREAM]["emitted"] == 1
    assert printed["counted"][STREAM]["eval_failed"] == 1


# On the terminal the reasons have a table; an empty output has none.
def test_the_terminal_shows_why(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(NO_TIME)
    ran = run("run", str(log), "--out", str(tmp_path / "out"))
    assert ran.status == 1
    assert "not evaluated" in ran.stdout
    assert "no event time" in ran.stdout
    report = (tmp_path / "out/report.html").read_text()
    assert "why rows were not evaluated" in report


# A log of empty lines or headers alone has nothing to count, which is no finding.
@pytest.mark.parametrize("data", [b"\n\n", b"#Version: 1.0\n#Fields: date time sc-status\n"])
def test_a_log_without_events_is_no_finding(data: bytes, tmp_path: Path) -> None:
    ran, printed = run_json(tmp_path, data)
    assert (ran.status, printed["rows"]) == (0, 0)
    assert printed["counted"][STREAM]["emitted"] == 0


FILTERING = """
CREATE STREAM "OK" ("host" VARCHAR(50), "n" BIGINT);
CREATE PUMP "P" AS INSERT INTO "OK" SELECT STREAM "host", COUNT(*) FROM "SOURCE_SQL_STREAM_001"
    WHERE "response" < 400 GROUP BY "host", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '60' SECOND);
CREATE STREAM "EACH" ("host" VARCHAR(3), "code" INTEGER);
CREATE PUMP "Q" AS INSERT INTO "EACH" SELECT STREAM CAST("host" AS VARCHAR(3)), 10 / ("response" - 200)
    FROM "SOURCE_SQL_STREAM_001" WHERE "response" <> 404;
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filtering")
    (path / "p.sql").write_text(FILTERING)
    (path / "pipeline.toml").write_text('[outputs.OK]\nindex = "ok"\n[outputs.EACH]\nindex = "every"\n')
    return path


LINES = st.lists(
    st.sampled_from(
        [
            *(combined(status) for status in (200, 201, 404, 500)),
            combined(200, "08/Sep/2037:08:48:00 +0000"),
            b'{"response": "x", "datetime": 5}\n',
            *(NO_TIME, LEAP_SECOND, b"x\n", b"\n", b'{"a": \n'),
        ]
    ),
    min_size=1,
    max_size=12,
)


# Each row of the source is in exactly one of emitted, filtered, eval_failed and out_of_range of every output.
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES, arrival=st.sampled_from(["logged", "now"]))
def test_each_row_has_one_fate_in_every_output(lines: list[bytes], arrival: str, folder: Path, tmp_path: Path) -> None:
    _, printed = run_json(tmp_path, b"".join(lines), "--pipeline", str(folder), "--arrival", arrival)
    assert set(printed["counted"]) == {"OK", "EACH"} == set(printed["outputs"])
    for counts in printed["counted"].values():
        fates = [counts[fate] for fate in ("emitted", "filtered", "eval_failed", "out_of_range")]
        assert sum(fates) == printed["rows"]
        assert sum(counts["reasons"].values()) == counts["eval_failed"]
    assert sum(printed["reasons"].values()) == printed["unparsed"] + printed["failed"]
    every = printed["counted"]["EACH"]
    assert len(printed["outputs"]["EACH"]) == every["emitted"] + every["out_of_range"]
    ok = printed["counted"]["OK"]
    assert sum(document["n"] for document in printed["outputs"]["OK"]) == ok["emitted"] + ok["out_of_range"]


TWO_PUMPS = """
CREATE STREAM both_pumps ("host" VARCHAR(40), share BIGINT);
CREATE PUMP ones AS INSERT INTO both_pumps SELECT STREAM "host", 1 FROM SOURCE_SQL_STREAM_001 WHERE "response" < 400;
CREATE PUMP shares AS INSERT INTO both_pumps SELECT STREAM "host", 1 / ("response" - 200) FROM SOURCE_SQL_STREAM_001;
"""


# An output that two pumps fill is one name in the JSON; each row has a fate by each pump, and failures name theirs.
def test_output_of_two_pumps_is_one_name(tmp_path: Path) -> None:
    folder = tmp_path / "pipeline"
    folder.mkdir()
    (folder / "p.sql").write_text(TWO_PUMPS)
    (folder / "pipeline.toml").write_text('[outputs.BOTH_PUMPS]\nindex = "both"\n')
    _, printed = run_json(tmp_path, combined(200) + combined(404) + combined(201), "--pipeline", str(folder))
    assert set(printed["counted"]) == {"BOTH_PUMPS"} == set(printed["outputs"])
    assert printed["counted"]["BOTH_PUMPS"] == {
        "emitted": 4,
        "filtered": 1,
        "eval_failed": 1,
        "out_of_range": 0,
        "reasons": {"SHARES: division by zero": 1},
    }
    assert len(printed["outputs"]["BOTH_PUMPS"]) == 4
