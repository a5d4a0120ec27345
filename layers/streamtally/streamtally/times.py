"""Times as whole milliseconds since 1970-01-01T00:00:00Z, from and to text, without a clock.

Patterns are those of Java's SimpleDateFormat, as Kinesis Analytics' CHAR_TO_TIMESTAMP and TIMESTAMP_TO_CHAR take them;
unlike SimpleDateFormat every field is checked for its range, as the SQL reference describes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from streamtally.errors import EvaluationError, SettingsError

TimeParser = Callable[[str], int]
"""Text → milliseconds since the epoch. Raises EvaluationError."""

MS_PER_SECOND = 1_000
MS_PER_MINUTE = 60_000
MS_PER_DAY = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEKDAY_NUMBER = {name[:3].lower(): number for number, name in enumerate(_DAY_NAMES, 1)}
_MONTH_NUMBER = {name[:3].lower(): number for number, name in enumerate(MONTHS, 1)}

_NUMERIC = "yMdHkKhmsSDYwWFu"
_OFFSETS = {
    "Z": r"(?:GMT)?[+-]\d{2}:?\d{2}|GMT|UTC|Z",
    "z": r"(?:GMT|UTC)?[+-]\d{2}:?\d{2}|GMT|UTC|Z",
    "X": r"Z|[+-]\d{2}(?::?\d{2})?",
}


def to_iso(ms: int) -> str:
    """1504860420000 → ``2017-09-08T08:47:00.000Z``."""
    # Not strftime, which writes the year 8 as 8 on some systems.
    return f"{_to_datetime(ms).isoformat(timespec='milliseconds')[:23]}Z"


_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s?(Z|[+-]\d{2}(?::?\d{2})?)?"
)


def from_iso(text: str, zone: tzinfo = UTC) -> int:
    """ISO 8601 date and time → milliseconds; without an offset it is of the zone.

    Raises: EvaluationError: not such a text, or a time that does not exist.
    """
    found = _ISO.fullmatch(text.strip())
    if found is None:
        raise EvaluationError("not an ISO 8601 time")
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    ms = int((fraction or "0").ljust(3, "0")[:3])
    fields = (int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), ms)
    return _to_ms(fields, None if offset is None else parse_offset(offset), zone)


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
    """SQL's ``1992-02-14 18:35:44.0`` (TIMESTAMP), ``1992-02-14`` (DATE), ``18:35:44`` (TIME) as a value of the type.

    Raises: EvaluationError.
    """
    if type_name == "TIME":
        return from_iso(f"1970-01-01 {text.strip()}")
    ms = from_iso(text)
    return ms // MS_PER_DAY if type_name == "DATE" else ms


def _to_datetime(ms: int) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        raise EvaluationError("a time out of range") from None


def _to_ms(fields: tuple[int, int, int, int, int, int, int], offset_minutes: int | None, zone: tzinfo) -> int:
    year, month, day, hour, minute, second, ms = fields
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


def parse_pattern(pattern: str) -> tuple[tuple[str, str], ...]:
    """SimpleDateFormat's pattern → (letters, "") for fields and ("", text) for what stands between them.

    Raises: SettingsError: an open quote, or a letter that is none of its.
    """
    parts: list[tuple[str, str]] = []
    for letters, quoted, other in _tokens(pattern):
        if letters:
            parts.append((letters, ""))
            continue
        text = other if quoted is None else (quoted.replace("''", "'") or "'")
        parts.append(("", text))
    return tuple(parts)


_TOKEN = re.compile(r"(?P<letters>([A-Za-z])\2*)|'(?P<quoted>(?:[^']|'')*)'|(?P<other>[^A-Za-z']+)")


def _tokens(pattern: str) -> Iterator[tuple[str | None, str | None, str]]:
    position = 0
    while position < len(pattern):
        found = _TOKEN.match(pattern, position)
        if found is None:
            raise SettingsError(f"time format {pattern!r}: the quote at character {position} is not closed")
        letters = found["letters"]
        if letters and letters[0] not in _NUMERIC + "aEGZzX":
            raise SettingsError(f"time format {pattern!r}: unknown letter {letters[0]!r} (quote text: 'T')")
        yield letters, found["quoted"], found["other"] or ""
        position = found.end()


def compile_time_parser(pattern: str, zone: tzinfo = UTC) -> TimeParser:
    """A parser of times for a SimpleDateFormat pattern, or for ``iso8601``, ``unix`` (seconds), ``unix_ms``, ``auto``.

    ``auto`` takes what web servers write, ISO 8601, and Unix times in seconds or milliseconds.
    Fields that the pattern lacks are those of 1970-01-01 00:00:00.0; text beyond the pattern is ignored.
    Raises: SettingsError: a pattern that cannot be used.
    """
    if pattern == "iso8601":
        return lambda text: from_iso(text, zone)
    if pattern == "auto":
        return _auto_parser(zone)
    if pattern in ("unix", "unix_ms"):
        return _unix_parser(MS_PER_SECOND if pattern == "unix" else 1)
    parse = _pattern_parser(parse_pattern(pattern), zone)
    seconds_at = _fixed_seconds(parse_pattern(pattern))
    return parse if seconds_at is None else _by_minute(parse, *seconds_at)


def _unix_parser(factor: int) -> TimeParser:
    def parse(value: Any) -> int:
        try:
            return int(float(value) * factor) if "." in str(value) else int(value) * factor
        except (ValueError, OverflowError, TypeError):
            raise EvaluationError("not a Unix time") from None

    return parse


UNIX_MS_FROM = 100_000_000_000  # as seconds this would be the year 5138; as milliseconds it is 1973


def _auto_parser(zone: tzinfo) -> TimeParser:
    parse_server_time = compile_time_parser("dd/MMM/yyyy:HH:mm:ss Z", zone)
    parse_seconds, parse_ms = _unix_parser(MS_PER_SECOND), _unix_parser(1)

    def parse(value: Any) -> int:
        text = str(value)
        if text[2:3] == "/":
            return parse_server_time(text)
        if text[4:5] == "-":
            return from_iso(text, zone)
        return parse_ms(value) if parse_ms(value) >= UNIX_MS_FROM else parse_seconds(value)

    return parse


def _pattern_parser(parts: tuple[tuple[str, str], ...], zone: tzinfo) -> TimeParser:
    expression = "".join(
        re.escape(text) if text else _field_expression(letters, _is_numeric_next(parts, index))
        for index, (letters, text) in enumerate(parts)
    )
    fields = [letters for letters, _ in parts if letters]
    match = re.compile(expression, re.IGNORECASE | re.ASCII).match

    def parse(text: str) -> int:
        found = match(text)
        if found is None:
            raise EvaluationError("a time that does not fit its format")
        return _evaluate_fields(fields, found.groups(), zone)

    return parse


def _is_numeric_next(parts: tuple[tuple[str, str], ...], index: int) -> bool:
    letters = parts[index + 1][0] if index + 1 < len(parts) else ""
    return bool(letters) and letters[0] in _NUMERIC and not letters.startswith("MMM")


def _field_expression(letters: str, numeric_next: bool) -> str:
    letter, count = letters[0], len(letters)
    if letter == "M" and count >= 3:
        return "(" + "|".join(f"{name}|{name[:3]}" for name in _MONTH_NAMES) + ")"
    if letter == "E":
        return "(" + "|".join(f"{name}|{name[:3]}" for name in _DAY_NAMES) + ")"
    if letter in "aG":
        return "(AM|PM)" if letter == "a" else "(AD|BC)"
    if letter in _OFFSETS:
        return f"({_OFFSETS[letter]})"
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
            values["M"] = _MONTH_NUMBER[text[:3].lower()]
        elif letter in _OFFSETS:
            offset = parse_offset(text.upper())
        elif letter == "a":
            afternoon = text.upper() == "PM"
        else:
            values[letter] = _field_number(letters, text)
    hour = _hour(values, afternoon)
    letters_used = {letters[0] for letters in fields}
    if letters_used & set("wWF") and not letters_used & set("dD"):
        clock = _to_ms((1970, 1, 1, hour, values["m"], values["s"], values["S"]), offset, zone)
        return clock + _day_by_week(values, letters_used) * MS_PER_DAY
    if "D" in values and "M" not in "".join(fields):
        return (
            _to_ms((values["y"], 1, 1, hour, values["m"], values["s"], values["S"] % 1000), offset, zone)
            + (values["D"] - 1) * MS_PER_DAY
        )
    if values["S"] > 999:
        raise EvaluationError("a time that does not exist")
    return _to_ms((values["y"], values["M"], values["d"], hour, values["m"], values["s"], values["S"]), offset, zone)


def _field_number(letters: str, text: str) -> int:
    if letters[0] == "E":
        return _WEEKDAY_NUMBER[text[:3].lower()]
    if letters[0] == "G":
        return _checked(int(text.upper() == "AD"), 1, 1)
    year = letters[0] == "y" and len(letters) == 2 and len(text) == 2
    return _two_digit_year(int(text)) if year else int(text)


def _day_by_week(values: dict[str, int], letters: set[str]) -> int:
    """The day since the epoch that week letters name: w (of the year), W or F (of the month), and E or u (else Sunday).

    Weeks begin on Sunday, and the first holds the first of January or of the month, as in Java's US.
    """
    weekday = _checked(values.get("u", values.get("E", 7)), 1, 7) % 7
    year, month = (values.get("Y", values["y"]), 1) if "w" in letters else (values["y"], values["M"])
    first = _to_ms((year, month, 1, 0, 0, 0, 0), 0, UTC) // MS_PER_DAY
    first_weekday = (first + 4) % 7
    if "F" in letters and not letters & set("wW"):
        return first + (weekday - first_weekday) % 7 + (_checked(values["F"], 1, 5) - 1) * 7
    week = _checked(values["w"], 1, 53) if "w" in letters else _checked(values["W"], 1, 6)
    return first - first_weekday + (week - 1) * 7 + weekday


def _two_digit_year(year: int) -> int:
    return 2000 + year if year < 70 else 1900 + year


def _hour(values: dict[str, int], afternoon: bool | None) -> int:
    """The hour 0–23 from whichever of H, k (1–24), K (0–11), h (1–12) the pattern has."""
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


def _fixed_seconds(parts: tuple[tuple[str, str], ...]) -> tuple[int, int] | None:
    """(where the two digits of the seconds stand, the text's length) if every field is of a fixed width and there
    are no milliseconds: then all else can be remembered by the minute."""
    widths = {"yyyy": 4, "MM": 2, "MMM": 3, "dd": 2, "HH": 2, "mm": 2, "ss": 2, "Z": 5}
    position, seconds = 0, None
    for letters, text in parts:
        if letters and letters not in widths:
            return None
        if letters == "ss":
            seconds = position
        position += widths[letters] if letters else len(text)
    return None if seconds is None else (seconds, position)


MAX_REMEMBERED_MINUTES = 20_000


def _by_minute(parse: TimeParser, seconds_at: int, length: int) -> TimeParser:
    """The same parser, reading each distinct minute (with its offset) once."""
    minutes: dict[str, int] = {}
    after = seconds_at + 2

    def parse_remembered(text: str) -> int:
        if (
            len(text) != length
            or not (seconds := text[seconds_at:after]).isascii()
            or not seconds.isdigit()
            or seconds > "59"
        ):
            return parse(text)
        minute = text[:seconds_at] + text[after:]
        start = minutes.get(minute)
        if start is None:
            start = parse(text) - int(seconds) * MS_PER_SECOND
            if len(minutes) >= MAX_REMEMBERED_MINUTES:
                minutes.clear()
            minutes[minute] = start
        return start + int(seconds) * MS_PER_SECOND

    return parse_remembered


class RememberedTimes(dict[Any, int]):
    """Text → milliseconds, each distinct text parsed once; bounded. Raises EvaluationError on look-up."""

    MAX_TEXTS = 50_000

    def __init__(self, parse: TimeParser) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, text: Any) -> int:
        ms = self._parse(text)
        if len(self) >= self.MAX_TEXTS:
            self.clear()
        self[text] = ms
        return ms


@lru_cache(maxsize=256)
def compile_time_formatter(pattern: str) -> Callable[[int], str]:
    """A function that writes milliseconds by a SimpleDateFormat pattern, in UTC. Raises: SettingsError."""
    writers = [_writer(letters) if letters else _constant(text) for letters, text in parse_pattern(pattern)]

    def write(ms: int) -> str:
        moment = _to_datetime(ms)
        return "".join([write_part(moment) for write_part in writers])

    return write


Writer = Callable[[datetime], str]


def _constant(text: str) -> Writer:
    return lambda _: text


def _number(value: Callable[[datetime], int], count: int) -> Writer:
    return lambda moment: str(value(moment)).zfill(count)


def _writer(letters: str) -> Writer:
    letter, count = letters[0], len(letters)
    if letter == "M" and count >= 3:
        return lambda moment: _MONTH_NAMES[moment.month - 1][: None if count > 3 else 3]
    if letter == "E":
        return lambda moment: _DAY_NAMES[moment.weekday()][: None if count > 3 else 3]
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
    """The week that a day is in, counted from the one with the first day; weeks begin on Sunday, as in Java's US."""
    return (day - 1 + first.isoweekday() % 7) // 7 + 1


def _week_of_year(moment: datetime) -> tuple[int, int]:
    """(week year, week): the week with the first of January is the first of its year."""
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
