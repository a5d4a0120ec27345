r"""Envoy's default access log format string (App Mesh, Envoy Gateway); also Istio's, with more fields.

Fields are named after the operators, as in Envoy's and Istio's JSON logs. The format string escapes no quote. Istio's
text format has grown: 1.1 added the status of Mixer (until 1.7), 1.3 the upstream's failure and the route, 1.9 the
details. Emissary (Ambassador) writes ``ACCESS`` in front.
Source: Envoy documentation, "Access logging", default format string; Istio documentation, "Envoy Access Logs".
"""

from __future__ import annotations

import re
from dataclasses import replace

from streamtally.formats.base import Example, Format, FormatOptions, Parser, Roles
from streamtally.formats.engine.columns import Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout, common_beginning, first_that_fits, furthest

_TIME = (
    r"\[("
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?+Z"
    r")\]"
)
_QUOTES = (
    r'(?:"++[^\x20"][^"]*+)++'  # quotes before anything but a space are part of a text: many at once
    r'|"+(?=")'  # so are all but the last one of a run
)
_REQUEST = (
    r'"('
    rf'[^"]*+(?:{_QUOTES}'
    r'|"(?!\x20[0-9]{1,3}\x20)[^"]*+'  # a quote that no status follows does not end it
    r')*+)"'
)
_WORD = r'"([^\x20"]*+)"'
_AGENT = (
    r'"('
    rf'[^"]*+(?:{_QUOTES}'
    r'|"(?!(?:\x20"[^\x20"]*+"){3})[^"]*+'  # a quote that the last three fields do not follow is part of it
    r')*+)"'
)
_find_words = re.compile(r'"(?:\x20"[^\x20"]*+"){3}').search  # what every line has after its agent
_REASON = "not a line of Envoy's default format"

_BEGINNING = (
    Column(
        "start_time", "VARCHAR", "start of the request, ISO 8601 in UTC", _TIME, before="(?:ACCESS )?+", nullable=False
    ),
    Column("request", "VARCHAR", "method, original path and protocol", _REQUEST),
    Column("response_code", "INTEGER", "status code of the response, 0 if none", "[0-9]{1,3}|-"),
    Column("response_flags", "VARCHAR", "details of the response or connection"),
)
_MIDDLE = (
    Column("bytes_received", "BIGINT", "bytes of the request's body"),
    Column("bytes_sent", "BIGINT", "bytes of the response's body"),
    Column("duration", "BIGINT", "milliseconds from the start to the last byte sent", repeats=True),
    Column("upstream_service_time", "BIGINT", "milliseconds that the upstream host took", repeats=True),
    Column("x_forwarded_for", "VARCHAR", "the client, and the proxies between", r'"([^"]*+)"'),
    Column("user_agent", "VARCHAR", "the User-Agent header", _AGENT),
    Column("request_id", "VARCHAR", "the X-Request-Id header", _WORD),
    Column("authority", "VARCHAR", "the host that was asked for", _WORD),
    Column("upstream_host", "VARCHAR", "address of the upstream host", _WORD),
)
_QUOTED_REASON = r'"([^"]*+)"'
_ISTIO = (
    Column("response_code_details", "VARCHAR", "who set the status code and why (Istio)"),
    Column("connection_termination_details", "VARCHAR", "why Envoy ended the connection (Istio)"),
    Column("upstream_transport_failure_reason", "VARCHAR", "why the upstream's TLS failed (Istio)", _QUOTED_REASON),
)
_FAILURE = _ISTIO[2]
_POLICY = Column("istio_policy_status", "VARCHAR", "the status of Mixer's policy (Istio 1.1 to 1.7)", _QUOTED_REASON)
_ISTIO_END = (
    Column("upstream_cluster", "VARCHAR", "the upstream cluster (Istio)"),
    Column("upstream_local_address", "VARCHAR", "own address:port towards the upstream (Istio)"),
    Column("downstream_local_address", "VARCHAR", "own address:port towards the client (Istio)"),
    Column("downstream_remote_address", "VARCHAR", "address:port of the connection's peer (Istio)"),
    Column("requested_server_name", "VARCHAR", "server name of TLS (Istio)"),
    Column("route_name", "VARCHAR", "the route (Istio)"),
)

LAYOUT = Layout("envoy", _REASON, (*_BEGINNING, *_MIDDLE))
ISTIO = Layout("envoy", _REASON, (*_BEGINNING, *_ISTIO, *_MIDDLE, *_ISTIO_END))
_SERVER_NAME, _ROUTE = (replace(column, optional=True) for column in _ISTIO_END[-2:])
OLDER = (
    Layout("envoy", _REASON, (*_BEGINNING, _POLICY, _FAILURE, *_MIDDLE, *_ISTIO_END[:-1], _ROUTE)),  # 1.3 to 1.7
    Layout("envoy", _REASON, (*_BEGINNING, _FAILURE, *_MIDDLE, *_ISTIO_END)),  # 1.8
    Layout("envoy", _REASON, (*_BEGINNING, _POLICY, *_MIDDLE, *_ISTIO_END[:-1])),  # 1.1, 1.2
    Layout("envoy", _REASON, (*_BEGINNING, *_MIDDLE, *_ISTIO_END[:-2], _SERVER_NAME)),  # 1.0
)
"""Istio's text formats before 1.9."""
_LAYOUTS = (LAYOUT, ISTIO, *OLDER)


def compile_envoy(options: FormatOptions) -> Parser:
    """A parser of Envoy's default lines; rows of Istio's lines have its fields too."""
    begins = common_beginning(_LAYOUTS).match

    def could_fit(line: str) -> bool:
        return _find_words(line) is not None and begins(line) is not None

    return first_that_fits([compile_layout(layout, options) for layout in _LAYOUTS], could_fit)


FORMAT = Format(
    name="envoy",
    summary="Envoy's default access log (App Mesh, Envoy Gateway, Istio).",
    source="Envoy documentation: Access logging, default format string",
    fields=(*LAYOUT.fields, *(column.field for column in (*_ISTIO, _POLICY, *_ISTIO_END))),
    examples=(
        Example(
            '[2025-04-15T20:17:00.310Z] "POST /api/v1/locations HTTP/2" 204 - 154 0 226 100 "192.0.2.28" '
            '"nsq2http" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "locations" "tcp://198.51.100.1:80"',
            {
                "start_time": "2025-04-15T20:17:00.310Z",
                "request": "POST /api/v1/locations HTTP/2",
                "response_code": 204,
                "response_flags": None,
                "bytes_received": 154,
                "bytes_sent": 0,
                "duration": 226,
                "upstream_service_time": 100,
                "x_forwarded_for": "192.0.2.28",
                "user_agent": "nsq2http",
                "request_id": "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2",
                "authority": "locations",
                "upstream_host": "tcp://198.51.100.1:80",
            },
        ),
        Example(
            '[2025-03-06T09:31:27.360Z] "GET /status/418 HTTP/1.1" 418 - via_upstream - "-" 0 135 5 2 "-" '
            '"curl/8.5.0" "84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "198.51.100.51:80" '
            "outbound|8000||httpbin.foo.svc.cluster.local 198.51.100.52:37652 198.51.100.171:8000 "
            "192.0.2.52:46520 - default",
            {
                "start_time": "2025-03-06T09:31:27.360Z",
                "request": "GET /status/418 HTTP/1.1",
                "response_code": 418,
                "response_flags": None,
                "response_code_details": "via_upstream",
                "connection_termination_details": None,
                "upstream_transport_failure_reason": None,
                "bytes_received": 0,
                "bytes_sent": 135,
                "duration": 5,
                "upstream_service_time": 2,
                "x_forwarded_for": None,
                "user_agent": "curl/8.5.0",
                "request_id": "84961386-6d84-929d-98bd-c5aee93b5c88",
                "authority": "httpbin:8000",
                "upstream_host": "198.51.100.51:80",
                "upstream_cluster": "outbound|8000||httpbin.foo.svc.cluster.local",
                "upstream_local_address": "198.51.100.52:37652",
                "downstream_local_address": "198.51.100.171:8000",
                "downstream_remote_address": "192.0.2.52:46520",
                "requested_server_name": None,
                "route_name": "default",
            },
        ),
    ),
    compile=compile_envoy,
    time_field="start_time",
    time_format="iso8601",
    time_is_utc=True,
    locate=furthest(_LAYOUTS),
    roles=Roles(
        status="response_code",
        client="x_forwarded_for",
        request="request",
        bytes="bytes_sent",
        agent="user_agent",
        vhost="authority",
        duration="duration",
        forwarded="downstream_remote_address",
    ),
)
