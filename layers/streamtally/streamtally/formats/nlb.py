r"""Access logs of a Network Load Balancer, which has them for its TLS listeners.

Source: Elastic Load Balancing user guide, "Access logs for your Network Load Balancer", access log entries (22 fields;
version 1.0 of the log ends after ``domain_name``).
"""

from __future__ import annotations

from functools import partial

from streamtally.formats.base import Example, Format, Roles
from streamtally.formats.engine.columns import Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout

_TIME = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"T[0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]{1,9}+)?+Z?+"  # today neither a fraction nor a zone
)
_LIST = (
    r'"[^"]*+"(?:,"[^"]*+")*+'  # "h2","http/1.1"
    r'|[^ "]++'
)


def _milliseconds(name: str, meaning: str) -> Column:
    return Column(name, "BIGINT", f"milliseconds {meaning}", "[0-9]{1,18}|-", repeats=True)


LAYOUT = Layout(
    "nlb",
    "not a Network Load Balancer's log line",
    (
        Column("type", "VARCHAR", "type of the listener, tls", "tls|tcp|udp|tcp_udp", before="", nullable=False),
        Column("version", "VARCHAR", "version of the log entry, 2.0", r"[0-9]{1,3}\.[0-9]{1,3}", nullable=False),
        Column("time", "VARCHAR", "end of the connection, ISO 8601 in UTC", _TIME, nullable=False),
        Column("elb", "VARCHAR", "the load balancer's resource id"),
        Column("listener", "VARCHAR", "the listener's resource id"),
        Column("client", "VARCHAR", "address:port of the client"),
        Column("destination", "VARCHAR", "address:port that the client connected to"),
        _milliseconds("connection_time", "from start to end of the connection"),
        _milliseconds("tls_handshake_time", "of the TLS handshake, null if it did not end"),
        Column("received_bytes", "BIGINT", "bytes received from the client, decrypted", repeats=True),
        Column("sent_bytes", "BIGINT", "bytes sent to the client, before encryption", repeats=True),
        Column("incoming_tls_alert", "INTEGER", "TLS alert received from the client", "[0-9]{1,9}|-"),
        Column("chosen_cert_arn", "VARCHAR", "ARN of the certificate"),
        Column("chosen_cert_serial", "VARCHAR", "reserved, always null"),
        Column("tls_cipher", "VARCHAR", "the cipher of TLS, null if the handshake failed"),
        Column("tls_protocol_version", "VARCHAR", "the version of TLS, null if the handshake failed"),
        Column("tls_named_group", "VARCHAR", "reserved, always null"),
        Column("domain_name", "VARCHAR", "server name that the client sent in TLS (SNI)"),
        Column("alpn_fe_protocol", "VARCHAR", "protocol agreed with the client: h2, http/1.1, http/1.0", optional=True),
        Column("alpn_be_protocol", "VARCHAR", "protocol agreed with the target", optional=True),
        Column("alpn_client_preference_list", "VARCHAR", "what the client offered, in quotes", _LIST, optional=True),
        Column(
            "tls_connection_creation_time",
            "VARCHAR",
            "start of the connection, ISO 8601 in UTC",
            rf"{_TIME}|-",
            optional=True,
        ),
        Column("extra", "VARCHAR", "newer fields, unmodified", ".++", optional=True),
    ),
)

FORMAT = Format(
    name="nlb",
    summary="Access log of an AWS Network Load Balancer (TLS listeners).",
    source="Elastic Load Balancing user guide: Access logs for your Network Load Balancer",
    fields=LAYOUT.fields,
    examples=(
        Example(
            "tls 2.0 2025-12-20T02:59:40 net/my-network-loadbalancer/c6e77e28c25b2234 g3d4b5e8bb8464cd "
            "192.0.2.131:51341 198.51.100.45:443 5 2 98 246 - "
            "arn:aws:acm:us-east-2:123456789012:certificate/2a108f19-aded-46b0-8493-c63eb1ef4a99 - "
            "ECDHE-RSA-AES128-SHA tlsv12 - my-network-loadbalancer-c6e77e28c25b2234.elb.us-east-2.amazonaws.com "
            'h2 h2 "h2","http/1.1" 2025-12-20T02:59:30',
            {
                "type": "tls",
                "version": "2.0",
                "time": "2025-12-20T02:59:40",
                "elb": "net/my-network-loadbalancer/c6e77e28c25b2234",
                "listener": "g3d4b5e8bb8464cd",
                "client": "192.0.2.131:51341",
                "destination": "198.51.100.45:443",
                "connection_time": 5,
                "tls_handshake_time": 2,
                "received_bytes": 98,
                "sent_bytes": 246,
                "incoming_tls_alert": None,
                "chosen_cert_arn": "arn:aws:acm:us-east-2:123456789012:certificate/"
                "2a108f19-aded-46b0-8493-c63eb1ef4a99",
                "chosen_cert_serial": None,
                "tls_cipher": "ECDHE-RSA-AES128-SHA",
                "tls_protocol_version": "tlsv12",
                "tls_named_group": None,
                "domain_name": "my-network-loadbalancer-c6e77e28c25b2234.elb.us-east-2.amazonaws.com",
                "alpn_fe_protocol": "h2",
                "alpn_be_protocol": "h2",
                "alpn_client_preference_list": '"h2","http/1.1"',
                "tls_connection_creation_time": "2025-12-20T02:59:30",
                "extra": None,
            },
        ),
    ),
    compile=partial(compile_layout, LAYOUT),
    time_field="time",
    time_format="iso8601",
    time_is_utc=True,
    locate=LAYOUT.locate,
    roles=Roles(
        client="client",
        client_has_port=True,
        bytes="sent_bytes",
        vhost="domain_name",
        duration="connection_time",
    ),
)
