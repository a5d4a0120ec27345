"""Headers that a JSON access log holds in an object or a list of their own.

Caddy writes ``"headers":{"User-Agent":["curl/8.5.0"]}``, and
AWS WAF ``"headers":[{"name":"user-agent","value":"curl/8.5.0"}]``.
Sources: Caddy documentation, "Logging" (Go's http.Header: a list of lines per header); AWS WAF developer guide, "Log
fields for protection pack traffic", httpRequest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

BETWEEN = ".headers."
"""What stands between the path of such headers' owner and the header's name, in the name of a role's field."""


def find_header(row: Mapping[str, Any], name: str) -> str | None:
    """A header's value; None if the row does not have it.

    Several lines of one header are joined by a comma, as RFC 9110, 5.3 joins them. Names are those of HTTP, so case
    does not matter.

    Args: name: ``owner.headers.Name``; the owner is a member of the row.
    """
    owner, _, header = name.partition(BETWEEN)
    inside = row.get(owner)
    headers = inside.get("headers") if isinstance(inside, Mapping) else None
    lines = [line for other, line in _lines(headers) if other.lower() == header.lower()]
    return ", ".join(lines) if lines else None


def header_names(headers: Any) -> Iterator[str]:
    """The names of logged headers, as HTTP/1.1 usually writes them: ``User-Agent``."""
    return (name.title() for name, _ in _lines(headers))


def _lines(headers: Any) -> Iterator[tuple[str, str]]:
    if isinstance(headers, Mapping):
        pairs = [(name, line) for name, lines in headers.items() for line in _as_list(lines)]
    else:
        pairs = [(item.get("name"), item.get("value")) for item in _as_list(headers) if isinstance(item, Mapping)]
    return ((name, line) for name, line in pairs if isinstance(name, str) and isinstance(line, str))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
