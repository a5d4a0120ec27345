r"""lighttpd's default access log: combined, but with the requested host in place of identd's answer.

``%h %V %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"``. Such a line also fits combined, as which ``auto`` reads it.
Source: lighttpd documentation, mod_accesslog, ``accesslog.format``.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from streamtally.formats.apache_combined import COLUMNS as COMBINED
from streamtally.formats.base import Example, Format
from streamtally.formats.engine import clients
from streamtally.formats.engine.columns import Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout
from streamtally.formats.role_names import COMBINED_ROLES

LAYOUT = Layout(
    "lighttpd",
    "not a line of lighttpd's default log",
    (
        COMBINED[0],
        Column(
            "vhost",
            "VARCHAR",
            "the host that was asked for, null if none",
            clients.HOST,
        ),
        *COMBINED[2:],
    ),
)

FORMAT = Format(
    name="lighttpd",
    summary="lighttpd's default access log.",
    source="lighttpd documentation: mod_accesslog",
    fields=LAYOUT.fields,
    examples=(
        Example(
            '198.51.100.7 www.example.com ann [10/Oct/2025:13:55:36 +0200] "GET /a?b=1 HTTP/1.1" 200 2326 "-" '
            '"Mozilla/5.0 (X11; Linux x86_64)"',
            {
                "host": "198.51.100.7",
                "vhost": "www.example.com",
                "authuser": "ann",
                "datetime": "10/Oct/2025:13:55:36 +0200",
                "request": "GET /a?b=1 HTTP/1.1",
                "response": 200,
                "bytes": 2326,
                "referer": None,
                "agent": "Mozilla/5.0 (X11; Linux x86_64)",
            },
        ),
    ),
    compile=partial(compile_layout, LAYOUT),
    time_field="datetime",
    time_format="dd/MMM/yyyy:HH:mm:ss Z",
    locate=LAYOUT.locate,
    roles=replace(COMBINED_ROLES, ident=""),
)
