r"""Server access logs of Amazon S3. Keys and query strings stay as S3 encodes them.

S3 escapes nothing: a requester may hold spaces, and a request, referer or user agent quotes. Such lines are read by a
layout of their own, which tells a quote inside a value from its end by what follows.
Source: Amazon S3 user guide, "Amazon S3 server access log format".
"""

from __future__ import annotations

from dataclasses import replace

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Format, FormatOptions, Parser, Roles, Row
from streamtally.formats.engine.columns import BRACKETED_TIME, QUOTED, Column
from streamtally.formats.engine.generate import compile_layout, generate_exact
from streamtally.formats.engine.layout import Layout

# The user agent was the last text in quotes: of one with quotes inside, nothing may be taken for the next columns.
NO_MORE_QUOTES = r'\x20(?=[^"]*+\Z)'
"""The space after the last text in quotes."""
_OWNER = "[0-9a-f]{16,64}+|-"
_OPERATION = r"[A-Z][A-Za-z0-9]*+\.[\w.\-]++"
_QUOTED_OR_DASH = f"(?:{QUOTED}|-)"  # S3 writes a missing value without quotes


def _quoted(name: str, meaning: str) -> Column:
    return Column(name, "VARCHAR", meaning, _QUOTED_OR_DASH, escaped=True)


LAYOUT = Layout(
    "s3_access",
    "not an S3 access log line",
    (
        Column("bucket_owner", "VARCHAR", "canonical user id of the bucket's owner", _OWNER, before="", repeats=True),
        Column("bucket", "VARCHAR", "name of the bucket"),
        Column("time", "VARCHAR", "time of the request, dd/MMM/yyyy:HH:mm:ss Z", BRACKETED_TIME),
        Column("remote_ip", "VARCHAR", "the client's address"),
        Column("requester", "VARCHAR", "canonical user id or ARN, null if not authenticated"),
        Column("request_id", "VARCHAR", "S3's id of the request"),
        Column("operation", "VARCHAR", "such as REST.GET.OBJECT", f"{_OPERATION}|-", repeats=True),
        Column("key", "VARCHAR", "the object's key, URL encoded"),
        _quoted("request_uri", "the request line"),
        Column("http_status", "INTEGER", "status code", "[0-9]{3}|-"),
        Column("error_code", "VARCHAR", "S3's error code"),
        Column("bytes_sent", "BIGINT", "size of the response body in bytes, null if none"),
        Column("object_size", "BIGINT", "size of the object in bytes"),
        Column("total_time", "BIGINT", "milliseconds from the request to the last response byte", repeats=True),
        Column("turn_around_time", "BIGINT", "milliseconds that S3 took until the first response byte", repeats=True),
        _quoted("referer", "the Referer header"),
        _quoted("user_agent", "the User-Agent header"),
        Column("version_id", "VARCHAR", "the object's version", before=NO_MORE_QUOTES),
        Column("host_id", "VARCHAR", "S3's extended request id", optional=True),
        Column("signature_version", "VARCHAR", "SigV2 or SigV4", optional=True),
        Column("cipher_suite", "VARCHAR", "the cipher of TLS", optional=True),
        Column("authentication_type", "VARCHAR", "AuthHeader, QueryString", optional=True),
        Column("host_header", "VARCHAR", "the endpoint of the request", optional=True),
        Column("tls_version", "VARCHAR", "the version of TLS", optional=True),
        Column("access_point_arn", "VARCHAR", "ARN of the access point", optional=True),
        Column("acl_required", "VARCHAR", "Yes if an ACL was required", optional=True),
        Column("extra", "VARCHAR", "newer fields, unmodified", ".++", optional=True),
    ),
    recurring=(
        ("bucket_owner", "bucket"),
        (
            *("signature_version", "cipher_suite", "authentication_type", "host_header", "tls_version"),
            *("access_point_arn", "acl_required"),
        ),
    ),
)
_AFTER_REQUEST = (
    r"\x20(?:[0-9]{3}|-)"  # status
    r"\x20[^ \"]++"  # error code
    r"(?:\x20(?:[0-9]{1,18}|-)){4}"  # bytes, size, times
    r"\x20[\"\-]"  # the referer begins
)
_AS_WRITTEN = {
    "requester": (
        r"(?:arn:[^ ]++(?:\x20"  # an ARN, such as that of an origin access identity, and words of it
        rf"(?![^ ]++\x20{_OPERATION}\x20)"  # but not the request id, which the operation follows
        r"[^ ]++)*+"
        r"|[^ ]++)"
    ),
    "request_uri": (
        r'(?:"([^"]*+(?:"'  # a quote
        rf"(?!{_AFTER_REQUEST})"  # that does not end the request
        r'[^"]*+)*+)"|-)'
    ),
    "referer": (
        r'(?:"([^"]*+(?:"'  # a quote
        r'(?!\x20(?:"|-\x20))'  # that the user agent does not follow
        r'[^"]*+)*+)"|-)'
    ),
    "user_agent": (
        r'(?:"([^"]*+(?:"'  # a quote
        r'(?=[^"]*+")'  # that is not the last of the line: no further field has one
        r'[^"]*+)*+)"|-)'
    ),
}
UNESCAPED = Layout(
    "s3_access",
    LAYOUT.reason,
    [replace(column, pattern=_AS_WRITTEN.get(column.name, column.pattern)) for column in LAYOUT.columns],
)
SOURCE_REGION = Column("source_region", "VARCHAR", "the Region that the request came from")
"""A field since 2026, after ``acl_required``. Rows of lines without it do not have it."""


def compile_s3(options: FormatOptions) -> Parser:
    """A parser of S3's lines."""
    parse_usual, parse_unescaped = generate_exact(LAYOUT, options), generate_exact(UNESCAPED, options)

    def parse_other(line: str) -> Row:
        try:
            row = parse_usual(line)
        except FormatError:
            row = parse_unescaped(line)
        return row if row["extra"] is None else _with_region(row)

    return compile_layout(LAYOUT, options, parse_other)


def _with_region(row: Row) -> Row:
    region, _, extra = row.pop("extra").partition(" ")
    return {**row, SOURCE_REGION.name: None if region == "-" else region, "extra": extra or None}


FORMAT = Format(
    name="s3_access",
    summary="Server access log of Amazon S3.",
    source="Amazon S3 user guide: Amazon S3 server access log format",
    fields=(*LAYOUT.fields, SOURCE_REGION.field),
    examples=(
        Example(
            "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be amzn-s3-demo-bucket1 "
            "[06/Feb/2025:00:01:57 +0000] 192.0.2.3 - DD6CC733AEXAMPLE REST.PUT.OBJECT s3-dg.pdf "
            '"PUT /amzn-s3-demo-bucket1/s3-dg.pdf HTTP/1.1" 200 - - 4406583 41754 28 "-" "S3Console/0.4" - '
            "10S62Zv81kBW7BB6SX4XJ48o6kpcl6LPwEoizZQQxJd5qDSCTLX0TgS37kYUBKQW3+bPdrg1234= SigV4 "
            "ECDHE-RSA-AES128-SHA AuthHeader amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSv1.2 - Yes",
            {
                "bucket_owner": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be",
                "bucket": "amzn-s3-demo-bucket1",
                "time": "06/Feb/2025:00:01:57 +0000",
                "remote_ip": "192.0.2.3",
                "requester": None,
                "request_id": "DD6CC733AEXAMPLE",
                "operation": "REST.PUT.OBJECT",
                "key": "s3-dg.pdf",
                "request_uri": "PUT /amzn-s3-demo-bucket1/s3-dg.pdf HTTP/1.1",
                "http_status": 200,
                "error_code": None,
                "bytes_sent": None,
                "object_size": 4406583,
                "total_time": 41754,
                "turn_around_time": 28,
                "referer": None,
                "user_agent": "S3Console/0.4",
                "version_id": None,
                "host_id": "10S62Zv81kBW7BB6SX4XJ48o6kpcl6LPwEoizZQQxJd5qDSCTLX0TgS37kYUBKQW3+bPdrg1234=",
                "signature_version": "SigV4",
                "cipher_suite": "ECDHE-RSA-AES128-SHA",
                "authentication_type": "AuthHeader",
                "host_header": "amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com",
                "tls_version": "TLSv1.2",
                "access_point_arn": None,
                "acl_required": "Yes",
                "extra": None,
            },
        ),
    ),
    compile=compile_s3,
    time_field="time",
    time_format="dd/MMM/yyyy:HH:mm:ss Z",
    locate=LAYOUT.locate,
    roles=Roles(
        status="http_status",
        client="remote_ip",
        user="requester",
        request="request_uri",
        bytes="bytes_sent",
        referer="referer",
        agent="user_agent",
        vhost="host_header",
        duration="total_time",
    ),
)
