r"""nginx's format ``main`` of the stock nginx.conf: combined, then X-Forwarded-For in quotes. Named as combined is.

``auto`` reads such a line as combined, with that header in ``extra``.
Source: nginx.conf of nginx.org's packages and images.
"""

from __future__ import annotations

from functools import partial

from streamtally.formats.apache_combined import COLUMNS as COMBINED
from streamtally.formats.base import Example, Format
from streamtally.formats.engine.columns import quoted
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout
from streamtally.formats.role_names import COMBINED_ROLES

LAYOUT = Layout(
    "nginx_main",
    "not a line of nginx's format main",
    (
        *COMBINED,
        # A client may send anything: scanners put their probes here.
        quoted("http_x_forwarded_for", "the X-Forwarded-For header: the client, and the proxies between"),
    ),
)

FORMAT = Format(
    name="nginx_main",
    summary="nginx's format main of its stock configuration: combined with X-Forwarded-For.",
    source="nginx.conf of nginx.org's packages",
    fields=LAYOUT.fields,
    examples=(
        Example(
            '198.51.100.7 - ann [22/Nov/2025:21:21:41 +0100] "GET /a?b=1 HTTP/1.1" 200 2326 "https://example.com/" '
            '"Mozilla/5.0 (X11; Linux x86_64)" "203.0.113.9, 192.0.2.8"',
            {
                "host": "198.51.100.7",
                "ident": None,
                "authuser": "ann",
                "datetime": "22/Nov/2025:21:21:41 +0100",
                "request": "GET /a?b=1 HTTP/1.1",
                "response": 200,
                "bytes": 2326,
                "referer": "https://example.com/",
                "agent": "Mozilla/5.0 (X11; Linux x86_64)",
                "http_x_forwarded_for": "203.0.113.9, 192.0.2.8",
            },
        ),
    ),
    compile=partial(compile_layout, LAYOUT),
    time_field="datetime",
    time_format="dd/MMM/yyyy:HH:mm:ss Z",
    locate=LAYOUT.locate,
    roles=COMBINED_ROLES,
)
