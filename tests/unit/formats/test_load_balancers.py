"""Lines that load balancers write besides access logs of HTTP, with the values that AWS's documentation gives them.

Addresses, accounts and names are replaced.
"""

from __future__ import annotations

from typing import Any

import pytest

from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, FormatOptions
from streamtally.formats.auto import compile_auto
from streamtally.formats.base import last_format
from streamtally.times.parsing import compile_time_parser

TLS = (
    "tls 2.0 2025-12-20T02:59:40 net/nlb/c6e77e28c25b2234 g3d4b5e8bb8464cd 192.0.2.112:51341 198.51.100.185:443 5 2 98 "
    "246 - arn:aws:acm:us-east-2:123456789012:certificate/2a108f19 - ECDHE-RSA-AES128-SHA tlsv12 - "
    "x.elb.us-east-2.amazonaws.com"
)
CONNECTION = "2025-10-04T17:05:15.514108Z 203.0.113.1 36280 443"
SUBJECT = '"CN=example.com,O=endEntity,L=Seattle,ST=Washington,C=US"'
VALIDITY = "NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z"
NODE = "app/web/50dc6c495c0c9188 198.51.100.7"

# (format, line, some of its values)
CASES: list[tuple[str, str, dict[str, Any]]] = [
    (
        "nlb",
        f'{TLS} h2 h2 "h2","http/1.1" 2025-12-20T02:59:30',
        {"alpn_client_preference_list": '"h2","http/1.1"', "tls_connection_creation_time": "2025-12-20T02:59:30"},
    ),
    (
        "nlb",
        f"{TLS} - - - 2025-12-20T02:59:30",
        {"connection_time": 5, "tls_handshake_time": 2, "received_bytes": 98, "sent_bytes": 246, "extra": None},
    ),
    # Before the creation time was added, before ALPN was, and after fields that are not documented yet.
    ("nlb", f"{TLS} h2 - -", {"alpn_fe_protocol": "h2", "tls_connection_creation_time": None}),
    ("nlb", TLS.replace("2.0", "1.0"), {"version": "1.0", "domain_name": "x.elb.us-east-2.amazonaws.com"}),
    ("nlb", f"{TLS} - - - 2025-12-20T02:59:30 - new", {"extra": "- new"}),
    # A handshake that failed, with the client's alert.
    (
        "nlb",
        "tls 2.0 2025-12-20T02:59:40 net/nlb/c6 g3 192.0.2.1:5 198.51.100.1:443 12 - 0 7 48 - - - - - - - - -",
        {"tls_handshake_time": None, "incoming_tls_alert": 48, "tls_cipher": None, "domain_name": None},
    ),
    (
        "nlb",
        "tls 2.0 2025-12-20T02:59:40 net/nlb/c6 g3 [2001:db8::7]:5 [2001:db8::8]:443 12 1 0 7 - - - - - - - - - -",
        {"client": "[2001:db8::7]:5", "destination": "[2001:db8::8]:443"},
    ),
    (
        "alb_connection",
        f"{CONNECTION} TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 {SUBJECT} {VALIDITY} FEF257372D5C14D4 Success TID_31",
        {
            "client_ip": "203.0.113.1",
            "client_port": 36280,
            "listener_port": 443,
            "tls_protocol": "TLSv1.2",
            "tls_handshake_latency": 4.036,
            "leaf_client_cert_subject": SUBJECT.strip('"'),
            "leaf_client_cert_validity": VALIDITY,
            "leaf_client_cert_serial_number": "FEF257372D5C14D4",
            "tls_verify_status": "Success",
            "conn_trace_id": "TID_31",
            "tls_keyexchange": None,
        },
    ),
    (
        "alb_connection",
        f"{CONNECTION} TLSv1.2 AES - {SUBJECT} {VALIDITY} FE Failed:ClientCertUntrusted TID_1c",
        {"tls_handshake_latency": None, "tls_verify_status": "Failed:ClientCertUntrusted"},
    ),
    # No client certificate: the subject is a quoted or a bare "-". No TLS at all: the status is "-" too.
    (
        "alb_connection",
        f'{CONNECTION} TLSv1.3 TLS_AES_128_GCM_SHA256 0.337 "-" - - Success TID_1 secp256r1 {NODE}',
        {"leaf_client_cert_subject": None, "tls_keyexchange": "secp256r1", "elb": "app/web/50dc6c495c0c9188"},
    ),
    (
        "alb_connection",
        f'2025-10-04T17:05:15.514108Z 2001:db8::1 1 80 - - - "-" - - - TID_2 - {NODE} -',
        {"client_ip": "2001:db8::1", "tls_verify_status": None, "ip_address": "198.51.100.7", "extra": None},
    ),
    (
        "alb_connection",
        f"{CONNECTION} - - - - - - Failed:UnmappedConnectionError TID_3",
        {"tls_protocol": None, "tls_verify_status": "Failed:UnmappedConnectionError", "conn_trace_id": "TID_3"},
    ),
    (
        "alb_health_check",
        "http 2025-10-31T12:44:59.875678Z 0.019584011 192.0.2.97:80 Web PASS 200 -",
        {"latency": 0.019584011, "target_addr": "192.0.2.97:80", "status": "PASS", "status_code": 200},
    ),
    (
        "alb_health_check",
        "http 2025-10-31T12:44:58.901409Z 1.121980746 192.0.2.9:80 Web FAIL 502 TargetError",
        {"target_group_id": "Web", "status": "FAIL", "status_code": 502, "reason_code": "TargetError"},
    ),
    (
        "alb_health_check",
        f"https 2025-10-31T12:44:58.901409Z 5 192.0.2.9:443 Web FAIL - TimedOut {NODE} -",
        {"latency": 5.0, "status_code": None, "elb": "app/web/50dc6c495c0c9188", "extra": None},
    ),
    (
        "alb_health_check",
        "grpc 2025-10-31T12:44:58.901409Z 0.001 [2001:db8::9]:50051 Web FAIL 12 GRPCUnexpectedStatus",
        {"type": "grpc", "target_addr": "[2001:db8::9]:50051", "status_code": 12},
    ),
    (
        "alb_health_check",
        "lambda 2025-10-31T12:44:58.901409Z 0.2 arn:aws:lambda:us-east-2:123456789012:function:f Web PASS 200 -",
        {"type": "lambda", "target_addr": "arn:aws:lambda:us-east-2:123456789012:function:f"},
    ),
]


# Each line has its values, under its own format and under auto, which says which format it had.
@pytest.mark.parametrize(("name", "line", "values"), CASES, ids=[f"{name}-{i}" for i, (name, *_) in enumerate(CASES)])
def test_values(name: str, line: str, values: dict[str, Any]) -> None:
    row = REGISTRY[name].compile(FormatOptions())(line)
    assert {field: row[field] for field in values} == values
    parse = compile_auto(FormatOptions())
    assert parse(line) == row
    assert last_format(parse) is REGISTRY[name]


# No other format takes a line of these, except those that take any text of their shape.
@pytest.mark.parametrize(("name", "line", "values"), CASES, ids=[f"{name}-{i}" for i, (name, *_) in enumerate(CASES)])
def test_no_other_format_takes_it(name: str, line: str, values: dict[str, Any]) -> None:
    taken = []
    for log_format in REGISTRY.values():
        if log_format.name in ("regex", "csv", "tsv", "ltsv", "logfmt", "w3c", "rfc3339_syslog", "syslog"):
            continue
        try:
            log_format.compile(FormatOptions())(line)
        except FormatError:
            continue
        taken.append(log_format.name)
    assert taken == [name]


# A line that ends too early is of no format; the connection log's was read as syslog of a host that is the client.
@pytest.mark.parametrize(
    "line",
    [
        f"{CONNECTION} TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036",
        f"{CONNECTION} - - -",
        "tls 2.0 2025-12-20T02:59:40 net/nlb/c6 g3 192.0.2.1:5",
        "http 2025-10-31T12:44:59.875678Z 0.019584011 192.0.2.97:80",
        "lambda 2025-10-31T12:44:59.875678Z - arn:aws:lambda",
    ],
)
def test_cut_lines_are_unparsed(line: str) -> None:
    with pytest.raises(FormatError):
        compile_auto(FormatOptions())(line)


# The times, which have no zone in the network load balancer's log, are in UTC and exact to the millisecond.
def test_times() -> None:
    nlb = REGISTRY["nlb"]
    assert (nlb.time_field, nlb.time_is_utc) == ("time", True)
    assert compile_time_parser("iso8601")("2025-12-20T02:59:40") == 1_766_199_580_000
    assert REGISTRY["alb_connection"].time_field == "timestamp"
    assert compile_time_parser("iso8601")("2025-10-04T17:05:15.514108Z") == 1_759_597_515_514
    assert REGISTRY["alb_health_check"].time_field == "time"
