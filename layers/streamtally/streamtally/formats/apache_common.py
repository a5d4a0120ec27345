r"""The common log format of the NCSA and Apache servers: ``%h %l %u %t "%r" %>s %b``.

Source: Apache HTTP Server, mod_log_config, "Common Log Format (CLF)".
"""

from __future__ import annotations

import re
from collections.abc import Callable

from streamtally.errors import FormatError
from streamtally.formats.apache_combined import (
    COMMON_FIELDS,
    COMMON_PATTERN,
    PLAIN_COMMON,
    with_unescape,
)
from streamtally.formats.base import Example, Format, FormatOptions, Parser, Row, Scanner

_PATTERN = re.compile(rf"{COMMON_PATTERN} \Z", re.VERBOSE | re.DOTALL | re.ASCII)


def compile_common(options: FormatOptions) -> Parser:
    """A parser of common lines."""
    match = _PATTERN.match

    def parse(line: str) -> Row:
        found = match(line)
        if found is None:
            raise FormatError("apache_common", "not a common log line")
        host, ident, user, datetime, request, response, size = found.groups()
        return {
            "host": None if host == "-" else host,
            "ident": None if ident == "-" else ident,
            "authuser": None if user == "-" else user,
            "datetime": datetime,
            "request": None if request == "-" else request,
            "response": None if response == "-" else int(response),
            "bytes": None if size == "-" else int(size),
        }

    return with_unescape(parse, ("request",), options)


_PLAIN = re.compile(rf"^(?:{PLAIN_COMMON} | (.*))$", re.VERBOSE | re.MULTILINE | re.ASCII)


def _encode_plain(found: list[tuple[str, ...]], other: Callable[[int, str], str]) -> list[str]:
    lines = []
    for number, (host, ident, user, datetime, request, response, size, line) in enumerate(found):
        if not host:
            lines.append(other(number, line))
            continue
        # Written out, since a call for each field would cost as much as all the rest.
        host = "null" if host == "-" else f'"{host}"'
        ident = "null" if ident == "-" else f'"{ident}"'
        user = "null" if user == "-" else f'"{user}"'
        request = "null" if request == "-" else f'"{request}"'
        size = "null" if size == "-" else size
        lines.append(
            f'{{"host":{host},"ident":{ident},"authuser":{user},"datetime":"{datetime}",'
            f'"request":{request},"response":{response},"bytes":{size}}}\n'
        )
    return lines


COMMON_NAMES = tuple(field.name for field in COMMON_FIELDS)

FORMAT = Format(
    name="apache_common",
    aliases=("common", "clf"),
    summary="The common log format of Apache and most web servers.",
    source="Apache HTTP Server: mod_log_config",
    fields=COMMON_FIELDS,
    examples=(
        Example(
            'host.example.com - frank [10/Oct/2025:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326',
            {
                "host": "host.example.com",
                "ident": None,
                "authuser": "frank",
                "datetime": "10/Oct/2025:13:55:36 -0700",
                "request": "GET /apache_pb.gif HTTP/1.0",
                "response": 200,
                "bytes": 2326,
            },
        ),
    ),
    compile=compile_common,
    scanner=Scanner(
        findall=_PLAIN.findall,
        encode=_encode_plain,
        positions={name: place for place, name in enumerate(COMMON_NAMES)},
        integers=frozenset({"response", "bytes"}),
    ),
)
