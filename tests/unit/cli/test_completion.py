"""The completion scripts in the shells themselves, where they are installed."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.cli.in_process import call_main

BIN = Path(sys.executable).parent
WORDS = [("streamtally det", {"detach", "detect"}), ("streamtally run --arr", {"--arrival"}),
         ("streamtally indices au", {"audit"}), ("streamtally agent-config --for v", {"vector"}),
         ("streamtally run --format apache_c", {"apache_combined", "apache_common"}),
         ("streamtally formats nginx_e", {"nginx_error"}),
         ("streamtally cost --region us-gov", {"us-gov-east-1", "us-gov-west-1"}),
         ("streamtally sample --format js", {"json"}), ("streamtally run --lang j", {"ja"})]  # fmt: skip


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "TERM": "dumb", **more}


def in_shell(shell: str, script: str) -> str:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    options = ["--norc"] if shell == "bash" else ["--no-config"]
    done = subprocess.run(
        [shell, *options, "-c", script], capture_output=True, text=True, env=environment(), timeout=90
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("shell", "says"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete --no")])
def test_every_shell_gets_its_own_script(shell: str, says: str) -> None:
    done = call_main("completion", shell)
    assert (done.returncode, done.stderr) == (0, b"")
    assert says in done.stdout.decode()
    assert "_STREAMTALLY_COMPLETE" in done.stdout.decode()


def test_other_shells_are_one_line() -> None:
    done = call_main("completion", "tcsh")
    assert done.returncode == 2
    assert b"'tcsh' is not one of 'bash', 'zsh', 'fish'" in done.stderr


@pytest.mark.large
def test_bash_completes() -> None:
    asks = [
        f"COMPREPLY=(); COMP_WORDS=({words}); COMP_CWORD={len(words.split()) - 1}; "
        '_streamtally_completion streamtally; echo "${COMPREPLY[*]}"'
        for words, _ in WORDS
    ]
    out = in_shell("bash", f'eval "$(streamtally completion bash)"; {"; ".join(asks)}')
    assert [set(line.split()) for line in out.splitlines()] == [wanted for _, wanted in WORDS]


@pytest.mark.large
def test_fish_completes() -> None:
    asks = [f"echo '>'; complete -C '{words}'" for words, _ in WORDS]
    out = in_shell("fish", f"streamtally completion fish | source; {'; '.join(asks)}")
    parts = [{line.split("\t")[0] for line in part.splitlines()} - {""} for part in out.split(">\n")[1:]]
    assert parts == [wanted for _, wanted in WORDS]


# zsh's completion works in its line editor alone: a terminal, and the tabulator key.
@pytest.mark.large
def test_zsh_completes() -> None:
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment(PS1="ready> "), text=False
    ) as process:
        os.close(theirs)
        script = 'autoload -Uz compinit; compinit -D; eval "$(streamtally completion zsh)"; echo set""up\n'
        os.write(ours, script.encode())
        assert "setup" in read_until(ours, "setup")
        os.write(ours, b"streamtally indices au\t")
        assert "audit" in read_until(ours, "audit")
        process.kill()
        os.close(ours)


def read_until(terminal: int, text: str, seconds: float = 60) -> str:
    """What a terminal shows until this text, within a time."""
    shown, end = "", time.monotonic() + seconds
    while text not in shown and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 4096).decode(errors="replace")
    return shown
