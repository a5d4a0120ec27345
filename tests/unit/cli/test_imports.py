"""What a command imports before it works: a checkout after make setup has no SDK, and help waits for nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.unit.cli.in_process import call_main

HEAVY = ("boto3", "botocore", "duckdb", "opensearchpy", "requests", "rich", "sqlglot", "streamtally.formats", "yaml")
SDKS = ("boto3", "opensearchpy", "requests")  # botocore is imported by powertools where it is installed


def imported(*names: str) -> set[str]:
    """The heavy modules that importing commands' modules imports, in a process of its own."""
    code = f"import sys, importlib\nfor name in {names!r}: importlib.import_module('streamtally.cli.' + name)\n"
    code += f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_these_commands_start_with_nothing_heavy() -> None:
    assert imported("main", "init", "completion", "status") == set()


@pytest.mark.parametrize("names", [("run", "parse", "invoke", "compile", "detect", "migrate", "local")], ids=len)
@pytest.mark.large
def test_what_works_on_this_machine_needs_no_sdk(names: tuple[str, ...]) -> None:
    assert imported(*names).isdisjoint(SDKS)


# agent-config is in the README's quick way, which installs no SDK.
def test_a_shippers_configuration_needs_no_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("boto3", "botocore", *SDKS):
        monkeypatch.setitem(sys.modules, name, None)
    done = call_main("agent-config", "--log", "/var/log/x", "--stream", "s", "--region", "eu-west-1")
    assert done.returncode == 0, done.stderr
    assert b"firehose.eu-west-1.amazonaws.com" in done.stdout
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    assert b"firehose.eu-west-2.amazonaws.com" in call_main("agent-config", "--log", "/x", "--stream", "s").stdout
