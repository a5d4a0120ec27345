"""Pairs: a program, and beside it the plan that it must compile to or the problems that must be shown."""

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streamtally.transform.pipeline import load_pipeline
from tests.unit.sql.programs import PAIRS, REFERENCES, outcome

PROGRAMS = sorted(PAIRS.glob("*.sql"))


# Every program gives exactly the file beside it (scripts/write_sql_pairs.py rewrites those; read the diff).
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_program_makes_its_expected_outcome(path: Path) -> None:
    suffix, text = outcome(path.read_text(encoding="utf-8"))
    expected = path.with_name(path.stem + suffix)
    assert expected.exists(), text
    assert text == expected.read_text(encoding="utf-8")


# Exactly the programs whose name says so are refused.
def test_names_say_which_programs_are_refused() -> None:
    refused = {path.stem for path in PAIRS.glob("*.error")}
    assert refused == {path.stem for path in PROGRAMS if path.stem.startswith(("error_", "refuse_", "flink_"))}
    assert len(PROGRAMS) >= 120


# The functions can load every compiled plan.
@pytest.mark.parametrize("path", sorted(PAIRS.glob("*.plan.json")), ids=lambda path: path.stem)
def test_expected_plan_loads(path: Path) -> None:
    outputs = json.loads(path.read_text(encoding="utf-8"))["outputs"]
    streams = {node.get("stream", node["name"]): {"index": "an_index"} for node in outputs}
    document = {"source": {}, "outputs": streams, "plan": {"version": 1, "outputs": outputs}, "references": REFERENCES}
    assert list(load_pipeline(document, ZoneInfo).outputs) == [node["name"] for node in outputs]


# Every problem is shown with line and column, the line itself, and a caret under the column.
@pytest.mark.parametrize("path", sorted(PAIRS.glob("*.error")), ids=lambda path: path.stem)
def test_problem_shows_its_place(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) % 3 == 0
    for position, shown, caret in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        line, column, _ = position.split(":", 2)
        assert int(line) >= 1
        assert int(column) >= 1
        assert caret.strip() == "^"
        assert len(caret) <= len(shown) + 1 or not shown.strip()


# Every refusal says what to do instead.
@pytest.mark.parametrize("path", sorted(PAIRS.glob("refuse_*.error")), ids=lambda path: path.stem)
def test_refusal_has_advice(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines()[::3]:
        assert " cannot be compiled; " in line
