"""Writes the compiler's output for tests/unit/sql/pairs/*.sql next to them, and what they become for Flink.

Review the difference before committing.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.unit.sql.flink.programs import FLINK_PAIRS, compiling, flink_outcome
from tests.unit.sql.programs import PAIRS, outcome


def main() -> None:
    """Write the expected file of every pair, and delete one of the other kind."""
    for program in sorted(PAIRS.glob("*.sql")):
        suffix, text = outcome(program.read_text(encoding="utf-8"))
        for other in (".plan.json", ".error"):
            program.with_name(program.stem + other).unlink(missing_ok=True)
        program.with_name(program.stem + suffix).write_text(text, encoding="utf-8")
    for old in FLINK_PAIRS.iterdir():
        old.unlink()
    for program in compiling():
        suffix, text = flink_outcome(program.read_text(encoding="utf-8"))
        (FLINK_PAIRS / (program.stem + suffix)).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
