"""The parts of a request line: method, path without the query, protocol, query. Source: RFC 9110, 9.1; RFC 9112, 3."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

_METHOD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_REMEMBERED_CHARS: Final = 500
_USUAL: Final = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", re.ASCII)  # scheme and authority of absolute-form


_USUAL_LINES: Final = re.compile(
    rf"(?m)^(?:({'|'.join(sorted(_USUAL))})\x20"
    r"(/[^\x20?\n]*)(?:\?([^\x20\n]*))?\x20"  # path, query
    r"(HTTP/[^\x20\n]*)"
    r"|(.*))$"  # any other text
)


class RequestParts(NamedTuple):
    """A part that the request does not have is None."""

    method: str | None
    path: str | None
    protocol: str | None
    query: str | None = None


def split_request(request: str) -> RequestParts:
    """The parts of a request line, or of a path alone. A text that is neither, such as TLS bytes, has none."""
    return _remembered(request) if len(request) <= _REMEMBERED_CHARS else _split(request)


class RequestColumns(NamedTuple):
    """The parts of several requests, one list for each part. A request without a part has None there, or nothing."""

    methods: Sequence[str | None]
    paths: Sequence[str | None]
    queries: Sequence[str | None]
    protocols: Sequence[str | None]


def split_requests(requests: Sequence[str]) -> RequestColumns:
    """The parts of each request, as :func:`split_request` gives them, in a tenth of its time for usual ones."""
    lines = _USUAL_LINES.findall("\n".join(requests))
    if not requests or len(lines) != len(requests):  # one holds a line end
        parts = [split_request(request) for request in requests]
        return RequestColumns(
            *([getattr(part, name) for part in parts] for name in ("method", "path", "query", "protocol"))
        )
    *columns, others = map(list, zip(*lines, strict=True))
    methods, paths, queries, protocols = columns
    for index in [index for index, path in enumerate(paths) if not path]:
        methods[index], paths[index], protocols[index], queries[index] = split_request(others[index])
    return RequestColumns(methods, paths, queries, protocols)


@lru_cache(maxsize=8_192)  # several lists of a batch count the same requests
def _remembered(request: str) -> RequestParts:
    return _split(request)


def _split(request: str) -> RequestParts:
    if request.startswith("/"):
        return RequestParts(None, _path(request), None, _query(request))
    method, _, rest = request.partition(" ")
    target, _, protocol = rest.rpartition(" ")
    if not protocol.startswith("HTTP/"):
        target, protocol = rest, ""
    if not (target and (protocol or target.startswith("/")) and _is_method(method)):
        return RequestParts(None, None, None)
    return RequestParts(method, _path(target), protocol or None, _query(target))


def _is_method(word: str) -> bool:
    return word in _USUAL or (word != "-" and _METHOD.fullmatch(word) is not None)


def _query(target: str) -> str | None:
    return target.partition("?")[2] or None


def _path(target: str) -> str:
    path = target.partition("?")[0]
    if path.startswith("/"):
        return path
    if (origin := _ABSOLUTE.match(path)) is not None:
        return path[origin.end() :] or "/"
    return path
