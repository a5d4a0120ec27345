"""Times as text, by SimpleDateFormat's patterns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter

from streamtally.times.iso import to_datetime
from streamtally.times.java_patterns import DAY_NAMES, MONTH_NAMES, parse_pattern

TIMES_KEPT = 256
"""A window's start is written for each of its keys, in a partial and when it is settled."""


@lru_cache(maxsize=256)
def compile_time_formatter(pattern: str) -> Callable[[int], str]:
    """A function that writes milliseconds by a SimpleDateFormat pattern, in UTC. Raises: SettingsError."""
    parts = [_part(letters) if letters else _constant(text) for letters, text in parse_pattern(pattern)]
    template = "".join([text for text, _ in parts])
    values = [value for _, value in parts if value is not None]

    @lru_cache(maxsize=TIMES_KEPT)
    def write(ms: int) -> str:
        moment = to_datetime(ms)
        return template % tuple([value(moment) for value in values])

    return write


Value = Callable[[datetime], int | str]
Part = tuple[str, Value | None]
"""A part of the template of the % operator, and what it is filled with."""


def _constant(text: str) -> Part:
    return text.replace("%", "%%"), None


def _part(letters: str) -> Part:
    letter, count = letters[0], len(letters)
    if letter == "M" and count >= 3:
        return "%s", lambda moment: MONTH_NAMES[moment.month - 1][: None if count > 3 else 3]
    if letter == "E":
        return "%s", lambda moment: DAY_NAMES[moment.weekday()][: None if count > 3 else 3]
    if letter == "a":
        return "%s", lambda moment: "PM" if moment.hour >= 12 else "AM"
    if letter == "G":
        return _constant("AD")
    if letter in "Zz":
        return _constant("+0000" if letter == "Z" else "UTC")
    if letter == "X":
        return _constant("Z")
    if letter == "y" and count == 2:
        return "%02d", lambda moment: moment.year % 100
    return f"%0{count}d", _NUMBERS[letter]


def _us_week(day: int, first: datetime) -> int:
    """The week of a day, counted from the week of the first day; weeks begin on Sunday, as in Java's US locale."""
    return (day - 1 + first.isoweekday() % 7) // 7 + 1


def _week_of_year(moment: datetime) -> tuple[int, int]:
    """(week year, week): the week that contains 1 January is the first of its year."""
    last_sunday = 31 - datetime(moment.year, 12, 31, tzinfo=UTC).isoweekday() % 7
    if moment.month == 12 and moment.day >= last_sunday > 25:
        return moment.year + 1, 1
    return moment.year, _us_week(moment.timetuple().tm_yday, moment.replace(month=1, day=1))


_NUMBERS: dict[str, Callable[[datetime], int]] = {
    "y": attrgetter("year"),
    "M": attrgetter("month"),
    "d": attrgetter("day"),
    "D": lambda moment: moment.timetuple().tm_yday,
    "H": attrgetter("hour"),
    "k": lambda moment: moment.hour or 24,
    "K": lambda moment: moment.hour % 12,
    "h": lambda moment: moment.hour % 12 or 12,
    "m": attrgetter("minute"),
    "s": attrgetter("second"),
    "S": lambda moment: moment.microsecond // 1000,
    "u": lambda moment: moment.isoweekday(),
    "F": lambda moment: (moment.day - 1) // 7 + 1,
    "W": lambda moment: _us_week(moment.day, moment.replace(day=1)),
    "w": lambda moment: _week_of_year(moment)[1],
    "Y": lambda moment: _week_of_year(moment)[0],
}
