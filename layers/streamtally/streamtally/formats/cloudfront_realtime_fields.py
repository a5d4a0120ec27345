r"""The fields of CloudFront's real-time access logs, in their order.

Source: Amazon CloudFront developer guide, "Use real-time access logs", fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from streamtally.formats.base import Field
from streamtally.formats.engine.columns import CELL, Column
from streamtally.formats.engine.layout import Layout
from streamtally.lazy_patterns import pattern_when_used

_ADDRESS = "[0-9A-Fa-f.:]{2,45}"
_SECONDS = r"[0-9]{1,11}(?:\.[0-9]{1,9})?"
_TIMESTAMP = r"[0-9]{9,11}\.[0-9]{3}"
BEGINS = rf"{_TIMESTAMP}\t{_ADDRESS}\t"
"""How a line with the documented fields begins: with the time and the viewer's address."""
_INTEGER = "[0-9]{1,18}"

# name, type, meaning, what a value other than "-" must look like (empty: any text)
_COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    ("timestamp", "VARCHAR", "time at which the response ended, Unix seconds with milliseconds", ""),
    ("c_ip", "VARCHAR", "the viewer's address", ""),
    ("s_ip", "VARCHAR", "address of the CloudFront server", _ADDRESS),
    ("time_to_first_byte", "DOUBLE", "seconds from the request to the first response byte", _SECONDS),
    ("sc_status", "INTEGER", "status code, 000 if the viewer closed the connection", "[0-9]{1,3}"),
    ("sc_bytes", "BIGINT", "bytes sent to the viewer", _INTEGER),
    ("cs_method", "VARCHAR", "method of the request", ""),
    ("cs_protocol", "VARCHAR", "http, https, ws, wss, grpcs", ""),
    ("cs_host", "VARCHAR", "the Host header", ""),
    ("cs_uri_stem", "VARCHAR", "path of the request, with the query if there is one", ""),
    ("cs_bytes", "BIGINT", "bytes that the viewer sent", _INTEGER),
    ("x_edge_location", "VARCHAR", "the edge location", ""),
    ("x_edge_request_id", "VARCHAR", "CloudFront's id of the request", ""),
    ("x_host_header", "VARCHAR", "the distribution's domain name", ""),
    ("time_taken", "DOUBLE", "seconds from the request to the last response byte", _SECONDS),
    ("cs_protocol_version", "VARCHAR", "version of HTTP", ""),
    ("c_ip_version", "VARCHAR", "IPv4 or IPv6", "IPv[0-9]"),
    ("cs_user_agent", "VARCHAR", "the User-Agent header", ""),
    ("cs_referer", "VARCHAR", "the Referer header", ""),
    ("cs_cookie", "VARCHAR", "the Cookie header", ""),
    ("cs_uri_query", "VARCHAR", "query of the request", ""),
    ("x_edge_response_result_type", "VARCHAR", "how the response was classified before it was sent", ""),
    ("x_forwarded_for", "VARCHAR", "the viewer behind a proxy", ""),
    ("ssl_protocol", "VARCHAR", "the version of TLS", r"[A-Za-z]{2,5}v[0-9.]{1,3}"),
    ("ssl_cipher", "VARCHAR", "the cipher of TLS", ""),
    ("x_edge_result_type", "VARCHAR", "Hit, RefreshHit, Miss, LimitExceeded, Error, Redirect …", ""),
    ("fle_encrypted_fields", "BIGINT", "how many fields were encrypted", _INTEGER),
    ("fle_status", "VARCHAR", "status of field-level encryption", ""),
    ("sc_content_type", "VARCHAR", "Content-Type of the response", ""),
    ("sc_content_len", "BIGINT", "Content-Length of the response in bytes", _INTEGER),
    ("sc_range_start", "VARCHAR", "start of the requested range", ""),
    ("sc_range_end", "VARCHAR", "end of the requested range", ""),
    ("c_port", "INTEGER", "the viewer's port", "[0-9]{1,5}"),
    ("x_edge_detailed_result_type", "VARCHAR", "the result type, in detail for errors", ""),
    ("c_country", "VARCHAR", "country of the viewer's address", "[A-Z]{2}"),
    ("cs_accept_encoding", "VARCHAR", "the Accept-Encoding header", ""),
    ("cs_accept", "VARCHAR", "the Accept header", ""),
    ("cache_behavior_path_pattern", "VARCHAR", "path pattern of the cache behavior", ""),
    ("cs_headers", "VARCHAR", "names and values of the request's headers", ""),
    ("cs_header_names", "VARCHAR", "names of the request's headers", ""),
    ("cs_headers_count", "INTEGER", "number of the request's headers", "[0-9]{1,9}"),
    ("primary_distribution_id", "VARCHAR", "id of the primary distribution (continuous deployment)", ""),
    ("primary_distribution_dns_name", "VARCHAR", "domain name of the primary distribution", ""),
    ("origin_fbl", "DOUBLE", "seconds from CloudFront to the origin's first byte", _SECONDS),
    ("origin_lbl", "DOUBLE", "seconds from CloudFront to the origin's last byte", _SECONDS),
    ("asn", "BIGINT", "autonomous system number of the viewer", _INTEGER),
    ("cmcd_encoded_bitrate", "VARCHAR", "CMCD: encoded bitrate", ""),
    ("cmcd_buffer_length", "VARCHAR", "CMCD: buffer length", ""),
    ("cmcd_buffer_starvation", "VARCHAR", "CMCD: buffer starvation", ""),
    ("cmcd_content_id", "VARCHAR", "CMCD: content id", ""),
    ("cmcd_object_duration", "VARCHAR", "CMCD: object duration", ""),
    ("cmcd_deadline", "VARCHAR", "CMCD: deadline", ""),
    ("cmcd_measured_throughput", "VARCHAR", "CMCD: measured throughput", ""),
    ("cmcd_next_object_request", "VARCHAR", "CMCD: next object request", ""),
    ("cmcd_next_range_request", "VARCHAR", "CMCD: next range request", ""),
    ("cmcd_object_type", "VARCHAR", "CMCD: object type", ""),
    ("cmcd_playback_rate", "VARCHAR", "CMCD: playback rate", ""),
    ("cmcd_requested_maximum_throughput", "VARCHAR", "CMCD: requested maximum throughput", ""),
    ("cmcd_streaming_format", "VARCHAR", "CMCD: streaming format", ""),
    ("cmcd_session_id", "VARCHAR", "CMCD: session id", ""),
    ("cmcd_stream_type", "VARCHAR", "CMCD: stream type", ""),
    ("cmcd_startup", "VARCHAR", "CMCD: startup", ""),
    ("cmcd_top_bitrate", "VARCHAR", "CMCD: top bitrate", ""),
    ("cmcd_version", "VARCHAR", "CMCD: version", ""),
    ("r_host", "VARCHAR", "host that the request was sent to", ""),
    ("sr_reason", "VARCHAR", "why that origin was selected", ""),
    ("x_edge_mqcs", "VARCHAR", "media quality-aware origin selection: the score", ""),
    ("distribution_tenant_id", "VARCHAR", "id of the distribution tenant", ""),
    ("connection_id", "VARCHAR", "id of the TLS connection (mutual TLS)", ""),
)
# A pattern stands at numbers, and at enough other fields for a line of another selection to fail.
FIELDS = tuple(Field(name, kind, meaning) for name, kind, meaning, _ in _COLUMNS)

Convert = Callable[[str], Any]


def _converter(kind: str, pattern: str) -> Convert:
    fits = pattern_when_used(pattern, re.ASCII)
    to_value: Convert = {"VARCHAR": str, "DOUBLE": float}.get(kind, int)

    def convert(text: str) -> Any:
        if text == "-":
            return None
        if fits.fullmatch(text) is None:
            raise ValueError
        return to_value(text)

    return convert


CONVERTERS: Mapping[str, Convert] = {name: _converter(kind, pattern) for name, kind, _, pattern in _COLUMNS if pattern}
"""Field → the conversion of its text. Raises: ValueError: the text is not a value of the field."""

_ORDER = tuple(field.name for field in FIELDS)
_PRIMARY = ("primary_distribution_id", "primary_distribution_dns_name")
ANCHORS = ("c_port", "cs_headers_count", "asn")
"""Fields that always have a value. Between two of them a documented selection has all fields, so no other selection
of as many fields has numbers in the same places."""


def _until(last: str, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    return tuple(name for name in _ORDER[: _ORDER.index(last) + 1] if name not in without)


def _selections() -> dict[int, tuple[tuple[str, ...], ...]]:
    documented = [_ORDER, _until("asn"), _until("cs_headers_count")]
    documented += [_until(last, _PRIMARY) for last in ("origin_lbl", "asn")]
    documented += [_until(last, ("s_ip", *_PRIMARY)) for last in ("cs_headers_count", "origin_lbl", "asn")]
    by_count: dict[int, tuple[tuple[str, ...], ...]] = {}
    for names in documented:
        by_count[len(names)] = (*by_count.get(len(names), ()), names)
    return by_count


SELECTIONS: Mapping[int, tuple[tuple[str, ...], ...]] = _selections()
"""Number of fields → the selections of so many fields that need not be named: all, or what the console once offered."""


_BEGINNING = {"timestamp": _TIMESTAMP, "c_ip": _ADDRESS, "s_ip": _ADDRESS}
_RECURRING = ("sc_status", "c_ip_version", "ssl_protocol", "fle_encrypted_fields", "c_country")


def lay_out(name: str, reason: str, names: tuple[str, ...]) -> Layout:
    """The layout of a documented selection."""
    known = {column[0]: column for column in _COLUMNS}
    columns: list[Column] = []
    for field, kind, meaning, pattern in map(known.__getitem__, names):
        is_required = field in ANCHORS or field in _BEGINNING
        fits = _BEGINNING.get(field, pattern)
        text = CELL if not fits else f"(?:{fits})" if is_required else f"(?:{fits})|-"
        repeats = bool(pattern) and field not in _BEGINNING
        columns.append(
            Column(field, kind, meaning, text, "\t" * bool(columns), nullable=not is_required, repeats=repeats)
        )
    return Layout(name, reason, columns, recurring=(_RECURRING,))


def to_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """CloudFront's names of fields → names that are valid in SQL: ``sc-status`` → ``sc_status``."""
    return tuple(name.replace("-", "_") for name in names)
