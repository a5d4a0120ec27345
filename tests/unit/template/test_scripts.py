"""The scripts around SAM: a missing tool is one line that says what and how to get it; a wrong build is found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, **environment}
    return subprocess.run([*map(str, command)], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60)


def one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit status 2 and a single line with these words."""
    assert done.returncode == 2, done
    (line,) = done.stderr.splitlines()
    assert all(word in line for word in words), line


# A word that no script knows.
@pytest.mark.parametrize("script", ["scripts/build", "scripts/ci/install-tool", "scripts/ci/docker-engine"])
def test_an_unknown_word_is_refused(script: str) -> None:
    one_line(run(ROOT / script, "sparc"), "sparc", "one of")


# No Docker engine: the image cannot be made, and the line says how to get one.
def test_without_an_engine_the_image_says_how_to_get_one(tmp_path: Path) -> None:
    nowhere = f"unix://{tmp_path}/none"
    one_line(run(ROOT / "scripts/runtime-image", DOCKER_HOST=nowhere), "ocker", "scripts/ci/docker-engine")


# No Python 3.13 with pip: neither a shim nor an environment without pip is taken for one.
def test_without_a_python_the_build_says_how_to_get_one(tmp_path: Path) -> None:
    fake = tmp_path / "python3.13"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    script = f"source {ROOT}/scripts/lib.sh; find_python"
    environment = {"PYENV_ROOT": str(tmp_path), "PYTHON313": str(fake), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = run("/bin/bash", "-c", script, **environment)
    if done.returncode == 0:
        pytest.skip("the system itself has a python3.13 with pip")
    one_line(done, "python3.13 with pip", "PYTHON313=")


# A tool that is not installed names the script that installs it.
def test_a_missing_tool_names_its_installer() -> None:
    done = run("/bin/bash", "-c", f"source {ROOT}/scripts/lib.sh; find_tool nosuch sam")
    one_line(done, "sam", "scripts/ci/install-tool nosuch")


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + (3).to_bytes(2, "little") + machine.to_bytes(2, "little") + bytes(44)


def make_build(folder: Path) -> Path:
    """A build of nothing, with one library for arm64."""
    for name in ("TransformFunction", "SettleFunction", "StreamtallyLayer", "OpenSearchLayer"):
        (folder / name / "python").mkdir(parents=True)
    (folder / "StreamtallyLayer/python/fast.so").write_bytes(elf(183))
    return folder


def check(folder: Path, arch: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, ROOT / "scripts/check_build.py", folder, arch)


# A library for the other processor is found by its header; its file's name says nothing.
def test_a_library_for_another_processor_is_found(tmp_path: Path) -> None:
    folder = make_build(tmp_path)
    assert check(folder, "arm64").returncode == 0
    done = check(folder, "x86_64")
    assert done.returncode == 1
    assert "fast.so: e_machine 183, not 62" in done.stderr


# Sizes are printed, and a transform of more than 12 MB is refused.
def test_a_transform_that_grew_too_large_is_found(tmp_path: Path) -> None:
    folder = make_build(tmp_path)
    (folder / "StreamtallyLayer/python/data").write_bytes(bytes(12_000_001))
    done = check(folder, "arm64")
    assert done.returncode == 1
    assert "StreamtallyLayer" in done.stdout
    assert "more than 12000000" in done.stderr


# What belongs to the developer's environment, or is in Lambda's runtime already, is not shipped.
@pytest.mark.parametrize("name", ["boto3", "sqlglot", "streamtally.egg-info"])
def test_what_does_not_belong_into_a_deployment_is_found(tmp_path: Path, name: str) -> None:
    folder = make_build(tmp_path)
    (folder / "StreamtallyLayer/python" / name).mkdir()
    assert f"{name}: must not be deployed" in check(folder, "arm64").stderr


# A layer that is missing, and a folder that is none.
def test_a_build_that_is_not_whole_is_found(tmp_path: Path) -> None:
    folder = make_build(tmp_path / "build")
    (folder / "OpenSearchLayer/python").rmdir()
    (folder / "OpenSearchLayer").rmdir()
    assert "OpenSearchLayer was not built" in check(folder, "arm64").stderr
    one_line(check(tmp_path / "none", "arm64"), "give the folder")
