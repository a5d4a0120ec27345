r"""The positions of java.util.regex (``^``, ``$``, ``\b`` …), as patterns of Python's ``re`` and of RE2."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from streamtally.errors import PatternLimitError

# Java's line terminators are \n \r\n \r U+0085 U+2028 U+2029, and no position is between \r and \n; under (?d) only \n.
ASSERTIONS = {
    "start": r"\A",
    "end": r"\Z",
    "boundary": r"\b",
    "no_boundary": r"(?!\b)",  # \B of ``re`` does not match an empty text
    "end_or_break": (
        "(?:(?=(?:\r\n|[\r\x85\u2028\u2029])?\\Z)"  # at the end, or before a terminator at the end
        "|(?<!\r)(?=\n\\Z))"  # \n is one only if it does not belong to \r\n
    ),
    "line_start": (
        "(?!\\Z)"  # never at the end
        "(?:\\A"
        "|(?<=[\n\x85\u2028\u2029])"  # after a terminator,
        "|(?<=\r)(?!\n))"  # but not inside of \r\n
    ),
    "line_end": (
        "(?:\\Z"
        "|(?=[\r\x85\u2028\u2029])"  # before a terminator,
        "|(?<!\r)(?=\n))"  # but not inside of \r\n
    ),
    "unix_end_or_break": "(?=\n?\\Z)",
    "unix_line_start": "(?!\\Z)(?:\\A|(?<=\n))",
    "unix_line_end": "(?=\n|\\Z)",
}
"""For ``re``; ``\\b`` is that of an ASCII text."""
IN_RE2 = {"start": r"\A", "end": r"\z", "boundary": r"\b", "no_boundary": r"\B"}

MAX_MARKS = 8
"""Accents on one letter that ``\\b`` looks past."""


def boundary_in(text: str) -> str:
    r"""``\b`` of Java 17 as a pattern of ``re`` that holds for the characters of this text.

    Java's words are of all scripts, though its ``\w`` is ASCII. Two kinds of characters are words to Java and not to
    ``re``, or the other way round: an accent (Mn) belongs to the letter or digit that it stands on, and numbers that
    are no digits (``²``, ``Ⅷ``) are not part of a word.
    Raises: PatternLimitError: more than MAX_MARKS accents on one letter.
    """
    if text.isascii():
        return r"\b"
    categories = {char: unicodedata.category(char) for char in sorted(set(text))}
    marks = "".join(char for char, category in categories.items() if category == "Mn")
    numbers = "".join(char for char, category in categories.items() if category in ("No", "Nl"))
    if not marks and not numbers:
        return r"\b"
    return _boundary(f"[{marks}]" if marks else "", f"[{numbers}]" if numbers else "", _longest_run(text, marks))


def _longest_run(text: str, marks: str) -> int:
    longest = max(map(len, re.findall(f"[{marks}]+", text)), default=0) if marks else 0
    if longest > MAX_MARKS:
        raise PatternLimitError
    return longest


def _boundary(marks: str, numbers: str, longest_run: int) -> str:
    after_letter = "|".join(
        rf"(?<=[^\W_]{marks * count})" + (f"(?<!{numbers}{marks * count})" if numbers else "")
        for count in range(longest_run + 1)
    )
    after_word = f"(?:(?<=_)|{after_letter})"
    before_letter = r"(?=\w)" + (f"(?!{numbers})" if numbers else "")
    before_word = f"(?:{before_letter}|(?={marks})(?:{after_letter}))" if marks else f"(?:{before_letter})"
    return f"(?:{after_word}(?!{before_word})|(?!{after_word}){before_word})"


def for_boundary(boundary: str) -> Mapping[str, str]:
    """ASSERTIONS with another pattern for ``\\b``."""
    return {**ASSERTIONS, "boundary": boundary, "no_boundary": f"(?!{boundary})"}
