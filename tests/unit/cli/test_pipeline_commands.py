"""run, parse, invoke and compile as a user calls them."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from streamtally.local.run import BUFFER_LINES
from streamtally.local.sample import generate
from tests.unit.cli.in_process import call_main
from tests.unit.events import combined
from tests.unit.transform.test_event import EVENTS

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "tests/samples"
STREAMTALLY = Path(sys.executable).with_name("streamtally")


def streamtally(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command as a process: once for each command; what else it does is asked within this one."""
    command = [str(STREAMTALLY), *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


def result(*arguments: object, stdin: bytes = b"") -> dict[str, Any]:
    """What ``run --json`` prints."""
    done = call_main("run", *arguments, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr.decode()
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


# An independent reading of combined and common lines: another expression, another clock, a Counter.
_LINE = re.compile(
    r'\[(\d+)/(\w+)/(\d+):(\d+):(\d+):\d+ ([-+]\d{4})\] "(?:\\.|[^"\\])*" (\d{3}) (?:\d+|-)(?: "(?:\\.|[^"\\])*"){0,2}$'
)


def count_independently(path: Path) -> Counter[tuple[str, int]]:
    counted: Counter[tuple[str, int]] = Counter()
    for line in path.read_bytes().split(b"\n"):
        match = _LINE.search(line.decode("utf-8", "backslashreplace"))
        if match:
            *minute, status = match.groups()
            counted[_minute(" ".join(minute)), int(status)] += 1
    return counted


@cache
def _minute(text: str) -> str:
    moment = datetime.strptime(text, "%d %b %Y %H %M %z")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00.000")


def settled(printed: dict[str, Any]) -> dict[tuple[str, int], int]:
    return {
        (document["datetime"], document["status"]): document["statusCount"]
        for document in printed["outputs"]["DESTINATION_SQL_STREAM"]
    }


@pytest.mark.parametrize("name", ["apache-combined.log", "apache-common.log", "nginx-combined.log"])
@pytest.mark.parametrize("lines_per_record", [1, 25])
def test_real_logs_give_the_counts_of_an_independent_reading(name: str, lines_per_record: int, tmp_path: Path) -> None:
    """Every line of a real server's log is a row, and the counts by minute are the other reading's."""
    printed = result(SAMPLES / name, "--out", tmp_path, "--lines-per-record", lines_per_record)
    assert printed["rows"] == printed["lines"]
    assert settled(printed) == count_independently(SAMPLES / name)


@pytest.mark.large
def test_generated_lines_of_several_batches_give_the_counts_of_an_independent_reading(tmp_path: Path) -> None:
    """Also with bursts, bots, odd agents and malformed lines; from gzip. More lines than one batch takes."""
    lines = 60_000
    assert lines > BUFFER_LINES
    log = tmp_path / "shop.log"
    log.write_bytes("\n".join([*generate(lines, 5), ""]).encode())
    packed = tmp_path / "shop.log.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    printed = result(packed, "--out", tmp_path / "out")
    expected = count_independently(log)
    assert settled(printed) == expected
    assert printed["rows"] == sum(expected.values())
    assert printed["lines"] == lines == sum(printed[name] for name in ("rows", "unparsed", "empty", "failed"))


def test_run_leaves_the_bucket_the_database_and_the_report(tmp_path: Path) -> None:
    """The S3 side under the arrival's hour, what failed raw, and a table with the index's name."""
    out = tmp_path / "out"
    lines = combined(200) + b"nonsense\n" + combined(404)
    done = streamtally("run", "-", "--out", out, stdin=lines)
    assert done.returncode == 0
    (delivered,) = out.glob("log-bucket/2017/09/08/08/log-ingestion-stream-1-2017-09-08-08-47-00-*")
    assert [json.loads(line)["response"] for line in delivered.read_text().splitlines()] == [200, 404]
    (failed,) = out.glob("log-bucket/processing-failed/2017/09/08/08/*")
    assert json.loads(failed.read_text())["rawData"] == "bm9uc2Vuc2UK"
    with duckdb.connect(str(out / "log-summary.duckdb"), read_only=True) as database:
        assert database.execute("SELECT * FROM request_data ORDER BY status").fetchall() == [
            ("2017-09-08T08:47:00.000", 200, 1),
            ("2017-09-08T08:47:00.000", 404, 1),
        ]
    assert "<html" in (out / "report.html").read_text()
    shown = done.stdout.decode()
    assert "statusCount" in shown
    assert "standard input:2" in shown


def test_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    """Counts, and the outputs' documents sorted by window and key, columns only."""
    lines = combined(500, "08/Sep/2017:08:48:00 +0000") + combined(404) + combined(200) + b"\nx\n"
    shown = result("-", "--out", tmp_path, stdin=lines)
    assert sum(shown.pop("batches").values()) == 1  # by the kernel or by Python
    assert shown.pop("report")["bytes_by_minute"]
    assert shown == {
        "lines": 5, "rows": 3, "unparsed": 1, "empty": 1, "failed": 0, "reingested": 0,
        "reasons": {"of no known format": 1},
        "counted": {
            "DESTINATION_SQL_STREAM": {
                "emitted": 3, "filtered": 0, "eval_failed": 0, "out_of_range": 0, "reasons": {},
            }
        },
        "outputs": {
            "DESTINATION_SQL_STREAM": [
                {"datetime": "2017-09-08T08:47:00.000", "status": 200, "statusCount": 1},
                {"datetime": "2017-09-08T08:47:00.000", "status": 404, "statusCount": 1},
                {"datetime": "2017-09-08T08:48:00.000", "status": 500, "statusCount": 1},
            ]
        },
    }  # fmt: skip


def test_the_row_pipeline_makes_a_document_a_line(tmp_path: Path) -> None:
    """The second pipeline that comes with Streamtally."""
    printed = result("-", "--pipeline", ROOT / "pipelines/rows", "--out", tmp_path, stdin=combined(200) + combined(404))
    assert sorted(document["response"] for document in printed["outputs"]["DESTINATION_SQL_STREAM"]) == [200, 404]


def test_json_input_by_a_time_field_of_its_own(tmp_path: Path) -> None:
    """ISO 8601, Unix seconds and milliseconds are understood."""
    lines = b"\n".join(
        json.dumps({"at": at, "response": "200"}).encode()
        for at in ("2017-09-08T08:47:00Z", 1504860421, 1504860422000, "08/Sep/2017:08:47:03 +0000")
    )
    printed = result("-", "--time-field", "at", "--out", tmp_path, stdin=lines + b"\n")
    assert settled(printed) == {("2017-09-08T08:47:00.000", 200): 4}


def test_a_line_longer_than_a_record_fails_alone(tmp_path: Path) -> None:
    """No producer could have put it; it is counted, and the next line goes its way."""
    printed = result("-", "--out", tmp_path, stdin=b"x" * 3_000_000 + b"\n" + combined())
    assert (printed["lines"], printed["failed"], printed["rows"]) == (2, 1, 1)


def test_the_graphql_log_of_an_agent_user_gives_counts_by_minute(tmp_path: Path) -> None:
    """Its pattern and 13 names from agent.json; a time without offset, a status called http_status."""
    names = "client_ip,time_stamp,verb,uri_path,http_ver,http_status,bytes,referrer,agent,"
    names += "response_time,graphql,company_id,user_id"
    pattern = r'^([\d.]+) - - \[([\w:/]+).*\] "(\w+) /(\w+).*(\d.+)" (\d{3}) (\d+) "(\S+)" "(.*?)" '
    pattern += r'([\d.]+) "(.*?)" (\d+);(\d+)'
    line = (
        '111.111.111.111 - - [02/Dec/2016:13:58:47 +0000] "POST /graphql HTTP/1.1" 200 1161 '
        '"https://www.myurl.com/endpoint/12345" "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 '
        '(KHTML, like Gecko) Chrome/54.0.2840.99 Safari/537.36" 0.172 '
        '"query user userMessages hasPermissions F0 F1" 11111;222222\n'
    )
    parsed = call_main("parse", "--pattern", pattern, "--fields", names, stdin=line.encode())
    row = json.loads(parsed.stdout)
    assert list(row) == names.split(",")
    assert (row["client_ip"], row["http_ver"], row["http_status"], row["user_id"]) == (
        "111.111.111.111",
        "1.1",
        "200",
        "222222",
    )
    folder = tmp_path / "pipeline"
    folder.mkdir()
    (folder / "plan.json").write_bytes((ROOT / "bench/plans/counts.json").read_bytes())
    (folder / "pipeline.toml").write_text(
        f"[source]\nformat = 'regex'\npattern = '{pattern}'\nfields = {json.dumps(names.split(','))}\n"
        "rename = { http_status = 'response' }\ntypes = { http_status = 'INTEGER' }\n"
        "time_field = 'time_stamp'\ntime_format = 'dd/MMM/yyyy:HH:mm:ss'\ntime_zone = 'Europe/Berlin'\n"
        "[outputs.DESTINATION_SQL_STREAM]\nindex = 'request_data'\n"
    )
    printed = result("-", "--pipeline", folder, "--out", tmp_path / "out", stdin=line.encode())
    assert settled(printed) == {("2016-12-02T12:58:00.000", 200): 1}


def test_parse_reports_what_does_not_parse_and_exits_with_one(tmp_path: Path) -> None:
    """Rows on standard output; on standard error the line's number and the reason, made harmless for a terminal."""
    done = streamtally("parse", "-", stdin=combined() + b"\x1b[31mred\n")
    assert done.returncode == 1
    assert json.loads(done.stdout)["response"] == 200
    assert done.stderr.startswith(b"standard input:2: of no known format: ")
    assert b"\x1b" not in done.stderr


def test_parse_takes_a_file_and_a_format() -> None:
    """All lines of the sample parse, so the exit status is 0."""
    done = streamtally("parse", SAMPLES / "apache-common.log", "--format", "apache_common")
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout.splitlines()) == 607


def test_invoke_prints_the_answer_and_the_partials_apart() -> None:
    """The answer as JSON on standard output; the partials, a line each, on standard error."""
    done = streamtally("invoke", ROOT / "events/apache-lines.json")
    assert [record["result"] for record in json.loads(done.stdout)["records"]] == ["Ok"] * 4
    assert sum(json.loads(line)["statusCount"] for line in done.stderr.splitlines()) == 4


def test_invoke_gives_the_same_without_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    first = call_main("invoke", ROOT / "events/apache-lines.json")
    monkeypatch.setenv("STREAMTALLY_KERNEL", "off")
    second = call_main("invoke", ROOT / "events/apache-lines.json")
    assert first.returncode == 0
    assert (first.stdout, first.stderr) == (second.stdout, second.stderr)
    monkeypatch.setenv("STREAMTALLY_KERNEL", "maybe")
    refused = call_main("invoke", ROOT / "events/apache-lines.json")
    assert refused.returncode == 2
    assert b"STREAMTALLY_KERNEL is 'maybe'" in refused.stderr


def test_compile_writes_what_the_functions_read_and_checks_it(tmp_path: Path) -> None:
    """pipeline.json is stable; --check tells whether it is what the folder makes."""
    for name in ("pipeline.toml", "rows.sql"):
        (tmp_path / name).write_bytes((ROOT / "pipelines/rows" / name).read_bytes())
    assert call_main("compile", "--check", tmp_path).returncode == 1
    assert call_main("compile", tmp_path).returncode == 0
    first = (tmp_path / "pipeline.json").read_bytes()
    assert call_main("compile", "--check", tmp_path).returncode == 0
    assert streamtally("compile", tmp_path).returncode == 0
    assert (tmp_path / "pipeline.json").read_bytes() == first


@pytest.mark.parametrize("folder", ["layers/pipeline/pipeline", "pipelines/rows"])
def test_the_compiled_pipelines_are_in_step(folder: str) -> None:
    """Nobody changes pipeline.toml or the program and forgets to compile."""
    assert call_main("compile", "--check", ROOT / folder).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "nofile.log"], "nofile.log: no such file"),
        (["run", "."], "is a folder"),
        (["run", "broken.gz"], "broken.gz: the gzip data is corrupt or truncated"),
        (["run", "good.log", "--format", "nope"], "unknown format 'nope': the formats are"),
        (["run", "good.log", "--pattern", "("], "the pattern does not compile"),
        (["run", "good.log", "--pattern", "(a)(b)", "--fields", "x"], "groups 2, field names 1"),
        (["run", "good.log", "--fields", "x"], "--fields needs --pattern"),
        (["run", "good.log", "--pipeline", "nofolder"], "no such folder; a pipeline folder has a pipeline.toml"),
        (["run", "good.log", "--pipeline", "badplan"], "plan.json is not JSON"),
        (["run", "good.log", "--time-field", "t", "--time-format", "QQ"], "unknown letter 'Q'"),
        (["run"], "Missing argument"),
        (["run", "good.log", "--lines-per-record", "0"], "--lines-per-record"),
        (["parse", "nofile.log"], "nofile.log: no such file"),
        (["invoke", "nofile.json"], "nofile.json: cannot be read"),
        (["invoke", "good.log"], "not JSON"),
        (["compile", "nofolder"], "nofolder"),
        (["nosuchcommand"], "No such command"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_status_two(arguments: list[str], says: str, tmp_path: Path) -> None:
    """What, where, what to do; nothing is written, and what was there stays."""
    (tmp_path / "good.log").write_bytes(combined())
    (tmp_path / "broken.gz").write_bytes(gzip.compress(combined() * 100)[:-20])
    (tmp_path / "badplan").mkdir()
    (tmp_path / "badplan/pipeline.toml").write_text('[outputs.OUT]\nindex = "x"\n')
    (tmp_path / "badplan/plan.json").write_text("{")
    kept = tmp_path / "streamtally-out"
    kept.mkdir()
    (kept / "report.html").write_text("the last run's")
    done = call_main(*arguments, cwd=tmp_path)
    errors = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert says in errors
    assert errors.count("\n") == 1
    assert [path.name for path in kept.iterdir()] == ["report.html"]
    assert (kept / "report.html").read_text() == "the last run's"


def test_parse_keeps_what_json_cannot_hold(tmp_path: Path) -> None:
    """Half a character is written as the log wrote it; what cannot be written is reported, not a traceback."""
    lines = b'{"host":"192.0.2.77","a":"\\ud800"}\n{"a":1e400,"b":' + b"9" * 30 + b"}\n"
    done = call_main("parse", "-", "--anonymize", stdin=lines)
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"host": "192.0.2.0", "a": r"\ud800"}
    assert done.stderr.startswith(b"standard input:2: cannot be written as JSON: ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "time", ["01/Jan/0001:00:00:00 +2300", "31/Dec/9999:23:59:59 -2300", "01/Jan/0008:00:00:00 +0000"]
)
def test_a_line_of_an_absurd_year_ends_no_run(time: str, tmp_path: Path) -> None:
    """It is a row; the lines around it are counted in their minutes."""
    printed = result("-", "--out", tmp_path, stdin=combined() + combined(404, time=time) + combined())
    assert (printed["lines"], printed["rows"]) == (3, 3)
    assert settled(printed)["2017-09-08T08:47:00.000", 200] == 2


def test_json_with_numbers_for_times_ends_no_run(tmp_path: Path) -> None:
    """Whatever is in the time field: those that say when are counted, the others are rows all the same."""
    values = ["x", 1e300, -1e18, 10**22, [1], {}, None, "9" * 5000, "2017-09-08T08:47:00Z"]
    lines = b"".join(json.dumps({"t": value, "response": 200}).encode() + b"\n" for value in values)
    printed = result("-", "--time-field", "t", "--out", tmp_path, stdin=lines)
    assert (printed["lines"], printed["rows"]) == (len(values), len(values))
    assert settled(printed)["2017-09-08T08:47:00.000", 200] >= 1


@pytest.mark.large
def test_a_shells_pipe_is_a_log_like_any_other(tmp_path: Path) -> None:
    """run <(zcat …): nothing of it may be lost to checking whether it can be read."""
    command = f"{STREAMTALLY} run <(cat) --json --out {tmp_path}"
    done = subprocess.run(["bash", "-c", command], input=combined() * 3, capture_output=True, check=True)
    assert json.loads(done.stdout)["rows"] == 3


KEYED = {
    "version": 1,
    "outputs": [
        {
            "name": "OUT", "kind": "windowed", "time": {"time": "event"}, "window_ms": 60000,
            "keys": [{"name": "k", "type": "VARCHAR(20)", "expr": {"column": "host"}}],
            "aggregates": [
                {"name": "n", "function": "count", "argument": None},
                {"name": "m", "function": "max", "argument": {"column": "agent"}},
            ],
            "columns": [
                {"name": "host", "type": "VARCHAR(20)", "expr": {"key": "k"}},
                {"name": "n", "type": "BIGINT", "expr": {"aggregate": "n"}},
                {"name": "m", "type": "VARCHAR(9)", "expr": {"aggregate": "m"}},
            ],
        }
    ],
}  # fmt: skip
HOSTILE_VALUES = [
    "\ud800",
    "a\0b",
    {"a": [1]},
    ["r"],
    1.5,
    10**30,
    True,
    None,
    "",
    "é\u2028😀" * 9,
    "<script>",
    "\x1b[31m",
]


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("keyed", [True, False])
def test_values_of_any_kind_end_no_run(keyed: bool, as_json: bool, tmp_path: Path) -> None:
    """Keys, columns and aggregates over what JSON can hold: half characters, NUL, nested values, huge numbers."""
    folder = ROOT / "pipelines/rows"
    if keyed:
        folder = tmp_path / "keyed"
        folder.mkdir()
        (folder / "plan.json").write_text(json.dumps(KEYED))
        (folder / "pipeline.toml").write_text('[outputs.OUT]\nindex = "keyed"\n')
    time = {"datetime": "08/Sep/2017:08:47:00 +0000"}
    rows = [{**time, "host": value, "request": value, "response": value, "agent": value} for value in HOSTILE_VALUES]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    arguments = ["run", "-", "--pipeline", folder, "--out", tmp_path / "out", *(["--json"] if as_json else [])]
    done = call_main(*arguments, stdin=lines)
    # Nothing is silent: values that cannot be a number are noted on one line, which holds none of them.
    noted = b"" if keyed else b"10 of 12 rows not counted: not of type INTEGER (9), out of range for INTEGER (1)\n"
    assert done.returncode == 0
    assert done.stderr == (noted and b"note: DESTINATION_SQL_STREAM: " + noted)
    assert b"\x1b[31m" not in done.stdout
    if as_json:
        printed = json.loads(done.stdout)
        assert printed["rows"] == len(rows)
        (name,) = printed["outputs"]
        if keyed:
            hosts = {document["host"]: document["n"] for document in printed["outputs"][name]}
            assert (len(hosts), set(hosts.values())) == (len(rows), {1})
            assert {r"\ud800", "a\0b", "1.5", None, ""} <= set(hosts)


@pytest.mark.parametrize("name", EVENTS)
def test_invoke_answers_events_of_other_tools(name: str, tmp_path: Path) -> None:
    """As the function answers them."""
    (tmp_path / "event.json").write_text(json.dumps(EVENTS[name]))
    done = call_main("invoke", tmp_path / "event.json")
    assert done.returncode == 0
    assert {record["result"] for record in json.loads(done.stdout)["records"]} == {"Ok"}


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ("[]", "not a Firehose event"),
        ('{"records": {}}', "not a Firehose event"),
        ('{"records": [{}]}', "not a Firehose event"),
        ('{"records": [{"recordId": 5}]}', "record 1: recordId is not a string"),
        ('{"records": [{"recordId": "a"}, {"recordId": "b", "kinesisRecordMetadata": []}]}', "record 2: kinesis"),
        ('{"records": [{"recordId": "a", "approximateArrivalTimestamp": "x"}]}', "not a time in ms"),
        ('{"records": [{"recordId": "a", "approximateArrivalTimestamp": 1e300}]}', "not a time in ms"),
        ('{"records": [{"recordId": "a", "approximateArrivalTimestamp": 9e18}]}', "not a time in ms"),
        (
            '{"records": [{"recordId": "a", "kinesisRecordMetadata": {"approximateArrivalTimestamp": []}}]}',
            "not a time",
        ),
    ],
)
def test_invoke_names_what_is_wrong_with_an_event(event: str, says: str, tmp_path: Path) -> None:
    """An event written by hand with something that Firehose never sends: one line, exit status 2."""
    (tmp_path / "event.json").write_text(event)
    done = call_main("invoke", tmp_path / "event.json")
    assert (done.returncode, done.stdout) == (2, b"")
    assert says in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
