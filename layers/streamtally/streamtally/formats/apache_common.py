r"""The common log format of the NCSA and Apache servers: ``%h %l %u %t "%r" %>s %b``.

Source: Apache HTTP Server, mod_log_config, "Common Log Format (CLF)".
"""

from __future__ import annotations

from streamtally.formats.base import Example, Format, FormatOptions, Parser
from streamtally.formats.engine.columns import Column, quoted
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout, first_that_fits, furthest
from streamtally.formats.engine.scanner import PLAIN_INTEGER, PLAIN_QUOTED, PLAIN_STATUS, PLAIN_TEXT, make_scanner

_REASON = "not a common log line"

# A user may hold spaces, so the bracket of the time ends it. "- ann" is no user but ident and user behind a vhost.
# Each round takes a word with the blank or bracket after it that begins no time.
USER = (
    r"(?!-\x20[^\[]|\x20\[[0-9]{2}/)(?:[^ \[]*+(?:\x20(?!\[[0-9]{2}/)|\[(?![0-9]{2}/)))*+[^ \[]*+"
    r"(?=\x20\[[0-9]{2}/)"
)
TIME = r"\[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}\x20[+\-][0-9]{4})\]"

COLUMNS = (
    Column("host", "VARCHAR", "the client's name or address, IPv4 or IPv6", before=""),
    Column("ident", "VARCHAR", "identd's answer, mostly null"),
    Column("authuser", "VARCHAR", "the user of HTTP authentication", USER),
    Column("datetime", "VARCHAR", "when the request came, dd/MMM/yyyy:HH:mm:ss Z", TIME),
    quoted("request", "the request line"),
    Column("response", "INTEGER", "the final status code", "[0-9]{3}|-"),
    Column("bytes", "BIGINT", "size of the answer's body in bytes, null if none was sent", "[0-9]{1,18}+|-"),
)
# The space behind the virtual host belongs to the line, not to the value.
VHOST = Column("vhost", "VARCHAR", "the virtual host, where the line begins with it", r"([^ ]++)(?<!,)\x20", before="")
# Apache's %{X-Forwarded-For}i in the host's place: the client, then the proxies.
HOSTS = Column("host", "VARCHAR", "several addresses", r"(?:[^ ]++(?<=,)\x20)++[^ ]++", before="")
EXTRA = Column("extra", "VARCHAR", "what stands behind the format's own fields, as it is", r".++", optional=True)

PLAIN_COLUMNS = (
    ("host", rf"(?!\{{){PLAIN_TEXT}"),  # where several formats are told apart, "{" begins JSON and nothing else
    ("ident", PLAIN_TEXT),
    ("authuser", r'([^ \["\\\x00-\x1f]{1,256}+)'),
    ("datetime", r"\[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}\x20[+\-][0-9]{4})\]"),
    ("request", PLAIN_QUOTED),
    ("response", PLAIN_STATUS),
    ("bytes", PLAIN_INTEGER),
)

LAYOUT = Layout("apache_common", _REASON, COLUMNS)
WITH_MORE = (
    Layout("apache_common", _REASON, (*COLUMNS, EXTRA)),
    Layout("apache_common", _REASON, (HOSTS, *COLUMNS[1:], EXTRA)),
    Layout("apache_common", _REASON, (VHOST, *COLUMNS, EXTRA)),
)


def compile_common(options: FormatOptions) -> Parser:
    """A parser of common lines; ``vhost`` and ``extra`` are in a row only if the line has more than the format."""
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
)
