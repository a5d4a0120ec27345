"""Texts for people."""

from __future__ import annotations

import pytest

from streamtally.text import near_names, one_line, visible


@pytest.mark.parametrize(
    "text, limit, ellipsis, line",
    [
        (" a\n\tb\r\n", None, "", "a b"),
        (ValueError("a\nb"), None, "", "a b"),
        ("abcdef", 3, "", "abc"),
        ("abcdef", 3, " …", "abc …"),
        ("abc", 3, " …", "abc"),
        ("", 3, " …", ""),
    ],
)
def test_one_line(text: object, limit: int | None, ellipsis: str, line: str) -> None:
    """White space is one space each, and only what was cut ends in the ellipsis."""
    assert one_line(text, limit, ellipsis) == line


def test_near_names() -> None:
    """The nearest first, written as they are; case does not count, and the limits hold."""
    names = ["format", "Fields", "fixed", "pattern"]
    assert near_names("FORMTA", names) == ["format"]
    assert near_names("fields", names, count=1) == ["Fields"]
    assert near_names("fielt", names, cutoff=0.9) == []
    assert near_names("zzz", names) == []


# Escapes: what could act is written out, the rest stays; a cut text is no longer than was asked for.
@pytest.mark.parametrize(
    "text, limit, ascii_only, shown",
    [
        ("plain, Müller, 日本語 😀", None, False, "plain, Müller, 日本語 😀"),
        ("a\x1b[31m\tb\r\n\x7f\x9b", None, False, r"a\x1b[31m\x09b\x0d\x0a\x7f\x9b"),
        ("\u202eevil\u2069\U000e0041", None, False, r"\u202eevil\u2069\U000e0041"),
        ("\ud800", None, False, r"\ud800"),
        ("abcdefgh", 5, False, "abcd…"),
        ("abcde", 5, False, "abcde"),
        ("\x00\x00", 5, False, r"\x00…"),
        ("ab日本", None, True, r"ab\u65e5\u672c"),
        ("abcdefgh", 5, True, "ab..."),
    ],
)
def test_visible(text: str, limit: int | None, ascii_only: bool, shown: str) -> None:
    assert visible(text, limit, ascii_only=ascii_only) == shown
