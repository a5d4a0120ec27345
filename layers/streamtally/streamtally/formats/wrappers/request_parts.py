"""The request's method, path, query and protocol as fields of their own, by what a format's fields mean.

A format that logs the request line has it split. One that logs the parts under other names, such as ``cs-uri-stem``,
has them under these names too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from streamtally.formats.base import Format, Row
from streamtally.formats.field_readers import ABSENT, Get, alternatives, reader, request_version
from streamtally.formats.role_names import COMMON
from streamtally.formats.roles import is_open

PARTS = ("method", "path", "query", "protocol")
"""The fields that are added, in their order."""

Parts = tuple[str | None, str | None, str | None, str | None]
_NONE: Parts = (None, None, None, None)
_OPEN_REQUESTS = ("request", *alternatives(COMMON.request), "request_uri")
"""Fields that may hold a request line where lines name their own fields: ``request_uri`` does in S3, not in nginx."""
_METHOD = re.compile(r"[A-Za-z!#$%&'*+.^_`|~-]{1,32}", re.ASCII)


def has_parts(log_format: Format) -> bool:
    """Whether a format's lines can have the parts of a request."""
    roles = log_format.roles
    return is_open(log_format) or bool(roles.request or (roles.method and roles.path))


def split_step(log_format: Format) -> Callable[[Row], Row] | None:
    """A function that adds the parts to a format's row; None if the format has no request.

    They follow the request line, or are the row's last fields. All are null if the field holds no request line. A field
    of the log's own under one of these names stays as it is.
    """
    if not has_parts(log_format):
        return None
    roles = log_format.roles
    names = _OPEN_REQUESTS if is_open(log_format) else alternatives(roles.request)
    readers = tuple(reader(alternatives(getattr(roles, part))) for part in PARTS)
    if not names:
        return lambda row: _with_parts(row, _parts_of(row, readers), None)

    def split(row: Row) -> Row:
        after = None
        for name in names:
            value = row.get(name, ABSENT)
            if value is ABSENT:
                continue
            after = after or name
            parts = parse_request(value)
            if parts[0] is not None:
                return _with_parts(row, parts, name)
        return _with_parts(row, _parts_of(row, readers) or (_NONE if after else None), after)

    return split


def _with_parts(row: Row, parts: Parts | None, after: str | None) -> Row:
    if parts is None:
        return row
    added = {name: part for name, part in zip(PARTS, parts, strict=True) if name not in row}
    if after is None:
        return row | added
    result: Row = {}
    for name, value in row.items():
        result[name] = value
        if name == after:
            result.update(added)
    return result


def _parts_of(row: Row, readers: tuple[Get, ...]) -> Parts | None:
    """The parts from fields of their own; None if the row has no method or no target."""
    method, path, query, protocol = (read(row) for read in readers)
    if not isinstance(method, str) or not isinstance(path, str):
        return None if method is ABSENT or path is ABSENT else _NONE
    if not isinstance(query, str):
        path, mark, query = path.partition("?")
        query = query if mark else None
    return method, path or None, query, request_version(protocol).strip() or None if isinstance(protocol, str) else None


def parse_request(value: Any) -> Parts:
    """``GET /a?b HTTP/1.1`` → method, path, query, protocol. A target may hold spaces; HTTP/0.9 has no protocol."""
    method, space, rest = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if not space or not _METHOD.fullmatch(method) or method == "-":
        return _NONE
    target, space, protocol = rest.rpartition(" ")
    if not space or not protocol.startswith("HTTP/"):
        target, protocol = rest, ""
    path, mark, query = target.partition("?")
    return method, path or None, query if mark else None, protocol or None
