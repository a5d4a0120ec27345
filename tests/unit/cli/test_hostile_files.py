"""Files that are no logs, given to detect and parse, and names that are no formats: one clear line, status 1 or 2."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from tests.unit.cli.operator_runner import run

COMMANDS: dict[str, list[str]] = {
    "detect": ["detect"],
    "parse": ["parse"],
    "parse combined": ["parse", "--format", "apache_combined"],
    "parse directive": ["parse", "--format", "nginx:$host $status"],
    "agent": ["parse", "--agent-options", '[{"optionName":"LOGTOJSON","logFormat":"SYSLOG"}]'],
}
COMPRESSED = gzip.compress(b"a line\n" * 10_000)
CONTENTS = {
    "binary": random.Random(1).randbytes(60_000),
    "zeros": bytes(300_000),
    "one huge line": b"a" * 3_000_000,
    "latin 1": "é à - - ü\n".encode("latin-1"),
    "utf 16": "a line\n".encode("utf-16"),
    "half a gzip": COMPRESSED[: len(COMPRESSED) // 2],
    "no gzip": b"\x1f\x8b and no more",
    "two lines of binary": b"\x01\x02\x03\n" * 2,
    "surrogates": b"\xed\xa0\x80 x\n",
}


# What is in a file is reported line by line, or refused as a whole where it cannot be read; never a traceback.
@pytest.mark.large
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("content", CONTENTS)
def test_contents(command: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / "some.log"
    path.write_bytes(CONTENTS[content])
    ran = run(*COMMANDS[command], str(path))
    assert ran.status == (2 if "gzip" in content or content == "binary" else 1)
    shown = ran.error or ran.stdout
    assert shown.startswith((str(path), "{"))
    assert len(max(shown.splitlines(), key=len)) < 2000
    assert not {"\x00", "\x1b", "\x07"} & set(ran.error)
    if ran.status == 2:
        assert ("gzip data is corrupt or truncated" if "gzip" in content else "is binary data") in ran.error
        assert "\n" not in ran.error


# No lines: nothing to tell a format by, and nothing to convert.
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("content", [b"\n\r\n\n"])
def test_empty(command: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "some.log"
    path.write_bytes(content)
    ran = run(*COMMANDS[command], str(path))
    skipped = command == "agent" and content  # the agent's pattern is asked about empty lines too
    assert ran.status == (2 if command == "detect" else 1 if skipped else 0)
    assert ("no lines" in ran.error) == (command == "detect")


# A file that is not there, a folder, a name that is none, a link to nothing.
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["none.log", "", ".", "link.log", "none.log/below"])
def test_names(command: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("link.log").symlink_to("nowhere")
    ran = run(*COMMANDS[command], name)
    assert (ran.status, ran.stdout) == (2, "")
    assert "\n" not in ran.error
    assert name in ran.error


# A format's name may be anything; what is shown of it is short and cannot steer a terminal.
@pytest.mark.parametrize(
    "name", ["", "nope", "a\x1b[31m", "x" * 100_000, "nginx:", "apache:%", "apache:%{", "nginx:$", "é"]
)
def test_format_names(name: str) -> None:
    for arguments in (["formats", name], ["parse", "--format", name]):
        ran = run(*arguments)
        assert (ran.status, ran.stdout) == (2, "")
        assert "\n" not in ran.error
        assert "\x1b" not in ran.error
        assert len(ran.error) < 600
