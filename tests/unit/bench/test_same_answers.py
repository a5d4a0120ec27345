"""Two checkouts are compared case by case; this checkout answers every kind of case like itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.answer_cases import write_cases
from bench.same_answers import compare, read_digests, start

ROOT = Path(__file__).resolve().parents[3]


def test_what_differs_is_named() -> None:
    before = {"same": {"response": "1"}, "other": {"response": "1", "ledger": "2"}, "gone": {}}
    after = {"same": {"response": "1"}, "other": {"response": "1", "ledger": "3"}, "new": {}}
    assert compare(before, after) == ["other: ledger", "gone: only before answered", "new: only after answered"]


@pytest.mark.large
def test_this_checkout_answers(tmp_path: Path) -> None:
    """Each case has the digests of its answer, or of the error that says that no response fits."""
    cases, digests = tmp_path / "cases.jsonl", tmp_path / "digests.jsonl"
    count = write_cases(cases, 2_000, 3, only="fuzz")
    assert start(ROOT, cases, digests).wait() == 0
    answers = read_digests(digests)
    assert len(answers) == count == 3
    for parts in answers.values():
        assert "error" in parts or {"input", "response", "documents", "envelopes", "ledger"} <= set(parts)
