"""A disk that is full, or a limit on files: one line that names the file, exit status 2, and nothing half-written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOG = str(ROOT / "tests/samples/apache-combined.log")
# Python ignores SIGXFSZ, so that a write beyond the limit fails as on a full disk, with another reason.
LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT)); from streamtally.cli.main import"


@pytest.mark.large
@pytest.mark.parametrize(
    ("arguments", "limit", "named"),
    [
        (["run", LOG, "--out", "out"], 20480, "out/.run-"),
        (["run", LOG, "--workers", "1", "--no-report", "--by", "response", "--out", "out"], 20480, "out/.run-"),
        (["init", LOG, "--out", "out"], 20480, "out/"),
        (["sample", "--lines", "5000", "--out", "out.log"], 20480, "out.log"),
        (["local", "--port", "0", "--store", "out"], 20480, "out/journal.db"),
        (["local", "--port", "0", "--store", "out"], 8192, "out/log-summary.duckdb"),
        (["run", LOG, "--out", "out"], 8192, "out/.run-"),
    ],
)
def test_one_line_and_nothing_half_written(arguments: list[str], limit: int, named: str, tmp_path: Path) -> None:
    code = f"{LIMITED} main; main()".replace("LIMIT, LIMIT", f"{limit}, {limit}")
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith("streamtally: ")
    assert named in line
    if arguments[0] != "local":  # its state is kept
        assert list(tmp_path.iterdir()) == []
