"""Times of one day from one parse: a day's first minute is parsed, and hours and minutes are added to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, tzinfo

from streamtally.memo import Memo
from streamtally.times.iso import MS_PER_MINUTE

MAX_DAYS = 2_000
"""Cached days of one pattern."""

_FIELDS = {"yyyy": (4, r"\d{4}"), "MMM": (3, "[a-z]{3}"), "MM": (2, r"\d\d"), "dd": (2, r"\d\d")}
_FIELDS |= {"HH": (2, "(?:[01][0-9]|2[0-3])"), "mm": (2, "[0-5][0-9]"), "ss": (2, r"\d\d"), "Z": (5, r"[+-]\d{4}")}
"""Field → its number of characters, and what they are."""
_NUMBERS = {f"{number:02}": number for number in range(60)}


def parse_by_day(
    parse: Callable[[str], int], parts: tuple[tuple[str, str], ...], zone: tzinfo
) -> Callable[[str], int] | None:
    """The same parser, which parses each distinct day (with its offset) once.

    Args:
        parse: of the pattern; text → ms since the epoch.
        parts: of the pattern, as ``parse_pattern`` gives them.
        zone: of times without an offset.
    Returns: None if the days of the zone differ in length, or the places of hour and minute are not certain.
    """
    letters = [letters for letters, _ in parts]
    if not _are_certain(parts) or not {"HH", "mm"} <= set(letters) or not ("Z" in letters or zone is UTC):
        return None
    expression = "".join(_FIELDS[letters][1] if letters else re.escape(text) for letters, text in parts)
    is_whole = re.compile(expression, re.IGNORECASE | re.ASCII).fullmatch
    hour, minute = _place(parts, "HH"), _place(parts, "mm")
    first, second = sorted((hour, minute))
    days: Memo[str, int] = Memo(parse, MAX_DAYS, _place(parts, ""))

    def parse_remembered(text: str) -> int:
        if is_whole(text) is None:
            return parse(text)
        minutes = 60 * _NUMBERS[text[hour : hour + 2]] + _NUMBERS[text[minute : minute + 2]]
        return days[f"{text[:first]}00{text[first + 2 : second]}00{text[second + 2 :]}"] + minutes * MS_PER_MINUTE

    return parse_remembered


def _are_certain(parts: tuple[tuple[str, str], ...]) -> bool:
    """Whether each field has a place of its own in texts in which all fields have all of their digits."""
    fields = [letters for letters, _ in parts if letters]
    is_known = _FIELDS.keys() >= set(fields) and len(set(fields)) == len(fields)
    return is_known and not any(re.search(r"\d", text) for _, text in parts)  # which a number beside it might take


def _place(parts: tuple[tuple[str, str], ...], field: str) -> int:
    """The characters before a field; of the whole text, if it has no such field."""
    place = 0
    for letters, text in parts:
        if letters and letters == field:
            break
        place += _FIELDS[letters][0] if letters else len(text)
    return place
