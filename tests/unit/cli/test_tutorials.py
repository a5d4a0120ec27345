"""The tutorials: every command in a block marked `sh` works as written, in order, in an empty `out`."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.unit.cli.operator_runner import run

ROOT = Path(__file__).resolve().parents[3]


def _results(tutorial: str) -> dict[str, str]:
    """Command → what it printed."""
    results = {}
    for block in re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / tutorial).read_text("utf-8"), re.M | re.S):
        for line in block.splitlines():
            program, *args = shlex.split(line)
            assert program == ".venv/bin/streamtally"
            ran = run(*args)
            assert ran.status == 0, (line, ran)
            results[line] = ran.stdout
    return results


@pytest.fixture(autouse=True)
def _clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("tests", "examples"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.large
def test_from_a_server_to_a_dashboard() -> None:
    results = _results("from-a-server-to-a-dashboard.md")
    assert len(results) == 9
    assert "569 of 569 lines" in next(text for line, text in results.items() if " init " in line)
    for path in ("first/report.html", "site/counts.sql", "agent.json", "dashboards.ndjson"):
        assert (Path("out") / path).stat().st_size


def test_from_kinesis_analytics() -> None:
    results = _results("from-kinesis-analytics.md")
    assert len(results) == 5
    parity = next(text for line, text in results.items() if "--parity" in line)
    shown = re.search(r"```text\n(.*?)\n```", (ROOT / "docs/from-kinesis-analytics.md").read_text("utf-8"))
    assert shown is not None
    assert shown[1] == parity.rstrip().splitlines()[-1]
    for path in ("migrated/MIGRATION.md", "both/flink/program.sql", "migrated-run/report.html"):
        assert (Path("out") / path).stat().st_size
