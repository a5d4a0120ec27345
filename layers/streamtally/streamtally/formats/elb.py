r"""Access logs of a Classic Load Balancer.

Source: Elastic Load Balancing, user guide for Classic Load Balancers, "Access logs", access log entries.
"""

from __future__ import annotations

from functools import partial

from streamtally.formats.alb import ISO_TIME, SECONDS
from streamtally.formats.base import Example, Format, Roles
from streamtally.formats.engine.columns import Column, quoted
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout

LAYOUT = Layout(
    "elb",
    "not a Classic Load Balancer's log line",
    (
        Column("timestamp", "VARCHAR", "time of the request, ISO 8601 in UTC", ISO_TIME, before="", nullable=False),
        Column("elb", "VARCHAR", "the load balancer's name"),
        Column("client", "VARCHAR", "address:port of the client"),
        Column("backend", "VARCHAR", "address:port of the instance, null if the request was sent to none"),
        Column("request_processing_time", "DOUBLE", "seconds, -1 if not forwarded", SECONDS, nullable=False),
        Column("backend_processing_time", "DOUBLE", "seconds, -1 if not forwarded", SECONDS, nullable=False),
        Column("response_processing_time", "DOUBLE", "seconds, -1 if not forwarded", SECONDS, nullable=False),
        Column("elb_status_code", "INTEGER", "status code of the load balancer's response", "[0-9]{1,3}|-"),
        Column("backend_status_code", "INTEGER", "status code of the instance's response", "[0-9]{1,3}|-"),
        Column("received_bytes", "BIGINT", "size of the request in bytes"),
        Column("sent_bytes", "BIGINT", "size of the response in bytes"),
        quoted("request", "the request line, with the whole URL"),
        quoted("user_agent", "the User-Agent header", optional=True),
        Column("ssl_cipher", "VARCHAR", "the cipher of TLS", optional=True),
        Column("ssl_protocol", "VARCHAR", "the version of TLS", optional=True),
        Column("extra", "VARCHAR", "text after these fields, unmodified", ".++", optional=True),
    ),
)

FORMAT = Format(
    name="elb",
    summary="Access log of an AWS Classic Load Balancer.",
    source="Elastic Load Balancing, user guide for Classic Load Balancers: Access logs",
    fields=LAYOUT.fields,
    examples=(
        Example(
            "2025-05-13T23:39:43.945958Z my-loadbalancer 192.0.2.131:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 "
            '200 0 29 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -',
            {
                "timestamp": "2025-05-13T23:39:43.945958Z",
                "elb": "my-loadbalancer",
                "client": "192.0.2.131:2817",
                "backend": "10.0.0.1:80",
                "request_processing_time": 0.000073,
                "backend_processing_time": 0.001048,
                "response_processing_time": 0.000057,
                "elb_status_code": 200,
                "backend_status_code": 200,
                "received_bytes": 0,
                "sent_bytes": 29,
                "request": "GET http://www.example.com:80/ HTTP/1.1",
                "user_agent": "curl/7.38.0",
                "ssl_cipher": None,
                "ssl_protocol": None,
                "extra": None,
            },
        ),
    ),
    compile=partial(compile_layout, LAYOUT),
    time_field="timestamp",
    time_format="iso8601",
    locate=LAYOUT.locate,
    roles=Roles(
        status="elb_status_code",
        client="client",
        client_has_port=True,
        request="request",
        bytes="sent_bytes",
        agent="user_agent",
        duration="backend_processing_time",
    ),
)
