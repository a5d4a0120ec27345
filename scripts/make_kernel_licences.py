"""Writes kernel/licences.json: the crates of the kernel with their licences, as they state them (needs cargo).

The crates are those of kernel/Cargo.lock, for every platform and for building too. docs/licences.md lists them.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

KERNEL = Path(__file__).resolve().parents[1] / "kernel"
OWN = "streamtally-kernel"


def main() -> None:
    """Ask cargo, and write the file."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    done = subprocess.run(command, cwd=KERNEL, check=True, capture_output=True, text=True)
    crates = {
        f"{crate['name']} {crate['version']}": (crate["license"] or "").replace("/", " OR ")
        for crate in json.loads(done.stdout)["packages"]
        if crate["name"] != OWN
    }
    (KERNEL / "licences.json").write_text(json.dumps(crates, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
