"""Times as whole milliseconds since 1970-01-01T00:00:00Z, from and to ISO 8601 and SQL's text, without a clock.

Other texts are read and written by patterns of Java's SimpleDateFormat: see ``parsing`` and ``writing``.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from streamtally.errors import EvaluationError

MS_PER_SECOND = 1_000
MS_PER_MINUTE = 60_000
MS_PER_DAY = 86_400_000
LEAP_SECOND = 60
"""As POSIX numbers it: it follows 23:59:59 in UTC."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@lru_cache(maxsize=1_024)  # a window's start is written for each of its keys
def to_iso(ms: int) -> str:
    """1504860420000 → ``2017-09-08T08:47:00.000Z``."""
    # Not strftime, which writes the year 8 as 8 on some systems.
    return f"{to_datetime(ms).isoformat(timespec='milliseconds')[:23]}Z"


_ISO = re.compile(
    r"""
    (\d{4}) - (\d{2}) - (\d{2})          # year, month, day
    (?:
      [T ] (\d{2}) : (\d{2})             # hour, minute
      (?: : (\d{2})                      # second
        (?: [.,] (\d{1,9}) )?            # fraction
      )?
    )?
    \s? ( Z | [+-]\d{2} (?: :? \d{2} )? )?  # offset
    """,
    re.ASCII | re.VERBOSE,
)


def from_iso(text: str, zone: tzinfo = UTC) -> int:
    """ISO 8601 date and time → milliseconds; a time without an offset is in the zone.

    Raises: EvaluationError: not ISO 8601, or a time that does not exist.
    """
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise EvaluationError("not an ISO 8601 time")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    ms = int((fraction or "0").ljust(3, "0")[:3])
    fields = (int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), ms)
    return to_ms(fields, None if offset is None else parse_offset(offset), zone)


def parse_offset(text: str) -> int:
    """``-0330`` → -210 minutes; ``Z``, ``UTC`` and ``GMT`` → 0. Raises: EvaluationError."""
    text = text.removeprefix("GMT").removeprefix("UTC")
    if text in ("", "Z"):
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise EvaluationError("an offset out of range")
    return (hours * 60 + minutes) * (-1 if text[0] == "-" else 1)


def parse_sql_time(type_name: str, text: str) -> int:
    """SQL's ``1992-02-14 18:35:44.0`` (TIMESTAMP), ``1992-02-14`` (DATE), ``18:35:44`` (TIME) as a value of that type.

    Raises: EvaluationError.
    """
    if type_name == "TIME":
        return from_iso(f"1970-01-01 {text.strip()}")
    ms = from_iso(text)
    return ms // MS_PER_DAY if type_name == "DATE" else ms


def to_datetime(ms: int) -> datetime:
    """Milliseconds as a moment in UTC. Raises: EvaluationError: out of range."""
    try:
        return _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        raise EvaluationError("a time out of range") from None


def to_ms(fields: tuple[int, int, int, int, int, int, int], offset_minutes: int | None, zone: tzinfo) -> int:
    """(year, month, day, hour, minute, second, ms) → milliseconds; without an offset they are in the zone.

    Raises: EvaluationError: a time that does not exist, or is out of range.
    """
    year, month, day, hour, minute, second, ms = fields
    if second == LEAP_SECOND:
        return _in_leap_second((year, month, day, hour, minute, second - 1, ms), offset_minutes, zone)
    try:
        moment = datetime(year, month, day, hour, minute, second, ms * 1000, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise EvaluationError("a time that does not exist") from None
    if offset_minutes is None and zone is not UTC:
        try:
            moment = moment.replace(tzinfo=zone).astimezone(UTC)
        except OverflowError:
            raise EvaluationError("a time out of range") from None
    days = moment.toordinal() - _EPOCH_ORDINAL
    minutes = days * 1440 + moment.hour * 60 + moment.minute - (offset_minutes or 0)
    return (minutes * 60 + moment.second) * MS_PER_SECOND + ms


def _in_leap_second(fields: tuple[int, int, int, int, int, int, int], offset_minutes: int | None, zone: tzinfo) -> int:
    """The last millisecond of the minute, so that the line counts in the minute that it names.

    Raises: EvaluationError: no leap second can be there.
    """
    before = to_ms((*fields[:6], 0), offset_minutes, zone)
    if (before + MS_PER_SECOND) % MS_PER_DAY:
        raise EvaluationError("a time that does not exist")
    return before + MS_PER_SECOND - 1
