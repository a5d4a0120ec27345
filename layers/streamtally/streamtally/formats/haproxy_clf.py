r"""HAProxy's HTTP log in the common log format (``option httplog clf``), with or without a syslog header.

The line begins like a combined one whose Referer and User-Agent are empty; HAProxy's own fields follow.
Source: HAProxy configuration manual, "8.2.6. Custom log format" (the default CLF format); "option httplog".
"""

from __future__ import annotations

from functools import partial

from streamtally.formats.base import Example, Format, Roles
from streamtally.formats.engine.columns import BRACKETED_TIME, Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout
from streamtally.formats.haproxy import HEADER, count, timer

_QUOTED = r'"([^"]*+)"'  # HAProxy writes a quote as #22 and escapes nothing with a backslash


def _timer(name: str, meaning: str) -> Column:
    return timer(name, meaning, " ")


def _count(name: str, meaning: str) -> Column:
    return count(name, meaning, " ")


LAYOUT = Layout(
    "haproxy_clf",
    "not a line of HAProxy's common log format",
    (
        Column("header", "VARCHAR", "the syslog header, if there is one", HEADER, before="", optional=True),
        Column("client_ip", "VARCHAR", "the client's address", before=""),
        Column("accept_date", "VARCHAR", "time of the request, dd/MMM/yyyy:HH:mm:ss Z", BRACKETED_TIME, " - - "),
        Column("request", "VARCHAR", "the request line, <BADREQ> if invalid", _QUOTED),
        Column("status_code", "INTEGER", "status code of the response", "-?[0-9]{1,3}", nullable=False),
        _count("bytes_read", "bytes sent to the client"),
        Column("client_port", "INTEGER", "the client's port", "[0-9]{1,5}", ' "" "" '),
        Column("milliseconds", "INTEGER", "milliseconds of the time of the request (ms)", "[0-9]{1,3}", nullable=False),
        Column("frontend", "VARCHAR", "name of the frontend, followed by ~ if over TLS", _QUOTED),
        Column("backend", "VARCHAR", "name of the backend", _QUOTED),
        Column("server", "VARCHAR", "name of the server, <NOSRV> if none", _QUOTED),
        _timer("time_request", "to receive the whole request (TR)"),
        _timer("time_queue", "in queues (Tw)"),
        _timer("time_connect", "to connect to the server (Tc)"),
        _timer("time_response", "until the server's response began (Tr)"),
        _timer("time_active", "in total (Ta)"),
        Column("termination_state", "VARCHAR", "how the session ended, four letters", r"[A-Za-z\-]{4}", nullable=False),
        _count("actconn", "connections of the process"),
        _count("feconn", "connections of the frontend"),
        _count("beconn", "connections of the backend"),
        _count("srv_conn", "connections of the server"),
        _count("retries", "connection retries, + if redispatched to another server"),
        _count("srv_queue", "requests before this one in the server's queue"),
        _count("backend_queue", "requests before this one in the backend's queue"),
        Column("captured_request_cookie", "VARCHAR", "as name=value, empty if none", _QUOTED),
        Column("captured_response_cookie", "VARCHAR", "as name=value, empty if none", _QUOTED),
        Column(
            "captured_headers",
            "VARCHAR",
            "the request's, then the response's, each in quotes",
            r"((?!\x20*+\Z).++)",
            optional=True,
        ),
    ),
    end=r"\x20*+\Z",
    numbers=(
        ("status_code",),
        ("bytes_read",),
        ("client_port",),
        ("time_request", "time_queue", "time_connect", "time_response", "time_active"),
        ("actconn", "feconn", "beconn", "srv_conn", "retries", "srv_queue", "backend_queue"),
    ),
)

FORMAT = Format(
    name="haproxy_clf",
    summary="HAProxy's HTTP log in the common log format.",
    source="HAProxy configuration manual: option httplog clf; 8.2.6. Custom log format",
    fields=LAYOUT.fields,
    examples=(
        Example(
            "Sep 13 10:43:45 lb haproxy[666]: 192.0.2.1 - - [13/Sep/2025:08:43:45 +0000] "
            '"HEAD / HTTP/1.0" 301 93 "" "" 10976 828 "https" "web" "srv1" 0 0 1 12 13 ---- 1 1 0 0 0 0 0 "" "" '
            '"www.example.com"',
            {
                "header": "Sep 13 10:43:45 lb haproxy[666]",
                "client_ip": "192.0.2.1",
                "accept_date": "13/Sep/2025:08:43:45 +0000",
                "request": "HEAD / HTTP/1.0",
                "status_code": 301,
                "bytes_read": 93,
                "client_port": 10976,
                "milliseconds": 828,
                "frontend": "https",
                "backend": "web",
                "server": "srv1",
                "time_request": 0,
                "time_queue": 0,
                "time_connect": 1,
                "time_response": 12,
                "time_active": 13,
                "termination_state": "----",
                "actconn": 1,
                "feconn": 1,
                "beconn": 0,
                "srv_conn": 0,
                "retries": 0,
                "srv_queue": 0,
                "backend_queue": 0,
                "captured_request_cookie": "",
                "captured_response_cookie": "",
                "captured_headers": '"www.example.com"',
            },
        ),
    ),
    compile=partial(compile_layout, LAYOUT),
    time_field="accept_date",
    time_format="dd/MMM/yyyy:HH:mm:ss Z",
    locate=LAYOUT.locate,
    roles=Roles(
        status="status_code", client="client_ip", request="request", bytes="bytes_read", duration="time_active"
    ),
)
