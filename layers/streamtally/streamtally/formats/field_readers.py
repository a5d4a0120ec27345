"""Fields of rows, read by their names: those with a role, and members of nested objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamtally.formats.base import Names, Roles, Row
from streamtally.formats.logged_headers import BETWEEN, find_header

OBJECTS = "\x00objects"
"""The member of a completed row that holds the log's own objects whose names role columns took."""

Get = Callable[[Row], Any]


class _Absent:
    """What a row without a role gives."""


ABSENT = _Absent()
"""What reads a row that does not have the field returns this."""


def alternatives(names: Names) -> tuple[str, ...]:
    """The names as a tuple, empty if there is none."""
    return names if isinstance(names, tuple) else (names,) if names else ()


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


def value_or_none(read: Get, row: Row) -> Any:
    value = read(row)
    return None if value is ABSENT else value


def request_maker(roles: Roles) -> Get:
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


def without_port(value: Any) -> Any:
    """``192.0.2.1:80`` and ``[2001:db8::1]:80`` without the port: what follows the last colon."""
    if not isinstance(value, str):
        return value
    address, colon, port = value.rpartition(":")
    if not colon or not port.isdigit() or not address or address[-1:] == ":":  # 2001:db8::1 has no port
        return value
    return address[1:-1] if address[:1] == "[" and address[-1:] == "]" else address
