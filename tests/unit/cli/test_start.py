"""Commands start fast: help imports neither libraries nor modules that only the work needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from streamtally.cli.commands.agent_config import FORMATS
from streamtally.cli.main import COMMANDS, cli
from streamtally.local.agent_config import AGENT_FORMATS

HEAVY = {
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "duckdb",
    "jinja2",
    "markupsafe",
    "maxminddb",
    "moto",
    "multiprocessing",
    "opensearchpy",
    "re2",
    "requests",
    "rich",
    "sqlglot",
    "urllib3",
    "yaml",
    "zoneinfo",
}
WORK = {"formats", "indices", "patterns", "plan", "report", "sql", "transform"}
"""Packages of this project that no help needs; each takes tens of milliseconds."""
PACKAGE = Path(__file__).resolve().parents[3] / "layers/streamtally"

_PROGRAM = """
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
from streamtally.cli.main import COMMANDS, cli

imported, before = {}, set()
for name in sorted(COMMANDS):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        cli.main([name, "--help"], prog_name="streamtally", standalone_mode=False)
    imported[name] = sorted(set(sys.modules) - before)
    before = set(sys.modules)
print(json.dumps(imported))
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """Command → the modules that its help was the first to import, in one new interpreter."""
    arguments = [sys.executable, "-c", _PROGRAM, str(PACKAGE)]
    shown = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60).stdout
    modules: dict[str, list[str]] = json.loads(shown)
    return modules


@pytest.mark.parametrize("name", COMMANDS)
def test_help_imports_no_library_of_the_work(imported: dict[str, list[str]], name: str) -> None:
    assert not HEAVY & {module.split(".")[0] for module in imported[name]}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_imports_no_package_of_the_work(imported: dict[str, list[str]], name: str) -> None:
    packages = {module.split(".")[1] for module in imported[name] if module.startswith("streamtally.")}
    assert not WORK & packages


def test_the_interpreter_has_run_the_commands(imported: dict[str, list[str]]) -> None:
    assert "streamtally.cli.commands.run" in imported["run"]
    assert "streamtally.cli.commands.indices" in imported["indices"]


def test_subcommands_are_there_without_their_work() -> None:
    command = cli.get_command(click.Context(cli), "indices")
    assert isinstance(command, click.Group)
    assert set(command.commands) == {"plan", "apply", "status", "settle", "audit", "dashboards"}


_WORK = """
import sys
sys.path.insert(0, sys.argv[1])
import streamtally.cli.local, streamtally.cli.report, streamtally.cli.run, streamtally.cli.shared.following
print(*sorted({"jinja2", "markupsafe"} & set(sys.modules)))
"""


# The templates' library takes as long to import as the rest of a command: it is for those who get a page.
def test_work_without_a_page_imports_no_templates() -> None:
    arguments = [sys.executable, "-c", _WORK, str(PACKAGE)]
    assert subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60).stdout.split() == []


def test_agent_formats_in_the_help_are_those_of_the_configuration() -> None:
    assert list(AGENT_FORMATS) == list(FORMATS)
