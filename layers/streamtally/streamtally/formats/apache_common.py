r"""The common log format of the NCSA and Apache servers: ``%h %l %u %t "%r" %>s %b``.

Source: Apache HTTP Server, mod_log_config, "Common Log Format (CLF)".
"""

from __future__ import annotations

import re

from streamtally.errors import FormatError
from streamtally.formats.apache_combined import COMMON_FIELDS, COMMON_PATTERN, with_unescape
from streamtally.formats.base import Example, Format, FormatOptions, Parser, Row

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
)
