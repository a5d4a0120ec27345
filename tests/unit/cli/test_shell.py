"""The program in a shell: pipes that close, streams that are closed, a full disk, completion."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from streamtally.cli.main import COMMANDS, cli

PROGRAM = f"{sys.executable} -m streamtally.cli.main"
LOG = "tests/samples/nginx-combined.log"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in which ``$S`` is the program."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    script = f"set -o pipefail; S='{PROGRAM}'; {line}"
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=kept, timeout=60)


@pytest.mark.parametrize("args", [f"parse {LOG}", f"run {LOG} --out {{}}", "formats", "--help"])
@pytest.mark.large
def test_a_reader_that_has_seen_enough_is_no_failure(args: str, tmp_path: Path) -> None:
    """``| head -1``: 1 would say that something wrong was found."""
    ran = shell(f"$S {args.format(tmp_path / 'out')} | head -1")
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("$S formats >&-", 0),
        (f"$S parse {LOG} >&-", 0),
        ("$S parse - <&-", 0),
        ("$S parse /nowhere 2>&-", 2),
        ("$S parse /nowhere <&- >&- 2>&-", 2),
    ],
)
def test_closed_streams_are_empty_or_read_by_nobody(line: str, status: int) -> None:
    """As cron and some service managers leave them."""
    ran = shell(line)
    assert (ran.returncode, ran.stdout) == (status, "")
    assert "Traceback" not in ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("args", [f"parse {LOG}", "formats", "formats --json"])
def test_a_full_disk_is_one_line(args: str) -> None:
    """Whatever was written, exit status 0 would say that all of it was."""
    ran = shell(f"$S {args} > /dev/full")
    assert (ran.returncode, ran.stderr) == (2, "streamtally: No space left on device\n")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_every_terminal_can_show_it(encoding: str) -> None:
    """What its character set has not is an escape."""
    ran = shell(f"PYTHONIOENCODING={encoding} $S run --help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "iso8601, unix" in ran.stdout


def test_listing_and_completing_names_load_no_command() -> None:
    """Each costs the import of a large library or two; their lines in the list are the commands' own then."""
    asked = "import sys; from streamtally.cli.main import cli; cli.main(['--help'], standalone_mode=False); "
    loaded = "print([each for each in sys.modules if each.startswith('streamtally.') and each.count('.') > 1])"
    ran = subprocess.run([sys.executable, "-c", asked + loaded], capture_output=True, text=True, timeout=60)
    assert ran.stdout.splitlines()[-1] == "['streamtally.cli.main']"
    for name, (_, summary) in COMMANDS.items():
        assert f"  {name}" in ran.stdout
        assert summary in ran.stdout
        command = cli.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert command.get_short_help_str(100) == summary


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_what_is_typed(tmp_path: Path) -> None:
    """What docs/cli.md tells to put into ~/.bashrc, in a bash on a terminal, with the tabulator key."""
    program = tmp_path / "streamtally"
    program.write_text(f'#!/bin/sh\nexec {PROGRAM} "$@"\n')
    program.chmod(0o755)
    (tmp_path / "undo.json").touch()
    (tmp_path / "rc").write_text(
        f'PATH={tmp_path}:$PATH; PS1=; bind "set bell-style none"; bind "set enable-bracketed-paste off"\n'
        'eval "$(_STREAMTALLY_COMPLETE=bash_source streamtally)"\n'
    )
    # echo stands before the words only once they are completed: ^A goes to the line's beginning.
    typed = [b"streamtally att\t", b"streamtally indices da\t", b"streamtally detach s --und\tundo.js\t",
             b"./streamtally agent-config --for v\t"]  # fmt: skip
    keys = b"".join(words + b"\x01echo got: \n" for words in typed) + b"exit\n"
    out = _in_bash(tmp_path, keys)
    for expected in (
        "got: streamtally attach",
        "got: streamtally indices dashboards",
        "got: streamtally detach s --undo undo.json",
        "got: ./streamtally agent-config --for vector",
    ):
        assert expected in [line.strip() for line in out.splitlines()], out


def _in_bash(folder: Path, keys: bytes) -> str:
    """What an interactive bash shows while these keys are typed."""
    ours, theirs = pty.openpty()
    command = ["bash", "--noprofile", "--rcfile", str(folder / "rc"), "-i"]
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with subprocess.Popen(command, cwd=folder, start_new_session=True, **streams) as bash:
        os.close(theirs)
        os.write(ours, keys)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:
            pass  # the terminal's other end is closed: bash has ended
        bash.wait(60)
    os.close(ours)
    return shown.decode()
