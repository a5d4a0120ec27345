"""What the source says of a line besides its text: columns that programs read, and a time for lines without one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamtally.formats.base import Row
from streamtally.transform.event_time import EventTime
from streamtally.transform.subscriptions import LOG_TIME

_STATED = "\x00log_time"
"""The member of a row that holds the source's time; a line's own field cannot have this name."""


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
        return row.get(_STATED) if time is None else time

    return read
