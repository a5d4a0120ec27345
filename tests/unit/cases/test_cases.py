"""Lines of public bug reports, test logs and vendors' pages, and what they are by the documentation of their format.

The cases are in the ``.toml`` files beside this one, by kind. The keys of a case:

``what`` and ``source``: what is shown, and where such lines occur (``owner/repo#number``, or a page).
``lines``, ``line_end`` (``\\n``) and ``packed`` (``gzip members``, ``utf-16``): the file.
``run`` (``parse``), ``format`` and ``options``: the command.
``rows``: for each row some of its fields, and under ``null`` those that it does not have or that are null.
``unread``: for each line that is not read, how its reason begins.
``hides``: texts that occur nowhere in what is printed.
``counts``: of ``run``: the rows of each minute and status, and no others.
``detected``: some of what ``detect --json`` prints.
"""

from __future__ import annotations

import codecs
import gzip
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.operator_runner import Ran, run

CASES = [
    case for file in sorted(Path(__file__).parent.glob("*.toml")) for case in tomllib.loads(file.read_text())["case"]
]
ROOT = Path(__file__).resolve().parents[3]


def name_of(case: dict[str, Any]) -> str:
    name: str = case["what"]
    return name


def of_command(name: str) -> Any:
    cases = [case for case in CASES if case.get("run", "parse") == name]
    return pytest.mark.parametrize("case", cases, ids=name_of)


def write(case: dict[str, Any], folder: Path) -> Path:
    lines = [(line + case.get("line_end", "\n")).encode() for line in case["lines"]]
    data = b"".join(lines)
    if case.get("packed") == "gzip members":
        data = b"".join(map(gzip.compress, lines))
    elif case.get("packed") == "utf-16":
        data = codecs.BOM_UTF16_LE + data.decode().encode("utf-16-le")
    path = folder / "a.log"
    path.write_bytes(data)
    return path


def run_case(case: dict[str, Any], folder: Path, *more: str) -> Ran:
    named = ["--format", case["format"]] if "format" in case else []
    command = case.get("run", "parse")
    return run(command, *case.get("options", []), *named, *more, str(write(case, folder)))


def test_each_case_is_one_of_its_kind() -> None:
    assert len({name_of(case) for case in CASES}) == len(CASES)
    assert all(case["source"] and ({"rows", "unread", "counts", "detected"} & set(case)) for case in CASES)


@of_command("parse")
def test_fields(case: dict[str, Any], tmp_path: Path) -> None:
    ran = run_case(case, tmp_path)
    rows = [json.loads(line) for line in ran.stdout.splitlines() if line]
    expected = case.get("rows", [])
    assert len(rows) == len(expected), ran.error
    for row, fields in zip(rows, expected, strict=True):
        assert {name: row.get(name) for name in fields.get("null", [])} == dict.fromkeys(fields.get("null", []))
        values = {name: value for name, value in fields.items() if name != "null"}
        assert {name: row.get(name) for name in values} == values
    unread = [line.partition(": ")[2] for line in ran.error.splitlines() if line]
    reasons = case.get("unread", [])
    assert len(unread) == len(reasons), unread
    assert all(text.startswith(reason) for text, reason in zip(unread, reasons, strict=True)), unread
    assert ran.status == (1 if reasons else 0)
    assert [text for text in case.get("hides", []) if text in ran.stdout + ran.error] == []


@of_command("run")
def test_counts(case: dict[str, Any], tmp_path: Path) -> None:
    ran = run_case(case, tmp_path, "--json", "--out", str(tmp_path / "out"))
    printed = json.loads(ran.stdout)
    counts = [
        {"minute": document["datetime"][:16], "status": document["status"], "rows": document["statusCount"]}
        for documents in printed["outputs"].values()
        for document in documents
    ]
    assert sorted(counts, key=str) == sorted(case["counts"], key=str)
    assert printed["rows"] == sum(count["rows"] for count in counts)
    for fates in printed["counted"].values():
        assert fates == {"emitted": printed["rows"], "filtered": 0, "eval_failed": 0, "out_of_range": 0, "reasons": {}}
    assert (ran.status, ran.error) == (0, "")


@of_command("detect")
def test_detection(case: dict[str, Any], tmp_path: Path) -> None:
    printed = json.loads(run_case(case, tmp_path, "--json").stdout)
    assert {name: printed[name] for name in case["detected"]} == case["detected"]


# --- Cases that need a file of their author


# awslabs/amazon-kinesis-agent#184: twelve names, one of them for a group inside another.
NESTED_GROUPS = [
    {
        "optionName": "LOGTOJSON",
        "logFormat": "COMMONAPACHELOG",
        "matchPattern": (
            r'^(\[([^\]]+)\]) (\S+) (\S+) (\d+) "([^"]*)" (\d{3}) (\S+) '
            r'\(([^)]*)\) \(([^)]*)\) (\S+) "([^"]*)"$'
        ),
        "customFieldNames": [
            "timestamp", "time", "source_ip", "destination_ip", "port", "request", "response", "thread",
            "duration", "session", "referer", "user_agent",
        ],
    }
]  # fmt: skip


def test_groups_inside_groups_have_names_of_their_own(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(
        '[01/Jun/2025:00:01:40 -0700] 192.0.2.107 198.51.100.28 443 "sam GET /css HTTP/1.1" 304 '
        'https-jsse-nio-8443-exec-2 (2 ms) (abcd) - "AppleWebKit"\n'
    )
    ran = run("parse", "--agent-options", json.dumps(NESTED_GROUPS), str(log))
    assert ran.status == 0
    assert json.loads(ran.stdout) == {
        "timestamp": "[01/Jun/2025:00:01:40 -0700]", "time": "01/Jun/2025:00:01:40 -0700",
        "source_ip": "192.0.2.107", "destination_ip": "198.51.100.28", "port": "443",
        "request": "sam GET /css HTTP/1.1", "response": "304", "thread": "https-jsse-nio-8443-exec-2",
        "duration": "2 ms", "session": "abcd", "referer": None, "user_agent": "AppleWebKit",
    }  # fmt: skip


# awslabs/amazon-kinesis-agent#192: the pattern expects one address in brackets, the line has two.
ONE_ADDRESS = [
    {
        "optionName": "LOGTOJSON",
        "logFormat": "COMMONAPACHELOG",
        "matchPattern": r'^\[([^\]]+)\] \[([0-9.]+)\] (\S+) (\S+) "([^"]*)" (\d+) (\d+)$',
        "customFieldNames": ["time", "client", "peer", "vhost", "request", "response", "bytes"],
    }
]


def test_a_line_that_the_agent_skips_is_named(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(
        '[2025-08-04T08:40:11+00:00] [192.0.2.177, 198.51.100.73] 203.0.113.187 example.com "GET / HTTP/1.1" 200 3279\n'
    )
    ran = run("parse", "--agent-options", json.dumps(ONE_ADDRESS), str(log))
    assert (ran.status, ran.stdout) == (1, "")
    assert ": the pattern does not match the line: " in ran.error


# elastic/beats#9292: IIS writes a list with ``,+``; the client is the last address that is not a trusted proxy.
def test_the_client_behind_proxies_of_iis(tmp_path: Path) -> None:
    folder, log = tmp_path / "pipeline", tmp_path / "a.log"
    folder.mkdir()
    for file in (ROOT / "layers/pipeline/pipeline").iterdir():
        if file.name != "pipeline.json":
            (folder / file.name).write_bytes(file.read_bytes())
    settings = folder / "pipeline.toml"
    client = 'true_client = { forwarded = "x_forwarded_for", client = "c_ip" }'
    settings.write_text(settings.read_text().replace("[source]", f"[source]\n{client}", 1))
    log.write_text(
        "#Fields: date time c-ip cs-method sc-status X-Forwarded-For\n"
        "2025-11-22 21:21:41 10.0.0.9 GET 200 203.0.113.77,+10.0.0.8\n"
    )
    out = tmp_path / "out"
    ran = run("run", str(log), "--pipeline", str(folder), "--lines-per-record", "10", "--json", "--out", str(out))
    assert ran.status == 0
    objects = [file.read_bytes() for file in (out / "log-bucket").rglob("*") if file.is_file()]
    rows = [json.loads(line) for data in objects for line in data.splitlines() if b"unparsed" not in line]
    assert [(row["c_ip"], row["proxy"], row["sc_status"]) for row in rows] == [("203.0.113.77", "10.0.0.9", 200)]
