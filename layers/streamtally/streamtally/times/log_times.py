"""Times as logs write them, whose text may not be enough: without a year, or in one of many forms.

A time without a year is in the latest year in which it is not after its record's arrival: the last second of December
that arrives in January is in the previous year. A clock may be up to a day ahead, so on New Year's Eve January is in
the next year. Only the day of the arrival counts, so that what is cached for a record holds for all records of the day.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any

from streamtally.errors import EvaluationError
from streamtally.lazy_patterns import pattern_when_used
from streamtally.memo import Memo
from streamtally.times.iso import MS_PER_DAY, from_iso
from streamtally.times.java_patterns import MONTHS, parse_pattern
from streamtally.times.parsing import MAX_REMEMBERED_CHARS, MAX_TEXTS, compile_time_parser
from streamtally.times.strftime import PREFIX as STRFTIME
from streamtally.times.strftime import compile_strftime, lacks_year

LogTimeParser = Callable[[Any, int], int]
"""A time's value and its record's arrival in ms → ms since the epoch. Raises EvaluationError."""

MAX_AHEAD_MS = 2 * MS_PER_DAY
"""After the beginning of the arrival's day: at least a day after the arrival itself."""
YEARS_TO_LEAP_DAY = 9  # 1896 to 1904 is the longest wait for a 29 February

_MONTHS = {name: number for number, name in enumerate(MONTHS, 1)}
_SYSLOG = pattern_when_used(
    r"([A-Z][a-z]{2}) {1,2}(\d{1,2}) "  # month, day
    r"(?:(\d{4}) )?"  # year
    r"(\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?",  # clock, fraction
    re.ASCII,
)
_APACHE_ERROR = pattern_when_used(
    r"[A-Z][a-z]{2} "  # day of the week
    r"([A-Z][a-z]{2}) {1,2}(\d{1,2}) "  # month, day
    r"(\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))? "  # clock, fraction
    r"(\d{4})",  # year
    re.ASCII,
)
_NGINX_ERROR = pattern_when_used(r"(\d{4})/(\d{2})/(\d{2}) (\d{2}:\d{2}:\d{2})", re.ASCII)


def needs_arrival(time_format: str) -> bool:
    """Whether times in that format may lack the year."""
    if time_format in ("syslog", "auto"):
        return True
    if time_format in ("iso8601", "unix", "unix_ms", "apache_error"):
        return False
    if time_format.startswith(STRFTIME):
        return lacks_year(time_format)
    letters = {part[0][0] for part in parse_pattern(time_format) if part[0]}
    return {"M", "d"} <= letters and "y" not in letters


def compile_log_time(time_format: str, zone: tzinfo = UTC) -> LogTimeParser:
    """A parser for a ``time_format``: SimpleDateFormat's letters, or a name.

    ``strftime:…`` takes a format of strftime(3) instead. The names: ``iso8601``, ``unix``, ``unix_ms``, ``syslog``,
    ``apache_error``, and ``auto``, which accepts all these and the times of access logs and of nginx's error log.
    Args: zone: of times without an offset.
    Raises: SettingsError: a pattern that cannot be used.
    """
    if time_format == "syslog":
        return lambda text, arrival: parse_syslog_time(text, arrival, zone)
    if time_format == "apache_error":
        return lambda text, arrival: parse_apache_error_time(text, zone)
    if time_format == "auto":
        return _auto(zone)
    if time_format.startswith(STRFTIME):
        return _by_strftime(time_format, zone)
    if not needs_arrival(time_format):
        parse = compile_time_parser(time_format, zone)
        return lambda text, arrival: parse(text)
    with_year = compile_time_parser(f"yyyy {time_format}", zone)
    return lambda text, arrival: of_arrival_year(arrival, lambda year: with_year(f"{year} {' '.join(text.split())}"))


def _by_strftime(time_format: str, zone: tzinfo) -> LogTimeParser:
    parse = compile_strftime(time_format, zone)
    if not lacks_year(time_format):
        return lambda value, arrival: parse(value, None)
    return lambda value, arrival: of_arrival_year(arrival, lambda year: parse(value, year))


def of_arrival_year(arrival: int, parse: Callable[[int], int]) -> int:
    """The latest time that is not after the arrival, allowing for a clock that is up to a day ahead.

    Args: parse: a year → the time in it; raises EvaluationError if it does not exist (29 February).
    """
    limit = arrival // MS_PER_DAY * MS_PER_DAY + MAX_AHEAD_MS
    arrival_year = datetime.fromtimestamp(arrival / 1000, UTC).year
    for year in range(arrival_year + 1, arrival_year - YEARS_TO_LEAP_DAY, -1):
        try:
            time = parse(year)
        except EvaluationError:
            continue
        if time <= limit:
            return time
    raise EvaluationError("a time that does not exist")


def _month(name: str) -> int:
    try:
        return _MONTHS[name]
    except KeyError:
        raise EvaluationError("a time that does not fit its format") from None


def parse_syslog_time(text: Any, arrival: int, zone: tzinfo) -> int:
    """``Oct 11 22:14:15``, also with a fraction, or with a year as some devices write it."""
    match = _SYSLOG.match(text) if isinstance(text, str) else None
    if match is None:
        raise EvaluationError("a time that does not fit its format")
    name, day, year, clock, fraction = match.groups()
    month = _month(name)

    def parse(year: int) -> int:
        return from_iso(f"{year:04}-{month:02}-{int(day):02}T{clock}.{fraction or 0}", zone)

    return parse(int(year)) if year else of_arrival_year(arrival, parse)


def parse_apache_error_time(text: Any, zone: tzinfo) -> int:
    """``Fri Sep 09 10:42:29.902022 2025``, with or without the fraction, or ISO 8601 with a space."""
    if isinstance(text, str) and text[4:5] == "-":
        return from_iso(text, zone)
    match = _APACHE_ERROR.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise EvaluationError("a time that does not fit its format")
    name, day, clock, fraction, year = match.groups()
    return from_iso(f"{year}-{_month(name):02}-{int(day):02}T{clock}.{fraction or 0}", zone)


def _auto(zone: tzinfo) -> LogTimeParser:
    parse_plain = compile_time_parser("auto", zone)
    parse_haproxy = compile_time_parser("dd/MMM/yyyy:HH:mm:ss.SSS", zone)

    def parse(value: Any, arrival: int) -> int:
        text = value.lstrip("[") if isinstance(value, str) else ""
        if text[:1].isalpha():
            return (
                parse_apache_error_time(text, zone)
                if _APACHE_ERROR.match(text)
                else parse_syslog_time(text, arrival, zone)
            )
        if text[4:5] == "/" and (match := _NGINX_ERROR.match(text)):
            return from_iso(f"{match[1]}-{match[2]}-{match[3]}T{match[4]}", zone)
        if text[2:3] == "/" and text[20:21] == ".":
            return parse_haproxy(text)
        return parse_plain(text or value)

    return parse


class RememberedLogTimes(Memo[tuple[Any, int], int]):
    """(value, day of arrival) → time, each parsed once, within a bound. Raises EvaluationError on look-up."""

    __slots__ = ()

    def __init__(self, parse: LogTimeParser) -> None:
        super().__init__(lambda key: parse(key[0], key[1] * MS_PER_DAY), MAX_TEXTS, MAX_REMEMBERED_CHARS)

    def text_in(self, key: tuple[Any, int]) -> object:
        """The time's text."""
        return key[0]
