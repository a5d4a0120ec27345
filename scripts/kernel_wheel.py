"""The kernel's wheels: their locks, and what a build takes of them.

    kernel_wheel.py lock FOLDER            write FOLDER/lock.json: the wheel in it, its SHA-256, and that of its sources
    kernel_wheel.py add BUILD ARCH REPORTS unpack the wheel for ARCH into the layer of a build, and into pip's report

`add` goes on without the kernel, and says why in one line: no wheel is there, it is not the one that was locked, or it
was built from other sources than the checkout's. Exit status 2: invalid arguments. Needs only Python.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KERNEL = ROOT / "kernel"
WHEELS = ROOT / ".tools/kernel-wheels"
LAYER = "StreamtallyLayer"
BUILT = 946_728_000  # 2000-01-01T12:00Z, as the layers' Makefile sets it


def sources_digest(kernel: Path = KERNEL) -> str:
    """SHA-256 of everything that a wheel is built from."""
    total = hashlib.sha256()
    files = [*kernel.glob("Cargo.*"), kernel / "pyproject.toml", *kernel.glob("src/**/*.rs")]
    for path in sorted(files):
        total.update(f"{path.relative_to(kernel)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return total.hexdigest()


def write_lock(folder: Path, kernel: Path = KERNEL) -> None:
    """Lock the one wheel in a folder. Raises: ValueError: there is not one."""
    (wheel,) = folder.glob("*.whl")
    lock = {"wheel": wheel.name, "sha256": _sha256(wheel), "sources": sources_digest(kernel)}
    (folder / "lock.json").write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def find_wheel(folder: Path, kernel: Path = KERNEL) -> Path | str:
    """The locked wheel in a folder, or why there is none."""
    try:
        lock = json.loads((folder / "lock.json").read_text(encoding="utf-8"))
        wheel = folder / lock["wheel"]
        if _sha256(wheel) != lock["sha256"]:
            return f"{wheel.name} is not the wheel that was locked"
        if lock["sources"] != sources_digest(kernel):
            return f"{wheel.name} was built from other sources"
    except FileNotFoundError:
        return "no wheel is there"
    except (KeyError, TypeError, ValueError):
        return "its lock is broken"
    return wheel


def add(build: Path, reports: Path, wheel: Path) -> None:
    """Unpack a wheel into the layer as pip does, and name it in pip's report of that layer."""
    target = build / LAYER / "python"
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        archive.extractall(target)
    changed = {target / name for name in names}
    folders = {parent for path in changed for parent in path.parents if parent.is_relative_to(target)}
    for path in changed:
        path.chmod(0o755 if path.suffix == ".so" else 0o644)
    for folder in folders - {target}:
        folder.chmod(0o755)
    for path in changed | folders:
        os.utime(path, (BUILT, BUILT))
    name, version = wheel.name.split("-")[:2]
    report = reports / f"{LAYER}.json"
    document = json.loads(report.read_text(encoding="utf-8"))
    document["install"].append(
        {
            "metadata": {"name": name, "version": version},
            "download_info": {"archive_info": {"hashes": {"sha256": _sha256(wheel)}}},
        }
    )
    report.write_text(json.dumps(document), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Lock or add a wheel. Returns: the exit status."""
    match arguments:
        case ["lock", folder] if Path(folder).is_dir():
            write_lock(Path(folder))
        case ["add", build, ("arm64" | "x86_64") as arch, reports] if Path(build).is_dir():
            wheel = "KERNEL=off" if os.environ.get("KERNEL") == "off" else find_wheel(WHEELS / arch)
            if isinstance(wheel, str):
                print(f"kernel                 none for {arch}: {wheel} (make kernel); Python reads all events")
            else:
                add(Path(build), Path(reports), wheel)
                print(f"kernel                 {wheel.name}")
        case _:
            print("kernel_wheel.py: give lock FOLDER, or add BUILD arm64|x86_64 REPORTS", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
