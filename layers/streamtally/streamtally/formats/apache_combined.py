r"""Apache's combined log format, also with a virtual host before it and further fields after it.

``%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"``.
Source: Apache HTTP Server, mod_log_config, "Custom Log Formats".
"""

from __future__ import annotations

from streamtally.formats.apache_common import COLUMNS as COMMON
from streamtally.formats.apache_common import MORE_FIELDS, PLAIN_COLUMNS, layouts_with_more, locate_among
from streamtally.formats.base import Example, Format, FormatOptions, Parser
from streamtally.formats.engine.columns import quoted
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.heads import may_be_common
from streamtally.formats.engine.layout import Layout, first_that_fits
from streamtally.formats.engine.scanner import PLAIN_QUOTED, make_scanner
from streamtally.formats.role_names import COMBINED_ROLES

_REASON = "not a combined log line"

COLUMNS = (
    *COMMON,
    quoted("referer", "the Referer header"),
    quoted("agent", "the User-Agent header"),
)

LAYOUT = Layout("apache_combined", _REASON, COLUMNS)
WITH_MORE = layouts_with_more("apache_combined", _REASON, COLUMNS)

SCANNER = make_scanner((*PLAIN_COLUMNS, ("referer", PLAIN_QUOTED), ("agent", PLAIN_QUOTED)))


def compile_combined(options: FormatOptions) -> Parser:
    """A parser of combined lines; rows of lines with more than the format's fields also have others."""
    return first_that_fits([compile_layout(layout, options) for layout in (LAYOUT, *WITH_MORE)], may_be_common)


EXAMPLES = (
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
    Example(
        'www.example.com:443 192.0.2.9 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/2.0" 200 5 "-" "curl/8.5.0" 1234',
        {
            "vhost": "www.example.com:443",
            "host": "192.0.2.9",
            "ident": None,
            "authuser": None,
            "datetime": "10/Oct/2025:13:55:36 +0000",
            "request": "GET / HTTP/2.0",
            "response": 200,
            "bytes": 5,
            "referer": None,
            "agent": "curl/8.5.0",
            "extra": "1234",
        },
    ),
)

FORMAT = Format(
    name="apache_combined",
    aliases=("combined",),
    summary="Apache's combined log format.",
    source="Apache HTTP Server: mod_log_config",
    fields=(*LAYOUT.fields, *MORE_FIELDS),
    examples=EXAMPLES,
    compile=compile_combined,
    scanner=SCANNER,
    time_field="datetime",
    time_format="dd/MMM/yyyy:HH:mm:ss Z",
    locate=locate_among((LAYOUT, *WITH_MORE)),
    roles=COMBINED_ROLES,
)
