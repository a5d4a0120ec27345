"""Roles of lines that name their own fields: each has the first of the common names that the line has."""

from __future__ import annotations

from typing import Any

from streamtally.formats.base import Row
from streamtally.formats.field_readers import (
    ABSENT,
    OBJECTS,
    Get,
    alternatives,
    reader,
    request_maker,
    value_or_none,
    without_port,
)
from streamtally.formats.role_names import COLUMN_ROLES, COMMON, SEVERITIES

CLIENT_OR_HOST = "host"
"""The client in the combined log and in LTSV; the host that was asked for in nginx, beside the client's address."""

MAX_SHAPES = 256
"""Sets of field names for which the work is remembered."""


class OpenColumns:
    """Adds columns to rows whose fields have names of their own.

    Which names a row has depends on its shape, the names alone; so this is worked out once per shape.
    """

    def __init__(self, columns: list[str]) -> None:
        self._columns = columns
        self._makers = {column: _open_maker(column) for column in columns}
        self._shapes: dict[tuple[str, ...], tuple[tuple[str, Get], ...]] = {}

    def add(self, row: Row) -> None:
        """Add the columns that the row does not have. An object under a column's name is no value of that column."""
        shape = tuple(row)
        makers = self._shapes.get(shape)
        if makers is None:
            makers = self._work_out(row)
            if len(self._shapes) >= MAX_SHAPES:
                self._shapes.clear()
            self._shapes[shape] = makers
        for column, make in makers:
            own = row.get(column, ABSENT)
            if own is ABSENT or isinstance(own, dict | list):
                value = make(row)
                if value is not ABSENT:
                    if isinstance(own, dict):  # Caddy's request: its members have roles too
                        row.setdefault(OBJECTS, {})[column] = own
                    row[column] = value

    def _work_out(self, row: Row) -> tuple[tuple[str, Get], ...]:
        """The columns that a row of this shape may get, each with what makes it."""
        firsts = set(row)
        used = []
        for column in self._columns:
            names = _names_of(column)
            present = any(name in firsts or name.partition(".")[0] in firsts for name in names)
            if present:
                used.append((column, self._makers[column]))
        return tuple(used)


def _names_of(column: str) -> tuple[str, ...]:
    names = alternatives(getattr(COMMON, COLUMN_ROLES[column]))
    return (*names, *alternatives(COMMON.method)) if column == "request" else names


def _open_maker(column: str) -> Get:
    if column == "request":
        line, parts = reader(alternatives(COMMON.request)), request_maker(COMMON)

        def make(row: Row) -> Any:
            value = line(row)
            return value if isinstance(value, str) else parts(row)

        return make
    read = reader(alternatives(getattr(COMMON, COLUMN_ROLES[column])))
    if column == "level":
        return lambda row: _open_level(read(row), row)
    return (lambda row: _open_address(read(row))) if column == "host" else read


def _open_level(value: Any, row: Row) -> Any:
    """A level; the journal's ``PRIORITY`` is the number of a syslog severity as text (systemd.journal-fields(7))."""
    is_severity = isinstance(value, str) and value == row.get("PRIORITY") and value in _SEVERITY_DIGITS
    return SEVERITIES[int(value)] if is_severity else value


def _open_address(value: Any) -> Any:
    """An address without its port, where the port can be told: after an IPv4 address, or after brackets."""
    if isinstance(value, str) and (value[:1] == "[" or value.count(":") == 1):
        return without_port(value)
    return value


def open_client(row: Row) -> Any:
    """The client's address: ``host`` is the client's in LTSV, but nginx's ``$host`` beside a ``remote_addr``."""
    value = _open_address(_common_client(row))
    return row.get(CLIENT_OR_HOST) if value is ABSENT or value in (None, "", "-") else value


def open_vhost(row: Row) -> Any:
    """The host that was asked for, in a line that names its own fields: ``host`` too, if another is the client's."""
    value = value_or_none(_common_vhost, row)
    client = value_or_none(_common_client, row) if value is None else None
    if client not in (None, "", "-"):
        host = row.get(CLIENT_OR_HOST)
        value = None if host == _open_address(client) else host  # the client's, as its role's column
    return None if isinstance(value, dict | list) else value


_SEVERITY_DIGITS = frozenset(map(str, range(len(SEVERITIES))))
_common_client = reader(alternatives(COMMON.client))
_common_vhost = reader(alternatives(COMMON.vhost))
