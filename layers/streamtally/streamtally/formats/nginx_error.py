r"""nginx's error log: ``2025/11/22 21:21:41 [error] 242#242: *38 message, client: a, server: s, request: "r", …``.

The context after ``, client:`` is split into fields only if all of it fits; otherwise it stays part of the message.
Sessions of stream and mail have other values in it than requests. A message of several lines (PHP's) is as many lines.
Source: nginx, core functionality, ``error_log``; ngx_http_log_error_handler in src/http/ngx_http_request.c,
ngx_stream_log_error in src/stream/ngx_stream_handler.c, ngx_stream_proxy_log_error, ngx_mail_log_error.
"""

from __future__ import annotations

import re
from functools import partial

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, Roles, Row
from streamtally.formats.engine.columns import FLAGS
from streamtally.formats.engine.layout import match_end
from streamtally.formats.engine.statements import unroll
from streamtally.lazy_patterns import pattern_when_used

_TIME = r"([0-9]{4}/[0-9]{2}/[0-9]{2}\x20[0-9]{2}:[0-9]{2}:[0-9]{2})"
_LEVEL = r"\x20\[(emerg|alert|crit|error|warn|notice|info|debug)\]"
_PROCESS = r"\x20([0-9]{1,10})\#([0-9]{1,20}):"  # process#thread
_CONNECTION = r"(?:\x20\*([0-9]{1,18}))?+"
_MESSAGE = r"(?:\x20(.*+))?+\Z"
PIECES = (_TIME, _LEVEL, _PROCESS, _CONNECTION, _MESSAGE)
_PATTERN = pattern_when_used(unroll("".join(PIECES)), FLAGS)

_CLIENT, _UDP_CLIENT = ", client: ", ", udp client: "
_ANY_CLIENT = pattern_when_used(r", (udp )?client: ")
_MAX_TRIES = 16  # positions at which the context could begin
_TRAFFIC = ("bytes_from_client", "bytes_to_client", "bytes_from_upstream", "bytes_to_upstream")


_SESSION = (
    r'(?:, upstream: ([^", ]{1,256}))?+'  # of mail, without quotes
    r"(?:, bytes from/to client:([0-9]{1,18})/([0-9]{1,18})"  # of stream
    r", bytes from/to upstream:([0-9]{1,18})/([0-9]{1,18}))?+"
    r"\Z"
)
"""What a session's context ends with; a request's ends with a quoted value."""
_LAST = re.sub(r"\((?!\?)", "(?:", _SESSION)


def _quoted(name: str) -> str:
    """The pattern of a quoted value of the context, which may be missing.

    nginx does not escape quotes here: the quote that ends a value is one before the next value or the line's end.
    """
    return (
        rf'(?:, {name}: "('
        r'[^"]*+'
        r'(?:(?:"+(?=[^,])'  # quotes before anything but a comma belong to the value
        rf'|"(?!, [a-z]++: "|{_LAST}))'  # so does a quote that ends nothing
        r'[^"]*+)*+'
        r')")?+'
    )


_BEFORE = (
    r"([^, ]{1,100})"  # the client
    r"(?:\x20using\x20starttls)?+"
    r"(?:, server: ([^,]{0,256}))?+"
)
_REQUEST = pattern_when_used(
    _BEFORE + "".join(map(_quoted, ("request", "subrequest", "upstream", "host", "referrer"))) + r"\Z", re.DOTALL
)
_OTHER = pattern_when_used(_BEFORE + _quoted("upstream") + _quoted("login") + _SESSION, re.DOTALL)
_NO_CONTEXT = (None,) * 7


def _split_context(message: str) -> tuple[str, tuple[str | None, ...], Row]:
    """The message without its context, the context's values (``_NO_CONTEXT`` if there is none), and further fields."""
    first = start = message.find(_CLIENT)
    for _ in range(_MAX_TRIES):
        if start < 0:
            break
        match = _REQUEST.match(message, start + len(_CLIENT))
        if match is not None:
            return message[:start], match.groups(), {}
        start = message.find(_CLIENT, start + 1)
    udp = message.find(_UDP_CLIENT)
    if first < 0 and udp < 0:
        return message, _NO_CONTEXT, {}
    return _split_session(message)


def _split_session(message: str) -> tuple[str, tuple[str | None, ...], Row]:
    """The same for sessions of stream and mail."""
    start = _ANY_CLIENT.search(message)
    for _ in range(_MAX_TRIES):
        if start is None:
            break
        match = _OTHER.match(message, start.end())
        if match is not None:
            client, server, upstream, login, of_mail, *traffic = match.groups()
            values = (client, server, None, None, upstream or of_mail, None, None)
            return message[: start.start()], values, _further(start[1] is not None, login, traffic)
        start = _ANY_CLIENT.search(message, start.end())
    return message, _NO_CONTEXT, {}


def _further(is_udp: bool, login: str | None, traffic: list[str | None]) -> Row:
    """The fields of sessions, which requests do not have: those that the line has."""
    row: Row = {"transport": "udp"} if is_udp else {}
    if login is not None:
        row["login"] = login
    return row | {name: int(text) for name, text in zip(_TRAFFIC, traffic, strict=True) if text is not None}


def compile_nginx_error(options: FormatOptions) -> Parser:
    """A parser of nginx's error log. It uses no options."""
    match = _PATTERN.match

    def parse(line: str) -> Row:
        matched = match(line)
        if matched is None:
            raise FormatError("nginx_error", "not an nginx error log line")
        datetime, level, pid, tid, connection, message = matched.groups()
        message, context, further = _split_context(message or "")
        client, server, request, subrequest, upstream, host, referrer = context
        row = {
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
        return row | further if further else row

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
        Field("transport", "VARCHAR", "udp; only in sessions of stream over UDP"),
        Field("login", "VARCHAR", "the login; only in sessions of mail"),
        Field("bytes_from_client", "BIGINT", "bytes received from the client; only in sessions of stream"),
        Field("bytes_to_client", "BIGINT", "bytes sent to the client; only in sessions of stream"),
        Field("bytes_from_upstream", "BIGINT", "bytes received from upstream; only in sessions of stream"),
        Field("bytes_to_upstream", "BIGINT", "bytes sent to upstream; only in sessions of stream"),
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
