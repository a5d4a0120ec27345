"""The counts after a part of a pattern: ``*``, ``+``, ``?`` and ``{…}``."""

from __future__ import annotations

from streamtally.patterns.reader import Reader

MAX_REPEAT = 1000
"""The greatest count of a repeat: compiled patterns grow with it."""
_MAX_COUNT = 0x7FFFFFFF


def read_counts(reader: Reader) -> tuple[int, int | None] | None:
    """The least and the greatest count at the cursor (None: without end), past which it moves; None without counts.

    Raises: JavaSyntaxError, UnsupportedPatternError: a count above MAX_REPEAT.
    """
    for sign, least, most in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
        if reader.take(sign):
            return least, most
    return _braced_counts(reader) if reader.peek() == "{" else None


def _braced_counts(reader: Reader) -> tuple[int, int | None]:
    if not _is_digit(reader.raw(1)):
        raise reader.wrong("Illegal repetition")
    reader.at += 1
    low, char = _number(reader)
    high: int | None = low
    if char == ",":
        high = None
        if reader.peek() == "}":
            char = reader.read()
        else:
            high, char = _number(reader)
    if char != "}" or (high is not None and high < low):
        raise reader.wrong("Illegal repetition range")
    if max(low, high or 0) > MAX_REPEAT:
        raise reader.refuse(f"a count above {MAX_REPEAT}")
    return low, high


def _number(reader: Reader) -> tuple[int, str]:
    """The number at the cursor and the character after it; both are read."""
    digits = ""
    while _is_digit(char := reader.read()):
        digits += char
    if not digits or int(digits) > _MAX_COUNT:
        raise reader.wrong("Illegal repetition")
    return int(digits), char


def _is_digit(text: str) -> bool:
    return text.isascii() and text.isdigit()
