r"""Connection logs of an Application Load Balancer: one line per connection, with its TLS handshake.

Source: Elastic Load Balancing user guide, "Connection logs for your Application Load Balancer", connection log entries.
"""

from __future__ import annotations

from functools import partial

from streamtally.formats.alb import ISO_TIME
from streamtally.formats.base import Example, Format, Roles
from streamtally.formats.engine.columns import ESCAPABLE, Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout

ADDRESS = r"[0-9A-Fa-f.:]{2,45}+"
_SECONDS = r"[0-9]{1,9}+(?:\.[0-9]{1,9}+)?+|-"
_SUBJECT = rf'(?:"({ESCAPABLE})"|-)'  # without quotes if there is none


def _port(name: str, meaning: str) -> Column:
    return Column(name, "INTEGER", meaning, "[0-9]{1,5}", nullable=False)


LAYOUT = Layout(
    "alb_connection",
    "not a line of an Application Load Balancer's connection log",
    (
        Column("timestamp", "VARCHAR", "time of the connection, ISO 8601 in UTC", ISO_TIME, before="", nullable=False),
        Column("client_ip", "VARCHAR", "address of the client", ADDRESS, nullable=False),
        _port("client_port", "port of the client"),
        _port("listener_port", "port of the listener"),
        Column("tls_protocol", "VARCHAR", "the version of TLS", r"(?:TLS|SSL|tls|ssl)v[0-9.]{1,5}+|-"),
        Column("tls_cipher", "VARCHAR", "the cipher of TLS", r"[0-9A-Za-z_\-]{1,64}+"),
        Column("tls_handshake_latency", "DOUBLE", "seconds of a successful handshake", _SECONDS),
        Column(
            "leaf_client_cert_subject",
            "VARCHAR",
            "subject of the client's certificate",
            _SUBJECT,
            escaped=True,
            can_be_empty=True,
        ),
        Column("leaf_client_cert_validity", "VARCHAR", "NotBefore=time;NotAfter=time of that certificate"),
        Column("leaf_client_cert_serial_number", "VARCHAR", "serial number of that certificate"),
        Column("tls_verify_status", "VARCHAR", "Success, or Failed: and the reason", r"Success|Failed:[^ ]++|-"),
        Column("conn_trace_id", "VARCHAR", "id of the connection, also in the access log", optional=True),
        Column("tls_keyexchange", "VARCHAR", "the key exchange of the handshake", optional=True),
        Column("elb", "VARCHAR", "the load balancer's resource id", optional=True),
        Column("ip_address", "VARCHAR", "address of the load balancer's node", optional=True),
        Column("extra", "VARCHAR", "newer fields, unmodified", ".++", optional=True),
    ),
)

FORMAT = Format(
    name="alb_connection",
    summary="Connection log of an AWS Application Load Balancer.",
    source="Elastic Load Balancing user guide: Connection logs for your Application Load Balancer",
    fields=LAYOUT.fields,
    examples=(
        Example(
            "2025-10-04T17:05:15.514108Z 203.0.113.1 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "
            '"CN=client.example.com,O=endEntity,L=Seattle,ST=Washington,C=US" '
            "NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z FEF257372D5C14D4 Success "
            "TID_3180a73013c8ca4bac2f731159d4b0fe X25519MLKEM768 app/my-loadbalancer/50dc6c495c0c9188 198.51.100.7",
            {
                "timestamp": "2025-10-04T17:05:15.514108Z",
                "client_ip": "203.0.113.1",
                "client_port": 36280,
                "listener_port": 443,
                "tls_protocol": "TLSv1.2",
                "tls_cipher": "ECDHE-RSA-AES128-GCM-SHA256",
                "tls_handshake_latency": 4.036,
                "leaf_client_cert_subject": "CN=client.example.com,O=endEntity,L=Seattle,ST=Washington,C=US",
                "leaf_client_cert_validity": "NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z",
                "leaf_client_cert_serial_number": "FEF257372D5C14D4",
                "tls_verify_status": "Success",
                "conn_trace_id": "TID_3180a73013c8ca4bac2f731159d4b0fe",
                "tls_keyexchange": "X25519MLKEM768",
                "elb": "app/my-loadbalancer/50dc6c495c0c9188",
                "ip_address": "198.51.100.7",
                "extra": None,
            },
        ),
        Example(
            "2025-10-04T17:05:16.102000Z 2001:db8::25 41642 80 - - - - - - - TID_1c71a68d70587445ad5127ff8b2687d7",
            {
                "timestamp": "2025-10-04T17:05:16.102000Z",
                "client_ip": "2001:db8::25",
                "client_port": 41642,
                "listener_port": 80,
                "tls_protocol": None,
                "tls_cipher": None,
                "tls_handshake_latency": None,
                "leaf_client_cert_subject": None,
                "leaf_client_cert_validity": None,
                "leaf_client_cert_serial_number": None,
                "tls_verify_status": None,
                "conn_trace_id": "TID_1c71a68d70587445ad5127ff8b2687d7",
                "tls_keyexchange": None,
                "elb": None,
                "ip_address": None,
                "extra": None,
            },
        ),
    ),
    compile=partial(compile_layout, LAYOUT),
    time_field="timestamp",
    time_format="iso8601",
    locate=LAYOUT.locate,
    roles=Roles(client="client_ip"),
)
