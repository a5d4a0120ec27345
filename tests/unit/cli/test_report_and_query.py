"""``report`` and ``query``: what a run has kept, as a page, as JSON, and in SQL that reaches nothing else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.in_process import call_main

PATHS = [("/a?x=1", 200), ("/a", 200), ("/gone", 404), ("/s.css", 200), ("/a", 500)]
LINES = "".join(
    f"192.0.2.{number % 3} - - [10/Oct/2025:13:55:{number:02} +0000] "
    f'"GET {path} HTTP/1.1" {status} {10 * number} "-" "a"\n'
    for number, (path, status) in enumerate(PATHS)
)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = call_main(*arguments)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    (folder / "a.log").write_text(LINES)
    ran = run("run", str(folder / "a.log"), "--out", str(folder / "out"), "--json")
    (folder / "run.json").write_text(ran.stdout)
    return folder


@pytest.fixture(scope="module")
def file(folder: Path) -> str:
    return str(folder / "out" / "log-summary.duckdb")


# run --json has what the page shows; report --json has the same, with the documents; report writes the same page.
def test_report(folder: Path, file: str) -> None:
    ran: dict[str, Any] = json.loads((folder / "run.json").read_text())
    shown = json.loads(run("report", file, "--json").stdout)
    assert ran["report"] == {**shown, "last_documents": []}
    assert shown["not_found"]["entries"] == [["/gone", 1]]
    assert shown["top_paths"]["entries"] == [["/a", 3], ["/gone", 1]]
    assert shown["path_bytes"]["entries"] == [["/a", 50], ["/s.css", 30], ["/gone", 20]]
    assert [day["visitors"] for day in shown["visitors"]] == [3]
    assert shown["last_documents"][0]["total"] == len(ran["outputs"]["DESTINATION_SQL_STREAM"])
    page = folder / "again.html"
    assert run("report", file, "--out", str(page)).returncode == 0
    assert page.read_text() == (folder / "out" / "report.html").read_text()


# A line may state a size of 18 digits, so that those of one path add up to more than 64 bits hold.
def test_bytes_beyond_64_bits(tmp_path: Path) -> None:
    size = 10**18 - 1
    line = '192.0.2.1 - - [10/Oct/2025:13:55:00 +0000] "GET /a HTTP/1.1" 200 %d "-" "a"\n'
    (tmp_path / "a.log").write_text(line % size * 12)
    ran = run("run", str(tmp_path / "a.log"), "--out", str(tmp_path / "out"), "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["report"]["path_bytes"]["entries"] == [["/a", 12 * size]]
    file = str(tmp_path / "out" / "log-summary.duckdb")
    asked = run("query", "SELECT count FROM report.lists WHERE list = 'path_bytes'", "--file", file, "--json")
    assert json.loads(asked.stdout) == [{"count": 12 * size}]


# Both commands write the same Japanese page; an unknown language stops them before they write anything.
def test_language(folder: Path, file: str) -> None:
    page = folder / "ja.html"
    assert run("report", file, "--lang", "ja", "--out", str(page)).returncode == 0
    assert '<html lang="ja">' in page.read_text("utf-8")
    ran = run("run", str(folder / "a.log"), "--out", str(folder / "ja"), "--lang", "ja")
    assert ran.returncode == 0
    assert '<html lang="ja">' in (folder / "ja" / "report.html").read_text("utf-8")
    for command in (("report", file, "--out"), ("run", str(folder / "a.log"), "--out")):
        refused = run(*command, str(folder / "not-written"), "--lang", "xx")
        assert refused.returncode == 2
        assert refused.stderr.splitlines() == ["streamtally: --lang 'xx': not a known language; one of en, ja"]
    assert not (folder / "not-written").exists()


def test_query(file: str) -> None:
    answer = run(
        "query",
        'SELECT status, SUM("statusCount") AS n FROM request_data GROUP BY 1 ORDER BY 1',
        "--file",
        file,
        "--json",
    )
    assert json.loads(answer.stdout) == [{"status": 200, "n": 3}, {"status": 404, "n": 1}, {"status": 500, "n": 1}]
    answer = run("query", "SELECT text, count FROM report.lists WHERE list = 'static_files'", "--file", file, "--json")
    assert json.loads(answer.stdout) == [{"text": "/s.css", "count": 1}]
    answer = run("query", "SELECT * FROM report.minutes ORDER BY status", "--file", file, "--json")
    assert json.loads(answer.stdout)[0] == {"start": "2025-10-10T13:55:00", "status": "200", "count": 3}


# What JSON does not have is null or text; columns of one name get numbers; nothing is grouped or cut.
def test_values(file: str) -> None:
    sql = (
        "SELECT 'nan'::DOUBLE AS x, 1.50::DECIMAL(9,2) AS X, 170141183460469231731687303715884105727 AS big, [1, NULL]"
    )
    sql += " AS l"
    answer = json.loads(run("query", sql, "--file", file, "--json").stdout)
    assert answer == [{"x": None, "X_2": 1.5, "big": 2**127 - 1, "l": [1, None]}]


def test_table(file: str) -> None:
    answer = run("query", "SELECT * FROM range(5)", "--file", file, "--limit", "2")
    assert answer.returncode == 0
    assert answer.stderr.splitlines() == ["note: the first 2 rows; --limit N shows more, and --json all"]


# The file is read only, and nothing else on the machine is reached; bad SQL is one line.
@pytest.mark.parametrize(
    "sql, words",
    [
        ("", "give one statement"),
        ("SELECT 1; SELECT 2", "give one statement"),
        ("SELECT", "SELECT"),
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM nope", "nope does not exist"),
        ("SELECT * FROM lists", 'lists does not exist: did you mean "report.lists"?'),
        ("SELECT dat FROM report.page", '"dat" not found in FROM clause: did you mean "data"?'),
        ("SELECT p.dat FROM report.page p", 'does not have a column named "dat": did you mean "data"?'),
        ("SELECT cuont(*) FROM report.page", 'cuont does not exist: did you mean "count"?'),
        ("DROP TABLE documents", "read-only"),
        ("INSERT INTO report.page VALUES ('x')", "read-only"),
        ("COPY (SELECT 1) TO 'evil.csv'", "disabled by configuration"),
        ("SELECT * FROM read_csv('README.md')", "disabled by configuration"),
        ("SELECT * FROM 'README.md'", "README.md"),
        ("ATTACH 'evil.db'", "disabled by configuration"),
        ("SET enable_external_access = true", "locked"),
        ("SELECT '\x1b[31m' FROM \x1b[31m", ""),
    ],
)
def test_refused(file: str, sql: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = run("query", sql, "--file", file)
    assert answer.returncode == 2
    assert words in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert "\x1b" not in answer.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["report"], ["query", "SELECT 1", "--file"]])
def test_files_that_are_none(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database\n" * 1000)
    (tmp_path / "empty").write_bytes(b"")
    for name in ("text", "missing", "."):
        answer = run(*command, str(tmp_path / name))
        assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
    answer = run("report", str(tmp_path / "empty"))
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)


# A run without a report keeps none, and says so when it is asked for.
def test_no_report(folder: Path, tmp_path: Path) -> None:
    ran = run("run", str(folder / "a.log"), "--out", str(tmp_path), "--no-report", "--json")
    assert "report" not in json.loads(ran.stdout)
    assert not (tmp_path / "report.html").exists()
    answer = run("report", str(tmp_path / "log-summary.duckdb"))
    assert answer.returncode == 2
    assert "has no report: it is written by streamtally run without --no-report" in answer.stderr


# --compare has the agents of both logs, and the browsers that they are.
def test_compared_agents(folder: Path) -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    (folder / "b.log").write_text(LINES.replace('"a"\n', f'"{firefox}"\n'))
    logs = [str(folder / name) for name in ("b.log", "a.log")]
    ran = run("run", logs[0], "--compare", logs[1], "--out", str(folder / "compared"), "--json")
    lists = {listed["kind"]: listed["entries"] for listed in json.loads(ran.stdout)["report"]["compared_lists"]}
    assert lists["agents"] == [[firefox, 5, 0], ["a", 0, 5]]
    assert lists["browsers"] == [["Firefox", 5, 0]]
    assert lists["paths"] == [["/a", 3, 3], ["/gone", 1, 1]]


# A log of very many minutes is counted by longer steps, of which the charts' steps are multiples; nothing is lost.
def test_very_many_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamtally.local.summary.MOST", 50)
    line = '192.0.2.1 - - [10/Oct/2025:%02d:%02d:00 +0000] "GET /a HTTP/1.1" 200 7 "-" "a"\n'
    (tmp_path / "a.log").write_text("".join(line % divmod(minute, 60) for minute in range(0, 240, 2)))
    ran = run("run", str(tmp_path / "a.log"), "--out", str(tmp_path / "out"), "--json", "--workers", "1")
    report = json.loads(ran.stdout)["report"]
    assert (report["status_width"], report["bytes_width"]) == (10, 10)
    assert [count for _, _, count in report["status_by_minute"]] == [5] * 24
    assert [size for _, size in report["bytes_by_minute"]] == [35] * 24
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Rows per 10 minutes (UTC)." in page
    assert report["selection"]["step_ms"] % 600_000 == 0
    assert sum(report["selection"]["rows"][1::2]) == 120
