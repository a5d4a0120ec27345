r"""CloudFront's standard access logs: tab separated, text fields URL encoded, two header lines per file.

Source: Amazon CloudFront developer guide, "Standard logging reference", log file fields (33, in this order).
"""

from __future__ import annotations

from functools import partial

from streamtally.formats.base import Example, Format, Roles
from streamtally.formats.engine.columns import Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout
from streamtally.formats.w3c import HEADER

_CELL = r"[^\t]*+"  # may be empty
_SECONDS = r"[0-9]{1,9}(?:\.[0-9]{1,9})?+|-"


def _text(name: str, meaning: str, optional: bool = False) -> Column:
    return Column(name, "VARCHAR", meaning, _CELL, "\t", optional)


def _number(name: str, meaning: str, kind: str = "BIGINT", optional: bool = False, repeats: bool = True) -> Column:
    pattern = _SECONDS if kind == "DOUBLE" else "[0-9]{1,18}|-"
    return Column(name, kind, meaning, pattern, "\t", optional, repeats=repeats)


_COLUMNS = (
    Column("date", "VARCHAR", "day of the event, yyyy-MM-dd in UTC", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", before=""),
    Column("time", "VARCHAR", "time of the response, HH:mm:ss in UTC", r"[0-9]{2}:[0-9]{2}:[0-9]{2}", "\t"),
    _text("x_edge_location", "the edge location"),
    _number("sc_bytes", "bytes sent to the viewer"),
    _text("c_ip", "the viewer's address"),
    _text("cs_method", "method of the request"),
    _text("cs_host", "the distribution's domain name"),
    _text("cs_uri_stem", "path of the request"),
    _number("sc_status", "status code, 000 if the viewer closed the connection", "INTEGER"),
    _text("cs_referer", "the Referer header"),
    _text("cs_user_agent", "the User-Agent header"),
    _text("cs_uri_query", "query of the request"),
    _text("cs_cookie", "cookies of the request"),
    _text("x_edge_result_type", "Hit, RefreshHit, Miss, LimitExceeded, Error, Redirect …"),
    _text("x_edge_request_id", "CloudFront's id of the request"),
    _text("x_host_header", "the Host header"),
    _text("cs_protocol", "http, https, ws, wss, grpcs"),
    _number("cs_bytes", "bytes that the viewer sent"),
    _number("time_taken", "seconds from the request to the last response byte", "DOUBLE"),
    _text("x_forwarded_for", "the viewer behind a proxy", optional=True),
    _text("ssl_protocol", "the version of TLS", optional=True),
    _text("ssl_cipher", "the cipher of TLS", optional=True),
    _text("x_edge_response_result_type", "how the response was classified before it was sent", optional=True),
    _text("cs_protocol_version", "version of HTTP", optional=True),
    _text("fle_status", "status of field-level encryption", optional=True),
    _number("fle_encrypted_fields", "how many fields were encrypted", optional=True),
    _number("c_port", "the viewer's port", "INTEGER", optional=True, repeats=False),
    _number("time_to_first_byte", "seconds from the request to the first response byte", "DOUBLE", optional=True),
    _text("x_edge_detailed_result_type", "the result type, in detail for errors", optional=True),
    _text("sc_content_type", "Content-Type of the response", optional=True),
    _number("sc_content_len", "Content-Length of the response in bytes", optional=True),
    _text("sc_range_start", "start of the requested range", optional=True),
    _text("sc_range_end", "end of the requested range", optional=True),
    Column("extra", "VARCHAR", "newer fields, unmodified", ".++", "\t", optional=True),
)

LAYOUT = Layout(
    "cloudfront",
    "not a CloudFront standard log line",
    _COLUMNS,
    header=HEADER,
)

FORMAT = Format(
    name="cloudfront",
    summary="Standard access log of Amazon CloudFront.",
    source="Amazon CloudFront developer guide: Standard logging reference",
    fields=LAYOUT.fields,
    examples=(
        Example(
            "2025-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td111111abcdef8.cloudfront.net\t/index.html\t200\t-\t"
            "Mozilla/5.0%20(Windows%20NT%2010.0)\ta=b\t-\tHit\tSOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ"
            "==\td111111abcdef8.cloudfront.net\thttps\t23\t0.001\t-\tTLSv1.2\tECDHE-RSA-AES128-GCM-SHA256\tHit\t"
            "HTTP/2.0\t-\t-\t11040\t0.001\tHit\ttext/html\t78\t-\t-",
            {
                "date": "2025-12-04",
                "time": "21:02:31",
                "x_edge_location": "LAX1",
                "sc_bytes": 392,
                "c_ip": "192.0.2.100",
                "cs_method": "GET",
                "cs_host": "d111111abcdef8.cloudfront.net",
                "cs_uri_stem": "/index.html",
                "sc_status": 200,
                "cs_referer": None,
                "cs_user_agent": "Mozilla/5.0%20(Windows%20NT%2010.0)",
                "cs_uri_query": "a=b",
                "cs_cookie": None,
                "x_edge_result_type": "Hit",
                "x_edge_request_id": "SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==",
                "x_host_header": "d111111abcdef8.cloudfront.net",
                "cs_protocol": "https",
                "cs_bytes": 23,
                "time_taken": 0.001,
                "x_forwarded_for": None,
                "ssl_protocol": "TLSv1.2",
                "ssl_cipher": "ECDHE-RSA-AES128-GCM-SHA256",
                "x_edge_response_result_type": "Hit",
                "cs_protocol_version": "HTTP/2.0",
                "fle_status": None,
                "fle_encrypted_fields": None,
                "c_port": 11040,
                "time_to_first_byte": 0.001,
                "x_edge_detailed_result_type": "Hit",
                "sc_content_type": "text/html",
                "sc_content_len": 78,
                "sc_range_start": None,
                "sc_range_end": None,
                "extra": None,
            },
        ),
    ),
    compile=partial(compile_layout, LAYOUT),
    time_field=("date", "time"),
    time_format="yyyy-MM-dd HH:mm:ss",
    time_is_utc=True,
    locate=LAYOUT.locate,
    roles=Roles(
        status="sc_status",
        client="c_ip",
        method="cs_method",
        path="cs_uri_stem",
        query="cs_uri_query",
        protocol="cs_protocol_version",
        bytes="sc_bytes",
        referer="cs_referer",
        agent="cs_user_agent",
        vhost="x_host_header",
        duration="time_taken",
    ),
)
