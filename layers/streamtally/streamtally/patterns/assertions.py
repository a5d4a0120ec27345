r"""The places of java.util.regex (``^``, ``$``, ``\b`` …): as patterns of Python's ``re``, and as functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

# Java's line terminators are \n \r\n \r U+0085 U+2028 U+2029, and no place is between \r and \n; under (?d) just \n.
ASSERTIONS = {
    "start": r"\A",
    "end": r"\Z",
    "boundary": r"\b",
    "no_boundary": r"(?!\b)",  # \B of ``re`` does not take an empty text
    "end_or_break": "(?:(?=(?:\r\n|[\r\x85\u2028\u2029])?\\Z)|(?<!\r)(?=\n\\Z))",
    "line_start": "(?!\\Z)(?:\\A|(?<=[\n\x85\u2028\u2029])|(?<=\r)(?!\n))",
    "line_end": "(?:\\Z|(?=[\r\x85\u2028\u2029])|(?<!\r)(?=\n))",
    "unix_end_or_break": "(?=\n?\\Z)",
    "unix_line_start": "(?!\\Z)(?:\\A|(?<=\n))",
    "unix_line_end": "(?=\n|\\Z)",
}
IN_RE2 = {"start": r"\A", "end": r"\z", "boundary": r"\b", "no_boundary": r"\B"}

Check = Callable[[str, int], Any]
"""A text and a place in it → whether the assertion holds there."""


def check_of(kind: str) -> Check:
    """The function for a key of ASSERTIONS."""
    if kind == "boundary":
        return is_boundary
    if kind == "no_boundary":
        return lambda text, at: not is_boundary(text, at)
    return re.compile(ASSERTIONS[kind]).match


def is_boundary(text: str, at: int) -> bool:
    """Whether ``\\b`` of Java 17 matches: its words are of all scripts, though its ``\\w`` is ASCII."""
    return (at > 0 and _in_word(text, at - 1)) != (at < len(text) and _in_word(text, at))


def _in_word(text: str, at: int) -> bool:
    if text[at] == "_":
        return True
    while at >= 0 and (category := unicodedata.category(text[at])) == "Mn":  # an accent belongs to its letter
        at -= 1
    return at >= 0 and (category[0] == "L" or category == "Nd")
