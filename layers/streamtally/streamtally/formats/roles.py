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

from streamtally.formats.base import NO_ROLES, Format, Roles, Row
from streamtally.formats.field_readers import (
    ABSENT,
    Get,
    alternatives,
    reader,
    request_maker,
    value_or_none,
    without_port,
)
from streamtally.formats.open_roles import CLIENT_OR_HOST, OpenColumns, open_client
from streamtally.formats.role_names import COLUMN_ROLES, COMMON, ROLE_COLUMNS, TIME_COLUMN

_NOT_ROLES = ("client_has_port", "levels", "forwarded")
ROLE_NAMES = tuple(role.name for role in fields(Roles) if role.name not in _NOT_ROLES)
"""The roles that a field has alone: the attributes of Roles that name fields, of which one counts."""

DEFAULT_BY = ("status", "level")
"""The roles by which a log is counted unless a program says otherwise: the first that it has."""

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
        return OpenColumns(wanted).add if wanted else None
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
        return open_client if column == "host" else partial(_column_or, column, path)
    read = path if path is not None and not (roles.request or roles.method) else _maker(roles, column)
    return partial(value_or_none, read) if read is not None else lambda _: None


def _column_or(column: str, otherwise: Get | None, row: Row) -> Any:
    value = row.get(column)
    return value_or_none(otherwise, row) if otherwise is not None and value is None else value


def _maker(roles: Roles, column: str) -> Get | None:
    """The function that makes a column of a row; None if the format has no such role."""
    if column == "request" and not roles.request:
        return request_maker(roles) if roles.method or roles.path else None
    names = alternatives(getattr(roles, COLUMN_ROLES[column]))
    if not names:
        return None
    read = reader(names)
    if column == "host" and roles.client_has_port:
        return lambda row: without_port(read(row))
    if column == "level" and roles.levels:
        return lambda row: _level_name(read(row), roles.levels)
    return read


def _level_name(value: Any, levels: tuple[str, ...]) -> Any:
    return levels[value] if type(value) is int and 0 <= value < len(levels) else value
