"""Where a time's text has its seconds, so that texts of one minute are known without being parsed."""

from __future__ import annotations

import re
from typing import NamedTuple

from streamtally.times.java_patterns import parse_pattern
from streamtally.times.parsing import fixed_seconds
from streamtally.times.strftime import PREFIX as STRFTIME

_NAMES = ("unix", "unix_ms", "auto", "syslog", "apache_error")
_ISO_SECONDS = re.compile(r"([0-5][0-9])(?:\.[0-9]{1,9})?Z", re.ASCII)
_ISO_MINUTE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:", re.ASCII)
_ISO_MINUTE_CHARS = 17
_SECONDS = {f"{seconds:02}": seconds for seconds in range(60)}


class SecondsAt(NamedTuple):
    """Where the texts of a time format have their seconds.

    Attributes:
        position: of their two digits.
        length: of a text, in characters; 0: of ISO 8601 in UTC, whose text has a fraction and ``Z`` after the seconds.
    """

    position: int
    length: int

    def split(self, text: str) -> tuple[str, int] | None:
        """(What texts of the same minute have in common, the seconds from 0 to 59).

        Parsed, such texts differ by their seconds and fractions alone, or none of them is a time. None: nothing is
        known of the text, such as one with a leap second.
        """
        if self.length == 0:
            minute = text[:_ISO_MINUTE_CHARS]
            match = _ISO_SECONDS.fullmatch(text, _ISO_MINUTE_CHARS)
            return (minute, int(match[1])) if match and _ISO_MINUTE.fullmatch(minute) else None
        position, length = self
        seconds = _SECONDS.get(text[position : position + 2])
        if seconds is None or len(text) != length or not text.isascii():
            return None
        return text[:position] + text[position + 2 :], seconds


def seconds_at(time_format: str) -> SecondsAt | None:
    """Where texts of a time format have their seconds; None: it differs. Args: time_format: as in compile_log_time."""
    if time_format == "iso8601":
        return SecondsAt(_ISO_MINUTE_CHARS, 0)
    if time_format in _NAMES or time_format.startswith(STRFTIME):
        return None
    fixed = fixed_seconds(parse_pattern(time_format))
    return None if fixed is None else SecondsAt(*fixed)
