r"""The common log format of the NCSA and Apache servers: ``%h %l %u %t "%r" %>s %b``.

Source: Apache HTTP Server, mod_log_config, "Common Log Format (CLF)".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from streamtally.formats.base import Example, Format, FormatOptions, Parser
from streamtally.formats.engine import clients
from streamtally.formats.engine.columns import BRACKETED_TIME, Column, quoted
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.heads import may_be_common
from streamtally.formats.engine.layout import Layout, first_that_fits, furthest
from streamtally.formats.engine.scanner import PLAIN_INTEGER, PLAIN_QUOTED, PLAIN_STATUS, make_scanner
from streamtally.formats.role_names import COMBINED_ROLES

_REASON = "not a common log line"

COLUMNS = (
    Column("host", "VARCHAR", "the client's name or address, IPv4 or IPv6", clients.HOSTS, before=""),
    Column("ident", "VARCHAR", "identd's answer, usually null", clients.IDENT),
    Column("authuser", "VARCHAR", "the user of HTTP authentication, empty if the name is", clients.USER),
    Column("datetime", "VARCHAR", "time of the request, dd/MMM/yyyy:HH:mm:ss Z", BRACKETED_TIME),
    quoted("request", "the request line"),
    Column("response", "INTEGER", "the final status code", "[0-9]{3}|-"),
    Column("bytes", "BIGINT", "size of the response body in bytes, null if none was sent", "[0-9]{1,18}+|-"),
)
VHOST = Column(
    "vhost",
    "VARCHAR",
    "the virtual host, if the line begins with one",
    rf"({clients.HOST})"
    r"\x20"  # here and not before the next column, which begins the line in the other layouts
    r"(?!-\x20)",  # a virtual host is followed by a client
    before="",
)
# Apache's %{X-Forwarded-For}i in place of the host: the client, then the proxies.
_SEVERAL = "the client's name or address, and those of proxies"
HOSTS = Column("host", "VARCHAR", _SEVERAL, clients.LIST, before="")
QUOTED_HOSTS = Column("host", "VARCHAR", _SEVERAL, rf'"({clients.LIST})"', before="")
# The same before the peer's address.
_FORWARDED = "x_forwarded_for", "VARCHAR", "the client and proxies, if they precede the host"
FORWARDED = Column(*_FORWARDED, rf"({clients.SEVERAL})\x20", before="")
QUOTED_FORWARDED = Column(*_FORWARDED, rf'"({clients.LIST})"\x20', before="")
EXTRA = Column("extra", "VARCHAR", "text after the format's own fields, unmodified", r".++", optional=True)

_STATUS = "[0-9]{3}|0|-"  # Traefik writes 0 for a WebSocket, and where the client gave up

PLAIN_COLUMNS = (
    ("host", f"({clients.HOSTS})"),
    ("ident", f"({clients.PLAIN_IDENT})"),
    ("authuser", clients.PLAIN_USER),
    ("datetime", BRACKETED_TIME),
    ("request", PLAIN_QUOTED),
    ("response", PLAIN_STATUS),
    ("bytes", PLAIN_INTEGER),
)


def layouts_with_more(name: str, reason: str, columns: Sequence[Column]) -> tuple[Layout, ...]:
    """The layouts of lines with more than these columns, of which the first is the host: what may precede it, or stand
    in its place, and text after the last column."""
    host, *others = [replace(column, pattern=_STATUS) if column.name == "response" else column for column in columns]
    beginnings: tuple[tuple[Column, ...], ...] = (
        (host,), (HOSTS,), (QUOTED_HOSTS,),
        (VHOST, host), (VHOST, HOSTS), (VHOST, QUOTED_HOSTS),
        (FORWARDED, host), (QUOTED_FORWARDED, host),
        (VHOST, FORWARDED, host), (VHOST, QUOTED_FORWARDED, host),
    )  # fmt: skip
    with_empty = _with_empty_field(host, *others)
    return tuple(
        Layout(name, reason, (*all_columns, EXTRA))
        for all_columns in (*((*beginning, *others) for beginning in beginnings), *with_empty)
    )


def _with_empty_field(host: Column, ident: Column, user: Column, *others: Column) -> list[tuple[Column, ...]]:
    """Columns of lines in which a field between host and time is empty, so that two spaces stand there.

    A server may log a field of its own after the host, which has no name here; or ident or user are empty.
    """
    nothing = "()"
    return [
        (host, replace(ident, before="\x20\x20"), user, *others),
        (host, replace(ident, pattern=nothing), user, *others),
        (host, ident, replace(user, pattern=nothing), *others),
    ]


# Amazon API Gateway's CLF has no space between the time and the request.
_WITHOUT_SPACE = {"request": quoted("request", "the request line", before="")}

LAYOUT = Layout("apache_common", _REASON, COLUMNS)
WITH_MORE = (
    *layouts_with_more("apache_common", _REASON, COLUMNS),
    Layout("apache_common", _REASON, (*(_WITHOUT_SPACE.get(column.name, column) for column in COLUMNS), EXTRA)),
)
_ANY_USER = {"authuser": Column("authuser", "VARCHAR", "", r"[^\x20\[]++")}


def locate_among(layouts: Sequence[Layout]) -> Callable[[str], int]:
    """What tells where a line's match ends; also where a user precedes no time, which no layout accepts as a user."""
    first = layouts[0]
    columns = [_ANY_USER.get(column.name, column) for column in first.columns]
    return furthest((*layouts, Layout(first.name, first.reason, columns)))


MORE_FIELDS = (VHOST.field, FORWARDED.field, EXTRA.field)
"""The fields of lines with more than the format's own."""


def compile_common(options: FormatOptions) -> Parser:
    """A parser of common lines; rows of lines with more than the format's fields also have others."""
    return first_that_fits([compile_layout(layout, options) for layout in (LAYOUT, *WITH_MORE)], may_be_common)


FORMAT = Format(
    name="apache_common",
    aliases=("common", "clf"),
    summary="The common log format of Apache and most web servers.",
    source="Apache HTTP Server: mod_log_config",
    fields=(*LAYOUT.fields, *MORE_FIELDS),
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
        Example(
            r'192.0.2.9:51000 - - [10/Oct/2025:13:55:36 +0000] "\x16\x03\x01\x02" 400 226 0/1834',
            {
                "host": "192.0.2.9:51000",
                "ident": None,
                "authuser": None,
                "datetime": "10/Oct/2025:13:55:36 +0000",
                "request": r"\x16\x03\x01\x02",
                "response": 400,
                "bytes": 226,
                "extra": "0/1834",
            },
        ),
    ),
    compile=compile_common,
    scanner=make_scanner(PLAIN_COLUMNS),
    time_field="datetime",
    time_format="dd/MMM/yyyy:HH:mm:ss Z",
    locate=locate_among((LAYOUT, *WITH_MORE)),
    roles=COMBINED_ROLES,
)
