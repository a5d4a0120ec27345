r"""nginx's default line and Apache's combined line are the same; what the servers write into it is not always.

Apache escapes a quote as ``\"``, a backslash as ``\\``, control characters as ``\n`` or ``\x1b`` (lower case) and
writes ``-`` for an empty body; ``%l`` can hold a name. nginx escapes all of these as ``\xHH`` (upper case), writes
``0`` for an empty body, and has status codes of its own.
Sources: Apache, server/util.c, ap_escape_logitem; mod_log_config, ``%b``; nginx,
src/http/modules/ngx_http_log_module.c, ngx_http_log_escape, and ngx_http_request.h.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from streamtally.formats import apache_combined, nginx
from streamtally.formats.base import FormatOptions, Row

_NGINX_ESCAPE = re.compile(r"\\x(?:22|5C|[0-9A-F]{0,1}[A-F][0-9A-F]?)")
_APACHE_ESCAPE = re.compile(r"\\(?:[\"\\bnrtv]|x[0-9a-f]{0,1}[a-f][0-9a-f]?)")
_NGINX_STATUS = frozenset((444, 494, 495, 496, 497, 499))
_QUOTED = ("request", "referer", "agent")


class Sign(NamedTuple):
    """Who wrote a line (a format's name), what in it says so, and the line's number."""

    server: str
    what: str
    number: int


def tell_server(numbered: Iterable[tuple[int, str]]) -> Sign | None:
    """The first sign of nginx in combined lines if nothing in them is a sign of Apache, else Apache's; None: no sign.

    Args: numbered: lines with their numbers; those that are not combined say nothing.
    """
    parse = apache_combined.FORMAT.compile(FormatOptions())
    first: Sign | None = None
    for number, line in numbered:
        try:
            server, what = _sign(parse(line))
        except Exception:  # noqa: S112 - a line that is not combined says nothing
            continue
        if server == apache_combined.FORMAT.name:
            return Sign(server, what, number)
        if server and first is None:
            first = Sign(server, what, number)
    return first


def _sign(row: Row) -> tuple[str, str]:
    texts = [row[name] or "" for name in _QUOTED]
    apache, other = apache_combined.FORMAT.name, nginx.FORMAT.name
    for text in texts:
        if found := _APACHE_ESCAPE.search(text):
            return apache, f"the escape {found[0]}"
    if row["bytes"] is None:
        return apache, "- for no bytes"
    if row["ident"] is not None:
        return apache, "a name of identd"
    for text in texts:
        if found := _NGINX_ESCAPE.search(text):
            return other, f"the escape {found[0]}"
    if row["response"] in _NGINX_STATUS:
        return other, f"status {row['response']}"
    if row["bytes"] == 0:
        return other, "0 for no bytes"
    return "", ""
