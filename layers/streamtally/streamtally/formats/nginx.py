r"""nginx's default access log, ``combined``: the same line as Apache's combined format, with the same field names.

``$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"``.
nginx writes a quote inside a field as ``\x22`` where Apache writes ``\"``.
Source: nginx, ngx_http_log_module, ``log_format``.
"""

from __future__ import annotations

from streamtally.formats.apache_combined import LAYOUT as COMBINED
from streamtally.formats.apache_combined import SCANNER, WITH_MORE
from streamtally.formats.apache_common import locate_among
from streamtally.formats.base import Example, Format, FormatOptions, Parser
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.heads import may_be_common
from streamtally.formats.engine.layout import Layout, first_that_fits
from streamtally.formats.role_names import COMBINED_ROLES

_LAYOUTS = tuple(
    Layout("nginx", "not a line of nginx's default log", layout.columns) for layout in (COMBINED, *WITH_MORE)
)


def compile_nginx(options: FormatOptions) -> Parser:
    """A parser of nginx's default lines."""
    return first_that_fits([compile_layout(layout, options) for layout in _LAYOUTS], may_be_common)


FORMAT = Format(
    name="nginx",
    summary="nginx's default access log, the same as Apache's combined.",
    source="nginx: ngx_http_log_module",
    fields=_LAYOUTS[0].fields,
    examples=(
        Example(
            r'2001:db8::7 - ann@example.com [22/Nov/2025:21:21:41 +0100] "GET /\x22q\x22 HTTP/2.0" 404 153 "-" ""',
            {
                "host": "2001:db8::7",
                "ident": None,
                "authuser": "ann@example.com",
                "datetime": "22/Nov/2025:21:21:41 +0100",
                "request": r"GET /\x22q\x22 HTTP/2.0",
                "response": 404,
                "bytes": 153,
                "referer": None,
                "agent": "",
            },
        ),
    ),
    compile=compile_nginx,
    scanner=SCANNER,
    time_field="datetime",
    time_format="dd/MMM/yyyy:HH:mm:ss Z",
    locate=locate_among(_LAYOUTS),
    roles=COMBINED_ROLES,
)
