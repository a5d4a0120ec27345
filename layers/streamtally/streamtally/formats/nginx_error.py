r"""nginx's error log: ``2025/11/22 21:21:41 [error] 242#242: *38 message, client: a, server: s, request: "r", …``.

The context after ``, client:`` is split into fields only if all of it fits; otherwise it stays part of the message.
Source: nginx, core functionality, ``error_log``; ngx_http_log_error_handler in src/http/ngx_http_request.c.
"""

from __future__ import annotations

import re
from functools import partial

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, Roles, Row
from streamtally.formats.engine.columns import FLAGS
from streamtally.formats.engine.layout import match_end

_TIME = r"([0-9]{4}/[0-9]{2}/[0-9]{2}\x20[0-9]{2}:[0-9]{2}:[0-9]{2})"
_LEVEL = r"\x20\[(emerg|alert|crit|error|warn|notice|info|debug)\]"
_PROCESS = r"\x20([0-9]{1,10})\#([0-9]{1,20}):"  # process#thread
_CONNECTION = r"(?:\x20\*([0-9]{1,18}))?+"
_MESSAGE = r"(?:\x20(.*+))?+\Z"
PIECES = (_TIME, _LEVEL, _PROCESS, _CONNECTION, _MESSAGE)
_PATTERN = re.compile("".join(PIECES), FLAGS)

_CLIENT = ", client: "
_MAX_TRIES = 16  # positions at which the context could begin


def _quoted(name: str) -> str:
    """The pattern of a quoted value of the context, which may be missing.

    nginx does not escape quotes here: the quote that ends a value is one before the next value or the line's end.
    """
    return (
        rf'(?:, {name}: "('
        r'[^"]*+'
        r'(?:(?:"+(?=")'  # of several quotes in a row, all but the last belong to the value
        r'|"(?!, [a-z]++: "|\Z))'  # so does a quote that ends nothing
        r'[^"]*+)*+'
        r')")?+'
    )


_CONTEXT = re.compile(
    r"([^, ]{1,100})"  # the client
    r"(?:, server: ([^,]{0,256}))?+"
    + "".join(map(_quoted, ("request", "subrequest", "upstream", "host", "referrer")))
    + r"\Z",
    re.DOTALL,
)
_NO_CONTEXT = (None,) * 7


def _split_context(message: str) -> tuple[str, tuple[str | None, ...]]:
    """The message without its context, and the context's values; ``_NO_CONTEXT`` if there is no context."""
    start = message.find(_CLIENT)
    for _ in range(_MAX_TRIES):
        if start < 0:
            break
        match = _CONTEXT.match(message, start + len(_CLIENT))
        if match is not None:
            return message[:start], match.groups()
        start = message.find(_CLIENT, start + 1)
    return message, _NO_CONTEXT


def compile_nginx_error(options: FormatOptions) -> Parser:
    """A parser of nginx's error log. It uses no options."""
    match = _PATTERN.match

    def parse(line: str) -> Row:
        matched = match(line)
        if matched is None:
            raise FormatError("nginx_error", "not an nginx error log line")
        datetime, level, pid, tid, connection, message = matched.groups()
        message, (client, server, request, subrequest, upstream, host, referrer) = _split_context(message or "")
        return {
            "datetime": datetime,
            "level": level,
            "pid": int(pid),
            "tid": int(tid),
            "connection": connection and int(connection),
            "message": message,
            "client": client,
            "server": server,
            "request": request,
            "subrequest": subrequest,
            "upstream": upstream,
            "host": host,
            "referrer": referrer,
        }

    return parse


FORMAT = Format(
    name="nginx_error",
    summary="nginx's error log.",
    source="nginx: core functionality, error_log",
    fields=(
        Field("datetime", "VARCHAR", "yyyy/MM/dd HH:mm:ss, in the server's zone"),
        Field("level", "VARCHAR", "emerg, alert, crit, error, warn, notice, info, debug"),
        Field("pid", "BIGINT", "the server's process"),
        Field("tid", "BIGINT", "its thread"),
        Field("connection", "BIGINT", "serial number of the connection"),
        Field("message", "VARCHAR", "the message, without its context"),
        Field("client", "VARCHAR", "the client's address"),
        Field("server", "VARCHAR", "the server's name"),
        Field("request", "VARCHAR", "the request line"),
        Field("subrequest", "VARCHAR", "path of the subrequest"),
        Field("upstream", "VARCHAR", "URL of the upstream server"),
        Field("host", "VARCHAR", "the Host header"),
        Field("referrer", "VARCHAR", "the Referer header"),
    ),
    examples=(
        Example(
            '2025/11/22 21:21:41 [error] 24252#24252: *194 open() "/srv/www/a, b" failed (2: No such file), '
            'client: 2001:db8::5, server: example.com, request: "GET /a HTTP/1.1", host: "example.com"',
            {
                "datetime": "2025/11/22 21:21:41",
                "level": "error",
                "pid": 24252,
                "tid": 24252,
                "connection": 194,
                "message": 'open() "/srv/www/a, b" failed (2: No such file)',
                "client": "2001:db8::5",
                "server": "example.com",
                "request": "GET /a HTTP/1.1",
                "subrequest": None,
                "upstream": None,
                "host": "example.com",
                "referrer": None,
            },
        ),
    ),
    compile=compile_nginx_error,
    time_field="datetime",
    time_format="yyyy/MM/dd HH:mm:ss",
    locate=partial(match_end, PIECES),
    roles=Roles(level="level", client="client", request="request", vhost="host", referer="referrer"),
)
