"""Scalar functions over text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from streamtally.errors import EvaluationError, SettingsError
from streamtally.ids import canonical_json
from streamtally.patterns.engine import between_wildcards, compile_linear
from streamtally.plan.functions.base import Function, always, as_argument, literal_pattern

Test = Callable[[str], bool]


def substring(text: str, start: int, length: int | None = None) -> str:
    """``length`` characters from position ``start``, counted from 1; positions before the text are empty.

    Raises: EvaluationError: a negative length.
    """
    if length is None:
        return text[max(0, start - 1) :]
    if length < 0:
        raise EvaluationError("a substring of negative length")
    return text[max(0, start - 1) : max(0, start - 1 + length)]


def position(part: str, text: str, start: int = 1) -> int:
    """The first position of the part at or after ``start``, counted from 1; 0 if there is none."""
    return 0 if start < 1 else text.find(part, start - 1) + 1


def overlay(text: str, placing: str, start: int, length: int | None = None) -> str:
    """The text with ``length`` characters from ``start`` replaced (by default as many as are inserted).

    Raises: EvaluationError: a start before the text, or a negative length.
    """
    if start < 1:
        raise EvaluationError("an overlay that starts before the text")
    size = len(placing) if length is None else length
    if size < 0:
        raise EvaluationError("an overlay of negative length")
    return text[: start - 1] + placing + text[start - 1 + size :]


_WORD = re.compile(r"[^\W_]+")


def initcap(text: str) -> str:
    """The first letter of each word in upper case, the others in lower case; words are made of letters and digits."""
    return _WORD.sub(lambda match: match[0].capitalize(), text)


def _trimmer(mode: str, chars: str) -> Callable[[str], str]:
    if len(chars) != 1:
        raise SettingsError("TRIM takes a single character to remove")
    trim = {"BOTH": str.strip, "LEADING": str.lstrip, "TRAILING": str.rstrip}[mode]
    return lambda text: trim(text, chars)


def _trim(mode: str, chars: str, text: str) -> str:
    if len(chars) != 1:
        raise EvaluationError("TRIM takes one character to take off")
    return _trimmer(mode, chars)(text)


def like_test(pattern: str, escape: str = "") -> Test:
    """Whether a text is LIKE a pattern: ``%`` matches any characters, ``_`` one character.

    Raises: SettingsError: the escape character precedes a character other than ``%``, ``_`` and itself.
    """
    parts = [""]
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if escape and char == escape:
            position += 1
            if pattern[position : position + 1] not in ("%", "_", escape):
                raise SettingsError("in a LIKE pattern, the escape character must precede %, _ or itself")
            parts[-1] += re.escape(pattern[position])
        elif char == "%":
            parts.append("")
        else:
            parts[-1] += "." if char == "_" else re.escape(char)
        position += 1
    return between_wildcards(parts)


MAX_ROW_PATTERN_CHARS = 256
"""The longest pattern that is not a constant: it comes with the row, and may be as hostile as a line."""

_CLASSES = {
    "ALPHA": "a-zA-Z",
    "UPPER": "A-Z",
    "LOWER": "a-z",
    "DIGIT": "0-9",
    "ALNUM": "a-zA-Z0-9",
    "SPACE": " ",
    "WHITESPACE": r" \t\n\v\f\r",
}


def similar_test(pattern: str, escape: str = "") -> Test:
    """Whether a text is SIMILAR TO an SQL pattern (``% _ | * + ? {m,n} ( ) [ ]``), in linear time.

    Raises: SettingsError: the pattern is invalid.
    """
    text = _similar_pattern(pattern, escape)
    match = compile_linear(text, f"the SIMILAR TO pattern {pattern[:80]!r}").fullmatch
    return lambda text: match(text) is not None


def similar_finder(pattern: str, escape: str) -> Callable[[str], str | None]:
    """SUBSTRING(text SIMILAR pattern ESCAPE escape): what is between two texts; None if they are not in the text.

    The pattern is three SQL patterns separated by the escape character and a double quote: what stands before, what is
    returned, what stands after. The first place that matches counts; before and after are as short as they can be.
    Source: *SUBSTRING* in Kinesis Analytics' SQL Reference, the examples of *SIMILAR … ESCAPE*.

    Raises: SettingsError: the pattern is invalid.
    """
    if len(escape) != 1:
        raise SettingsError("the escape character of SUBSTRING must be one character")
    parts = pattern.split(f'{escape}"')
    if len(parts) != 3:
        raise SettingsError(f'the pattern of SUBSTRING needs {escape}" before and after what it returns')
    before, wanted, after = (_similar_pattern(part, escape, part is not parts[1]) for part in parts)
    find = compile_linear(f"(?:{before})({wanted})(?:{after})", f"the pattern {pattern[:80]!r}").search

    def call(text: str) -> str | None:
        match = find(text)
        return None if match is None else str(match[1])

    return call


def _similar_pattern(pattern: str, escape: str, is_lazy: bool = False) -> str:
    """An SQL pattern in RE2's syntax. Args: is_lazy: ``%`` takes as few characters as it can."""
    out: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if escape and char == escape:
            if position >= len(pattern):
                raise SettingsError("a SIMILAR TO pattern that ends with its escape character")
            out.append(literal_pattern(pattern[position]))
            position += 1
        elif char == "[":
            text, position = _similar_class(pattern, position)
            out.append(text)
        elif char in "%_":
            out.append((f"(?:.*{'?' * is_lazy})") if char == "%" else ".")
        elif char == "(":  # non-capturing, so that RE2 cannot read what follows as options
            out.append("(?:")
        elif char in "*+?" and out[-1:] and out[-1] in ("*", "+", "?"):
            raise SettingsError(f"the SIMILAR TO pattern {pattern[:80]!r}: a repeat follows another repeat")
        else:
            out.append(char if char in "|*+?{},)" else literal_pattern(char))
    return "".join(out)


def _similar_class(pattern: str, start: int) -> tuple[str, int]:
    """(The character class after a ``[``, in Python's syntax; the position after its ``]``)."""
    out, position = "[", start
    if pattern[position : position + 1] == "^":
        out, position = "[^", position + 1
    while position < len(pattern):
        char = pattern[position]
        if char == "]" and out not in ("[", "[^"):
            return out + "]", position + 1
        if pattern.startswith("[:", position):
            end = pattern.find(":]", position)
            name = pattern[position + 2 : end].upper() if end > 0 else ""
            if name not in _CLASSES:
                raise SettingsError(f"unknown class [:{name[:20]}:]: the classes are {', '.join(_CLASSES)}")
            out, position = out + _CLASSES[name], end + 2
            continue
        out += char if char == "-" else literal_pattern(char)
        position += 1
    raise SettingsError("a SIMILAR TO pattern with an unclosed [")


def _test_call(make: Callable[..., Test]) -> Callable[..., bool]:
    """The call for a pattern that is not a constant: an invalid pattern fails the row."""
    remembered = lru_cache(maxsize=256)(make)

    def call(*arguments: str) -> bool:
        *patterns, text = arguments
        if any(len(pattern) > MAX_ROW_PATTERN_CHARS for pattern in patterns):
            raise EvaluationError("a pattern that is too long")
        try:
            return remembered(*_in_order(patterns))(text)
        except SettingsError:
            raise EvaluationError("not a pattern") from None

    return call


def _substring_similar(escape: str, pattern: str, text: str) -> str | None:
    if len(pattern) > MAX_ROW_PATTERN_CHARS:
        raise EvaluationError("a pattern that is too long")
    try:
        return _remembered_finder(pattern, escape)(text)
    except SettingsError:
        raise EvaluationError("not a pattern") from None


_remembered_finder = lru_cache(maxsize=256)(similar_finder)


def _in_order(patterns: list[str]) -> list[str]:
    return patterns[::-1]  # in a plan's call the escape comes first, so that both literals can be prepared


_BOOLEAN = always("BOOLEAN")


def tuple_text(*values: Any) -> str:
    """Values as one text, which is equal for equal values: NULL is a value, 200 and "200" differ."""
    return canonical_json([_plain(value) for value in values]).decode()


def _plain(value: Any) -> Any:
    if type(value) in (Decimal, float) and value == 0:
        value = abs(value)  # -0.0 equals 0.0 but is written differently
    return {"decimal": str(value)} if isinstance(value, Decimal) else value


TEXT_FUNCTIONS: Mapping[str, Function] = {
    "upper": Function(str.upper, as_argument(), (1, 1)),
    "lower": Function(str.lower, as_argument(), (1, 1)),
    "initcap": Function(initcap, as_argument(), (1, 1)),
    "char_length": Function(len, always("INTEGER"), (1, 1)),
    "substring": Function(substring, as_argument(), (2, 3)),
    "substring_similar": Function(
        _substring_similar,
        as_argument(2),
        (3, 3),
        prepare=lambda escape, pattern: similar_finder(pattern, escape),
        prepared=2,
    ),
    "tuple": Function(tuple_text, always("VARCHAR"), (1, 64), takes_null=True),
    "position": Function(position, always("INTEGER"), (2, 3)),
    "overlay": Function(overlay, always("VARCHAR"), (3, 4)),
    "trim": Function(_trim, as_argument(2), (3, 3), prepare=_trimmer, prepared=2),
    "like": Function(_test_call(like_test), _BOOLEAN, (2, 2), prepare=like_test),
    "like_escape": Function(
        _test_call(like_test), _BOOLEAN, (3, 3), prepare=lambda escape, pattern: like_test(pattern, escape), prepared=2
    ),
    "similar": Function(_test_call(similar_test), _BOOLEAN, (2, 2), prepare=similar_test),
    "similar_escape": Function(
        _test_call(similar_test),
        _BOOLEAN,
        (3, 3),
        prepare=lambda escape, pattern: similar_test(pattern, escape),
        prepared=2,
    ),
}
