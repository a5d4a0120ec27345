"""README.md and README.ja.md say the same: the same headings in order, commands, links, pictures, tables and code."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = (ROOT / "README.md").read_text("utf-8")
JAPANESE = (ROOT / "README.ja.md").read_text("utf-8")
# The headings of both, in order. A new heading is a new pair.
HEADINGS = [
    ("# Streamtally", "# Streamtally"),
    ("## How it works", "## 仕組み"),
    ("## Quick start", "## クイックスタート"),
    ("## Your own logs", "## 自分のログを集計する"),
    ("## Deploy", "## デプロイ"),
    ("## Attach to an existing stream", "## 既存のストリームに追加する"),
    ("## Where to read on", "## 目的別の案内"),
    ("## Guarantees and limits", "## 保証と制限"),
    ("## Costs", "## 費用"),
    ("## FAQ", "## よくある質問"),
    ("## Troubleshooting", "## トラブルシューティング"),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def prose(page: str) -> str:
    """The page without its code blocks."""
    return FENCE.sub("", page)


def headings(page: str) -> list[str]:
    return re.findall(r"^#+ .*", prose(page), re.MULTILINE)


def commands(page: str) -> list[list[str]]:
    """Block by block, the commands; the comments after them are in the page's language."""
    return [[re.sub(r"\s+# .*", "", line) for line in block.splitlines()] for _, block in FENCE.findall(page)]


def sections(page: str) -> list[str]:
    return re.split(r"^## .*\n", page, flags=re.MULTILINE)


def test_headings() -> None:
    assert list(zip(headings(ENGLISH), headings(JAPANESE), strict=True)) == HEADINGS


def test_commands() -> None:
    assert sum(map(len, commands(ENGLISH))) >= 20
    assert commands(ENGLISH) == commands(JAPANESE)


@pytest.mark.parametrize("number", range(len(HEADINGS)))
def test_sections_have_the_same_links_code_and_tables(number: int) -> None:
    english, japanese = (prose(sections(page)[number]) for page in (ENGLISH, JAPANESE))
    for pattern in (r"\]\(([^)]*)\)", r'(?:src|srcset|width)="([^"]*)"', r"`([^`\n]+)`", r"(\*\*)"):
        wanted, written = (sorted(re.findall(pattern, text)) for text in (english, japanese))
        languages = {"README.md", "README.ja.md"}
        assert [text for text in wanted if text not in languages] == [text for text in written if text not in languages]
    rows = [[line.count("|") for line in text.splitlines() if line.startswith("|")] for text in (english, japanese)]
    assert rows[0] == rows[1]
    assert len(re.findall(r"^(?:\d\.|- )", english, re.MULTILINE)) == len(
        re.findall(r"^(?:\d\.|- )", japanese, re.MULTILINE)
    )


# A figure that changes on one page changes on the other: 10 million is 1,000万 there, a minute is 1 分.
def test_figures() -> None:
    figure = re.compile(r"\d{1,3}(?:,\d{3})+|\b\d+ (?:MB|MiB|KB)|\d\.\d+(?:\.\d+)?")
    english, japanese = (set(figure.findall(prose(page))) for page in (ENGLISH, JAPANESE))
    assert english <= japanese
    assert japanese - english <= {"1,000"}


def test_pages_link_to_each_other() -> None:
    assert "[日本語](README.ja.md)" in ENGLISH
    assert "[English](README.md)" in JAPANESE


# Sentences end with the marks of their language, and no paragraph was left in English.
def test_japanese_is_japanese() -> None:
    text = re.sub(r"<[^>]*>|\]\([^)]*\)|`[^`]*`|\*[^*]*\*", "", prose(JAPANESE))
    for paragraph in text.split("\n\n"):
        words = re.findall(r"[A-Za-z]{2,}", paragraph)
        if len(words) > 3 and not paragraph.lstrip().startswith("|"):
            assert re.search(r"[ぁ-ん]", paragraph), paragraph
    assert not [pair for pair in pairwise(text) if pair in {("。", "."), ("、", ",")}]
