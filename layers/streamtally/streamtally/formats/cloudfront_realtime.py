r"""CloudFront's real-time access logs: tab separated, with the fields that the user selected, in a fixed order.

Nothing in a line names its fields. ``fields`` names the selected ones; without it, a line is read only if it has all
fields of the documented order (up to the newest or to those of an earlier time), or the console's first selection.
Source: Amazon CloudFront developer guide, "Use real-time access logs", fields.
"""

from __future__ import annotations

import re
from functools import cache

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Format, FormatOptions, Parser, Roles, Row
from streamtally.formats.cloudfront_realtime_fields import (
    ANCHORS,
    BEGINS,
    CONVERTERS,
    FIELDS,
    SELECTIONS,
    lay_out,
    to_names,
)
from streamtally.formats.engine.generate import FastParser, generate_fast
from streamtally.formats.w3c_rows import RowReader, Rows

NAME = "cloudfront_realtime"
_REASON = "not all fields of CloudFront's real-time log: fields names the selected ones"
OTHER_FIELDS = "not the fields that the pipeline names"

_rows = Rows(CONVERTERS)
_begins = re.compile(BEGINS, re.ASCII).match


class _Selection(RowReader):
    """Reads cells that are a selection's. Args: names: of its fields, in their order.

    Attributes: anchors: those that must have a value where nothing but the line says that this is the selection.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(_rows, names)
        self.anchors = [name for name in ANCHORS if name in names]


_documented = {count: [_Selection(names) for names in selections] for count, selections in SELECTIONS.items()}


@cache
def _fast_path(count: int) -> FastParser:
    """The fast path of the first documented selection of so many fields."""
    return generate_fast(lay_out(NAME, _REASON, SELECTIONS[count][0]))


def _read_documented(line: str) -> tuple[Row, bool]:
    """The row of a documented selection, and whether that is the first one of so many fields."""
    cells = line.split("\t") if _begins(line) is not None else []
    selections = _documented.get(len(cells), [])
    for selection in selections:
        try:
            row = selection.read(cells)
        except ValueError:
            continue
        if None not in [row[name] for name in selection.anchors]:
            return row, selection is selections[0]
    raise FormatError(NAME, _REASON)


def _read_nothing(line: str) -> Row | None:
    return None


def _documented_parser() -> Parser:
    """A parser of the documented selections. Its fast path is that of the line before, as all lines have the same."""
    read_fast: FastParser = _read_nothing

    def parse(line: str) -> Row:
        nonlocal read_fast
        row = read_fast(line)
        if row is None:
            row, is_first = _read_documented(line)
            read_fast = _fast_path(len(row)) if is_first else _read_nothing
        return row

    return parse


def compile_cloudfront_realtime(options: FormatOptions) -> Parser:
    """A parser of lines with the fields ``fields``, else with all documented ones."""
    if not options.fields:
        return _documented_parser()
    selection = _Selection(to_names(options.fields))

    def parse(line: str) -> Row:
        try:
            return selection.read(line.split("\t"))
        except ValueError:
            raise FormatError(NAME, OTHER_FIELDS) from None

    return parse


def _locate(line: str) -> int:
    match = _begins(line)
    return match.end() if match else 0


_EXAMPLE = {
    "timestamp": "1764882151.312",
    "c_ip": "192.0.2.100",
    "s_ip": "198.51.100.7",
    "time_to_first_byte": 0.002,
    "sc_status": 200,
    "sc_bytes": 16599,
    "cs_method": "GET",
    "cs_protocol": "https",
    "cs_host": "d111111abcdef8.cloudfront.net",
    "cs_uri_stem": "/index.html",
    "cs_bytes": 95,
    "x_edge_location": "EWR53-C2",
    "x_edge_request_id": "5m31iVbzlTQT0-ZqUVfUjSWzgvHrz-4pFpZq3rcEQOPTJb_SdNOHDQ==",
    "x_host_header": "d111111abcdef8.cloudfront.net",
    "time_taken": 0.002,
    "cs_protocol_version": "HTTP/2.0",
    "c_ip_version": "IPv4",
    "cs_user_agent": "Mozilla/5.0%20(Windows%20NT%2010.0;%20Win64;%20x64)",
    "cs_referer": None,
    "cs_cookie": None,
    "cs_uri_query": "a=b",
    "x_edge_response_result_type": "Hit",
    "x_forwarded_for": None,
    "ssl_protocol": "TLSv1.3",
    "ssl_cipher": "TLS_AES_128_GCM_SHA256",
    "x_edge_result_type": "Hit",
    "fle_encrypted_fields": None,
    "fle_status": None,
    "sc_content_type": "text/html",
    "sc_content_len": 78,
    "sc_range_start": None,
    "sc_range_end": None,
    "c_port": 11040,
    "x_edge_detailed_result_type": "Hit",
    "c_country": "US",
    "cs_accept_encoding": "gzip",
    "cs_accept": "*/*",
    "cache_behavior_path_pattern": "*",
    "cs_headers": "Host:d111111abcdef8.cloudfront.net%0AAccept:*/*%0A",
    "cs_header_names": "Host%0AAccept%0A",
    "cs_headers_count": 2,
}

FORMAT = Format(
    name=NAME,
    summary="Real-time access log of Amazon CloudFront; fields names the selected fields.",
    source="Amazon CloudFront developer guide: Use real-time access logs",
    fields=FIELDS,
    examples=(Example("\t".join("-" if value is None else str(value) for value in _EXAMPLE.values()), _EXAMPLE),),
    compile=compile_cloudfront_realtime,
    time_field="timestamp",
    time_format="unix",
    locate=_locate,
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
        vhost=("x_host_header", "cs_host"),
        duration="time_taken",
        forwarded="x_forwarded_for",
    ),
    to_columns=to_names,
)
