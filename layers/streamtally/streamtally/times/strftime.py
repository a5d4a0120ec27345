"""Times by a format of strftime(3), as Apache's ``%{…}t`` writes them, and by the parts of a time that only Apache has.

``strftime:%d/%b/%Y:%H:%M:%S %{msec_frac} %z``: the conversions of strftime in the C locale, and in braces Apache's
``sec``, ``msec``, ``usec`` (since 1970), ``msec_frac`` and ``usec_frac`` (within the second).
Sources: POSIX, strftime; glibc's flags and widths; Apache HTTP Server, mod_log_config, ``%{format}t``.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from streamtally.errors import EvaluationError, SettingsError
from streamtally.times.iso import MS_PER_DAY, MS_PER_SECOND, parse_offset, to_ms
from streamtally.times.java_patterns import DAY_NAMES, MONTH_NAMES, MONTH_NUMBER, WEEKDAY_NUMBER

PREFIX = "strftime:"
"""What a ``time_format`` of this kind begins with."""

_TOKEN = re.compile(
    r"%\{(?P<part>[a-z_]{1,12})\}"  # a part of Apache's
    r"|%(?P<flag>[\-_0^#]?)[EO]?(?P<letter>[A-Za-z%+])"  # a conversion; E and O mean nothing in the C locale
    r"|(?P<text>[^%]+)"
)
_SHORT_FORMS = {
    "c": "%a %b %e %H:%M:%S %Y", "D": "%m/%d/%y", "F": "%Y-%m-%d", "R": "%H:%M", "T": "%H:%M:%S", "r": "%I:%M:%S %p",
    "x": "%m/%d/%y", "X": "%H:%M:%S", "h": "%b", "P": "%p", "k": "%_H", "l": "%_I", "e": "%_d",
    "+": "%a %b %e %H:%M:%S %Z %Y",
}  # fmt: skip
_WIDTHS = {
    "C": 2, "d": 2, "g": 2, "G": 4, "H": 2, "I": 2, "j": 3, "m": 2, "M": 2, "S": 2, "u": 1, "U": 2, "V": 2, "w": 1,
    "W": 2, "y": 2, "Y": 4,
}  # fmt: skip
_NAMED = {
    "a": "|".join(name[:3] for name in DAY_NAMES),
    "A": "|".join(DAY_NAMES),
    "b": "|".join(name[:3] for name in MONTH_NAMES),
    "B": "|".join(MONTH_NAMES),
    "p": "AM|PM",
    "s": r"-?[0-9]{1,12}",
    "z": r"[+\-][0-9]{2}:?[0-9]{2}|Z",
    "Z": r"[A-Za-z]{1,8}|[+\-][0-9]{2,4}",
}
_NAMES = ("a", "A", "b", "B", "p", "Z")
_ANY_NAME = r"[^\x00-\x20/:,\"\[\]]{1,24}"
PARTS = {
    "sec": r"[0-9]{1,12}",
    "msec": r"[0-9]{1,15}",
    "usec": r"[0-9]{1,18}",
    "msec_frac": r"[0-9]{1,3}",
    "usec_frac": r"[0-9]{1,6}",
}
"""Apache's parts of a time and how they look; a row has them as numbers, without zeros in front."""

_IN_UTC = frozenset(("UTC", "GMT", "UT", "Z"))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of a format: what it gives (a conversion's letter, a part's name, or nothing), and how it looks."""

    gives: str
    pattern: str


def _pieces(text: str) -> list[_Piece]:
    """Raises: SettingsError: a conversion that cannot be read."""
    pieces, position = list[_Piece](), 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        part = match["part"] if match else None
        if match is None or (part and part not in PARTS):
            raise SettingsError(f"time format {PREFIX + text!r}: cannot read the text at character {position}")
        position = match.end()
        if part:
            pieces.append(_Piece(part, PARTS[part]))
        elif match["letter"]:
            pieces += _conversion(match["letter"], match["flag"], text)
        else:
            pieces.append(_Piece("", re.escape(match["text"])))
    return pieces


def _conversion(letter: str, flag: str, text: str) -> list[_Piece]:
    if letter in _SHORT_FORMS:
        return _pieces(_SHORT_FORMS[letter])
    if letter in "nt%":
        return [_Piece("", "%" if letter == "%" else r"\s")]
    if letter in _NAMED:
        return [_Piece(letter, _NAMED[letter])]
    if letter not in _WIDTHS:
        raise SettingsError(f"time format {PREFIX + text!r}: %{letter} is not a conversion that can be read")
    width = _WIDTHS[letter]
    # ``-``: no padding; ``_``: spaces in front.
    pattern = rf"[0-9]{{1,{width}}}" if flag == "-" else rf"\x20{{0,2}}[0-9]{{1,{width}}}" if flag == "_" else None
    return [_Piece(letter, pattern or rf"[0-9]{{{width}}}")]


def is_readable(text: str) -> bool:
    """Whether a format, without ``strftime:``, can be read and gives a day and a clock, or the seconds since 1970."""
    try:
        return is_complete(to_given(text))
    except SettingsError:
        return False


def to_given(text: str) -> frozenset[str]:
    """What a format gives: the letters of its conversions, and the names of its parts. Raises: SettingsError."""
    return frozenset(piece.gives for piece in _pieces(text) if piece.gives)


def is_complete(given: frozenset[str]) -> bool:
    """Whether conversions and parts give a moment, up to its zone and year."""
    if given & {"s", "sec", "msec", "usec"}:
        return True
    has_day = bool(given & {"d"} and given & {"m", "b", "B"}) or (_has_year(given) and _has_day_of_year(given))
    has_clock = bool(given & {"M"}) and ("H" in given or {"I", "p"} <= given)
    return has_day and has_clock


def _has_year(given: frozenset[str]) -> bool:
    return bool(given & {"Y", "y", "G", "s", "sec", "msec", "usec"})


def _has_day_of_year(given: frozenset[str]) -> bool:
    return "j" in given or ({"G", "V"} <= given and bool(given & {"a", "A", "u"}))


def can_contain(text: str, literal: str) -> bool:
    """Whether a time of a format could hold a literal's first character between its fields; False if it is unknown."""
    try:
        return any(re.escape(literal[:1]) in piece.pattern for piece in _pieces(text) if not piece.gives)
    except SettingsError:
        return False


def pattern_of(text: str) -> str:
    """How a time of a format looks, with names of any language, as a pattern without groups. Empty: that is unknown."""
    try:
        return "".join(_ANY_NAME if piece.gives in _NAMES else f"(?:{piece.pattern})" for piece in _pieces(text))
    except SettingsError:
        return ""


def lacks_year(time_format: str) -> bool:
    """Whether times of a ``time_format`` that begins with ``strftime:`` do not say their year."""
    return not _has_year(to_given(time_format.removeprefix(PREFIX)))


def compile_strftime(time_format: str, zone: tzinfo = UTC) -> Callable[[Any, int | None], int]:
    """A parser for a ``time_format`` that begins with ``strftime:``: value and year → ms since 1970.

    The year counts only where the format has none. Text after the format is ignored; a time without an offset is in the
    zone.
    Raises: SettingsError: the format cannot be read, or gives no moment.
    """
    text = time_format.removeprefix(PREFIX)
    pieces = _pieces(text)
    given = [piece.gives for piece in pieces if piece.gives]
    if not is_complete(frozenset(given)):
        raise SettingsError(f"time format {time_format!r}: it needs a day, an hour and a minute, or %s")
    expression = "".join(f"({piece.pattern})" if piece.gives else piece.pattern for piece in pieces)
    match = re.compile(expression, re.IGNORECASE | re.ASCII).match

    def parse(value: Any, year: int | None = None) -> int:
        fitting = match(str(value))
        if fitting is None:
            raise EvaluationError("a time that does not fit its format")
        # Of a conversion that occurs twice, the last one counts, as in strptime.
        return _to_ms(dict(zip(given, fitting.groups(), strict=True)), year, zone)

    return parse


def _to_ms(texts: Mapping[str, str], year: int | None, zone: tzinfo) -> int:
    fraction = int(texts.get("msec_frac") or 0)
    if "usec_frac" in texts:
        fraction = int(texts["usec_frac"]) // 1000
    if "usec" in texts:
        return int(texts["usec"]) // 1000
    if "msec" in texts:
        return int(texts["msec"])
    if "sec" in texts or "s" in texts:
        return int(texts.get("sec") or texts["s"]) * MS_PER_SECOND + fraction
    day = _day(texts, year)
    clock = (_hour(texts), int(texts["M"]), int(texts.get("S") or 0), fraction)
    fields = (day.year, day.month, day.day, *clock)
    return to_ms(fields, _offset(texts, fields, zone), zone)


def _day(texts: Mapping[str, str], year: int | None) -> date:
    try:
        if "d" in texts and ("m" in texts or "b" in texts or "B" in texts):
            return date(_year(texts, year), _month(texts), int(texts["d"]))
        if "j" in texts:
            first = date(_year(texts, year), 1, 1)
            return first + timedelta(days=_day_number(int(texts["j"]), first.year))
        return date.fromisocalendar(int(texts["G"]), int(texts["V"]), _weekday(texts))
    except ValueError:
        raise EvaluationError("a time that does not exist") from None


def _day_number(day_of_year: int, year: int) -> int:
    """Days after the first of January. Raises: ValueError: the year has no such day."""
    if not 1 <= day_of_year <= 365 + calendar.isleap(year):
        raise ValueError
    return day_of_year - 1


def _year(texts: Mapping[str, str], year: int | None) -> int:
    if "Y" in texts:
        return int(texts["Y"])
    if "y" in texts:
        short = int(texts["y"])
        century = int(texts["C"]) * 100 if "C" in texts else 1900 if short >= 69 else 2000  # as POSIX has it
        return century + short
    if year is None:
        raise EvaluationError("a time without a year")
    return year


def _month(texts: Mapping[str, str]) -> int:
    name = texts.get("b") or texts.get("B")
    return int(texts["m"]) if name is None else MONTH_NUMBER[name[:3].lower()]


def _weekday(texts: Mapping[str, str]) -> int:
    name = texts.get("a") or texts.get("A")
    return int(texts["u"]) if name is None else WEEKDAY_NUMBER[name[:3].lower()]


def _hour(texts: Mapping[str, str]) -> int:
    if "H" in texts:
        return int(texts["H"])
    hour = int(texts["I"])
    if not 1 <= hour <= 12:
        raise EvaluationError("a time that does not exist")
    return hour % 12 + (12 if texts["p"].upper() == "PM" else 0)


def _offset(texts: Mapping[str, str], fields: tuple[int, int, int, int, int, int, int], zone: tzinfo) -> int | None:
    """Minutes; None: the zone's. Raises: EvaluationError: a name that is neither UTC nor the zone's at that time."""
    if "z" in texts:
        return parse_offset(texts["z"].upper())
    name = texts.get("Z")
    if name is None:
        return None
    if name.upper() in _IN_UTC:
        return 0
    if name[0] in "+-":
        return parse_offset(name)
    local = datetime.min.replace(tzinfo=UTC) + timedelta(milliseconds=to_ms(fields, 0, UTC) + _FIRST_MS)
    names = {local.replace(tzinfo=zone, fold=fold).tzname() for fold in (0, 1)}
    if name.upper() not in {str(known).upper() for known in names}:
        raise EvaluationError("a time zone's name that is not that of time_zone")
    return None


_FIRST_MS = (date(1970, 1, 1).toordinal() - date.min.toordinal()) * MS_PER_DAY
