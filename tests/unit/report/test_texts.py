"""The texts of the page: both languages have all of them, with the same values in them."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from streamtally.errors import SettingsError
from streamtally.report.page import render_report
from streamtally.report.texts import ENGLISH, LANGUAGES, say, speaking
from tests.unit.report.hostile import hostile_report

JAPANESE_LETTER = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def placeholders(text: str) -> set[tuple[str, str]]:
    """The values of a text, each with its format."""
    return {(name, form or "") for _, name, form, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_every_text(language: str) -> None:
    texts = LANGUAGES[language]
    assert list(texts) == list(ENGLISH)
    for key, english in ENGLISH.items():
        assert placeholders(texts[key]) == placeholders(english), key
        assert texts[key].count("|") == english.count("|"), key
    assert len(texts["weekdays"].split()) == 7


# A text that was copied and not translated has no Japanese letter. The exceptions are names and values alone.
def test_japanese_is_japanese() -> None:
    alike = [key for key, text in LANGUAGES["ja"].items() if not JAPANESE_LETTER.search(text)]
    assert alike == ["title", "period", "moment", "column.system"]


def test_page_in_japanese() -> None:
    page = render_report(hostile_report(), "ja")
    assert '<html lang="ja">' in page
    assert "<h2>応答時間</h2>" in page
    left = {
        text
        for key, text in ENGLISH.items()
        if key not in ("title", "column.system") and f">{text}<" in page and text not in LANGUAGES["ja"].values()
    }
    assert left == set()
    assert '<html lang="en">' in render_report(hostile_report())  # nothing stays of the other language


# The language ends with the block, also by an error.
def test_speaking_ends() -> None:
    with speaking("ja"):
        assert say("visitors.exact") == "正確"
    assert say("visitors.exact") == "exactly"
    with pytest.raises(KeyError), speaking("ja"):
        say("no such text")
    assert say("visitors.exact") == "exactly"


@pytest.mark.parametrize("language", ["fr", "", "JA", "ja_JP", "\x1b[31m"])
def test_unknown_language(language: str) -> None:
    with pytest.raises(SettingsError, match=r"not a known language; one of en, ja$") as error, speaking(language):
        pass
    assert "\x1b" not in str(error.value)
