"""Scalar functions over times: TIMESTAMP in ms and DATE in days since the epoch, TIME in ms since midnight."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from streamtally.errors import EvaluationError, SettingsError
from streamtally.plan.functions.base import Function, always, as_argument
from streamtally.times.iso import MS_PER_DAY
from streamtally.times.parsing import RememberedTimes, compile_time_parser
from streamtally.times.writing import compile_time_formatter

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS = int((datetime(1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) * 1000
_END_MS = int((datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH).total_seconds()) * 1000 + MS_PER_DAY
NULL_TEXT = "null"
"""The result of TIMESTAMP_TO_CHAR for NULL (Kinesis Analytics' SQL Reference, TIMESTAMP_TO_CHAR)."""


def _in_range(ms: int) -> int:
    if not _FIRST_MS <= ms < _END_MS:
        raise EvaluationError("a time out of range")
    return ms


def _moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=_in_range(ms))


def _char_to_timestamp(pattern: str, text: str) -> int:
    try:
        return compile_time_parser(pattern)(text)
    except SettingsError:
        raise EvaluationError("not a time format") from None


def _prepared_char_to_timestamp(pattern: str) -> Callable[[str], int]:
    return RememberedTimes(compile_time_parser(pattern)).__getitem__


def _prepared_char_to(change: Callable[[int], int]) -> Callable[[str], Callable[[str], int]]:
    def prepare(pattern: str) -> Callable[[str], int]:
        times = RememberedTimes(compile_time_parser(pattern))
        return lambda text: change(times[text])

    return prepare


def _to_days(ms: int) -> int:
    return ms // MS_PER_DAY


def _to_time(ms: int) -> int:
    return ms % MS_PER_DAY


def _prepared_writer(pattern: str, factor: int = 1) -> Callable[[int | None], str]:
    write = compile_time_formatter(pattern)
    if factor != 1:
        return lambda value: NULL_TEXT if value is None else write(value * factor)
    return lambda ms: NULL_TEXT if ms is None else write(ms)


def _write(pattern: str | None, value: int | None, factor: int = 1) -> str | None:
    if pattern is None:
        return None
    try:
        return _prepared_writer(pattern, factor)(value)
    except SettingsError:
        raise EvaluationError("not a time format") from None


def step(value: int, size: int) -> int:
    """The value floored to a multiple of the size, counted from 0 (for a time, from the epoch)."""
    if size <= 0:
        raise EvaluationError("a step that is not positive")
    return value - value % size


def _to_timestamp(number: Any) -> int:
    return _in_range(int(number))


_CLOCK = {"HOUR": (3_600_000, 24), "MINUTE": (60_000, 60), "SECOND": (1_000, 60)}


def extractor(unit: str) -> Callable[[int], int]:
    """A function that extracts a field of a TIMESTAMP; weeks are ISO weeks, seconds are whole."""
    if unit in _CLOCK:
        size, modulus = _CLOCK[unit]
        return lambda ms: ms // size % modulus
    fields: dict[str, Callable[[datetime], int]] = {
        "YEAR": lambda moment: moment.year,
        "QUARTER": lambda moment: (moment.month + 2) // 3,
        "MONTH": lambda moment: moment.month,
        "WEEK": lambda moment: moment.isocalendar()[1],
        "DAY": lambda moment: moment.day,
    }
    if unit not in fields:
        raise SettingsError(f"unknown time field {unit!r}")
    extract = fields[unit]
    return lambda ms: extract(_moment(ms))


UNIT_MS = {"SECOND": 1_000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": MS_PER_DAY}
"""Units of a fixed length, in ms; months and years have none."""


def floorer(unit: str) -> Callable[[int], int]:
    """A function that floors a TIMESTAMP to a unit; weeks begin on Sunday, as in SimpleDateFormat's US locale."""
    if unit in UNIT_MS:
        size = UNIT_MS[unit]
        return lambda ms: ms - ms % size
    if unit == "WEEK":
        return lambda ms: (ms // MS_PER_DAY - (ms // MS_PER_DAY + 4) % 7) * MS_PER_DAY
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}.get(unit)
    if months is None:
        raise SettingsError(f"unknown unit of time {unit!r}")

    def floor(ms: int) -> int:
        moment = _moment(ms)
        return _ms_of(moment.year, (moment.month - 1) // months * months + 1)

    return floor


def _ms_of(year: int, month: int) -> int:
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    if not 1 <= year <= 9999:
        raise EvaluationError("a time out of range")
    return (datetime(year, month, 1, tzinfo=UTC) - _EPOCH).days * MS_PER_DAY


def ceiler(unit: str) -> Callable[[int], int]:
    """A function that rounds a TIMESTAMP up to the start of a unit."""
    floor = floorer(unit)
    if unit in UNIT_MS or unit == "WEEK":
        size = UNIT_MS.get(unit, 7 * MS_PER_DAY)
        return lambda ms: ms if floor(ms) == ms else floor(ms) + size
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]

    def ceil(ms: int) -> int:
        start = floor(ms)
        if start == ms:
            return ms
        moment = _moment(start)
        return _ms_of(moment.year, moment.month + months)

    return ceil


def _unprepared(make: Callable[[str], Callable[[int], int]]) -> Callable[[str, int], int]:
    return lambda unit, ms: make(unit)(ms)


_TIMESTAMP, _BIGINT, _VARCHAR = always("TIMESTAMP"), always("BIGINT"), always("VARCHAR")

TIME_FUNCTIONS: Mapping[str, Function] = {
    "char_to_timestamp": Function(_char_to_timestamp, _TIMESTAMP, (2, 2), prepare=_prepared_char_to_timestamp),
    "char_to_date": Function(
        lambda pattern, text: _to_days(_char_to_timestamp(pattern, text)),
        always("DATE"),
        (2, 2),
        prepare=_prepared_char_to(_to_days),
    ),
    "char_to_time": Function(
        lambda pattern, text: _to_time(_char_to_timestamp(pattern, text)),
        always("TIME"),
        (2, 2),
        prepare=_prepared_char_to(_to_time),
    ),
    "timestamp_to_char": Function(_write, _VARCHAR, (2, 2), takes_null=True, prepare=_prepared_writer),
    "time_to_char": Function(_write, _VARCHAR, (2, 2), takes_null=True, prepare=_prepared_writer),
    "date_to_char": Function(
        lambda pattern, days: _write(pattern, days, MS_PER_DAY),
        _VARCHAR,
        (2, 2),
        takes_null=True,
        prepare=lambda pattern: _prepared_writer(pattern, MS_PER_DAY),
    ),
    "step": Function(step, as_argument(), (2, 2)),
    "tsdiff": Function(lambda a, b: a - b, _BIGINT, (2, 2)),
    "timestamp_add": Function(lambda ms, more: _in_range(ms + more), _TIMESTAMP, (2, 2)),
    "unix_timestamp": Function(lambda ms: ms, _BIGINT, (1, 1)),
    "to_timestamp": Function(_to_timestamp, _TIMESTAMP, (1, 1)),
    "extract": Function(_unprepared(extractor), always("INTEGER"), (2, 2), prepare=extractor),
    "floor_time": Function(_unprepared(floorer), _TIMESTAMP, (2, 2), prepare=floorer),
    "ceil_time": Function(_unprepared(ceiler), _TIMESTAMP, (2, 2), prepare=ceiler),
}
