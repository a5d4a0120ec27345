"""``format = 'nginx:$remote_addr - $remote_user [$time_local] "$request" $status …'``: nginx's ``log_format``.

The whole directive is accepted too, with its name, ``escape=`` and quoted pieces. Fields have the variables' names.
Source: nginx, ngx_http_log_module, ``log_format``; "Alphabetical index of variables".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from streamtally.formats.base import Format
from streamtally.formats.directives.directive import Part, Variable, directive_format, directive_layout
from streamtally.formats.engine.columns import CLF_TIME
from streamtally.formats.engine.escapes import unescape, unescape_json

PREFIX = "nginx:"
_VARIABLE = re.compile(r"\$(?:\{([a-zA-Z0-9_]+)\}|([a-zA-Z0-9_]+))")
_PIECE = re.compile(
    r"'((?:[^'\\]|\\.)*)'"  # in single quotes, in which a backslash escapes the next character
    r'|"((?:[^"\\]|\\.)*)"',  # or in double quotes
    re.DOTALL,
)
_TIME_ISO = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"T[0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"[+\-][0-9]{2}:[0-9]{2}"  # offset from UTC
)

_TYPES = {
    "status": ("INTEGER", "status code of the response"),
    "remote_port": ("INTEGER", "the client's port"),
    "server_port": ("INTEGER", "the server's port"),
    "proxy_protocol_port": ("INTEGER", "the client's port by the PROXY protocol"),
    "body_bytes_sent": ("BIGINT", "bytes of the response body"),
    "bytes_sent": ("BIGINT", "bytes of the response"),
    "bytes_received": ("BIGINT", "bytes of the request"),
    "request_length": ("BIGINT", "bytes of the request, with header and body"),
    "content_length": ("BIGINT", "Content-Length of the request in bytes"),
    "http_content_length": ("BIGINT", "Content-Length of the request in bytes"),
    "sent_http_content_length": ("BIGINT", "Content-Length of the response in bytes"),
    "connection": ("BIGINT", "serial number of the connection"),
    "connection_requests": ("BIGINT", "requests of the connection so far"),
    "connections_active": ("BIGINT", "connections of the server"),
    "connections_reading": ("BIGINT", "connections being read"),
    "connections_writing": ("BIGINT", "connections being written"),
    "connections_waiting": ("BIGINT", "idle connections"),
    "limit_rate": ("BIGINT", "limit of the response rate, bytes per second"),
    "pid": ("BIGINT", "the worker's process id"),
    "tcpinfo_rtt": ("BIGINT", "round trip, microseconds"),
    "tcpinfo_rttvar": ("BIGINT", "variation of the round trip, microseconds"),
    "tcpinfo_snd_cwnd": ("BIGINT", "congestion window"),
    "tcpinfo_rcv_space": ("BIGINT", "receive window"),
    "request_time": ("DOUBLE", "seconds that the request took"),
    "connection_time": ("DOUBLE", "seconds that the connection has lasted"),
    "session_time": ("DOUBLE", "seconds that the session took"),
    "gzip_ratio": ("DOUBLE", "compression ratio of the response"),
    "msec": ("DOUBLE", "when the line was written, seconds since 1970"),
}
_PATTERNS = {
    "time_local": ("when the line was written, dd/MMM/yyyy:HH:mm:ss Z", CLF_TIME),
    "time_iso8601": ("when the line was written, ISO 8601", _TIME_ISO),
    "is_args": ("? if there are arguments", r"\??+"),
}
_BEGINS = {"request_uri": "/", "uri": "/", "document_uri": "/", "is_args": "?"}
_ADDRESSES = frozenset(("remote_addr", "realip_remote_addr", "server_addr", "proxy_protocol_addr"))
_LISTS = frozenset(("http_x_forwarded_for", "proxy_add_x_forwarded_for"))
_UPSTREAM_TEXTS = ("upstream_http_", "upstream_cookie_", "upstream_trailer_")  # of one server only, and any text
_LEAVES_EMPTY = re.compile(r"\s*log_format\s+\S+\s+escape=(?:json|none)\s")  # a missing value, instead of writing "-"
_SSI_DATE = "strftime:%A, %d-%b-%Y %H:%M:%S %Z"  # as ngx_http_ssi_module writes it without its timefmt
_ESCAPING = re.compile(r"\s*log_format\s+\S+\s+escape=(default|json|none)\s")
_UNDO: dict[str, Callable[[str], str]] = {"default": unescape, "json": unescape_json, "none": str}
TIMES = (
    ("time_iso8601", "iso8601"),
    ("time_local", "dd/MMM/yyyy:HH:mm:ss Z"),
    ("msec", "unix"),
    ("date_gmt", _SSI_DATE),
    ("date_local", _SSI_DATE),
)


def variable_of(name: str) -> Variable:
    """The field of a variable. Those of upstream are text, since one can hold the values of several servers."""
    if name in _PATTERNS:
        meaning, pattern = _PATTERNS[name]
        return Variable(name, "VARCHAR", meaning, pattern, _BEGINS.get(name, ""))
    kind, meaning = _TYPES.get(name, ("VARCHAR", f"${name}"))
    is_list = name in _LISTS or (name.startswith("upstream_") and not name.startswith(_UPSTREAM_TEXTS))
    syntax = "list" if is_list else "address" if name in _ADDRESSES else ""
    return Variable(name, kind, meaning, "", _BEGINS.get(name, ""), syntax)


def _format_string(text: str) -> str:
    """The format string, given alone or as a whole ``log_format name '…' '…';``."""
    if not re.match(r"\s*log_format\s", text):
        return text
    return "".join(
        re.sub(r"\\(.)", r"\1", piece[1] if piece[1] is not None else piece[2]) for piece in _PIECE.finditer(text)
    )


def parts_of(directive: str) -> list[Part]:
    """The directive as literals and variables."""
    text, parts, position = _format_string(directive), list[Part](), 0
    leaves_empty = _LEAVES_EMPTY.match(directive) is not None
    for match in _VARIABLE.finditer(text):
        variable = variable_of(match[1] or match[2])
        if leaves_empty and variable.type != "VARCHAR":
            variable = replace(variable, can_be_empty=True)
        parts += [text[position : match.start()], variable]
        position = match.end()
    return [*parts, text[position:]]


@lru_cache(maxsize=64)
def find(name: str) -> Format:
    """The format of ``nginx:…``. Raises: SettingsError."""
    directive = name.removeprefix(PREFIX)
    escaping = _ESCAPING.match(directive)
    undo = _UNDO[escaping[1]] if escaping else unescape
    layout = directive_layout(name, parts_of(directive), undo)
    return directive_format(name, layout, "nginx: ngx_http_log_module, log_format", TIMES)
