"""Pairs: a program, and the Flink SQL that is generated from it, or why it cannot be.

That Flink's planner accepts them, and that they give equal rows, is tests/integration/flink's.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.sql.flink.programs import FLINK_PAIRS, compiling, flink_outcome
from tests.unit.sql.programs import PAIRS

EXPECTED = sorted(FLINK_PAIRS.iterdir())


# Every program gives exactly the file beside it (scripts/write_sql_pairs.py rewrites those; read the diff).
@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_program_becomes_its_expected_flink_sql(path: Path) -> None:
    suffix, text = flink_outcome((PAIRS / f"{path.stem}.sql").read_text(encoding="utf-8"))
    assert suffix == path.suffix
    assert text == path.read_text(encoding="utf-8")


# What compiles runs on Flink, but for what Flink SQL cannot say: that is refused with its place and what to do.
def test_what_compiles_runs_on_flink_or_is_refused() -> None:
    refused = {path.stem for path in EXPECTED if path.suffix == ".error"}
    assert len(EXPECTED) - len(refused) >= 90
    assert {path.stem for path in EXPECTED} <= {path.stem for path in compiling()}
    for path in EXPECTED:
        if path.suffix == ".error":
            first = path.read_text(encoding="utf-8").splitlines()[0]
            assert " does not run on Flink: " in first
            assert "; " in first.split(" does not run on Flink: ")[1]
