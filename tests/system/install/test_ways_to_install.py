"""pip, pipx and uv install the command from a checkout, a wheel and a git address; it works in an empty folder.

pipx and uv are those of .tools/install (scripts/ci/install-tool install), or on PATH. Needs a package index; CI sets
INSTALL_REQUIRED, so that none is no excuse there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from streamtally.cli.main import COMMANDS
from tests.system.install.test_installed import ROOT, SAMPLE, call, copy_tracked, wheel  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.large, pytest.mark.xdist_group("install")]
MAX_USER_MB = 100
"""Of the environment that make setup makes: a quarter of the developers' one, of which DuckDB is two thirds."""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with the tracked files, as they are now, in one commit."""
    folder = copy_tracked(tmp_path_factory.mktemp("repository"))
    author = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    for arguments in (["init", "-q"], ["add", "-A", "-f"], [*author, "commit", "-q", "-m", "The tree"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return folder


def head_of(repository: Path) -> str:
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout.strip()


def install(tool: str, what: object, home: Path) -> Path:
    """Install with a tool into a folder of its own. Returns: the command."""
    if tool == "pip":
        subprocess.run([sys.executable, "-m", "venv", home / "environment"], check=True)
        words, folder = [home / "environment/bin/python", "-m", "pip", "install", "-q", what], "environment/bin"
    else:
        path = os.pathsep.join([str(ROOT / ".tools/install/bin"), os.environ.get("PATH", "")])
        program = shutil.which(tool, path=path)
        if program is None and "INSTALL_REQUIRED" not in os.environ:
            pytest.skip(f"no {tool}: scripts/ci/install-tool install")
        assert program, tool
        how = ["tool", "install", "-q"] if tool == "uv" else ["install"]
        words, folder = [program, *how, "--python", sys.executable, what], "bin"
    environment = {
        "PIPX_HOME": str(home / "pipx"), "PIPX_BIN_DIR": str(home / "bin"),
        "UV_TOOL_DIR": str(home / "tools"), "UV_TOOL_BIN_DIR": str(home / "bin"),
    }  # fmt: skip
    done = call(words, home, **environment)
    if done.returncode and "INSTALL_REQUIRED" not in os.environ:
        pytest.skip(f"no package index: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return home / folder / "streamtally"


def check(command: Path, folder: Path) -> None:
    """Every command shows its help, and run counts a log, in an empty folder."""
    for name in COMMANDS:
        done = call([command, name, "--help"], folder)
        assert (done.returncode, done.stderr) == (0, ""), name
    done = call([command, "run", SAMPLE], folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "streamtally-out/report.html").stat().st_size > 1000


# pip and a wheel are in test_installed.py.
@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_from_a_git_address(tool: str, repository: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    command = install(tool, f"git+file://{repository}", tmp_path)
    check(command, tmp_path / "empty")
    assert f"(commit {head_of(repository)}" in call([command, "--version"], tmp_path).stdout


@pytest.mark.parametrize("tool", ["pipx", "uv"])
def test_from_a_checkout(tool: str, repository: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    check(install(tool, repository, tmp_path), tmp_path / "empty")


def test_from_a_wheel(wheel: Path, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "empty").mkdir()
    check(install("uv", wheel, tmp_path), tmp_path / "empty")


def test_setup_installs_what_a_user_needs(repository: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    setup = [repository / "scripts/setup", environment, "user"]
    # Without uv on PATH: its environments have no pip that could be left.
    done = call(setup, repository, PATH="/usr/bin:/bin", PYTHON=sys.executable)
    if done.returncode and "INSTALL_REQUIRED" not in os.environ:
        pytest.skip(f"no package index: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    size = re.search(r"done in \d+ s, (\d+) MB", done.stdout)
    assert size, done.stdout
    assert int(size[1]) <= MAX_USER_MB
    (tmp_path / "empty").mkdir()
    check(environment / "bin/streamtally", tmp_path / "empty")
