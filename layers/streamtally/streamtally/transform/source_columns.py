"""What the source says of a line besides its text: columns that programs read, and a time for lines without one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamtally.formats.base import Row
from streamtally.transform.event_time import EventTime
from streamtally.transform.role_columns import EVENT_TIME
from streamtally.transform.subscriptions import LOG_TIME

_STATED = "\x00log_time"
"""The member of a row that holds the source's time, which is an integer."""


def add_columns(row: Row, columns: Mapping[str, Any]) -> None:
    """Add the source's columns to a row, in place; the line's own fields take precedence."""
    for name, value in columns.items():
        row.setdefault(name, value)
    if LOG_TIME in columns:
        row[_STATED] = columns[LOG_TIME]


def or_stated_time(own: EventTime) -> EventTime:
    """The event time of a line; of one that has none, the time that its source states."""

    def read(row: Row, arrival: int) -> int | None:
        time = own(row, arrival)
        return time if time is not None else _stated_time(row)

    return read


def or_own_time(usual: EventTime) -> EventTime:
    """The event time of a line that is read by what its row holds for this (``EVENT_TIME``); else as usual.

    Of a line that has none, the time that its source states. One function, since it is called for each row and output.
    """

    def read(row: Row, arrival: int) -> int | None:
        own = row.get(EVENT_TIME)
        time = usual(row, arrival) if own is None or not callable(own) else own(row, arrival)
        return time if time is not None else _stated_time(row)

    return read


def _stated_time(row: Row) -> int | None:
    time = row.get(_STATED)
    return time if type(time) is int else None
