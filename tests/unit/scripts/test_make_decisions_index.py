"""The decisions have one form, each number once, and an index that is up to date."""

from __future__ import annotations

import re

import pytest

from scripts.make_decisions_index import FOLDER, INDEX, entries, make

FORM = re.compile(
    r"""
    \#\ \d{4}:\ (?:[A-Z`]|sqlglot)[^\n]*[^.\n]\n  # the title, no sentence
    (?:\nSupersede[ds]\ [^\n]+\n)?  # what became of it, or of another by it
    \n\*\*Context\.\*\*\ .+
    \n\n\*\*Decision\.\*\*\ ?.+
    \n\n\*\*Consequences\.\*\*\ ?.+
    """,
    re.VERBOSE | re.DOTALL,
)
HEADS = ["Context", "Decision", "Consequences"]
LAST_HEADS = ("Not taken", "Alternatives")
"""One of these may end a page."""
MIN_WORDS, MAX_WORDS = 100, 330
LONG = {"0102", "0105", "0106", "0161"}
"""Pages of several decisions that only make sense together; they may have up to 550 words."""
MAX_WORDS_OF_LONG = 550


def test_index_is_up_to_date() -> None:
    """``python -m scripts.make_decisions_index`` would change nothing."""
    assert INDEX.read_text(encoding="utf-8") == make()


def test_each_number_once() -> None:
    """No two decisions are referred to by one number."""
    numbers = [number for number, _, _ in entries()]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(("number", "name"), [(number, name) for number, _, name in entries()])
def test_one_form(number: str, name: str) -> None:
    """Title, context, decision, consequences, and last what was not taken; no page grows into an essay."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert FORM.fullmatch(text)
    heads = re.findall(r"^\*\*([^*]+)\.\*\*", text, re.MULTILINE)
    assert heads[:3] == HEADS
    assert len(heads) == 3 or (len(heads) == 4 and heads[3] in LAST_HEADS)
    assert MIN_WORDS <= len(text.split()) <= (MAX_WORDS_OF_LONG if number in LONG else MAX_WORDS)


def test_links_between_decisions() -> None:
    """Every decision that a page links to exists, under the number that the link shows."""
    names = {name: number for number, _, name in entries()}
    links = [
        link
        for name in names
        for link in re.findall(r"\[(\d{4})\]\(([^)]+)\)", (FOLDER / name).read_text(encoding="utf-8"))
    ]
    assert links
    assert all(names.get(target) == number for number, target in links)
