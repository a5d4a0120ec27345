r"""Health check logs of an Application Load Balancer: one line per check of a target.

Source: Elastic Load Balancing user guide, "Health check logs", health check log entries (since November 2025).
"""

from __future__ import annotations

from functools import partial

from streamtally.formats.alb import ISO_TIME
from streamtally.formats.base import Example, Format, Roles
from streamtally.formats.engine.columns import Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout

LAYOUT = Layout(
    "alb_health_check",
    "not a line of an Application Load Balancer's health check log",
    (
        Column(
            "type",
            "VARCHAR",
            "kind of check: http, https, h2, grpc, lambda",
            "https?|h2|grpcs?|lambda",
            before="",
            nullable=False,
        ),
        Column("time", "VARCHAR", "start of the check, ISO 8601 in UTC", ISO_TIME, nullable=False),
        Column("latency", "DOUBLE", "seconds that the check took", r"[0-9]{1,9}+(?:\.[0-9]{1,15}+)?+|-"),
        Column("target_addr", "VARCHAR", "address:port of the target, or the ARN of its Lambda function"),
        Column("target_group_id", "VARCHAR", "name of the target group"),
        Column("status", "VARCHAR", "PASS or FAIL", "PASS|FAIL|-"),
        Column("status_code", "INTEGER", "status code of the target's response", "[0-9]{1,3}|-"),
        Column("reason_code", "VARCHAR", "why the check failed", r"[0-9A-Za-z_.\-]++"),
        Column("elb", "VARCHAR", "the load balancer's resource id", optional=True),
        Column("ip_address", "VARCHAR", "address of the load balancer's node", optional=True),
        Column("extra", "VARCHAR", "newer fields, unmodified", ".++", optional=True),
    ),
)

FORMAT = Format(
    name="alb_health_check",
    summary="Health check log of an AWS Application Load Balancer.",
    source="Elastic Load Balancing user guide: Health check logs",
    fields=LAYOUT.fields,
    examples=(
        Example(
            "lambda 2025-10-31T12:45:03.000017Z 0.019584011 "
            "arn:aws:lambda:us-east-2:123456789012:function:my-function my-targets PASS 200 - "
            "app/my-loadbalancer/50dc6c495c0c9188 198.51.100.7",
            {
                "type": "lambda",
                "time": "2025-10-31T12:45:03.000017Z",
                "latency": 0.019584011,
                "target_addr": "arn:aws:lambda:us-east-2:123456789012:function:my-function",
                "target_group_id": "my-targets",
                "status": "PASS",
                "status_code": 200,
                "reason_code": None,
                "elb": "app/my-loadbalancer/50dc6c495c0c9188",
                "ip_address": "198.51.100.7",
                "extra": None,
            },
        ),
        Example(
            "http 2025-10-31T12:44:58.901409Z 1.121980746 192.0.2.9:80 HCLogsTestIPs FAIL 502 TargetError",
            {
                "type": "http",
                "time": "2025-10-31T12:44:58.901409Z",
                "latency": 1.121980746,
                "target_addr": "192.0.2.9:80",
                "target_group_id": "HCLogsTestIPs",
                "status": "FAIL",
                "status_code": 502,
                "reason_code": "TargetError",
                "elb": None,
                "ip_address": None,
                "extra": None,
            },
        ),
    ),
    compile=partial(compile_layout, LAYOUT),
    time_field="time",
    time_format="iso8601",
    locate=LAYOUT.locate,
    roles=Roles(status="status_code", duration="latency"),
)
