"""Two periods side by side: what changed, and by how much."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from streamtally.report.comparison import compare_lists
from streamtally.report.data import DayVisitors, TimesAt, TimesOverTime, TopList
from streamtally.report.page import render_report
from tests.unit.cli.in_process import call_main
from tests.unit.report.test_page import EMPTY, Page


# The entries that differ most come first; one that only one period has counts 0 in the other.
def test_lists() -> None:
    these, others = (
        TopList([("/a", 10), ("/b", 9), ("/new", 8)], 27),
        TopList([("/b", 30), ("/a", 11), ("/old", 1)], 42),
    )
    (compared,) = compare_lists({"paths": these}, {"paths": others}, 9)
    assert list(compared.entries) == [("/b", 9, 30), ("/new", 8, 0), ("/a", 10, 11), ("/old", 0, 1)]


# What an inexact list does not know is not 0 there, so it is not compared.
def test_inexact() -> None:
    these, others = TopList([("/a", 10), ("/new", 8)], 18), TopList([("/a", 30)], 100, 5)
    (compared,) = compare_lists({"paths": these}, {"paths": others}, 9)
    assert (list(compared.entries), compared.error) == ([("/a", 10, 30)], 5)


def test_measures() -> None:
    points = [TimesAt(0, 1, p50, 20_000, 20_000) for p50 in (15_000, 10_000)]
    times = [TimesOverTime(60_000, [point], point) for point in points]
    this = replace(EMPTY, rows=150, visitors=[DayVisitors(0, 3)], bytes_by_minute=[(0, 500)], response_times=times[0])
    this = replace(this, status_by_minute=[(0, 200, 140), (0, 503, 10)])
    other = replace(EMPTY, rows=100, inputs=["old.log"], visitors=[DayVisitors(0, 4)], response_times=times[1])
    other = replace(other, status_by_minute=[(0, 204, 99), (0, 404, 1)])
    text = Page(render_report(replace(this, compared=other))).text
    for part in (
        "Compared with old.log, 1970-01-01 00:00",
        "rows150100+50.0 %",
        "2xx14099+41.4 %",
        "4xx01−100.0 %",
        "5xx100+10",
        "visitors, by day34−25.0 %",
        "Bandwidth500 B0 B+500",
        "p5015 ms10 ms+50.0 %",
        "p9020 ms20 ms0 %",
    ):
        assert part in text


def test_run(tmp_path: Path) -> None:
    line = '192.0.2.1 - - [{}/Oct/2025:13:55:36 +0000] "GET {} HTTP/1.1" 200 5 "-" "curl"\n'
    (tmp_path / "new.log").write_text(line.format("10", "/a") * 3)
    (tmp_path / "old.log").write_text(line.format("03", "/a") + line.format("03", "/b") + "\x00not a line\n")
    arguments = ("run", tmp_path / "new.log", "--out", tmp_path / "out", "--compare")
    done = call_main(*arguments, tmp_path / "old.log", "--json")
    report = json.loads(done.stdout)["report"]
    assert (done.returncode, report["rows"], report["compared"]["rows"], report["compared"]["unparsed"]) == (0, 3, 2, 1)
    assert report["compared_lists"][0]["entries"] == [["/a", 3, 1], ["/b", 0, 1]]
    assert "Compared with old.log, 2025-10-03 13:55" in (tmp_path / "out" / "report.html").read_text()
    for bad in (tmp_path / "missing.log", "-"):
        done = call_main(*arguments, bad)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert call_main(*arguments, tmp_path / "old.log", "--no-report").returncode == 2
