"""Roles at work: the columns of the combined log, and ``level``, for the rows of every format.

A program that was written for the combined log reads ``host ident authuser datetime request response bytes referer
agent``. A format's :class:`Roles` say which of its fields these are; here they become functions that add the columns to
a row. A field of the log's own always takes precedence over a role's column of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from functools import partial
from typing import Any

from streamtally.formats.base import NO_ROLES, Format, Names, Roles, Row
from streamtally.formats.logged_headers import BETWEEN, find_header
from streamtally.formats.role_names import COLUMN_ROLES, COMMON, ROLE_COLUMNS, SEVERITIES, TIME_COLUMN

_NOT_ROLES = ("client_has_port", "levels", "forwarded")
ROLE_NAMES = tuple(role.name for role in fields(Roles) if role.name not in _NOT_ROLES)
"""The roles that a field has alone: the attributes of Roles that name fields, of which one counts."""

DEFAULT_BY = ("status", "level")
"""The roles by which a log is counted unless a program says otherwise: the first that it has."""

MAX_SHAPES = 256
"""Sets of field names for which the work is remembered."""

CLIENT_OR_HOST = "host"
"""The client in the combined log and in LTSV; the host that was asked for in nginx, beside the client's address."""

OBJECTS = "\x00objects"
"""The member of a completed row that holds the log's own objects whose names role columns took."""

Get = Callable[[Row], Any]
AddColumns = Callable[[Row], None]
"""Adds columns to a row, in place. A role that the row does not have adds nothing."""


def is_open(log_format: Format) -> bool:
    """Whether a line of the format names its own fields, or the pipeline does: roles then go by common names."""
    return log_format.roles is COMMON


def roles_among(names: Iterable[str], also: Roles = NO_ROLES) -> Roles:
    """The roles of fields that have common names: for each role, the first of its names that is among these.

    Args: also: further names, after the common ones.
    """
    known = set(names)
    further = names_of(also)
    first: dict[str, Any] = {
        role: next((name for name in (*common, *further.get(role, ())) if name in known), "")
        for role, common in names_of(replace(COMMON, ident="ident", request=("request", *COMMON.request))).items()
    }
    if first.get("client", CLIENT_OR_HOST) != CLIENT_OR_HOST and CLIENT_OR_HOST in known:
        first["vhost"] = first["vhost"] or CLIENT_OR_HOST
    forwarded = (*alternatives(COMMON.client), *alternatives(COMMON.forwarded))
    return Roles(**first, forwarded=tuple(name for name in forwarded if name in known))


def alternatives(names: Names) -> tuple[str, ...]:
    """The names as a tuple, empty if there is none."""
    return names if isinstance(names, tuple) else (names,) if names else ()


def names_of(roles: Roles) -> dict[str, tuple[str, ...]]:
    """Role → the names of its fields; roles without a field are left out."""
    named = {role: alternatives(getattr(roles, role)) for role in ROLE_NAMES}
    return {role: names for role, names in named.items() if names}


def fields_of(log_format: Format) -> dict[str, tuple[str, ...]]:
    """Role → the fields that have it, with ``time``; roles that the format does not have are left out."""
    time = log_format.time_field
    times = () if time is None else (time,) if isinstance(time, str) else time
    return {**({"time": times} if times else {}), **names_of(log_format.roles)}


def has_column(log_format: Format, column: str) -> bool:
    """Whether a format's roles can give a column."""
    roles = log_format.roles
    if column == TIME_COLUMN:
        return log_format.time_field is not None or is_open(log_format)
    if column == "request" and (roles.method or roles.path):
        return True
    return bool(getattr(roles, COLUMN_ROLES[column]))


def column_adder(log_format: Format, columns: Iterable[str]) -> AddColumns | None:
    """A function that adds these columns to a format's row; None if there is nothing to add.

    Args: columns: those of ``ROLE_COLUMNS`` that are read, without ``datetime``.
    """
    wanted = [column for column in ROLE_COLUMNS if column in set(columns) and column != TIME_COLUMN]
    if is_open(log_format):
        return _OpenColumns(wanted).add if wanted else None
    own = {field.name for field in log_format.fields}
    makers = tuple((column, _maker(log_format.roles, column)) for column in wanted if column not in own)
    used = tuple((column, make) for column, make in makers if make is not None)
    if not used:
        return None

    def add(row: Row) -> None:
        for column, make in used:
            value = make(row)
            if value is not ABSENT:
                row[column] = value

    return add


def role_reader(log_format: Format, column: str) -> Get:
    """Reads what a role's column stands for, from the fields that have the role; None where a row has none of them.

    Unlike the column itself, it never reads a field of the log's own that has the column's name by chance: the ``host``
    of nginx's error log is the server that was asked for. In lines that name their own fields, it is the column.
    """
    roles = log_format.roles
    path = reader(alternatives(roles.path)) if column == "request" and roles.path else None  # it may have no method
    if is_open(log_format):
        return _open_client if column == "host" else partial(_column_or, column, path)
    read = path if path is not None and not (roles.request or roles.method) else _maker(roles, column)
    return partial(_value_or_none, read) if read is not None else lambda _: None


def _column_or(column: str, otherwise: Get | None, row: Row) -> Any:
    value = row.get(column)
    return _value_or_none(otherwise, row) if otherwise is not None and value is None else value


def _open_client(row: Row) -> Any:
    """The client's address: ``host`` is the client's in LTSV, but nginx's ``$host`` beside a ``remote_addr``."""
    value = _open_address(_common_client(row))
    return row.get(CLIENT_OR_HOST) if value is ABSENT or value in (None, "", "-") else value


def open_vhost(row: Row) -> Any:
    """The host that was asked for, in a line that names its own fields: ``host`` too, if another is the client's."""
    value = _value_or_none(_common_vhost, row)
    client = _value_or_none(_common_client, row) if value is None else None
    if client not in (None, "", "-"):
        host = row.get(CLIENT_OR_HOST)
        value = None if host == _open_address(client) else host  # the client's, as its role's column
    return None if isinstance(value, dict | list) else value


def _value_or_none(read: Get, row: Row) -> Any:
    value = read(row)
    return None if value is ABSENT else value


class _Absent:
    """What a row without a role gives."""


ABSENT = _Absent()
"""What reads a row that does not have the field returns this."""


def _maker(roles: Roles, column: str) -> Get | None:
    """The function that makes a column of a row; None if the format has no such role."""
    if column == "request" and not roles.request:
        return _request_maker(roles) if roles.method or roles.path else None
    names = alternatives(getattr(roles, COLUMN_ROLES[column]))
    if not names:
        return None
    read = reader(names)
    if column == "host" and roles.client_has_port:
        return lambda row: _without_port(read(row))
    if column == "level" and roles.levels:
        return lambda row: _level_name(read(row), roles.levels)
    return read


def reader(names: tuple[str, ...]) -> Get:
    """Reads the first of these names that has a value; null if one is there without a value."""
    if len(names) == 1 and "." not in names[0]:
        (only,) = names
        return lambda row: row.get(only, ABSENT)
    paths = [(name, tuple(name.split("."))) for name in names]

    def read(row: Row) -> Any:
        result: Any = ABSENT
        for name, path in paths:
            value = row.get(name, ABSENT)
            if value is ABSENT and len(path) > 1:
                value = nested(row, path)
                if BETWEEN in name and (value is ABSENT or isinstance(value, list)):
                    value = find_header(_holder(row, path[0]), name) or ABSENT
            if value is ABSENT:
                continue
            if value is not None and not isinstance(value, dict | list):
                return value
            result = None if value is None else result
        return result

    return read


def _holder(row: Row, name: str) -> Row:
    """What holds the log's own object of this name: the row, unless a role's column took its place."""
    return row if OBJECTS not in row or isinstance(row.get(name), dict) else row[OBJECTS]


def nested(row: Row, path: tuple[str, ...]) -> Any:
    """A member of nested objects; an inner member may itself have dots in its name: ``{"attributes":{"a.b":1}}``."""
    value: Any = _holder(row, path[0])
    for index, step in enumerate(path):
        if not isinstance(value, dict):
            return ABSENT
        rest = ".".join(path[index:])
        if index and rest in value:
            return value[rest]
        if step not in value:
            return ABSENT
        value = value[step]
    return value


_SEVERITY_DIGITS = frozenset(map(str, range(len(SEVERITIES))))
_common_client = reader(alternatives(COMMON.client))
_common_vhost = reader(alternatives(COMMON.vhost))


def _request_maker(roles: Roles) -> Get:
    method, path, query, protocol = (
        reader(alternatives(names)) for names in (roles.method, roles.path, roles.query, roles.protocol)
    )

    def make(row: Row) -> Any:
        verb, target = method(row), path(row)
        if not isinstance(verb, str) or not isinstance(target, str):
            return ABSENT if verb is ABSENT or target is ABSENT else None
        arguments, version = query(row), protocol(row)
        if isinstance(arguments, str) and arguments not in ("", "-") and "?" not in target:
            target += arguments if arguments.startswith("?") else f"?{arguments}"
        return f"{verb} {target}{request_version(version) if isinstance(version, str) else ''}"

    return make


def request_version(protocol: str) -> str:
    """The end of a request line: ECS and OpenTelemetry have the number alone. A scheme (https) is not a version."""
    if protocol.startswith("HTTP/"):
        return f" {protocol}"
    return f" HTTP/{protocol}" if protocol[:1].isdigit() else ""


def _without_port(value: Any) -> Any:
    """``192.0.2.1:80`` and ``[2001:db8::1]:80`` without the port: what follows the last colon."""
    if not isinstance(value, str):
        return value
    address, colon, port = value.rpartition(":")
    if not colon or not port.isdigit() or not address or address[-1:] == ":":  # 2001:db8::1 has no port
        return value
    return address[1:-1] if address[:1] == "[" and address[-1:] == "]" else address


def _level_name(value: Any, levels: tuple[str, ...]) -> Any:
    return levels[value] if type(value) is int and 0 <= value < len(levels) else value


class _OpenColumns:
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
        line, parts = reader(alternatives(COMMON.request)), _request_maker(COMMON)

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
        return _without_port(value)
    return value
