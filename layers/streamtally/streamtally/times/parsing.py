"""Times from text, by SimpleDateFormat's patterns and by names such as ``iso8601``; parsed times are cached.

Unlike in SimpleDateFormat, the range of every field is checked, as the Kinesis Analytics SQL Reference describes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any

from streamtally.errors import EvaluationError
from streamtally.memo import Memo
from streamtally.times.days import parse_by_day
from streamtally.times.iso import MS_PER_DAY, MS_PER_SECOND, from_iso, parse_offset, to_ms
from streamtally.times.java_patterns import (
    DAY_NAMES,
    MONTH_NAMES,
    MONTH_NUMBER,
    NUMERIC,
    OFFSETS,
    WEEKDAY_NUMBER,
    parse_pattern,
)

TimeParser = Callable[[str], int]
"""Text → milliseconds since the epoch. Raises EvaluationError."""

MAX_TEXTS = 50_000
"""Cached times of one kind."""
MAX_REMEMBERED_CHARS = 64
"""A longer text is parsed each time: 50,000 of them would fill a function's memory."""
MAX_MINUTES = 20_000
"""Cached minutes of one pattern."""


def compile_time_parser(pattern: str, zone: tzinfo = UTC) -> TimeParser:
    """A parser of times for a SimpleDateFormat pattern, or for ``iso8601``, ``unix`` (seconds), ``unix_ms``, ``auto``.

    ``auto`` accepts the times of web servers, ISO 8601, and Unix times in seconds, ms, µs or ns.
    Fields that the pattern lacks are those of 1970-01-01 00:00:00.0; text after the pattern is ignored.
    Raises: SettingsError: a pattern that cannot be used.
    """
    if pattern == "iso8601":
        return lambda text: from_iso(text, zone)
    if pattern == "auto":
        return _auto_parser(zone)
    if pattern in ("unix", "unix_ms"):
        return _unix_parser(MS_PER_SECOND if pattern == "unix" else 1)
    parse = _pattern_parser(parse_pattern(pattern), zone)
    seconds_at = fixed_seconds(parse_pattern(pattern))
    if seconds_at is None:
        return parse
    return _by_minute(parse, parse_by_day(parse, parse_pattern(pattern), zone) or parse, *seconds_at)


_UNIX_TIME = re.compile(r"[+-]?[0-9]{1,19}(?:(\.[0-9]{0,30})(?:[eE][+-]?[0-9]{1,2})?)?", re.ASCII)


def _unix_parser(factor: int) -> TimeParser:
    def parse(value: Any) -> int:
        if type(value) is int:
            return value * factor
        try:
            text = repr(value) if type(value) is float else value.strip() if isinstance(value, str) else ""
            match = _UNIX_TIME.fullmatch(text)
            if match is not None:  # int() alone also accepts 1_000, and the digits of other scripts
                # Not as a float: 1763846501.123 seconds are 1763846501122.9999 ms.
                return int(Decimal(text) * factor) if match[1] is not None else int(text) * factor
        except (ValueError, ArithmeticError):
            pass
        raise EvaluationError("not a Unix time")

    return parse


UNIX_MS_FROM = 100_000_000_000
"""From here on a Unix time is in milliseconds: in seconds this would be the year 5138, in milliseconds it is 1973.

So it is from a thousand times that on with microseconds, and from a million times with nanoseconds.
"""


def _auto_parser(zone: tzinfo) -> TimeParser:
    parse_server_time = compile_time_parser("dd/MMM/yyyy:HH:mm:ss Z", zone)
    parse_seconds, parse_ms = _unix_parser(MS_PER_SECOND), _unix_parser(1)

    def parse(value: Any) -> int:
        text = str(value)
        if text[2:3] == "/":
            return parse_server_time(text)
        if text[4:5] == "-":
            return from_iso(text, zone)
        time = parse_ms(value)
        if time < UNIX_MS_FROM:
            return parse_seconds(value)
        while time >= UNIX_MS_FROM * 1000:  # the journal's microseconds, Logpush's nanoseconds
            time //= 1000
        return time

    return parse


def pattern_expression(parts: tuple[tuple[str, str], ...]) -> tuple[str, list[str]]:
    """(The regular expression of texts that a pattern reads, the letters of the field that each group holds).

    It matches at the start of a text, with ASCII digits and without regard to case.
    """
    expression = "".join(
        re.escape(text) if text else _field_expression(letters, _is_numeric_next(parts, index))
        for index, (letters, text) in enumerate(parts)
    )
    return expression, [letters for letters, _ in parts if letters]


def _pattern_parser(parts: tuple[tuple[str, str], ...], zone: tzinfo) -> TimeParser:
    expression, fields = pattern_expression(parts)
    match = re.compile(expression, re.IGNORECASE | re.ASCII).match

    def parse(text: str) -> int:
        fitting = match(text)
        if fitting is None:
            raise EvaluationError("a time that does not fit its format")
        return _evaluate_fields(fields, fitting.groups(), zone)

    return parse


def _is_numeric_next(parts: tuple[tuple[str, str], ...], index: int) -> bool:
    letters = parts[index + 1][0] if index + 1 < len(parts) else ""
    return bool(letters) and letters[0] in NUMERIC and not letters.startswith("MMM")


def _field_expression(letters: str, numeric_next: bool) -> str:
    letter, count = letters[0], len(letters)
    if letter == "M" and count >= 3:
        return "(" + "|".join(f"{name}|{name[:3]}" for name in MONTH_NAMES) + ")"
    if letter == "E":
        return "(" + "|".join(f"{name}|{name[:3]}" for name in DAY_NAMES) + ")"
    if letter in "aG":
        return "(AM|PM)" if letter == "a" else "(AD|BC)"
    if letter in OFFSETS:
        return f"({OFFSETS[letter]})"
    if numeric_next:  # abutting numbers: as many digits as letters
        return rf"(\d{{{count}}})"
    return r"(\d{1,9})" if letter in "yYS" else r"(\d{1,3})"


def _evaluate_fields(fields: list[str], texts: tuple[str, ...], zone: tzinfo) -> int:
    values = {"y": 1970, "M": 1, "d": 1, "H": 0, "m": 0, "s": 0, "S": 0}
    offset: int | None = None
    afternoon: bool | None = None
    for letters, text in zip(fields, texts, strict=True):
        letter = letters[0]
        if letter == "M" and len(letters) >= 3:
            values["M"] = MONTH_NUMBER[text[:3].lower()]
        elif letter in OFFSETS:
            offset = parse_offset(text.upper())
        elif letter == "a":
            afternoon = text.upper() == "PM"
        else:
            values[letter] = _field_number(letters, text)
    hour = _hour(values, afternoon)
    letters_used = {letters[0] for letters in fields}
    if letters_used & set("wWF") and not letters_used & set("dD"):
        clock = to_ms((1970, 1, 1, hour, values["m"], values["s"], values["S"]), offset, zone)
        return clock + _day_by_week(values, letters_used) * MS_PER_DAY
    if "D" in values and "M" not in "".join(fields):
        return (
            to_ms((values["y"], 1, 1, hour, values["m"], values["s"], values["S"] % 1000), offset, zone)
            + (values["D"] - 1) * MS_PER_DAY
        )
    if values["S"] > 999:
        raise EvaluationError("a time that does not exist")
    return to_ms((values["y"], values["M"], values["d"], hour, values["m"], values["s"], values["S"]), offset, zone)


def _field_number(letters: str, text: str) -> int:
    if letters[0] == "E":
        return WEEKDAY_NUMBER[text[:3].lower()]
    if letters[0] == "G":
        return _checked(int(text.upper() == "AD"), 1, 1)
    year = letters[0] == "y" and len(letters) == 2 and len(text) == 2
    return _two_digit_year(int(text)) if year else int(text)


def _day_by_week(values: dict[str, int], letters: set[str]) -> int:
    """The day since the epoch by letters of weeks: w (of the year), W or F (of the month), and E or u (else Sunday).

    Weeks begin on Sunday, and the first one contains 1 January or the first of the month, as in Java's US locale.
    """
    weekday = _checked(values.get("u", values.get("E", 7)), 1, 7) % 7
    year, month = (values.get("Y", values["y"]), 1) if "w" in letters else (values["y"], values["M"])
    first = to_ms((year, month, 1, 0, 0, 0, 0), 0, UTC) // MS_PER_DAY
    first_weekday = (first + 4) % 7
    if "F" in letters and not letters & set("wW"):
        return first + (weekday - first_weekday) % 7 + (_checked(values["F"], 1, 5) - 1) * 7
    week = _checked(values["w"], 1, 53) if "w" in letters else _checked(values["W"], 1, 6)
    return first - first_weekday + (week - 1) * 7 + weekday


def _two_digit_year(year: int) -> int:
    return 2000 + year if year < 70 else 1900 + year


def _hour(values: dict[str, int], afternoon: bool | None) -> int:
    """The hour 0–23, from the one of H, k (1–24), K (0–11) and h (1–12) that the pattern has."""
    if "k" in values:
        return _checked(values["k"], 1, 24) % 24
    if "K" in values or "h" in values:
        half = _checked(values["K"], 0, 11) if "K" in values else _checked(values["h"], 1, 12) % 12
        return half + (12 if afternoon else 0)
    return values["H"]


def _checked(value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise EvaluationError("a time that does not exist")
    return value


def fixed_seconds(parts: tuple[tuple[str, str], ...]) -> tuple[int, int] | None:
    """(position of the two digits of the seconds, the text's length), if every field has a fixed width.

    None if one has not, or with milliseconds: then times cannot be cached by the minute.
    """
    widths = {"yyyy": 4, "MM": 2, "MMM": 3, "dd": 2, "HH": 2, "mm": 2, "ss": 2, "Z": 5}
    position, seconds = 0, None
    for letters, text in parts:
        if letters and letters not in widths:
            return None
        if letters == "ss":
            seconds = position
        position += widths[letters] if letters else len(text)
    return None if seconds is None else (seconds, position)


def _by_minute(parse: TimeParser, parse_minute: TimeParser, seconds_at: int, length: int) -> TimeParser:
    """The same parser, which parses each distinct minute (with its offset) once. Args: parse_minute: parses it."""
    after = seconds_at + 2
    minutes: Memo[str, int] = Memo(
        lambda minute: parse_minute(f"{minute[:seconds_at]}00{minute[seconds_at:]}"), MAX_MINUTES, length
    )

    def parse_remembered(text: str) -> int:
        if (
            len(text) != length
            or not (seconds := text[seconds_at:after]).isascii()
            or not seconds.isdigit()
            or seconds > "59"
        ):
            return parse(text)
        return minutes[text[:seconds_at] + text[after:]] + int(seconds) * MS_PER_SECOND

    return parse_remembered


class RememberedTimes(Memo[Any, int]):
    """Text → milliseconds, each distinct text parsed once, within a bound. Raises EvaluationError on look-up."""

    __slots__ = ()

    def __init__(self, parse: TimeParser) -> None:
        super().__init__(parse, MAX_TEXTS, MAX_REMEMBERED_CHARS)
