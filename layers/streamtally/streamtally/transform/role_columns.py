"""The role columns of a source's rows: what a program reads of a line whose fields have other names.

They are added after the row was written as JSON, so that the JSON lines keep the log's own names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import tzinfo
from typing import NamedTuple

from streamtally.errors import EvaluationError
from streamtally.formats.base import Format, Row
from streamtally.formats.role_names import ROLE_COLUMNS, TIME_COLUMN
from streamtally.formats.roles import AddColumns, column_adder, has_column, is_open
from streamtally.formats.unwrapping.headers import TIMES
from streamtally.times.writing import compile_time_formatter
from streamtally.transform.event_time import AUTO, EventTime, EventTimes

EVENT_TIME = "\x00event_time"
"""The member of a completed row that reads its event time; no line can give a function."""

TimeOf = Callable[[Format], EventTime | None]
"""A format → what reads the event times of its lines; None: the source's own setting does."""

_write_clf = compile_time_formatter("dd/MMM/yyyy:HH:mm:ss")


class _Completion(NamedTuple):
    """What rows of one format get.

    Attributes:
        add: Adds the columns; None: none.
        read_time: Reads the event time; None: the source's own setting does.
    """

    add: AddColumns | None
    read_time: EventTime | None


class RoleColumns:
    """Completes rows with the columns that programs read.

    Args: time_of: what reads the event times of a format's lines.
    """

    def __init__(self, time_of: TimeOf) -> None:
        self._time_of = time_of
        self._wanted: set[str] = set()
        self._completions: dict[str, _Completion] = {}

    def want(self, column: str) -> None:
        """A program reads this column."""
        self._wanted.add(column)
        self._completions.clear()

    def complete(self, log_format: Format, row: Row, arrival: int) -> None:
        """Add the columns to a row, in place.

        Args:
            log_format: the line's format.
            row: the line's row, which nothing but programs reads from now on.
            arrival: the record's, in ms since the epoch.
        """
        completion = self._completions.get(log_format.name) or self._prepare(log_format)
        if completion.add is not None:
            completion.add(row)
        read_time = completion.read_time
        if read_time is None:
            return
        row[EVENT_TIME] = read_time
        if TIME_COLUMN in self._wanted and TIME_COLUMN not in row:
            _add_time(row, read_time, arrival)

    def _prepare(self, log_format: Format) -> _Completion:
        completion = _Completion(column_adder(log_format, self._wanted), self._time_of(log_format))
        self._completions[log_format.name] = completion
        return completion


def _add_time(row: Row, read_time: EventTime, arrival: int) -> None:
    """Add the event time as access logs write it, in UTC; and keep the time itself, which has milliseconds."""
    try:
        time = read_time(row, arrival)
        text = None if time is None else f"{_write_clf(time)} +0000"
    except Exception:  # a hostile value may make it raise anything; who needs the time then sees the same
        row[TIME_COLUMN] = None
        return
    row[EVENT_TIME] = lambda _row, _arrival: time
    row[TIME_COLUMN] = text


def format_columns(log_format: Format) -> tuple[str, ...]:
    """The role columns that programs may read under a format.

    All of them where the format has a status: programs for the combined log compile for every access log; fields that
    the format does not log, such as ``ident``, are NULL. Otherwise those that the format has.
    """
    if is_open(log_format) or log_format.roles.status:
        return ROLE_COLUMNS
    return tuple(column for column in ROLE_COLUMNS if has_column(log_format, column))


def open_time(own: EventTime, usual: EventTime) -> EventTime:
    """The event time of a row whose fields have names of their own.

    Args:
        own: reads the field that the format or the source names.
        usual: reads any of the usual names, in any of the usual notations. It counts where that field is missing or its
            text is written in another way.
    """

    def read(row: Row, arrival: int) -> int | None:
        try:
            time = own(row, arrival)
        except EvaluationError:
            if TIME_COLUMN in row and not isinstance(row[TIME_COLUMN], str):
                raise
            time = None
        return usual(row, arrival) if time is None else time

    return read


def wrapper_times(zone: tzinfo) -> tuple[tuple[str, EventTime], ...]:
    """The fields of wrappers' times, each with what reads it."""
    return tuple((name, EventTimes(name, AUTO, zone, {}).read) for name in TIMES)


def or_wrapper_time(own: EventTime, of_wrapper: Sequence[tuple[str, EventTime]]) -> EventTime:
    """The event time of a line that may be inside a wrapper (``formats/unwrapping``): the wrapper's, if it has none.

    Args: of_wrapper: see :func:`wrapper_times`.
    """

    def read(row: Row, arrival: int) -> int | None:
        time = own(row, arrival)
        if time is None:
            for name, read_time in of_wrapper:
                if name in row:
                    with suppress(EvaluationError):  # a time in a zone that only its host knows
                        return read_time(row, arrival)
        return time

    return read
