r"""The common log format of the NCSA and Apache servers: ``%h %l %u %t "%r" %>s %b``.

Source: Apache HTTP Server, mod_log_config, "Common Log Format (CLF)".
"""

from __future__ import annotations

from streamtally.formats.base import Example, Format, FormatOptions, Parser
from streamtally.formats.engine.columns import BRACKETED_TIME, Column, quoted
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout, first_that_fits, furthest
from streamtally.formats.engine.scanner import PLAIN_INTEGER, PLAIN_QUOTED, PLAIN_STATUS, PLAIN_TEXT, make_scanner
from streamtally.formats.role_names import COMBINED_ROLES

_REASON = "not a common log line"

# A user may contain spaces and brackets; it ends before the space and bracket with which the time begins.
USER = (
    r"(?!-\x20[^\[]"  # "- ann" is not a user, but ident and user of a line that begins with a virtual host
    r"|\x20\[[0-9]{2}/)"  # nor is an empty text before the time
    r"(?:[^ \[]*+"  # words, each with the separator after it:
    r"(?:\x20(?!\[[0-9]{2}/)"  # a space that is not before the time, or
    r"|\[(?![0-9]{2}/))"  # a bracket that does not begin the time
    r")*+"  # possessive: a line without a time fails in one pass
    r"[^ \[]*+"  # the last word
    r"(?=\x20\[[0-9]{2}/)"  # the time follows
)

COLUMNS = (
    Column("host", "VARCHAR", "the client's name or address, IPv4 or IPv6", before=""),
    Column("ident", "VARCHAR", "identd's answer, usually null"),
    Column("authuser", "VARCHAR", "the user of HTTP authentication", USER),
    Column("datetime", "VARCHAR", "time of the request, dd/MMM/yyyy:HH:mm:ss Z", BRACKETED_TIME),
    quoted("request", "the request line"),
    Column("response", "INTEGER", "the final status code", "[0-9]{3}|-"),
    Column("bytes", "BIGINT", "size of the response body in bytes, null if none was sent", "[0-9]{1,18}+|-"),
)
VHOST = Column(
    "vhost",
    "VARCHAR",
    "the virtual host, if the line begins with one",
    r"([^ ]++)"
    r"(?<!,)"  # a comma after it makes it the first address of a list
    r"\x20",  # here and not before the next column, which begins the line in the other layouts
    before="",
)
# Apache's %{X-Forwarded-For}i in place of the host: the client, then the proxies.
HOSTS = Column(
    "host",
    "VARCHAR",
    "several addresses",
    r"(?:[^ ]++(?<=,)\x20)++"  # each with a comma and a space after it
    r"[^ ]++",
    before="",
)
EXTRA = Column("extra", "VARCHAR", "text after the format's own fields, unmodified", r".++", optional=True)

PLAIN_COLUMNS = (
    ("host", rf"(?!\{{){PLAIN_TEXT}"),  # in ``auto`` a line that begins with "{" is always JSON
    ("ident", PLAIN_TEXT),
    ("authuser", r'([^ \["\\\x00-\x1f]{1,256}+)'),
    ("datetime", BRACKETED_TIME),
    ("request", PLAIN_QUOTED),
    ("response", PLAIN_STATUS),
    ("bytes", PLAIN_INTEGER),
)

# Amazon API Gateway's CLF has no space between the time and the request.
_WITHOUT_SPACE = {"request": quoted("request", "the request line", before="")}

LAYOUT = Layout("apache_common", _REASON, COLUMNS)
WITH_MORE = (
    Layout("apache_common", _REASON, (*COLUMNS, EXTRA)),
    Layout("apache_common", _REASON, (*(_WITHOUT_SPACE.get(column.name, column) for column in COLUMNS), EXTRA)),
    Layout("apache_common", _REASON, (HOSTS, *COLUMNS[1:], EXTRA)),
    Layout("apache_common", _REASON, (VHOST, *COLUMNS, EXTRA)),
)


def compile_common(options: FormatOptions) -> Parser:
    """A parser of common lines; rows of lines with more than the format's fields also have ``vhost`` or ``extra``."""
    return first_that_fits([compile_layout(layout, options) for layout in (LAYOUT, *WITH_MORE)])


FORMAT = Format(
    name="apache_common",
    aliases=("common", "clf"),
    summary="The common log format of Apache and most web servers.",
    source="Apache HTTP Server: mod_log_config",
    fields=(*LAYOUT.fields, VHOST.field, EXTRA.field),
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
    locate=furthest((LAYOUT, *WITH_MORE)),
    roles=COMBINED_ROLES,
)
