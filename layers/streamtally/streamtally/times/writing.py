"""Times as text, by SimpleDateFormat's patterns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from streamtally.times.iso import to_datetime
from streamtally.times.java_patterns import DAY_NAMES, MONTH_NAMES, parse_pattern

TIMES_KEPT = 256
"""A window's start is written for each of its keys, in a partial and when it is settled."""


@lru_cache(maxsize=256)
def compile_time_formatter(pattern: str) -> Callable[[int], str]:
    """A function that writes milliseconds by a SimpleDateFormat pattern, in UTC. Raises: SettingsError."""
    writers = [_writer(letters) if letters else _constant(text) for letters, text in parse_pattern(pattern)]

    @lru_cache(maxsize=TIMES_KEPT)
    def write(ms: int) -> str:
        moment = to_datetime(ms)
        return "".join([write_part(moment) for write_part in writers])

    return write


Writer = Callable[[datetime], str]


def _constant(text: str) -> Writer:
    return lambda _: text


def _number(value: Callable[[datetime], int], count: int) -> Writer:
    # Twice as fast as str.zfill, for the numbers that nearly all patterns have.
    write = f"%0{count}d".__mod__
    return lambda moment: write(value(moment))


def _writer(letters: str) -> Writer:
    letter, count = letters[0], len(letters)
    if letter == "M" and count >= 3:
        return lambda moment: MONTH_NAMES[moment.month - 1][: None if count > 3 else 3]
    if letter == "E":
        return lambda moment: DAY_NAMES[moment.weekday()][: None if count > 3 else 3]
    if letter == "a":
        return lambda moment: "PM" if moment.hour >= 12 else "AM"
    if letter == "G":
        return _constant("AD")
    if letter in "Zz":
        return _constant("+0000" if letter == "Z" else "UTC")
    if letter == "X":
        return _constant("Z")
    if letter == "y":
        return (lambda moment: f"{moment.year % 100:02d}") if count == 2 else _number(lambda moment: moment.year, count)
    return _number(_NUMBERS[letter], count)


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
    "M": lambda moment: moment.month,
    "d": lambda moment: moment.day,
    "D": lambda moment: moment.timetuple().tm_yday,
    "H": lambda moment: moment.hour,
    "k": lambda moment: moment.hour or 24,
    "K": lambda moment: moment.hour % 12,
    "h": lambda moment: moment.hour % 12 or 12,
    "m": lambda moment: moment.minute,
    "s": lambda moment: moment.second,
    "S": lambda moment: moment.microsecond // 1000,
    "u": lambda moment: moment.isoweekday(),
    "F": lambda moment: (moment.day - 1) // 7 + 1,
    "W": lambda moment: _us_week(moment.day, moment.replace(day=1)),
    "w": lambda moment: _week_of_year(moment)[1],
    "Y": lambda moment: _week_of_year(moment)[0],
}
