"""The fields of CloudFront's standard access logs, in their order, and which of its selected fields are numbers.

Source: Amazon CloudFront developer guide, "Standard logging reference", log file fields; "Use real-time access logs",
fields, some of which standard logging (v2) takes too.
"""

from __future__ import annotations

from streamtally.formats.engine.columns import CELL, Column
from streamtally.formats.engine.layout import Layout
from streamtally.formats.w3c_header import HEADER
from streamtally.formats.w3c_rows import Convert, to_decimal, to_integer

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_SECONDS = r"[0-9]{1,9}(?:\.[0-9]{1,9})?+|-"


def _text(name: str, meaning: str, optional: bool = False) -> Column:
    return Column(name, "VARCHAR", meaning, CELL, "\t", optional)


def _number(name: str, meaning: str, kind: str = "BIGINT", optional: bool = False, repeats: bool = True) -> Column:
    pattern = _SECONDS if kind == "DOUBLE" else "[0-9]{1,18}|-"
    return Column(name, kind, meaning, pattern, "\t", optional, repeats=repeats)


_COLUMNS = (
    Column("date", "VARCHAR", "day of the event, yyyy-MM-dd in UTC", _DAY, before="", repeats=True),
    Column("time", "VARCHAR", "time of the response, HH:mm:ss in UTC", _TIME, "\t", repeats=True),
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

NUMBERS: dict[str, Convert] = {
    **{column.name: to_integer for column in LAYOUT.columns if column.type in ("INTEGER", "BIGINT")},
    **{column.name: to_decimal for column in LAYOUT.columns if column.type == "DOUBLE"},
    "timestamp": to_decimal,
    "timestamp_ms": to_integer,
    "origin_fbl": to_decimal,
    "origin_lbl": to_decimal,
    "asn": to_integer,
    "cs_headers_count": to_integer,
}
"""The numbers among the fields that one can select."""
_MANDATORY = sum(not column.optional for column in LAYOUT.columns)
_STANDARD = tuple(column.name for column in LAYOUT.columns[:-1])
_ITS_OWN = frozenset(("distributionid", "distribution_tenant_id", "timestamp_ms", "origin_fbl", "origin_lbl"))


def is_standard(names: tuple[str, ...]) -> bool:
    """Whether columns are those of standard logging (legacy), in their order, up to the newest or an earlier one."""
    return len(names) >= _MANDATORY and names == _STANDARD[: len(names)]


def is_cloudfront(names: tuple[str, ...]) -> bool:
    """Whether some of the columns are CloudFront's own."""
    return any(name.startswith("x_edge_") or name in _ITS_OWN for name in names)
