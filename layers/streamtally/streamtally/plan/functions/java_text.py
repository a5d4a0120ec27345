"""Scalar functions over text whose patterns are Java's: REGEX_REPLACE, and SUBSTRING from a regular expression."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from streamtally.errors import EvaluationError, PatternLimitError, SettingsError
from streamtally.plan.functions.base import Function, always, as_argument
from streamtally.plan.functions.text import MAX_ROW_PATTERN_CHARS


def regex_replacer(pattern: str, replacement: str) -> Callable[..., str]:
    """REGEX_REPLACE for a Java pattern and replacement (``$1`` is a group): (text[, start[, occurrence]]) → text.

    Raises: SettingsError: a pattern that Java rejects, or that cannot be run with Java's semantics.
    """
    # Imported here so that only programs that use it pay for it.
    from streamtally.patterns.java_regex import JavaPattern, SearchWork

    compiled = JavaPattern(pattern, "find")
    parts = _replacement_parts(replacement, compiled.group_count)

    def expand(text: str, spans: Any) -> str:
        chosen = [part if isinstance(part, str) else text[slice(*spans[part])] for part in parts]
        return "".join(chosen)

    def replace(text: str, start: int = 1, occurrence: int = 0) -> str:
        if start < 1 or occurrence < 0:
            raise EvaluationError("REGEX_REPLACE counts from 1")
        out, begin, position, matches, work = "", 0, start - 1, 0, SearchWork()
        try:
            while position <= len(text) and (spans := compiled.spans_from(text, position, work)) is not None:
                low, high = spans[0]
                matches += 1
                if occurrence in (0, matches):
                    out, begin = out + text[begin:low] + expand(text, spans), high
                if matches == occurrence:
                    break
                position = high + (high == low)
        except PatternLimitError:
            raise EvaluationError("a pattern that takes too many steps") from None
        return out + text[begin:]

    return replace


_REPLACEMENT_PART = re.compile(
    r"""
    \\ (?P<escaped> . )       # an escaped character stands for itself
    | \$ (?P<group> \d )      # the text of a group
    | (?P<text> [^\\$]+ )     # literal text
    | (?P<invalid> . )        # $ or a backslash on its own
    """,
    re.VERBOSE | re.DOTALL,
)


def _replacement_parts(replacement: str, groups: int) -> list[str | int]:
    parts: list[str | int] = []
    for part in _REPLACEMENT_PART.finditer(replacement):
        if part["invalid"]:
            raise SettingsError("a replacement with a lone $ or \\: write \\$ or \\\\")
        if part["group"]:
            if int(part["group"]) > groups:
                raise SettingsError(f"a replacement with ${part['group']}, but the pattern has {groups} groups")
            parts.append(int(part["group"]))
        else:
            parts.append(part["escaped"] or part["text"])
    return parts


_remembered_replacer = lru_cache(maxsize=256)(regex_replacer)


def _regex_replace(pattern: str, replacement: str, text: str, start: int = 1, occurrence: int = 0) -> str:
    if len(pattern) > MAX_ROW_PATTERN_CHARS or len(replacement) > MAX_ROW_PATTERN_CHARS:
        raise EvaluationError("a pattern that is too long")
    try:
        replace = _remembered_replacer(pattern, replacement)
    except SettingsError:
        raise EvaluationError("not a pattern") from None
    return replace(text, start, occurrence)


def regex_finder(pattern: str) -> Callable[[str], str | None]:
    """SUBSTRING(text FROM pattern): the first match of a Java pattern in a text; None without a match.

    Source: *SUBSTRING* in Kinesis Analytics' SQL Reference, the examples of *FROM Regex*.

    Raises: SettingsError: a pattern that Java rejects, or that cannot be run with Java's semantics.
    """
    # Imported here so that only programs that use it pay for it.
    from streamtally.patterns.java_regex import JavaPattern

    compiled = JavaPattern(pattern, "find")

    def find(text: str) -> str | None:
        try:
            spans = compiled.spans_from(text, 0)
        except PatternLimitError:
            raise EvaluationError("a pattern that takes too many steps") from None
        return None if spans is None else text[slice(*spans[0])]

    return find


_remembered_finder = lru_cache(maxsize=256)(regex_finder)


def _substring_regex(pattern: str, text: str) -> str | None:
    if len(pattern) > MAX_ROW_PATTERN_CHARS:
        raise EvaluationError("a pattern that is too long")
    try:
        find = _remembered_finder(pattern)
    except SettingsError:
        raise EvaluationError("not a pattern") from None
    return find(text)


JAVA_TEXT_FUNCTIONS: Mapping[str, Function] = {
    "regex_replace": Function(_regex_replace, always("VARCHAR"), (3, 5), prepare=regex_replacer, prepared=2),
    "substring_regex": Function(_substring_regex, as_argument(1), (2, 2), prepare=regex_finder),
}
