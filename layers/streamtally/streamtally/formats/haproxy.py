r"""HAProxy's HTTP log (``option httplog``), with or without a syslog header.

Source: HAProxy configuration manual, "8.2.3. HTTP log format".
"""

from __future__ import annotations

from functools import partial

from streamtally.formats.base import Example, Format, Roles
from streamtally.formats.engine.columns import Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout

_BSD = (  # <134>Feb  6 12:14:14 host haproxy[14389]
    r"(?:<[0-9]{1,3}>|)"  # the priority
    r"[A-Za-z0-9][^\[]{0,300}+"  # time, host and program
    r"\[[0-9]{1,10}\]"  # the process
    r"(?=:\x20)"  # which no bracket of an address or a time is followed by
)
_RFC_5424 = (  # <134>1 2025-02-06T12:14:14Z host haproxy 14389 - -
    r"<[0-9]{1,3}>1"  # priority and version
    r"(?:\x20[^\s\[]{1,255}+){6}"  # time, host, program, process, message id, structured data
    r"(?=\x20)"
)
HEADER = rf"({_BSD}|{_RFC_5424}):?+\x20"
"""The syslog header before a line."""
CLIENT = (
    r"[^\s:]++"  # a name, a socket or an IPv4 address ends at the first colon
    r"|(?!:[0-9]{1,5}\x20\[)"  # an IPv6 address at the colon before the port, of which there is one at most
    r"[^\s:]*+(?:(?::+(?=[^0-9])|:(?![0-9]{1,5}\x20\[))[^\s:]*+)*+"
    r"(?=:[0-9]{1,5}\x20\[)"
)
"""The client, without its port."""
_MS = r"[+\-]?[0-9]{1,18}"
CAPTURED = r"(?:\{([^}]*+)\})"  # in braces, which are not part of the value


def timer(name: str, meaning: str, before: str = "/") -> Column:
    """A column of milliseconds."""
    return Column(name, "BIGINT", f"milliseconds {meaning}, -1 if not reached", _MS, before, nullable=False)


def count(name: str, meaning: str, before: str = "/") -> Column:
    """A column of a number that is never negative."""
    return Column(name, "BIGINT", meaning, "[+]?[0-9]{1,18}", before, nullable=False)


BEGINNING = (
    Column("header", "VARCHAR", "the syslog header, if there is one", HEADER, before="", optional=True),
    Column("client_ip", "VARCHAR", "the client's address", CLIENT, before=""),
    Column("client_port", "INTEGER", "the client's port", "[0-9]{1,5}", before=":", nullable=False),
    Column(
        "accept_date",
        "VARCHAR",
        "time of the request, dd/MMM/yyyy:HH:mm:ss.SSS, in the server's zone",
        r"\[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3})\]",
        nullable=False,
    ),
    Column("frontend", "VARCHAR", "name of the frontend, followed by ~ if over TLS"),
)
"""The columns with which the HTTP log and the TCP log begin."""

CONNECTIONS = (
    count("actconn", "connections of the process", " "),
    count("feconn", "connections of the frontend"),
    count("beconn", "connections of the backend"),
    count("srv_conn", "connections of the server"),
    count("retries", "connection retries, + if redispatched to another server"),
)
"""The columns about connections, which both have."""

LAYOUT = Layout(
    "haproxy",
    "not an HAProxy HTTP log line",
    (
        *BEGINNING,
        Column("backend", "VARCHAR", "name of the backend", r"[^\s/]++", nullable=False),
        Column("server", "VARCHAR", "name of the server, <NOSRV> if none", r"[^\s/]++", before="/", nullable=False),
        timer("time_request", "to receive the whole request (TR)", " "),
        timer("time_queue", "in queues (Tw)"),
        timer("time_connect", "to connect to the server (Tc)"),
        timer("time_response", "until the server's response began (Tr)"),
        timer("time_active", "in total (Ta)"),
        Column("status_code", "INTEGER", "status code of the response", "-?[0-9]{1,3}", nullable=False),
        count("bytes_read", "bytes sent to the client", " "),
        Column("captured_request_cookie", "VARCHAR", "as name=value"),
        Column("captured_response_cookie", "VARCHAR", "as name=value"),
        Column(
            "termination_state", "VARCHAR", "how the session ended, four letters", r"[A-Za-z\-]{2,4}", nullable=False
        ),
        *CONNECTIONS,
        count("srv_queue", "requests before this one in the server's queue", " "),
        count("backend_queue", "requests before this one in the backend's queue"),
        Column("captured_request_headers", "VARCHAR", "separated by |", CAPTURED, optional=True),
        Column("captured_response_headers", "VARCHAR", "separated by |", CAPTURED, optional=True),
        Column("request", "VARCHAR", "the request line, <BADREQ> if invalid", r'"([^"]*+)"?+'),
        Column("extra", "VARCHAR", "later fields, such as TLS of option httpslog, unmodified", ".++", optional=True),
    ),
    numbers=(
        ("client_port",),
        ("time_request", "time_queue", "time_connect", "time_response", "time_active"),
        ("status_code",),
        ("bytes_read",),
        ("actconn", "feconn", "beconn", "srv_conn", "retries"),
        ("srv_queue", "backend_queue"),
    ),
)

FORMAT = Format(
    name="haproxy",
    summary="HAProxy's HTTP log.",
    source="HAProxy configuration manual: 8.2.3. HTTP log format",
    fields=LAYOUT.fields,
    examples=(
        Example(
            "Feb  6 12:14:14 localhost haproxy[14389]: 192.0.2.2:33317 [06/Feb/2025:12:14:14.655] http-in "
            'static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {www.example.com} {} "GET /i HTTP/1.1"',
            {
                "header": "Feb  6 12:14:14 localhost haproxy[14389]",
                "client_ip": "192.0.2.2",
                "client_port": 33317,
                "accept_date": "06/Feb/2025:12:14:14.655",
                "frontend": "http-in",
                "backend": "static",
                "server": "srv1",
                "time_request": 10,
                "time_queue": 0,
                "time_connect": 30,
                "time_response": 69,
                "time_active": 109,
                "status_code": 200,
                "bytes_read": 2750,
                "captured_request_cookie": None,
                "captured_response_cookie": None,
                "termination_state": "----",
                "actconn": 1,
                "feconn": 1,
                "beconn": 1,
                "srv_conn": 1,
                "retries": 0,
                "srv_queue": 0,
                "backend_queue": 0,
                "captured_request_headers": "www.example.com",
                "captured_response_headers": "",
                "request": "GET /i HTTP/1.1",
                "extra": None,
            },
        ),
        Example(
            "2001:db8::9:51000 [06/Feb/2025:12:15:02.100] https-in~ https-in/<NOSRV> -1/-1/-1/-1/5 400 187 - - PR-- "
            '2/2/0/0/0 0/0 "<BADREQ>"',
            {
                "header": None,
                "client_ip": "2001:db8::9",
                "client_port": 51000,
                "accept_date": "06/Feb/2025:12:15:02.100",
                "frontend": "https-in~",
                "backend": "https-in",
                "server": "<NOSRV>",
                "time_request": -1,
                "time_queue": -1,
                "time_connect": -1,
                "time_response": -1,
                "time_active": 5,
                "status_code": 400,
                "bytes_read": 187,
                "captured_request_cookie": None,
                "captured_response_cookie": None,
                "termination_state": "PR--",
                "actconn": 2,
                "feconn": 2,
                "beconn": 0,
                "srv_conn": 0,
                "retries": 0,
                "srv_queue": 0,
                "backend_queue": 0,
                "captured_request_headers": None,
                "captured_response_headers": None,
                "request": "<BADREQ>",
                "extra": None,
            },
        ),
    ),
    compile=partial(compile_layout, LAYOUT),
    time_field="accept_date",
    time_format="dd/MMM/yyyy:HH:mm:ss.SSS",
    locate=LAYOUT.locate,
    roles=Roles(
        status="status_code", client="client_ip", request="request", bytes="bytes_read", duration="time_active"
    ),
)
