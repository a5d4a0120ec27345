"""``detect`` says what a log's fields mean, what is counted by default, and commands that work as they are written."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from streamtally.formats import REGISTRY
from tests.unit.cli.operator_runner import Ran, run

SAMPLES = Path(__file__).parents[1] / "formats/samples"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.log"))


def detect(path: Path) -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(run("detect", str(path), "--json").stdout)
    return printed


def run_as_written(command: str, out: Path) -> Ran:
    program, *arguments = shlex.split(command)
    assert program == "streamtally"
    return run(*arguments, "--json", "--out", str(out))


# Of each format's sample: the commands work, and what is said to be counted is what run counts.
@pytest.mark.parametrize("name", NAMES)
def test_every_suggested_command_works(name: str, tmp_path: Path) -> None:
    detected = detect(SAMPLES / f"{name}.log")
    assert set(detected["roles"].values()) or name in ("csv", "tsv")
    for number, command in enumerate(detected["commands"]):
        ran = run_as_written(command, tmp_path / f"out{number}")
        printed = json.loads(ran.stdout)
        assert ran.status == 0, (command, ran.error)
        assert sum(counts["emitted"] for counts in printed["counted"].values()) > 0
        if "--by" not in command:
            documents = [document for output in printed["outputs"].values() for document in output]
            assert any(document.get(detected["counted_by"]) is not None for document in documents)
    if detected["counted_by"] is not None:
        assert "--by" not in detected["commands"][0]


@pytest.mark.parametrize(
    ("name", "counted_by", "roles"),
    [
        ("alb", "status", {"time": "time", "status": "elb_status_code", "client": "client", "request": "request"}),
        ("s3_access", "status", {"time": "time", "status": "http_status", "client": "remote_ip"}),
        ("cloudfront", "status", {"time": "date and time", "status": "sc_status", "client": "c_ip"}),
        ("haproxy", "status", {"time": "accept_date", "status": "status_code", "client": "client_ip"}),
        ("nginx_error", "level", {"time": "datetime", "level": "level", "client": "client"}),
        ("rfc5424", "level", {"time": "timestamp", "level": "severity"}),
        ("ltsv", "status", {"time": "time", "status": "status", "client": "host", "request": "req"}),
        ("json", "status", {"time": "datetime", "status": "response"}),
        ("tsv", None, {}),
    ],
)
def test_roles_and_what_is_counted(name: str, counted_by: str | None, roles: dict[str, str]) -> None:
    detected = detect(SAMPLES / f"{name}.log")
    assert detected["format"] == name in REGISTRY
    assert detected["counted_by"] == counted_by
    assert {**detected["roles"], **roles} == detected["roles"]


# Nested objects, a name with a comma and one that looks like an option: the commands are quoted as a shell needs it.
def test_names_in_commands_are_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = Path("-a 'b.log")
    log.write_text('{"ts":"2025-10-10T13:55:36Z","a,b":"x"}\n{"ts":"2025-10-10T13:55:37Z","a,b":"y"}\n')
    detected = json.loads(run("detect", f"./{log}", "--json").stdout)
    assert (detected["counted_by"], detected["roles"]) == (None, {"time": "ts"})
    (command,) = detected["commands"]
    ran = run_as_written(command, tmp_path / "out")
    assert ran.status == 0
    assert len(json.loads(ran.stdout)["outputs"]["DESTINATION_SQL_STREAM"]) == 2


def test_nested_fields_have_roles(tmp_path: Path) -> None:
    log = tmp_path / "ecs.log"
    log.write_text(
        '{"@timestamp":"2025-10-10T13:55:36Z","http":{"response":{"status_code":200},"request":{"method":"GET"}},'
        '"source":{"ip":"192.0.2.1"},"url":{"path":"/"}}\n'
    )
    detected = detect(log)
    assert detected["counted_by"] == "status"
    assert detected["roles"] == {
        "time": "@timestamp", "status": "http.response.status_code", "client": "source.ip",
        "method": "http.request.method", "path": "url.path",
    }  # fmt: skip
    assert run_as_written(detected["commands"][0], tmp_path / "out").status == 0


# For people: the roles, one sentence on what is counted, and the commands.
def test_the_text_says_the_same(tmp_path: Path) -> None:
    lines = run("detect", str(SAMPLES / "alb.log")).stdout.splitlines()
    assert "  status: elb_status_code" in lines
    assert "counted by default: rows per minute and status (elb_status_code)" in lines
    assert lines[-2].startswith("  streamtally run ")
    log = tmp_path / "a.log"
    log.write_text("a\tb\n" * 3)
    out = run("detect", str(log)).stdout
    assert "no row has a time; name its field with --time-field" in out


# A format that auto does not detect is named in the commands.
def test_formats_that_must_be_named(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("2025-10-10T13:55:36Z,x,200\n2025-10-10T13:55:37Z,y,404\n")
    detected = detect(log)
    assert (detected["format"], detected["commands"]) == ("csv", [])


LINE = '192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET /a HTTP/1.1" 404 5 "-" "curl"'


# What stands around the lines is named, and the format is that of the lines inside, which is what run counts.
@pytest.mark.parametrize(
    ("before", "wrappers", "around"),
    [
        ("2025-10-10T13:55:36.123456789Z stdout F ", ["cri"], "cri"),
        ("<190>Oct 10 13:55:36 web nginx: ", ["syslog"], "syslog"),
        ("[pod/web-1/nginx] 2025-10-10T13:55:36.123456789Z ", ["kubectl", "timestamp"], "timestamp in kubectl"),
        ("web-1  | ", ["compose"], "compose"),
    ],
)
def test_wrappers_are_named(before: str, wrappers: list[str], around: str, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(f"{before}{LINE}\n" * 3)
    detected = detect(log)
    assert (detected["format"], detected["wrappers"]) == ("apache_combined", wrappers)
    assert (detected["counted_by"], detected["roles"]["status"]) == ("status", "response")
    ran = run("detect", str(log))
    assert ran.status == 0
    assert ran.stdout.splitlines()[0] == f"{log}: apache_combined in {around}, 3 of 3 lines"
    printed = json.loads(run_as_written(detected["commands"][0], tmp_path / "out").stdout)
    (document,) = printed["outputs"]["DESTINATION_SQL_STREAM"]
    assert (document["status"], document["statusCount"]) == (404, 3)


# A line that is not wrapped as the others are is a finding.
def test_other_lines_among_wrapped_ones(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(f"web-1  | {LINE}\n" * 3 + "what is this\n")
    ran = run("detect", str(log))
    assert (ran.status, ran.stdout.splitlines()[-1]) == (1, "1 line is of another format, or of none")


# No address of a line is printed under --anonymize; the arrow stays under the same character of what is left.
def test_addresses_are_masked(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    client, peer = "203.0.113.77", "2001:db8:1:2::7b7b"
    broken = f'{client} - - [10/Oct/2025:13:55:36 +0000] "GET /{peer} HTTP/1.1" 4040 5 "-" "{client}"'
    log.write_text(f"{LINE}\n" * 3 + f"{broken}\nfrom {client} to {peer}\n")
    plain, masked = run("detect", str(log)).stdout, run("detect", str(log), "--anonymize").stdout
    assert client in plain
    assert [text for text in (client, peer) if text in masked] == []
    assert "203.0.113.0" in masked
    arrows = [
        (shown, below.index("^")) for shown, below in zip(masked.splitlines(), masked.splitlines()[1:], strict=False)
        if below.strip() == "^"
    ]  # fmt: skip
    assert arrows
    text, position = arrows[0]
    assert text[position:].startswith(("0 5 ", "4040 5 "))
    as_json = json.loads(run("detect", str(log), "--anonymize", "--json").stdout)
    assert as_json["fits"] == json.loads(run("detect", str(log), "--json").stdout)["fits"]


# A field may be called like an address: a command that names it is left out, as it would not work with another name.
def test_names_that_are_addresses(tmp_path: Path) -> None:
    log = tmp_path / "198.51.100.9.log"
    log.write_text('{"ts":"2025-10-10T13:55:36Z","203.0.113.77":1}\n')
    assert "203.0.113.77" in run("detect", str(log), "--json").stdout
    ran = run("detect", str(log), "--json", "--anonymize")
    assert "203.0.113.77" not in ran.stdout
    assert json.loads(ran.stdout)["commands"] == []
