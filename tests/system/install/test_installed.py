"""The package as people install it: a wheel in an empty environment, used in an empty folder.

Needs a package index for the requirements; CI sets INSTALL_REQUIRED, so that none is no excuse there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from streamtally.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "tests/samples/nginx-combined.log"
pytestmark = [pytest.mark.large, pytest.mark.xdist_group("install")]


def call(command: list[object], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHONPATH", "VIRTUAL_ENV"))}
    words = [str(word) for word in command]
    return subprocess.run(
        words, cwd=folder, env={**kept, **environment}, capture_output=True, text=True, check=False, timeout=240
    )


def copy_tracked(folder: Path) -> Path:
    """The folder, with a copy of the files that git knows of, as they are now."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the tracked files, built without the network."""
    source, out = copy_tracked(tmp_path_factory.mktemp("source")), tmp_path_factory.mktemp("wheel")
    (source / "COMMIT").write_text("0123456789ab\n")  # as in a source distribution
    done = call(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", out, "."], source
    )
    assert done.returncode == 0, done.stderr
    (path,) = out.glob("streamtally-*.whl")
    return path


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    done = call([environment / "bin/python", "-m", "pip", "install", "-q", wheel], environment)
    if done.returncode and "INSTALL_REQUIRED" not in os.environ:
        pytest.skip(f"no package index: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return environment / "bin/streamtally"


# Everything in the package that is not Python is in the wheel: what is missing shows only when it is read.
def test_the_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    package = ROOT / "layers/streamtally"
    names = subprocess.run(["git", "ls-files"], cwd=package, capture_output=True, text=True, check=True).stdout.split()
    wanted = {name for name in names if name.startswith("streamtally/") and (package / name).is_file()}
    with zipfile.ZipFile(wheel) as archive:
        assert not wanted - set(archive.namelist())
        bundled = ROOT / "layers/pipeline/pipeline/pipeline.toml"
        assert archive.read("streamtally/bundled/pipeline.toml") == bundled.read_bytes()
        assert "streamtally/bundled/counts.sql" in archive.namelist()


def test_every_command_starts(command: Path, tmp_path: Path) -> None:
    for name in COMMANDS:
        done = call([command, name, "--help"], tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), name
        assert done.stdout.startswith(f"Usage: streamtally {name} "), name


def test_the_version_names_the_commit(command: Path, tmp_path: Path) -> None:
    done = call([command, "--version"], tmp_path)
    assert re.match(r"streamtally, version \S+ \(commit 0123456789ab\b", done.stdout), done.stdout


def test_a_log_is_run_in_an_empty_folder(command: Path, tmp_path: Path) -> None:
    done = call([command, "run", SAMPLE], tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "streamtally-out/report.html").stat().st_size > 1000
    parsed = call([command, "parse", SAMPLE], tmp_path)
    assert len(parsed.stdout.splitlines()) == len(SAMPLE.read_text().splitlines())
    assert "nginx" in call([command, "detect", SAMPLE], tmp_path).stdout


def test_compile_never_writes_into_the_package(command: Path, tmp_path: Path) -> None:
    assert call([command, "compile"], tmp_path).returncode == 2
    assert call([command, "compile", "--explain"], tmp_path).returncode == 0
    bundled = next(command.parents[1].glob("lib/python*/site-packages/streamtally/bundled"))
    assert sorted(path.name for path in bundled.iterdir()) == ["counts.sql", "pipeline.toml"]
    shutil.copytree(bundled, tmp_path / "mine")
    done = call([command, "compile"], tmp_path / "mine")
    assert (done.returncode, done.stdout) == (0, "pipeline.json\n"), done.stderr
    assert "request_data" in (tmp_path / "mine/pipeline.json").read_text()


# Commands that reach a server end in one line, not in a missing module.
def test_commands_for_servers_end_in_one_line(command: Path, tmp_path: Path) -> None:
    environment = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "HOME": str(tmp_path),
                   "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip
    for arguments in (
        ["indices", "plan", "--opensearch", "http://127.0.0.1:9"],
        ["doctor", "log-ingestion-stream"],
        ["attach", "log-ingestion-stream"],
        ["local", "--port", "0", "--opensearch", "http://127.0.0.1:9"],
    ):
        done = call([command, *arguments], tmp_path, **environment)
        assert done.returncode in (1, 2), arguments
        assert "Traceback" not in done.stderr, arguments
        assert "No module" not in done.stderr, arguments


def test_json_is_all_that_is_printed(command: Path, tmp_path: Path) -> None:
    done = call([command, "run", SAMPLE, "--json"], tmp_path)
    assert json.loads(done.stdout)["lines"] == len(SAMPLE.read_text().splitlines())
