"""docs/cli.md is the commands' help; every command has an example; a shell can complete."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from scripts.make_cli_docs import PATH, make, walk
from streamtally.cli.main import COMMANDS, cli

HELP = dict(walk(cli, "streamtally"))
AWS_COMMANDS = ("attach", "detach", "status", "doctor", "migrate", "agent-config")


def test_the_page_is_what_the_help_says() -> None:
    """After a change: make docs-cli."""
    assert PATH.read_text(encoding="utf-8") == make()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example(name: str) -> None:
    """Of itself, or of a command below it."""
    assert any("Example: streamtally" in text for key, text in HELP.items() if key.startswith(f"streamtally {name}"))


@pytest.mark.parametrize("name", AWS_COMMANDS)
def test_commands_that_talk_to_aws_take_its_options(name: str) -> None:
    """As the AWS CLI's."""
    for option in ("--profile", "--region", "--endpoint-url"):
        assert option in HELP[f"streamtally {name}"]


def _streamtally(*args: str, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {**kept, "AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true", **more}
    command = [sys.executable, "-m", "streamtally.cli.main", *args]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)


def test_a_shell_completes_commands() -> None:
    """Click's protocol: words and cursor in, candidates out."""
    ran = _streamtally(_STREAMTALLY_COMPLETE="bash_complete", COMP_WORDS="streamtally att", COMP_CWORD="1")
    assert "attach" in ran.stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["status", "s"], "no region: pass --region"),
        (["status", "s", "--profile", "nobody"], "no AWS profile 'nobody'"),
        (["status", "s", "--region", "us-east-1"], "no AWS credentials"),
        (["attach"], "Missing argument"),
        (["doctor", "/nowhere/agent.json"], "cannot be read"),
        (["detach", "s", "--undo", "/nowhere/undo.json"], "cannot be read"),
    ],
)
@pytest.mark.large
def test_a_users_error_is_one_line_and_no_traceback(args: list[str], says: str) -> None:
    """Exit status 2, in a process of its own."""
    ran = _streamtally(*args)
    assert ran.returncode == 2
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


def test_no_colour_without_a_terminal() -> None:
    """Pipes get plain text."""
    assert "\x1b" not in _streamtally("--help").stdout
