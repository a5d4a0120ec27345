"""The kernel's wheel in a build: only the one that was locked, and only if it was built from the checkout's sources."""

from __future__ import annotations

import json
import re
import stat
import zipfile
from pathlib import Path

import pytest

from scripts import kernel_wheel

ROOT = Path(__file__).resolve().parents[3]
NAME = "streamtally_kernel-0.1.0-cp311-abi3-manylinux_2_28_aarch64.whl"


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """Sources of a kernel."""
    folder = tmp_path / "kernel"
    (folder / "src/python").mkdir(parents=True)
    for name in ("Cargo.toml", "Cargo.lock", "pyproject.toml", "src/lib.rs"):
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def wheels(tmp_path: Path, kernel: Path) -> Path:
    """A folder with a locked wheel."""
    folder = tmp_path / "wheels/arm64"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / NAME, "w") as archive:
        archive.writestr("streamtally_kernel/__init__.py", "")
        archive.writestr("streamtally_kernel/streamtally_kernel.abi3.so", b"\x7fELF")
        archive.writestr("streamtally_kernel-0.1.0.dist-info/METADATA", "Name: streamtally-kernel\nVersion: 0.1.0\n")
    kernel_wheel.write_lock(folder, kernel)
    return folder


def test_the_locked_wheel_is_taken(wheels: Path, kernel: Path) -> None:
    assert kernel_wheel.find_wheel(wheels, kernel) == wheels / NAME


def test_no_other_wheel_is_taken(wheels: Path, kernel: Path) -> None:
    with (wheels / NAME).open("ab") as file:
        file.write(b"more")
    assert kernel_wheel.find_wheel(wheels, kernel) == f"{NAME} is not the wheel that was locked"


@pytest.mark.parametrize("name", ["src/lib.rs", "src/more.rs", "src/python/more.rs", "Cargo.lock"])
def test_no_wheel_of_other_sources_is_taken(wheels: Path, kernel: Path, name: str) -> None:
    (kernel / name).write_text("changed")
    assert kernel_wheel.find_wheel(wheels, kernel) == f"{NAME} was built from other sources"


def test_without_a_wheel_there_is_none(tmp_path: Path, kernel: Path, wheels: Path) -> None:
    assert kernel_wheel.find_wheel(tmp_path / "x86_64", kernel) == "no wheel is there"
    (wheels / "lock.json").write_text('{"wheel": 1}')
    assert kernel_wheel.find_wheel(wheels, kernel) == "its lock is broken"
    (wheels / NAME).unlink()
    kernel_wheel.find_wheel(wheels, kernel)


def test_the_layer_gets_it_with_modes_times_and_report(tmp_path: Path, wheels: Path) -> None:
    build, reports = tmp_path / "build", tmp_path / "reports"
    (build / "StreamtallyLayer/python").mkdir(parents=True)
    reports.mkdir()
    (reports / "StreamtallyLayer.json").write_text('{"install": []}')
    kernel_wheel.add(build, reports, wheels / NAME)
    library = build / "StreamtallyLayer/python/streamtally_kernel/streamtally_kernel.abi3.so"
    assert stat.S_IMODE(library.stat().st_mode) == 0o755
    assert {int(path.stat().st_mtime) for path in library.parent.rglob("*")} == {kernel_wheel.BUILT}
    (item,) = json.loads((reports / "StreamtallyLayer.json").read_text())["install"]
    assert item["metadata"] == {"name": "streamtally_kernel", "version": "0.1.0"}
    assert (
        item["download_info"]["archive_info"]["hashes"]["sha256"]
        == json.loads((wheels / "lock.json").read_text())["sha256"]
    )


def test_build_goes_on_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kernel_wheel, "WHEELS", tmp_path)
    monkeypatch.delenv("KERNEL", raising=False)
    assert kernel_wheel.main(["add", str(tmp_path), "arm64", str(tmp_path)]) == 0
    assert "none for arm64: no wheel is there (make kernel); Python reads all events" in capsys.readouterr().out
    monkeypatch.setenv("KERNEL", "off")
    assert kernel_wheel.main(["add", str(tmp_path), "x86_64", str(tmp_path)]) == 0
    assert "KERNEL=off" in capsys.readouterr().out
    assert kernel_wheel.main(["add", str(tmp_path), "sparc", str(tmp_path)]) == 2


def test_licences_are_those_of_the_lock() -> None:
    lock = (ROOT / "kernel/Cargo.lock").read_text(encoding="utf-8")
    crates = {f"{name} {version}" for name, version in re.findall(r'name = "(.+)"\nversion = "(.+)"', lock)}
    licences = json.loads((ROOT / "kernel/licences.json").read_text(encoding="utf-8"))
    assert licences.keys() == crates - {"streamtally-kernel 0.1.0"}, "run python -m scripts.make_kernel_licences"
    page = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
    for crate, licence in licences.items():
        name, version = crate.rsplit(" ", 1)
        assert licence, crate
        assert f"| {name} | {version} | {licence} |" in page
