"""The decisions have one form, each number once, and an index that is up to date."""

from __future__ import annotations

from scripts.make_decisions_index import INDEX, entries, make


def test_index_is_up_to_date() -> None:
    """``python -m scripts.make_decisions_index`` would change nothing."""
    assert INDEX.read_text(encoding="utf-8") == make()


def test_each_number_once() -> None:
    """No two decisions are referred to by one number."""
    numbers = [number for number, _, _ in entries()]
    assert len(numbers) == len(set(numbers))
