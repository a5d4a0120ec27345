r"""The default access log of the Kubernetes ingress controller ingress-nginx (``log_format upstreaminfo``).

Fields have the variables' names. ``auto`` reads such a line as combined, with the fields after it in ``extra``.
The format has grown: 0.15 added the request's id, 0.25 the alternative upstream.
Source: ingress-nginx documentation, "Log format"; kubernetes/ingress-nginx#2446, #4333.
"""

from __future__ import annotations

from dataclasses import replace

from streamtally.formats.base import Example, Format, FormatOptions, Parser, Roles
from streamtally.formats.engine import clients
from streamtally.formats.engine.columns import BRACKETED_TIME, Column, quoted
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout, first_that_fits, furthest

_UPSTREAMS = r"[^ ,]++(?:(?:,\x20|\x20:\x20)[^ ,]++)*+"  # of several servers that were tried: a, b : c
_NAME = r"\[([^\]]*+)\]"

LAYOUT = Layout(
    "ingress_nginx",
    "not a line of ingress-nginx's default log",
    (
        Column("remote_addr", "VARCHAR", "the client's address", clients.HOST, before=""),
        Column(
            "the_real_ip", "VARCHAR", "the client's address again, in versions before 0.25", r"\[([^\]]*+)\]", " - ",
            optional=True, is_rare=True,
        ),
        Column("remote_user", "VARCHAR", "the user of HTTP authentication", clients.USER, " - "),
        Column("time_local", "VARCHAR", "when the line was written, dd/MMM/yyyy:HH:mm:ss Z", BRACKETED_TIME),
        quoted("request", "the request line"),
        Column("status", "INTEGER", "status code of the response", "[0-9]{3}"),
        Column("body_bytes_sent", "BIGINT", "bytes of the response body"),
        quoted("http_referer", "the Referer header"),
        quoted("http_user_agent", "the User-Agent header"),
        Column("request_length", "BIGINT", "bytes of the request, with header and body"),
        Column("request_time", "DOUBLE", "seconds that the request took", repeats=True),
        Column("proxy_upstream_name", "VARCHAR", "upstream, as namespace-service-port", _NAME),
        Column("proxy_alternative_upstream_name", "VARCHAR", "the alternative upstream, such as a canary", _NAME),
        Column("upstream_addr", "VARCHAR", "the upstream servers' addresses", _UPSTREAMS),
        Column("upstream_response_length", "VARCHAR", "bytes of each upstream server's response", _UPSTREAMS),
        Column("upstream_response_time", "VARCHAR", "seconds that each upstream server took", _UPSTREAMS),
        Column("upstream_status", "VARCHAR", "status code of each upstream server's response", _UPSTREAMS),
        Column("req_id", "VARCHAR", "the request's id"),
    ),
)  # fmt: skip
_ALTERNATIVE, _ID = "proxy_alternative_upstream_name", "req_id"
OLDER = Layout(
    LAYOUT.name,
    LAYOUT.reason,
    tuple(
        replace(column, optional=True) if column.name == _ID else column
        for column in LAYOUT.columns
        if column.name != _ALTERNATIVE
    ),
)
"""The format before 0.25."""


def compile_ingress_nginx(options: FormatOptions) -> Parser:
    """A parser of both layouts; rows of the older one have no alternative upstream."""
    return first_that_fits([compile_layout(layout, options) for layout in (LAYOUT, OLDER)])


FORMAT = Format(
    name="ingress_nginx",
    summary="The default access log of the Kubernetes ingress controller ingress-nginx.",
    source="ingress-nginx documentation: Log format",
    fields=LAYOUT.fields,
    examples=(
        Example(
            '203.0.113.9 - ann [22/Nov/2025:21:21:41 +0000] "GET /a HTTP/2.0" 200 612 "-" "curl/8.5.0" 34 0.003 '
            "[default-web-80] [] 198.51.100.12:8080, 198.51.100.13:8080 0, 612 0.001, 0.002 502, 200 "
            "5f6f3b0e1c6d4d1f9a7e2b8c4d5e6f70",
            {
                "remote_addr": "203.0.113.9",
                "the_real_ip": None,
                "remote_user": "ann",
                "time_local": "22/Nov/2025:21:21:41 +0000",
                "request": "GET /a HTTP/2.0",
                "status": 200,
                "body_bytes_sent": 612,
                "http_referer": None,
                "http_user_agent": "curl/8.5.0",
                "request_length": 34,
                "request_time": 0.003,
                "proxy_upstream_name": "default-web-80",
                "proxy_alternative_upstream_name": "",
                "upstream_addr": "198.51.100.12:8080, 198.51.100.13:8080",
                "upstream_response_length": "0, 612",
                "upstream_response_time": "0.001, 0.002",
                "upstream_status": "502, 200",
                "req_id": "5f6f3b0e1c6d4d1f9a7e2b8c4d5e6f70",
            },
        ),
    ),
    compile=compile_ingress_nginx,
    time_field="time_local",
    time_format="dd/MMM/yyyy:HH:mm:ss Z",
    locate=furthest((LAYOUT, OLDER)),
    roles=Roles(
        status="status",
        client="remote_addr",
        user="remote_user",
        request="request",
        bytes="body_bytes_sent",
        referer="http_referer",
        agent="http_user_agent",
        duration="request_time",
        forwarded="the_real_ip",
    ),
)
