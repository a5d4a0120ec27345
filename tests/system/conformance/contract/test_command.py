"""``python -m tests.system.conformance.contract``: a handler, a URL, and what is neither."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.local.test_remote import serving

ROOT = Path(__file__).parents[4]


def run(*arguments: str) -> tuple[int, str, str]:
    call = [sys.executable, "-m", "tests.system.conformance.contract", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "PIPELINE"}
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, env=environment)
    return done.returncode, done.stdout, done.stderr


# A function at a URL is checked too: its first invocation fails, which is reported; then it keeps all clauses.
def test_a_url(tmp_path: Path) -> None:
    with serving(tmp_path) as port:
        call = ["--handler", f"http://127.0.0.1:{port}/TransformFunction", "--clause", "gzip"]
        status, out, err = run(*call)
        assert (status, out.split()[:2]) == (1, ["broken", "gzip:"])
        assert "out of luck" in err
        status, out, err = run(*call)
        assert (status, out.split()[:2], err) == (0, ["kept", "gzip:"], "")


# What cannot be called at all is no breach: one line, exit status 2.
@pytest.mark.parametrize(
    "handler, said",
    [
        ("no_such_module:f", "cannot be loaded: ModuleNotFoundError"),
        ("os:nothing", "cannot be loaded: AttributeError"),
        ("os:sep", "sep is no function"),
        ("functions.firehose_transform.app:handler", "cannot be loaded: SettingsError: PIPELINE"),
        ("http://127.0.0.1:1/F", "cannot be reached"),
    ],
)
def test_nothing_to_call(handler: str, said: str) -> None:
    status, out, err = run("--handler", handler)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"contract: {handler}: {said}")


# An unknown clause is refused: no check at all would look like success.
def test_no_such_clause() -> None:
    assert run("--handler", "os:getcwd", "--clause", "nope")[0] == 2
