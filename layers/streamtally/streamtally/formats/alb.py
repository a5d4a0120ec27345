r"""Access logs of an Application Load Balancer: space separated, some fields quoted, newer ones at the end.

Source: Elastic Load Balancing user guide, "Access logs for your Application Load Balancer", access log entry syntax.
"""

from __future__ import annotations

from dataclasses import replace

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Format, FormatOptions, Parser, Roles, Row
from streamtally.formats.engine.columns import Column, quoted
from streamtally.formats.engine.generate import compile_layout, generate_exact, generate_fast
from streamtally.formats.engine.layout import Layout

ISO_TIME = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"T[0-9:.]{8,18}+Z"  # HH:mm:ss, with a fraction of up to nine digits
)
SECONDS = (
    r"-?[0-9]{1,9}+"  # -1, or whole seconds
    r"(?:\.[0-9]{1,9}+)?+"
)


def _seconds(name: str) -> Column:
    return Column(name, "DOUBLE", "seconds, -1 if not forwarded", SECONDS, nullable=False, repeats=True)


_RECURRING = (
    ("elb_status_code", "target_status_code"),
    ("ssl_cipher", "ssl_protocol", "target_group_arn"),
    ("domain_name", "chosen_cert_arn", "matched_rule_priority"),
    ("error_reason", "target_list", "target_status_code_list", "classification", "classification_reason"),
)
LAYOUT = Layout(
    "alb",
    "not an Application Load Balancer's log line",
    (
        Column(
            "type",
            "VARCHAR",
            "kind of connection: http, https, h2, grpcs, ws, wss",
            "https?|h2|grpcs|wss?",
            before="",
            nullable=False,
            repeats=True,
        ),
        Column("time", "VARCHAR", "time of the response, ISO 8601 in UTC", ISO_TIME, nullable=False),
        Column("elb", "VARCHAR", "the load balancer's resource id", "[a-z]++/[^ ]++|-", repeats=True),
        Column("client", "VARCHAR", "address:port of the client"),
        Column("target", "VARCHAR", "address:port of the target, null if the request was sent to none"),
        _seconds("request_processing_time"),
        _seconds("target_processing_time"),
        _seconds("response_processing_time"),
        Column("elb_status_code", "INTEGER", "status code of the load balancer's response", "[0-9]{3}|-"),
        Column("target_status_code", "INTEGER", "status code of the target's response", "[0-9]{3}|-"),
        Column("received_bytes", "BIGINT", "size of the request in bytes", repeats=True),
        Column("sent_bytes", "BIGINT", "size of the response in bytes", repeats=True),
        quoted("request", "the request line, with the whole URL"),
        quoted("user_agent", "the User-Agent header"),
        Column("ssl_cipher", "VARCHAR", "the cipher of TLS"),
        Column("ssl_protocol", "VARCHAR", "the version of TLS"),
        Column("target_group_arn", "VARCHAR", "ARN of the target group"),
        quoted("trace_id", "the X-Amzn-Trace-Id header"),
        quoted("domain_name", "server name that the client sent in TLS (SNI)", optional=True),
        quoted("chosen_cert_arn", "ARN of the certificate", optional=True),
        Column("matched_rule_priority", "INTEGER", "priority of the rule that matched", optional=True),
        Column("request_creation_time", "VARCHAR", "time of the request, ISO 8601 in UTC", optional=True),
        quoted("actions_executed", "actions taken, separated by commas", optional=True),
        quoted("redirect_url", "URL that the client was redirected to", optional=True),
        quoted("error_reason", "why a Lambda target or the authentication failed", optional=True),
        quoted("target_list", "address:port of all targets", optional=True),
        quoted("target_status_code_list", "status codes of all targets", optional=True),
        quoted("classification", "classification by desync mitigation", optional=True),
        quoted("classification_reason", "reason of that classification", optional=True),
        Column("conn_trace_id", "VARCHAR", "id of the connection in the connection log", optional=True),
        Column("extra", "VARCHAR", "newer fields, unmodified", ".++", optional=True),
    ),
    recurring=_RECURRING,
)
TRANSFORMS = (
    quoted("transformed_host", "Host header after its rewrite by the rule"),
    quoted("transformed_uri", "URI after its rewrite by the rule"),
    quoted("request_transform_status", "result of the rewrite, such as TransformSuccess"),
)
"""Fields since October 2025. Rows of lines without them do not have them."""
WITH_TRANSFORMS = Layout(
    "alb",
    LAYOUT.reason,
    (
        *(replace(column, optional=False) for column in LAYOUT.columns[:-1]),
        *TRANSFORMS,
        LAYOUT.columns[-1],
    ),
    recurring=_RECURRING,
)


def compile_alb(options: FormatOptions) -> Parser:
    """A parser of lines with and without the fields of transforms."""
    parse_older, parse_newer = generate_exact(LAYOUT, options), generate_exact(WITH_TRANSFORMS, options)
    parse_plain = generate_fast(WITH_TRANSFORMS)

    def parse_other(line: str) -> Row:
        if line[-1:] == '"':  # as a line ends with these fields
            row = parse_plain(line)
            if row is not None:
                return row
        row = parse_older(line)
        if row["extra"] is None:
            return row
        try:
            return parse_newer(line)
        except FormatError:
            return row

    return compile_layout(LAYOUT, options, parse_other)


FORMAT = Format(
    name="alb",
    summary="Access log of an AWS Application Load Balancer.",
    source="Elastic Load Balancing user guide: Access logs for your Application Load Balancer",
    fields=(*LAYOUT.fields, *(column.field for column in TRANSFORMS)),
    examples=(
        Example(
            "https 2025-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.0.2.131:2817 10.0.0.1:80 "
            '0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/?a=b HTTP/1.1" "curl/7.46.0" '
            "ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 "
            "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "
            '"Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" '
            '"arn:aws:acm:us-east-2:123456789012:certificate/12345678-abcd" '
            '1 2025-07-02T22:22:48.364000Z "authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-" '
            "TID_1234abcd5678ef90",
            {
                "type": "https",
                "time": "2025-07-02T22:23:00.186641Z",
                "elb": "app/my-loadbalancer/50dc6c495c0c9188",
                "client": "192.0.2.131:2817",
                "target": "10.0.0.1:80",
                "request_processing_time": 0.086,
                "target_processing_time": 0.048,
                "response_processing_time": 0.037,
                "elb_status_code": 200,
                "target_status_code": 200,
                "received_bytes": 0,
                "sent_bytes": 57,
                "request": "GET https://www.example.com:443/?a=b HTTP/1.1",
                "user_agent": "curl/7.46.0",
                "ssl_cipher": "ECDHE-RSA-AES128-GCM-SHA256",
                "ssl_protocol": "TLSv1.2",
                "target_group_arn": "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/"
                "73e2d6bc24d8a067",
                "trace_id": "Root=1-58337281-1d84f3d73c47ec4e58577259",
                "domain_name": "www.example.com",
                "chosen_cert_arn": "arn:aws:acm:us-east-2:123456789012:certificate/12345678-abcd",
                "matched_rule_priority": 1,
                "request_creation_time": "2025-07-02T22:22:48.364000Z",
                "actions_executed": "authenticate,forward",
                "redirect_url": None,
                "error_reason": None,
                "target_list": "10.0.0.1:80",
                "target_status_code_list": "200",
                "classification": None,
                "classification_reason": None,
                "conn_trace_id": "TID_1234abcd5678ef90",
                "extra": None,
            },
        ),
    ),
    compile=compile_alb,
    time_field="time",
    time_format="iso8601",
    locate=LAYOUT.locate,
    roles=Roles(
        status="elb_status_code",
        client="client",
        client_has_port=True,
        request="request",
        bytes="sent_bytes",
        agent="user_agent",
        duration="target_processing_time",
        vhost="domain_name",
    ),
)
