"""Writes a generated hit as a line of each format, and breaks lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import orjson

from streamtally.local import sample_words as words


class Hit(NamedTuple):
    """One request as a server logs it; texts contain the log's escapes."""

    host: str
    user: str
    request: str
    status: int
    size: int
    """In bytes; -1 for ``-``."""
    referer: str
    agent: str


def _common(stamp: str, hit: Hit) -> str:
    host, user, request, status, size, _, _ = hit
    return f'{host} - {user} [{stamp}] "{request}" {status} {size if size >= 0 else "-"}'


def _combined(stamp: str, hit: Hit) -> str:
    host, user, request, status, size, referer, agent = hit
    return f'{host} - {user} [{stamp}] "{request}" {status} {size if size >= 0 else "-"} "{referer}" "{agent}"'


def _json(stamp: str, hit: Hit) -> str:
    """What the Kinesis Agent's LOGTOJSON makes: strings only, ``-`` as null, quoted text cut at its first quote.

    The agent itself would skip IPv6 hosts and quotes in requests; other shippers send them, so they stay.
    """
    host, user, request, status, size, referer, agent = hit
    fields = {
        "host": host,
        "ident": None,
        "authuser": None if user == "-" else user,
        "datetime": stamp,
        "request": None if request == "-" else request,
        "response": str(status),
        "bytes": str(size) if size >= 0 else None,
        "referer": None if referer == "-" else referer,
        "agent": None if agent == "-" else agent.partition('"')[0],
    }
    return orjson.dumps(fields).decode()


def _graphql(stamp: str, hit: Hit) -> str:
    """The log of a GraphQL server behind nginx; fields that other formats lack are derived from the size and the host.

    Its pattern accepts neither IPv6 hosts nor ``-`` for a size: these become an IPv4 host and 0.
    """
    host, _, request, status, size, referer, agent = hit
    if ":" in host:
        host = f"198.51.100.{len(host)}"
    size = max(size, 0)
    verb = "GET" if request.startswith("GET /static") else "POST"
    operation = words.OPERATIONS[size % len(words.OPERATIONS)]
    took = size * 7 % 900
    return (
        f'{host} - - [{stamp}] "{verb} /graphql HTTP/1.1" {status} {size} "{referer or "-"}" "{agent}" '
        f'0.{took:03d} "{operation}" {11111 * (1 + size % 5)};{222222 + size % 977}'
    )


FORMATS: Final[dict[str, Callable[[str, Hit], str]]] = {
    "apache_common": _common,
    "apache_combined": _combined,
    "nginx": _combined,
    "json": _json,
    "graphql": _graphql,
}


def broken_line(line: str, stamp: str, chance: float) -> str:
    """What a log contains besides its lines, instead of ``line``; ``chance`` in [0, 1) picks the kind.

    None of these fits a format: a truncated line, another program's output, a missing field, an empty line.
    """
    kinds: tuple[Callable[[], str], ...] = (
        lambda: "",
        lambda: line[: line.index("[", 1) + 8] if "[" in line[1:] else line[: len(line) // 2],
        lambda: line[:40],
        lambda: f"[{stamp[:20]}] [error] [pid 4711] AH00126: Invalid URI in request",
        lambda: '  File "/srv/shop/views.py", line 88, in checkout',
        lambda: "-- MARK --",
        lambda: line.replace("[", "", 1).replace("{", "", 1),
        lambda: "\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
        lambda: f"logrotate: {stamp[:11]} rotated",
        lambda: line[line.find("+0000") :],
    )
    return kinds[int(chance * len(kinds))]()
