"""``run --by`` counts the rows of any log per minute and field, and shows the SQL that does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.operator_runner import Ran, run

STREAM = "DESTINATION_SQL_STREAM"
COMBINED = """\
192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET /a?x=1 HTTP/1.1" 200 5 "-" "curl"
192.0.2.2 - - [10/Oct/2025:13:55:40 +0000] "POST /a HTTP/1.1" 201 - "-" "curl"
192.0.2.1 - - [10/Oct/2025:13:56:01 +0000] "GET /b HTTP/1.1" 404 5 "-" "x"
"""
ALB = (
    "https 2025-08-22T08:54:35.744551Z app/lb/446a260db6d4e6f1 192.0.2.5:47772 10.0.0.105:3000 0.000 0.006 0.000 404 "
    '404 945 11891 "GET https://example.com:443/x.png HTTP/1.1" "agent" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:x "r" '
    '"example.com" "session-reused" 20 2025-08-22T08:54:35.738000Z "waf,forward" "-" "-" "10.0.0.105:3000" "404" "-" '
    '"-"\n'
)
ERRORS = """\
2025/10/10 13:55:36 [error] 7#7: *1 open() "/x" failed (2: No such file or directory)
2025/10/10 13:55:37 [warn] 7#7: *2 an upstream response is buffered to a temporary file
2025/10/10 13:55:38 [error] 7#7: *3 open() "/y" failed (2: No such file or directory)
"""
JSON_LINES = """\
{"time":"2025-10-10T13:55:36Z","code":200,"a,b":"x","nested":{"k":1}}
{"time":"2025-10-10T13:55:37Z","code":200,"a,b":null}
{"time":"2025-10-10T13:55:38Z","code":503,"a,b":"x"}
"""
# Servers' own JSON: a field, a member (Caddy, ECS, OpenTelemetry), a request line, a name with dots; some with a query.
PATHS_IN_JSON = """\
{"time":"2025-10-10T13:55:36Z","method":"GET","uri":"/u?x=1","status":200}
{"ts":1760104536.5,"request":{"method":"PUT","uri":"/caddy?y=2"},"status":200}
{"@timestamp":"2025-10-10T13:55:36Z","url":{"path":"/ecs"},"http":{"request":{"method":"POST"}}}
{"@timestamp":"2025-10-10T13:55:36Z","url.path":"/flat","http.request.method":"PATCH"}
{"time":"2025-10-10T13:55:36Z","attributes":{"url.path":"/otel","http.request.method":"PUT"}}
{"time":"2025-10-10T13:55:36Z","request":"GET /line?q HTTP/1.1","status":"200"}
{"time":"2025-10-10T13:55:36Z","path":"/own?z","status":200}
"""
ALL_PATHS = [("13:55", path, 1) for path in ("/u", "/caddy", "/ecs", "/flat", "/otel", "/line", "/own?z")]
LTSV = "time:2025-10-10T13:55:36Z\tmethod:GET\turi:/l?x\tstatus:200\n"


def run_by(tmp_path: Path, text: str, *options: str) -> tuple[Ran, dict[str, Any]]:
    log = tmp_path / "a.log"
    log.write_text(text)
    ran = run("run", str(log), "--json", "--out", str(tmp_path / "out"), *options)
    return ran, json.loads(ran.stdout) if ran.stdout else {}


def counts(printed: dict[str, Any]) -> list[tuple[Any, ...]]:
    return sorted((tuple(document.values()) for document in printed["outputs"][STREAM]), key=repr)


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        (COMBINED, ["--by", "host"], [("13:55", "192.0.2.1", 1), ("13:55", "192.0.2.2", 1), ("13:56", "192.0.2.1", 1)]),
        (COMBINED, ["--by", "path"], [("13:55", "/a", 2), ("13:56", "/b", 1)]),
        (COMBINED, ["--by", "query"], [("13:55", "x=1", 1), ("13:55", None, 1), ("13:56", None, 1)]),
        (
            COMBINED,
            ["--by", "status,method", "--format", "apache_combined"],
            [("13:55", 200, "GET", 1), ("13:55", 201, "POST", 1), ("13:56", 404, "GET", 1)],
        ),
        (COMBINED, ["--by", "agent"], [("13:55", "curl", 2), ("13:56", "x", 1)]),
        (ALB, ["--by", "status", "--format", "alb"], [("08:54", 404, 1)]),
        (f"web-1  | {ALB}", ["--by", "container_name", "--format", "alb"], [("08:54", "web-1", 1)]),
        (ALB, ["--by", "host"], [("08:54", "192.0.2.5", 1)]),
        (ALB, ["--by", "path,elb"], [("08:54", "https://example.com:443/x.png", "app/lb/446a260db6d4e6f1", 1)]),
        (ERRORS, ["--by", "level"], [("13:55", "error", 2), ("13:55", "warn", 1)]),
        (JSON_LINES, ["--by", "code"], [("13:55", "200", 2), ("13:55", "503", 1)]),
        (PATHS_IN_JSON, ["--by", "path"], ALL_PATHS),
        (PATHS_IN_JSON, ["--by", "path", "--format", "json"], ALL_PATHS),
        (
            PATHS_IN_JSON,
            ["--by", "method"],
            [("13:55", "GET", 2), ("13:55", "PUT", 2), ("13:55", "POST", 1), ("13:55", "PATCH", 1), ("13:55", None, 1)],
        ),
        (
            COMBINED + PATHS_IN_JSON,
            ["--by", "path"],
            [("13:55", "/a", 2), ("13:56", "/b", 1), *ALL_PATHS],
        ),
        (LTSV, ["--by", "path", "--format", "ltsv"], [("13:55", "/l", 1)]),
        (JSON_LINES, ["--by", '"a,b"'], [("13:55", "x", 2), ("13:55", None, 1)]),
    ],
)
def test_counts(text: str, options: list[str], expected: list[tuple[Any, ...]], tmp_path: Path) -> None:
    """The right numbers, by hand; a missing value is counted as null, so that each row is in exactly one count."""
    ran, printed = run_by(tmp_path, text, *options)
    assert ran.status == 0, ran
    counted = [(minute[11:16], *values) for minute, *values in counts(printed)]
    assert counted == sorted(expected, key=repr)
    assert sum(row[-1] for row in counted) == printed["rows"] == len(text.splitlines())


def test_the_sql_shown_gives_the_same_in_a_pipeline_folder(tmp_path: Path) -> None:
    """Both files as they are shown, in a folder: compile takes them, and run counts the same."""
    _, printed = run_by(tmp_path, COMBINED + ALB, "--by", "path,status")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "by.sql").write_text(printed["sql"])
    (folder / "pipeline.toml").write_text(printed["definition"])
    assert run("compile", str(folder)).status == 0
    _, again = run_by(tmp_path, COMBINED + ALB, "--pipeline", str(folder))
    assert again["outputs"] == printed["outputs"]


def test_the_terminal_shows_the_program_after_the_tables(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(COMBINED)
    ran = run("run", str(log), "--by", "path", "--out", str(tmp_path / "out"))
    assert ran.status == 0
    assert ran.stdout.index("rows by output") < ran.stdout.index("by.sql:") < ran.stdout.index("pipeline.toml:")
    page = (tmp_path / "out/report.html").read_text()
    assert "<title>Streamtally: a.log, " in page
    assert "; pipeline: by path<" in page


def test_what_cannot_be_counted_by_is_refused(tmp_path: Path) -> None:
    """A field that the named format cannot have, and a program beside another one, exit with 2."""
    ran, _ = run_by(tmp_path, ALB, "--by", "statuss", "--format", "alb")
    assert (ran.status, ran.error) == (2, '--by: "statuss" is not a field of alb; did you mean "status"?')
    ran, _ = run_by(tmp_path, ALB, "--by", "elb", "--pipeline", str(tmp_path))
    assert ran.status == 2
    assert ran.error.startswith("--by and --pipeline exclude each other")


def test_a_field_that_no_row_has_is_a_finding(tmp_path: Path) -> None:
    """Where lines name their own fields, a name cannot be refused before they are read; it is not silent either."""
    ran, printed = run_by(tmp_path, JSON_LINES, "--by", "coed")
    assert ran.status == 1
    assert printed["rows"] == 3


def test_names_that_differ_in_case_are_two_columns(tmp_path: Path) -> None:
    ran, printed = run_by(tmp_path, '{"time":"2025-10-10T13:55:36Z","A":"1","a":"2"}\n', "--by", "A,a")
    assert (ran.status, counts(printed)) == (0, [("2025-10-10T13:55:00.000", "1", "2", 1)])


def test_a_pipeline_of_another_format_is_refused(tmp_path: Path) -> None:
    """``--format`` refuses what ``compile`` would refuse: the error log's lines have no ``response``."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "pipeline.toml").write_text('[outputs.O]\nindex = "o"\n')
    (folder / "o.sql").write_text(
        'CREATE STREAM "O" ("response" INTEGER);\n'
        'CREATE PUMP "P" AS INSERT INTO "O" SELECT STREAM "response" FROM "SOURCE_SQL_STREAM_001";\n'
    )
    ran, _ = run_by(tmp_path, ERRORS, "--pipeline", str(folder), "--format", "nginx_error")
    assert ran.status == 2
    assert ran.error.startswith('the program reads a column that no line has: "response" is not a field of nginx_error')
    ran, _ = run_by(tmp_path, COMBINED, "--pipeline", str(folder), "--format", "apache_common")
    assert ran.status == 0
