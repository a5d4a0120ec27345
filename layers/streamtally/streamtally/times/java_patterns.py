"""Java's SimpleDateFormat patterns, split into fields and the text between them, and the names of months and days."""

from __future__ import annotations

import re
from collections.abc import Iterator

from streamtally.errors import SettingsError

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAY_NUMBER = {name[:3].lower(): number for number, name in enumerate(DAY_NAMES, 1)}
MONTH_NUMBER = {name[:3].lower(): number for number, name in enumerate(MONTHS, 1)}

NUMERIC = "yMdHkKhmsSDYwWFu"
OFFSETS = {
    "Z": r"(?:GMT)?[+-]\d{2}:?\d{2}|GMT|UTC|Z",
    "z": r"(?:GMT|UTC)?[+-]\d{2}:?\d{2}|GMT|UTC|Z",
    "X": r"Z|[+-]\d{2}(?::?\d{2})?",
}


def parse_pattern(pattern: str) -> tuple[tuple[str, str], ...]:
    """SimpleDateFormat's pattern → (letters, "") for fields and ("", text) for the text between them.

    Raises: SettingsError: a quote that is not closed, or an unknown letter.
    """
    parts: list[tuple[str, str]] = []
    for letters, quoted, other in _tokens(pattern):
        if letters:
            parts.append((letters, ""))
            continue
        text = other if quoted is None else (quoted.replace("''", "'") or "'")
        parts.append(("", text))
    return tuple(parts)


_TOKEN = re.compile(
    r"""
      (?P<letters>([A-Za-z])\2*)      # a field
    | '(?P<quoted>(?:[^']|'')*)'      # text in quotes, in which '' is a quote
    | (?P<other>[^A-Za-z']+)          # other text
    """,
    re.VERBOSE,
)


def _tokens(pattern: str) -> Iterator[tuple[str | None, str | None, str]]:
    position = 0
    while position < len(pattern):
        match = _TOKEN.match(pattern, position)
        if match is None:
            raise SettingsError(f"time format {pattern!r}: the quote at character {position} is not closed")
        letters = match["letters"]
        if letters and letters[0] not in NUMERIC + "aEGZzX":
            raise SettingsError(f"time format {pattern!r}: unknown letter {letters[0]!r} (quote text: 'T')")
        yield letters, match["quoted"], match["other"] or ""
        position = match.end()
