"""The parts of a request line: method, path without the query, protocol, query. Source: RFC 9110, 9.1; RFC 9112, 3."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

_METHOD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_REMEMBERED_CHARS: Final = 500
_USUAL: Final = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", re.ASCII)  # scheme and authority of absolute-form


class RequestParts(NamedTuple):
    """A part that the request does not have is None."""

    method: str | None
    path: str | None
    protocol: str | None
    query: str | None = None


def split_request(request: str) -> RequestParts:
    """The parts of a request line, or of a path alone. A text that is neither, such as TLS bytes, has none."""
    return _remembered(request) if len(request) <= _REMEMBERED_CHARS else _split(request)


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
