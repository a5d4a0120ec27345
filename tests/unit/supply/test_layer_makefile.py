"""The layers' Makefile: only wheels with the locked hash, the same bytes wherever and whenever it runs."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MAKEFILE = ROOT / "layers/opensearch/Makefile"
pytestmark = [
    pytest.mark.large,
    pytest.mark.skipif(not shutil.which("make"), reason="no make on PATH: apt-get install make"),
]


def make_wheel(folder: Path, platform: str, name: str = "things", text: str = "value = 1\n") -> Path:
    """A wheel of one module and one program."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}/__init__.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: cp313-cp313-{platform}\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:value\n",
    }
    digests = {
        path: base64.urlsafe_b64encode(hashlib.sha256(body.encode()).digest()).rstrip(b"=").decode()
        for path, body in files.items()
    }
    record = "".join(f"{path},sha256={digests[path]},{len(files[path].encode())}\n" for path in files)
    wheel = folder / f"{name}-1.0-cp313-cp313-{platform}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, body in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            archive.writestr(path, body)
    return wheel


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """A layer as SAM copies it, with lock and platforms, and a wheel of one package for each processor."""
    folder = tmp_path / "scratch"
    for arch in ("arm64", "x86_64"):
        (folder / arch).mkdir(parents=True)
        shutil.copy(ROOT / "layers/opensearch" / arch / "platforms", folder / arch)
    (tmp_path / "wheels").mkdir()
    wheels = [make_wheel(tmp_path / "wheels", f"manylinux_2_28_{machine}") for machine in ("aarch64", "x86_64")]
    hashes = " ".join(f"--hash=sha256:{sha256(wheel)}" for wheel in wheels)
    (folder / "lock.txt").write_text(f"things==1.0 {hashes}\n")
    return folder


def build(layer: Path, out: Path, arch: str = "arm64", **environment: str) -> subprocess.CompletedProcess[str]:
    """As SAM calls it: make with the layer's Makefile in the processor's folder."""
    variables = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ARTIFACTS_DIR": str(out),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": (layer.parent / "wheels").as_uri(),
        **environment,
    }
    command = ["make", "--makefile", str(MAKEFILE), "build-OpenSearchLayer"]
    return subprocess.run(
        command, cwd=layer / arch, env=variables, capture_output=True, text=True, timeout=120, umask=0o022
    )


def contents(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Path → mode, time of change, content."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mode,
            int(path.stat().st_mtime),
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


# The wheel of the wanted processor is taken, whatever machine builds.
@pytest.mark.parametrize(("arch", "machine"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_the_processors_own_wheel_is_taken(layer: Path, tmp_path: Path, arch: str, machine: str) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    done = build(layer, tmp_path / "out", arch, LAYER_REPORTS=str(reports))
    assert done.returncode == 0, done.stderr
    tag = (tmp_path / "out/python/things-1.0.dist-info/WHEEL").read_text()
    assert f"manylinux_2_28_{machine}" in tag
    assert (reports / "OpenSearchLayer.json").is_file()


# Another umask, time zone and language, another time: the same bytes, modes and times.
def test_two_builds_are_the_same(layer: Path, tmp_path: Path) -> None:
    assert build(layer, tmp_path / "a").returncode == 0
    shutil.copytree(layer, tmp_path / "else where")
    (tmp_path / "else where/wheels").mkdir()
    done = subprocess.run(
        ["/bin/sh", "-c", f"umask 077; exec make --makefile '{MAKEFILE}' build-OpenSearchLayer"],
        cwd=tmp_path / "else where/x86_64/../arm64",
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ARTIFACTS_DIR": str(tmp_path / "b c"),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": (tmp_path / "wheels").as_uri(),
            "TZ": "Asia/Kathmandu",
            "LC_ALL": "C",
            "PYTHONDONTWRITEBYTECODE": "",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "a/python") == contents(tmp_path / "b c/python")


# Bytecode, and programs that begin with the path of the building machine's Python, are not shipped nor on record.
def test_nothing_of_the_building_machine_is_shipped(layer: Path, tmp_path: Path) -> None:
    assert build(layer, tmp_path / "out").returncode == 0
    names = set(contents(tmp_path / "out"))
    assert "python/things/__init__.py" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("python/bin")]
    record = (tmp_path / "out/python/things-1.0.dist-info/RECORD").read_text()
    assert "../" not in record
    assert "things/__init__.py,sha256=" in record


# A wheel that is not the locked one: nothing is built. The old build took it, without a word.
def test_a_changed_wheel_is_refused(layer: Path, tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "manylinux_2_28_aarch64", text="value = 'somebody else'\n")
    done = build(layer, tmp_path / "out")
    assert done.returncode != 0
    assert "hash" in done.stderr.lower()
    assert not (tmp_path / "out/python/things").exists()


# A package without a hash, one that only has a source archive, and one for the other processor alone.
@pytest.mark.parametrize("case", ["no hash", "source", "other processor"])
def test_what_is_not_locked_is_refused(layer: Path, tmp_path: Path, case: str) -> None:
    wheels = tmp_path / "wheels"
    if case == "no hash":
        (layer / "lock.txt").write_text("things==1.0\n")
    else:
        kept = wheels / (
            "things-1.0.tar.gz" if case == "source" else "things-1.0-cp313-cp313-manylinux_2_28_x86_64.whl"
        )
        kept.touch()
        for path in wheels.iterdir():
            if path != kept:
                path.unlink()
        (layer / "lock.txt").write_text(f"things==1.0 --hash=sha256:{sha256(kept)}\n")
    done = build(layer, tmp_path / "out")
    assert done.returncode != 0
    assert not (tmp_path / "out/python/things").exists()


# What another package needs and the lock does not hold is not fetched by name.
def test_only_what_is_locked_is_installed(layer: Path, tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "manylinux_2_28_aarch64", "others")
    assert build(layer, tmp_path / "out").returncode == 0
    assert not (tmp_path / "out/python/others").exists()


# No Python with pip, no ARTIFACTS_DIR, and a working directory that names no processor: one line each.
def test_what_is_missing_is_said_in_one_line(layer: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("sh", "make", "cat", "rm", "mkdir"):
        (bare / name).symlink_to(shutil.which(name) or "")
    cases = [
        (layer / "arm64", {"PATH": str(bare)}, "no Python with pip on PATH"),
        (layer / "arm64", {"ARTIFACTS_DIR": ""}, "ARTIFACTS_DIR is not set"),
        (layer, {}, "WorkingDirectory must be arm64 or x86_64"),
    ]
    for folder, environment, words in cases:
        variables = {**os.environ, "ARTIFACTS_DIR": str(tmp_path / "out"), **environment}
        done = subprocess.run(
            [shutil.which("make") or "make", "--makefile", str(MAKEFILE), "build-OpenSearchLayer"],
            cwd=folder, env=variables, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 2
        assert words in done.stderr.splitlines()[0]
