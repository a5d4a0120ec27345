"""When a row happened: the field or fields that hold its time, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo

from streamtally.errors import EvaluationError
from streamtally.formats.base import Row
from streamtally.times.iso import MS_PER_DAY
from streamtally.times.log_times import RememberedLogTimes, compile_log_time, needs_arrival
from streamtally.times.parsing import RememberedTimes
from streamtally.times.seconds import seconds_at
from streamtally.times.strftime import PREFIX as STRFTIME

AUTO = "auto"
_USUAL_FIELDS = (
    "datetime", "timestamp", "time", "time_local", "time_iso8601", "accept_date", "ts", "@timestamp", "requestTime",
    "request_time_iso8601", "start_time", "startTime", "StartUTC", "eventTime", "event_time", "timestamp(ms)",
    "asctime", "@t", "date_time", "msec", "EdgeStartTimestamp", "EdgeEndTimestamp",
    "__REALTIME_TIMESTAMP",
)  # fmt: skip
_OF_UTC = ("cs_method", "cs-method")  # in the lines of IIS and CloudFront, whose date and time are always in UTC
_NUMERIC_TIMES = ("unix", "unix_ms", "auto")

EventTime = Callable[[Row, int], int | None]
"""A row and its record's arrival → when it happened, both in ms since the epoch; None if the row has no time."""


class EventTimes:
    """How event times are read.

    Attributes:
        fields: those that are read.
        needs_arrival: whether the time depends on the record's arrival.
        seconds: where its text has the seconds; None: that differs, or there are several fields.

    Args:
        field: a field's name; several names (date and time, joined by a space); None for no event time; or ``auto``:
            the first of the usual names that the row has.
        time_format: as compile_log_time takes it.
    Raises: SettingsError: the time format cannot be used.
    """

    def __init__(
        self, field: str | tuple[str, ...] | None, time_format: str, zone: tzinfo, field_of: Mapping[str, str]
    ) -> None:
        names = _USUAL_FIELDS if field == AUTO else (field,) if isinstance(field, str) else field or ()
        self.fields = tuple(field_of.get(name, name) for name in names)
        self.needs_arrival = bool(names) and needs_arrival(time_format)
        is_one_text = len(names) == 1 and not self.needs_arrival
        self.seconds = seconds_at(time_format) if is_one_text else None
        self._takes_numbers = time_format in _NUMERIC_TIMES or time_format.startswith(STRFTIME)
        parse = compile_log_time(time_format, zone)
        self._by_day = RememberedLogTimes(parse)
        self._plain = RememberedTimes(lambda text: parse(text, 0))
        parse_utc = compile_log_time(time_format, UTC)
        self._plain_utc = RememberedTimes(lambda text: parse_utc(text, 0))
        self.read: EventTime = self._reader(field)

    def _reader(self, field: str | tuple[str, ...] | None) -> EventTime:
        if field is None:
            return lambda row, arrival: None
        if field == AUTO:
            return self._read_usual
        if isinstance(field, tuple):
            return self._read_two if len(field) == 2 else self._read_several
        return self._read_one if self.needs_arrival else self._reader_of_text()

    def _reader_of_text(self) -> EventTime:
        """What reads one field alone: a function without look-ups in self, since it reads every row."""
        name, times, read_other = self.fields[0], self._plain, self._time

        def read(row: Row, arrival: int) -> int | None:
            value = row.get(name)
            if type(value) is str:
                return times[value]
            return None if value is None else read_other(value, arrival)

        return read

    def _time(self, value: object, arrival: int) -> int:
        if not isinstance(value, str) and (not self._takes_numbers or type(value) not in (int, float)):
            raise EvaluationError("the time is not text")
        return self._by_day[value, arrival // MS_PER_DAY] if self.needs_arrival else self._plain[value]

    def _read_one(self, row: Row, arrival: int) -> int | None:
        value = row.get(self.fields[0])
        return None if value is None else self._time(value, arrival)

    def _read_two(self, row: Row, arrival: int) -> int | None:
        date, time = (row.get(name) for name in self.fields)
        return None if date is None or time is None else self._time(f"{date} {time}", arrival)

    def _read_several(self, row: Row, arrival: int) -> int | None:
        values = [row.get(name) for name in self.fields]
        return None if None in values else self._time(" ".join(map(str, values)), arrival)

    def _read_usual(self, row: Row, arrival: int) -> int | None:
        if "date" in row and "time" in row:
            text = f"{row['date']} {row['time']}"
            return self._plain_utc[text] if any(name in row for name in _OF_UTC) else self._time(text, arrival)
        for name in self.fields:
            value = row.get(name)
            if value is not None:
                return self._time(value, arrival)
        return None
