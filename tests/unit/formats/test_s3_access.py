"""S3's access logs as S3 writes them: nothing is escaped, and fields are added at the end."""

from __future__ import annotations

import time
from typing import Any

import pytest

from streamtally.errors import FormatError
from streamtally.formats import FormatOptions, find_format
from streamtally.formats.auto import compile_auto

OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
TAIL = "- s9lzHYrFp76ZVxRcpX9= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader b1.s3.amazonaws.com TLSv1.2 - -"
OAI = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLE1"

parse: Any = find_format("s3_access").compile(FormatOptions())
auto: Any = compile_auto(FormatOptions())


def line(**parts: str) -> str:
    """A line with some of its parts replaced."""
    usual = {
        "ip": "192.0.2.3", "requester": "-", "id": "3E57427F3EXAMPLE", "operation": "REST.GET.OBJECT", "key": "a/b.png",
        "request": '"GET /a/b.png HTTP/1.1"', "numbers": "200 - 113 114 7 6", "referer": '"-"', "agent": '"curl/8"',
        "tail": TAIL,
    }  # fmt: skip
    return f"{OWNER} b1 [30/Jul/2025:00:00:38 +0000] " + " ".join({**usual, **parts}.values())


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        # A requester: canonical id, ARN, service, or an origin access identity, which has spaces.
        ({"requester": OAI}, {"requester": OAI, "request_id": "3E57427F3EXAMPLE", "http_status": 200}),
        ({"requester": OAI, "operation": "BATCH.DELETE.OBJECT", "request": "-", "referer": "-", "agent": "-",
          "numbers": "204 - - 344017 - -"},
         {"requester": OAI, "operation": "BATCH.DELETE.OBJECT", "request_uri": None, "http_status": 204}),
        ({"requester": "arn:aws:sts::123456789012:assumed-role/r/s"},
         {"requester": "arn:aws:sts::123456789012:assumed-role/r/s"}),
        ({"ip": "-", "requester": "svc:delivery.logs.amazonaws.com", "operation": "REST.PUT.OBJECT"},
         {"remote_ip": None, "requester": "svc:delivery.logs.amazonaws.com", "operation": "REST.PUT.OBJECT"}),
        # Quotes that nothing escapes, in each of the three quoted values.
        ({"request": '"GET /" HTTP/1.1"', "numbers": "403 AccessDenied 243 - 8 -"},
         {"request_uri": 'GET /" HTTP/1.1', "http_status": 403, "error_code": "AccessDenied", "bytes_sent": 243}),
        ({"request": '"GET /?a="b"&c=" " HTTP/1.1"'},
         {"request_uri": 'GET /?a="b"&c=" " HTTP/1.1', "object_size": 114}),
        ({"agent": '"Mozilla/5.0 (iPad; CPU OS 13_1 like Mac OS X) Safari/604.1""'},
         {"user_agent": 'Mozilla/5.0 (iPad; CPU OS 13_1 like Mac OS X) Safari/604.1"', "version_id": None}),
        ({"referer": '"() { :;}; echo; echo "x""', "agent": '"() { :;}; echo; echo "x""'},
         {"referer": '() { :;}; echo; echo "x"', "user_agent": '() { :;}; echo; echo "x"', "tls_version": "TLSv1.2"}),
        ({"agent": '"a" b "c"'}, {"user_agent": 'a" b "c', "version_id": None, "signature_version": "SigV4"}),
        ({"agent": '"a" b c d e f g h i j k "l"'},
         {"user_agent": 'a" b c d e f g h i j k "l', "host_header": "b1.s3.amazonaws.com"}),
        ({"agent": '"C:\\x\\"'}, {"user_agent": "C:\\x\\", "version_id": None}),
        ({"referer": '"https://h.example/?q="x""', "agent": "-"},
         {"referer": 'https://h.example/?q="x"', "user_agent": None}),
        ({"requester": OAI, "request": '"GET /"a HTTP/1.1"', "agent": '"x"y"'},
         {"requester": OAI, "request_uri": 'GET /"a HTTP/1.1', "user_agent": 'x"y', "http_status": 200}),
        # Fields at the end: the ACL's, the Region of the request (2026), and any after it.
        ({"tail": TAIL + " us-west-2"}, {"acl_required": None, "source_region": "us-west-2", "extra": None}),
        ({"tail": TAIL[:-1] + "Yes - x y"}, {"acl_required": "Yes", "source_region": None, "extra": "x y"}),
        ({"agent": '"x"y"', "tail": TAIL + " us-west-2"}, {"user_agent": 'x"y', "source_region": "us-west-2"}),
        # The first lines of S3 end after the version.
        ({"tail": "-"}, {"version_id": None, "host_id": None, "extra": None}),
    ],
)  # fmt: skip
def test_as_s3_writes_it(parts: dict[str, str], expected: dict[str, Any]) -> None:
    row = parse(line(**parts))
    assert {name: row[name] for name in expected} == expected
    assert auto(line(**parts)) == row


# A row without the newer field is as it was before S3 had it.
def test_rows_stay() -> None:
    assert list(parse(line()))[-3:] == ["access_point_arn", "acl_required", "extra"]


@pytest.mark.parametrize(
    "parts", [{"requester": "a b"}, {"numbers": "2000 - 1 1 1 1"}, {"agent": '"x'}, {"operation": "GET"}]
)
def test_what_is_no_line(parts: dict[str, str]) -> None:
    with pytest.raises(FormatError):
        parse(line(**parts))


@pytest.mark.parametrize("text", ['"', '" ', "a ", 'x" 200 - 1 1 1 1 ', '" "', '" - ', "\\", "A.B "])
@pytest.mark.parametrize("part", ["requester", "request", "referer", "agent", "tail"])
def test_hostile(part: str, text: str) -> None:
    long = text * 100_000
    started = time.process_time()
    for value in (long, '"' + long, "arn:" + long):
        try:
            parse(line(**{part: value}))
        except FormatError:
            continue
    assert time.process_time() - started < 3
