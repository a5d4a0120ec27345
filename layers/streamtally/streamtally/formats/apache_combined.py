r"""Apache's and nginx's combined log format.

``%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"``; nginx's default ``combined`` writes the same.
Source: Apache HTTP Server, mod_log_config, "Custom Log Formats"; nginx, ngx_http_log_module, ``log_format``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, Row, Scanner
from streamtally.formats.escapes import unescape

# Quoted parts are unrolled and possessive: one pass, no backtracking stack, whatever the line holds.
QUOTED = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'

COMMON_PATTERN = rf"""
    (\S++)\ (\S++)\                                             # host, ident
    ([^\[]{{1,256}}?)\                                          # authuser: may hold spaces, so the time ends it
    \[(\d\d/[A-Z][a-z]{{2}}/\d{{4}}:\d\d:\d\d:\d\d\ [+-]\d{{4}})\]\   # datetime
    {QUOTED}\                                                   # request, with the log's escapes
    (\d{{3}}|-)\ (\d{{1,18}}|-)                                 # response, bytes
"""

_PATTERN = re.compile(rf"{COMMON_PATTERN} \ {QUOTED}\ {QUOTED} \Z", re.VERBOSE | re.DOTALL | re.ASCII)

COMMON_FIELDS = (
    Field("host", "VARCHAR", "the client's name or address, IPv4 or IPv6"),
    Field("ident", "VARCHAR", "identd's answer, mostly null"),
    Field("authuser", "VARCHAR", "the user of HTTP authentication"),
    Field("datetime", "VARCHAR", "when the request came, dd/MMM/yyyy:HH:mm:ss Z"),
    Field("request", "VARCHAR", "the request line"),
    Field("response", "INTEGER", "the final status code"),
    Field("bytes", "BIGINT", "size of the answer's body in bytes, null if none was sent"),
)


def compile_combined(options: FormatOptions) -> Parser:
    """A parser of combined lines."""
    match = _PATTERN.match

    def parse(line: str) -> Row:
        found = match(line)
        if found is None:
            raise FormatError("apache_combined", "not a combined log line")
        host, ident, user, datetime, request, response, size, referer, agent = found.groups()
        return {
            "host": None if host == "-" else host,
            "ident": None if ident == "-" else ident,
            "authuser": None if user == "-" else user,
            "datetime": datetime,
            "request": None if request == "-" else request,
            "response": None if response == "-" else int(response),
            "bytes": None if size == "-" else int(size),
            "referer": None if referer == "-" else referer,
            "agent": None if agent == "-" else agent,
        }

    return with_unescape(parse, ("request", "referer", "agent"), options)


# A plain line: nothing in it that JSON would escape, so its fields can be written between quotes as they are.
PLAIN_QUOTED = r'"([^"\\\x00-\x1f]*+)"'
PLAIN_COMMON = rf"""
    ([^ "\\\x00-\x1f]++)\ ([^ "\\\x00-\x1f]++)\ ([^ \["\\\x00-\x1f]{{1,256}}+)\        # host, ident, authuser
    \[(\d\d/[A-Z][a-z]{{2}}/\d{{4}}:\d\d:\d\d:\d\d\ [+-]\d{{4}})\]\                  # datetime
    {PLAIN_QUOTED}\ ([1-9]\d\d)\ (0|[1-9]\d{{0,17}}|-)                             # request, response, bytes
"""

_PLAIN = re.compile(
    rf"^(?:{PLAIN_COMMON} \ {PLAIN_QUOTED}\ {PLAIN_QUOTED} | (.*))$", re.VERBOSE | re.MULTILINE | re.ASCII
)


def _encode_plain(found: list[tuple[str, ...]], other: Callable[[int, str], str]) -> list[str]:
    lines = []
    for number, (host, ident, user, datetime, request, response, size, referer, agent, line) in enumerate(found):
        if not host:
            lines.append(other(number, line))
            continue
        # Written out, since a call for each field would cost as much as all the rest.
        host = "null" if host == "-" else f'"{host}"'
        ident = "null" if ident == "-" else f'"{ident}"'
        user = "null" if user == "-" else f'"{user}"'
        request = "null" if request == "-" else f'"{request}"'
        referer = "null" if referer == "-" else f'"{referer}"'
        agent = "null" if agent == "-" else f'"{agent}"'
        size = "null" if size == "-" else size
        lines.append(
            f'{{"host":{host},"ident":{ident},"authuser":{user},"datetime":"{datetime}",'
            f'"request":{request},"response":{response},"bytes":{size},'
            f'"referer":{referer},"agent":{agent}}}\n'
        )
    return lines


def with_unescape(parse: Parser, names: tuple[str, ...], options: FormatOptions) -> Parser:
    """The parser itself or, where ``unescape`` is asked for, one that undoes the escapes of the named fields."""
    if not options.unescape:
        return parse

    def parse_unescaped(line: str) -> Row:
        row = parse(line)
        for name in names:
            if row[name] is not None:
                row[name] = unescape(row[name])
        return row

    return parse_unescaped


COMBINED_NAMES = (*(field.name for field in COMMON_FIELDS), "referer", "agent")

FORMAT = Format(
    name="apache_combined",
    aliases=("nginx", "combined"),
    summary="Apache's combined log format, which is nginx's default too.",
    source="Apache HTTP Server: mod_log_config; nginx: ngx_http_log_module",
    fields=(
        *COMMON_FIELDS,
        Field("referer", "VARCHAR", "the page that the request came from"),
        Field("agent", "VARCHAR", "the client's program as it named itself"),
    ),
    examples=(
        Example(
            '198.51.100.7 - - [10/Oct/2025:13:55:36 -0700] "GET /a?b=1 HTTP/1.1" 200 2326 '
            '"https://example.com/" "Mozilla/5.0 (X11; Linux x86_64)"',
            {
                "host": "198.51.100.7",
                "ident": None,
                "authuser": None,
                "datetime": "10/Oct/2025:13:55:36 -0700",
                "request": "GET /a?b=1 HTTP/1.1",
                "response": 200,
                "bytes": 2326,
                "referer": "https://example.com/",
                "agent": "Mozilla/5.0 (X11; Linux x86_64)",
            },
        ),
        Example(
            r'2001:db8::17 - ann lee [10/Oct/2025:13:55:36 +0000] "GET /\"x\" HTTP/1.1" 304 - "-" "odd \\ \"agent\""',
            {
                "host": "2001:db8::17",
                "ident": None,
                "authuser": "ann lee",
                "datetime": "10/Oct/2025:13:55:36 +0000",
                "request": r"GET /\"x\" HTTP/1.1",
                "response": 304,
                "bytes": None,
                "referer": None,
                "agent": r"odd \\ \"agent\"",
            },
        ),
    ),
    compile=compile_combined,
    scanner=Scanner(
        findall=_PLAIN.findall,
        encode=_encode_plain,
        positions={name: place for place, name in enumerate(COMBINED_NAMES)},
        integers=frozenset({"response", "bytes"}),
    ),
)
