"""``streamtally sample``: what it writes where, and what it says to bad options."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from streamtally.cli.main import cli
from streamtally.local.sample import generate

PROGRAM = [sys.executable, "-m", "streamtally.cli.main", "sample"]


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """The command as a process."""
    return subprocess.run([*PROGRAM, *options], capture_output=True, text=True, timeout=60, check=False)


# The command writes the generator's lines, each with its line end, to standard output or to a file.
def test_writes_the_generators_lines(tmp_path: Path) -> None:
    expected = "".join(f"{line}\n" for line in generate(5000, 9, "nginx")).encode()
    options = ["--lines", "5000", "--seed", "9", "--format", "nginx"]
    assert CliRunner().invoke(cli, ["sample", *options]).stdout_bytes == expected
    result = CliRunner().invoke(cli, ["sample", *options, "--out", str(tmp_path / "x.log")])
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "x.log").read_bytes() == expected


# A start is ISO 8601; without an offset it is UTC.
@pytest.mark.parametrize("start", ["2025-06-01T12:30:00", "2025-06-01T12:30:00Z", "2025-06-01T14:30:00+02:00"])
def test_start(start: str) -> None:
    result = CliRunner().invoke(cli, ["sample", "--lines", "1", "--start", start])
    assert "[01/Jun/2025:12:30:0" in result.stdout


# Bad options: one clear line on standard error, status 2, nothing on standard output, no file.
@pytest.mark.parametrize(
    "options, text",
    [
        (["--format", "xml"], "unknown format 'xml'"),
        (["--start", "yesterday"], "--start 'yesterday' is not a time"),
        (["--rate", "-1"], "rate is -1.0"),
        (["--start", "9999-12-31T23:59:59Z"], "year"),
    ],
)
def test_bad_options(options: list[str], text: str, tmp_path: Path) -> None:
    out = tmp_path / "x.log"
    result = run("--out", str(out), *options)
    assert result.returncode == 2
    assert result.stdout == ""
    assert text in result.stderr
    assert result.stderr.count("\n") == 1
    assert not out.exists()


# A place that cannot be written to is named in one line.
def test_unwritable_file(tmp_path: Path) -> None:
    result = run("--out", str(tmp_path / "no" / "x.log"))
    assert result.returncode == 2
    assert "x.log" in result.stderr
    assert result.stderr.count("\n") == 1


# A reader that goes away early (head) ends the command without a word and without a failure.
def test_broken_pipe_is_quiet() -> None:
    with subprocess.Popen([*PROGRAM, "--lines", "300000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        errors = child.stderr.read()
        assert (child.wait(timeout=60), errors) == (0, b"")
