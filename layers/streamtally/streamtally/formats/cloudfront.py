r"""CloudFront's standard access logs: tab separated, text fields URL encoded, two header lines per file.

Lines have the standard columns in their order, or those that the record's ``#Fields`` line names (logging v2).
Source: Amazon CloudFront developer guide, "Standard logging reference", log file fields; "Configure standard logging
(v2)".
"""

from __future__ import annotations

import contextlib

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Format, FormatOptions, Parser, RecordParser, Roles, Row
from streamtally.formats.cloudfront_fields import LAYOUT, is_cloudfront, is_standard
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.w3c import W3cParser
from streamtally.formats.w3c_header import HEADER


class CloudFrontParser(RecordParser):
    """A parser of the standard columns, or of those that the ``#Fields`` line of a record names.

    Args: standard: The parser of the standard columns.
    """

    def __init__(self, standard: Parser) -> None:
        self._standard = self._parse = standard
        self._by_header: W3cParser | None = None  # once a directive was seen

    def for_record(self, arrival_ms: int | None = None) -> Parser:
        """A parser for another record; the same where no directive was seen."""
        return self if self._by_header is None else CloudFrontParser(self._standard)

    def __call__(self, line: str) -> Row:
        try:
            return self._parse(line)
        except FormatError:
            if line[:1] == "#":
                self._follow(line)
            raise

    def _follow(self, line: str) -> None:
        self._by_header = self._by_header or W3cParser()
        with contextlib.suppress(FormatError):
            self._by_header(line)
        self._parse = self._parse_first

    def _parse_first(self, line: str) -> Row:
        """Parse the first line after directives: only then is the header split, as a record may hold headers alone."""
        if line[:1] == "#" or self._by_header is None:
            raise FormatError("cloudfront", HEADER)
        if not self._by_header.has_header or is_standard(self._by_header.names):
            self._parse = self._standard
        else:
            self._parse = self._by_header if is_cloudfront(self._by_header.names) else self._parse_tabs
        return self._parse(line)

    def _parse_tabs(self, line: str) -> Row:
        """Parse a line under a header that any server could have: CloudFront's lines have tabs."""
        if "\t" not in line or self._by_header is None:
            raise FormatError("cloudfront", LAYOUT.reason if line[:1] != "#" else HEADER)
        return self._by_header(line)


def compile_cloudfront(options: FormatOptions) -> Parser:
    """A parser of CloudFront's lines."""
    return CloudFrontParser(compile_layout(LAYOUT, options))


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
    compile=compile_cloudfront,
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
        forwarded="x_forwarded_for",
    ),
)
