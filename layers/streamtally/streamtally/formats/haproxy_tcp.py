r"""HAProxy's TCP log (``option tcplog``), with or without a syslog header.

Source: HAProxy configuration manual, "8.2.2. TCP log format".
"""

from __future__ import annotations

from functools import partial

from streamtally.formats.base import Example, Format, Roles
from streamtally.formats.engine.columns import Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout
from streamtally.formats.haproxy import BEGINNING, CONNECTIONS, count, timer

LAYOUT = Layout(
    "haproxy_tcp",
    "not an HAProxy TCP log line",
    (
        *BEGINNING,
        Column("backend", "VARCHAR", "name of the backend", r"[^\s/]++", nullable=False),
        Column("server", "VARCHAR", "name of the server, <NOSRV> if none", r"[^\s/]++", before="/", nullable=False),
        timer("time_queue", "in queues (Tw)", " "),
        timer("time_connect", "to connect to the server (Tc)"),
        timer("time_total", "from accept to close (Tt)"),
        count("bytes_read", "bytes sent to the client", " "),
        Column("termination_state", "VARCHAR", "how the session ended, two letters", r"[A-Za-z\-]{2}", nullable=False),
        *CONNECTIONS,
        count("srv_queue", "connections before this one in the server's queue", " "),
        count("backend_queue", "connections before this one in the backend's queue"),
        Column("extra", "VARCHAR", "later fields, unmodified", ".++", optional=True),
    ),
    numbers=(
        ("client_port",),
        ("time_queue", "time_connect", "time_total"),
        ("bytes_read",),
        ("actconn", "feconn", "beconn", "srv_conn", "retries"),
        ("srv_queue", "backend_queue"),
    ),
)

FORMAT = Format(
    name="haproxy_tcp",
    summary="HAProxy's TCP log.",
    source="HAProxy configuration manual: 8.2.2. TCP log format",
    fields=LAYOUT.fields,
    examples=(
        Example(
            "Feb  6 12:12:56 localhost haproxy[14387]: 192.0.2.2:33313 [06/Feb/2025:12:12:51.443] fnt bck/srv1 "
            "0/0/5007 212 -- 0/0/0/0/3 0/0",
            {
                "header": "Feb  6 12:12:56 localhost haproxy[14387]",
                "client_ip": "192.0.2.2",
                "client_port": 33313,
                "accept_date": "06/Feb/2025:12:12:51.443",
                "frontend": "fnt",
                "backend": "bck",
                "server": "srv1",
                "time_queue": 0,
                "time_connect": 0,
                "time_total": 5007,
                "bytes_read": 212,
                "termination_state": "--",
                "actconn": 0,
                "feconn": 0,
                "beconn": 0,
                "srv_conn": 0,
                "retries": 3,
                "srv_queue": 0,
                "backend_queue": 0,
                "extra": None,
            },
        ),
    ),
    compile=partial(compile_layout, LAYOUT),
    time_field="accept_date",
    time_format="dd/MMM/yyyy:HH:mm:ss.SSS",
    locate=LAYOUT.locate,
    roles=Roles(client="client_ip", bytes="bytes_read", duration="time_total"),
)
