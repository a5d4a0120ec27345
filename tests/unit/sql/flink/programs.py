"""Shared by the tests of the way to Flink: what a pair's program becomes, as text."""

from __future__ import annotations

from pathlib import Path

from streamtally.errors import SqlError
from streamtally.sql.flink.program import generate
from streamtally.sql.problems import show_problems
from tests.unit.sql.programs import PAIRS, compile_text

FLINK_PAIRS = Path(__file__).parent / "pairs"


def compiling() -> list[Path]:
    """The programs of the pairs that compile here, and those that run on Flink only (``flink_….sql``)."""
    here = [path.with_name(path.name.removesuffix(".plan.json") + ".sql") for path in PAIRS.glob("*.plan.json")]
    return sorted([*here, *PAIRS.glob("flink_*.sql")])


def flink_outcome(text: str) -> tuple[str, str]:
    """(suffix, text) of the expected file of a program: both files of Flink SQL, or the problems as they are shown."""
    try:
        generated = generate(compile_text(text, to_flink=True))
    except SqlError as error:
        return ".error", "\n".join(show_problems(error, text)) + "\n"
    return ".sql", f"{generated.tables_sql()}\n{generated.program_sql()}"
