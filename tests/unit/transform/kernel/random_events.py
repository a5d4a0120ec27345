"""Random events for both ways: lines of the access formats and all others, broken ones, and every kind of record."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.system.fuzz.generate import ARRIVAL, EXAMPLES, make_line

NEWEST_FIELDS_OF_ALB = '"-" "/b" "TransformSuccess"'
_S3 = (
    "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be logs [22/Nov/2025:21:20:38 +0000] 192.0.2.3 "
    "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be 891CE47D2EXAMPLE {} {} {} 200 - {} 297 2 "
)
_HAPROXY = "{} [22/Nov/2025:21:20:38.655] web~ web/srv1 10/0/30/69/109 {} 2750 - - ---- 1/1/1/1/0 0/0 {}"
_CLOUDFRONT = EXAMPLES["cloudfront"][0].split("\t")
FURTHER_LINES = {
    "s3_access": (
        _S3.format("REST.GET.VERSIONING", "-", '"GET /logs?versioning HTTP/1.1"', "113 7")
        + '"-" "S3Console/0.4" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6U= SigV4 AES256 AuthHeader h TLSv1.2 - -',
        _S3.format("REST.GET.OBJECT", "a%20b", '"GET /a\\"b HTTP/1.1"', "- -") + '- "a \\"b\\"" 3/L4kqtJ - SigV2',
        _S3.format("S3.TRANSITION_SIA.OBJECT", "k", "-", "- 5") + "- - - id - - - - - - - us-east-1",
        _S3.format("BATCH.DELETE.OBJECT", "k", "-", "1 5") + "- - - id - - - - - - - eu-west-1 new",
        _S3.format("REST.GET.OBJECT", "k", '"GET /a"b HTTP/1.1"', "1 5") + "- - - id - - - - - - - -",
    ),
    "haproxy": (
        _HAPROXY.format(
            "Nov 22 21:20:39 lb haproxy[14389]: 192.0.2.1:33317", 200, '{1wt.eu|a "b"} {} "GET / HTTP/1.1"'
        ),
        _HAPROXY.format("<134>Nov 22 21:20:39 haproxy[1]: 192.0.2.1:33317", 200, '"GET / HTTP/1.1"'),
        _HAPROXY.format("haproxy[674]: 198.51.100.9:1", 503, '{|} "<BADREQ>"'),
        _HAPROXY.format("2001:db8::7:443", 200, '{a\\b} "GET /\\ HTTP/1.1" 0/0000000000000000/0/0/0 h/TLSv1.2'),
        _HAPROXY.format("192.0.2.9:5", -1, '"GET /'),
    ),
    "cloudfront": (
        *("#Version: 1.0", "#Fields: date time x-edge-location sc-bytes", "\t".join(_CLOUDFRONT[:19])),
        *("\t".join(_CLOUDFRONT[:25]), "\t".join((*_CLOUDFRONT, "new")), "\t".join(["", *_CLOUDFRONT[1:]])),
        "\t".join(
            ["a\\b", 'c"d', "", "0", "01", "-"][len(cell) % 6] if len(cell) < 9 else cell for cell in _CLOUDFRONT
        ),
    ),
}
"""Lines as the documentation of their formats has them, and at the edges of it."""
# fmt: off
_HOSTS = (
    "192.0.2.1", "192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::7", "host.example.com", "bücher.example",
    "::1", "::ffff:192.0.2.1", "2001:db8::7%eth0", "2001:db8:0:0:0:0:0:7", "1:2:3:4:5:6:7:8", "2001:db8::7]",
    "[2001:db8::7]:443", "192.0.2.1:51000", "192.0.2.1,192.0.2.2", "192.0.2.1, 192.0.2.2", "unix:", "unix:/run/a",
    "-", "*", "192.0.2.*", "a|b", "a+b", "1.2::", ":", "::", "a" * 300, "0:" * 30, "-::", "",
)
_WORDS = (
    "-", "-", "-", "-", "-", "ann", "frank", "bob@example.com", "10", "192.0.2.9", "2001:db8::1", "a:b", "fe:",
    "ann lee", "é", "", "x" * 256, "ü" * 200, "x" * 257, "a,b", "a|b", "a[b", '"', "\\", "1ann", "--", "\x7f", "\u2028",
)
_TIMES = (
    "22/Nov/2025:21:21:41 +0000", "22/Nov/2025:21:22:00 +0100", "22/Nov/2025:21:20:07 -0730",
    "21/Nov/2025:03:00:00 +0000", "22/Nov/2015:21:21:41 +0000", "22/Nov/2035:21:21:41 +0000",
    "31/Feb/2025:21:21:41 +0000", "99/Xyz/0000:99:99:99 +9999", "22/nov/2025:21:21:41 +0000", "-",
)
_REQUESTS = (
    "GET / HTTP/1.1", "GET / HTTP/1.1", "GET /a?b=1 HTTP/2.0", "POST /é HTTP/1.1", "-", "", r"\x16\x03", "\\\"", "a\tb",
    "GET /\x7f HTTP/1.1", "GET /\u2028 HTTP/1.1", "GET /\ufeff", "{}", "GET /'s",
)
# fmt: on
_STATUSES = ("200", "200", "200", "304", "404", "500", "-", "099", "0", "20", "2000", "a00", "٢٠٠")
_SIZES = ("0", "5", "5316", "-", "01", "-5", "9" * 18, "9" * 19, "1.5", "")
_ENDS = ("\n", "\n", "\n", "\r\n", "\n\n", "\r\n\r\n")
_PARTS = (
    '{"log":"part one ","stream":"stdout","time":"2025-11-22T21:21:41.000000001Z"}',
    '{"log":"and two\\n","stream":"stdout","time":"2025-11-22T21:21:41.000000002Z"}',
    "2025-11-22T21:21:41.000000001Z stdout P 192.0.2.1 - - [22/Nov/2025",
    '2025-11-22T21:21:41.000000001Z stdout F :21:21:41 +0000] "GET / HTTP/1.1" 200 5 "-" "-"',
)
# fmt: off
_OF_NO_FORMAT = (
    "worker 7 has taken a job", 'he said "no" \\ and left', "a\tb\x01\x7f\u2028é", "Traceback (most recent call last):",
    "x", "level=info x", "a {b} c", "at [22/Nov/2025:21:21:41 +0000]", "a\ufeffb", "{'a': 1}", "\x1e{}", "]", "\xa0{}",
    "\udcff", "web-1  | worker 7", "a:b\tc", "2025-11-22T21:21:41Z stderr P x", "GET /a 200 2025-11-22 21:21:41", " ",
    "=", "[x", "}{",
)
# fmt: on
_HEADERS = ("#Fields: cs-method cs-uri-stem sc-status date time", "version account-id interface-id srcaddr dstaddr")
_OTHER = ("", " ", "#Fields: date time", '{"a":1}', '{"a":1}{"a":2}', '{"unparsed":"x"}', "\ufeff", "\x00", "x")


def make_access_line(drawn: Random, is_common: bool, oddness: float) -> str:
    """A line of the combined or the common log. Args: oddness: the share of values that are not usual."""

    def value(values: Sequence[str], usual: int) -> str:
        return drawn.choice(values if drawn.random() < oddness else values[:usual])

    line = (
        f"{value(_HOSTS, 7)} {value(_WORDS, 5)} {value(_WORDS, 8)} [{value(_TIMES, 3)}] "
        f'"{value(_REQUESTS, 5)}" {value(_STATUSES, 6)} {value(_SIZES, 4)}'
    )
    if is_common:
        return line
    return f'{line} "{value(_REQUESTS, 5)}" "{value(_REQUESTS, 5)}"' + (" 1234" if drawn.random() < oddness / 9 else "")


def make_directive_line(drawn: Random, oddness: float) -> str:
    """A line of the combined log with a duration in µs after it."""
    line = make_access_line(drawn, is_common=False, oddness=oddness)
    return f"{line} {drawn.choice(_SIZES if drawn.random() < oddness else _SIZES[:4])}"


def make_format_line(drawn: Random, name: str, oddness: float) -> str:
    """A line of a format: an example with other digits, or mutated."""
    if drawn.random() < oddness / 2:
        return make_line(drawn, name)
    line = drawn.choice((*EXAMPLES[name] * 4, *(FURTHER_LINES.get(name, ()) if oddness else ())))
    if name == "alb" and drawn.random() < 0.7:
        line += f" {NEWEST_FIELDS_OF_ALB}"
    return "".join(
        drawn.choice("0123456789") if char.isdigit() and drawn.random() < 0.1 else char for char in line
    ).replace("\n", "")


def _line(drawn: Random, oddness: float, name: str = "") -> str:
    if name and drawn.random() >= oddness / 4:
        return make_directive_line(drawn, oddness) if ":" in name else make_format_line(drawn, name, oddness)
    if drawn.random() < oddness / 4:
        return drawn.choice(_HEADERS if drawn.random() < 0.05 else _OF_NO_FORMAT)
    if drawn.random() < oddness / 4:
        return drawn.choice((*_OTHER, *_PARTS, make_line(drawn), make_line(drawn, "apache_combined")))
    is_common = drawn.random() < oddness / 3
    return make_access_line(drawn, is_common, oddness)


def make_payload(drawn: Random, oddness: float, name: str = "") -> bytes:
    """A record's data."""
    ends = _ENDS if drawn.random() < oddness else _ENDS[:3]
    lines = "".join(_line(drawn, oddness, name) + drawn.choice(ends) for _ in range(drawn.choice((0, 1, 1, 2, 25))))
    data = lines.encode("utf-8", "surrogatepass")
    if drawn.random() < 0.3:
        data = data.rstrip(b"\n")
    if drawn.random() < oddness / 9:
        data = bytes(drawn.choice((byte,) * 60 + (drawn.randrange(256),)) for byte in data)
    return data


def _special(drawn: Random, data: bytes) -> bytes:
    """What comes in a record beside lines."""
    match drawn.randrange(5):
        case 0:
            return gzip.compress(data, mtime=0)
        case 1:
            lines = data.decode("utf-8", "replace").split("\n")
            events = [{"id": str(number), "timestamp": ARRIVAL, "message": line} for number, line in enumerate(lines)]
            return gzip.compress(json.dumps({"messageType": "DATA_MESSAGE", "logEvents": events}).encode(), mtime=0)
        case 2:
            return b'{"a":1,\n"b":2}\n' + data
        case 3:
            return gzip.compress(data, mtime=0)[:20]
        case _:
            return (
                drawn.choice((b"\n", b"\r\n", b"[1]\n", b"\n\n{", b"\xf3\x89\x9a\xc2", b"\x1e{}", b"\xef\xbb\xbf"))
                + data
            )


def make_record(drawn: Random, number: int, oddness: float, name: str = "") -> dict[str, Any]:
    """A record of an event."""
    data = make_payload(drawn, oddness, name)
    if drawn.random() < oddness / 9:
        data = _special(drawn, data)
    arrival: Any = ARRIVAL + drawn.choice((0, 0, 5, drawn.randrange(1000), -drawn.randrange(100_000)))
    record = {
        "recordId": f"id-{number:04}",
        "approximateArrivalTimestamp": arrival,
        "data": base64.b64encode(data).decode(),
    }
    if drawn.random() < oddness / 30:
        record |= drawn.choice(
            (
                {"approximateArrivalTimestamp": str(arrival)},
                {"approximateArrivalTimestamp": None},
                {"approximateArrivalTimestamp": True},
                {"kinesisRecordMetadata": {"shardId": "shardId-0", "sequenceNumber": str(number)}},
                {"data": record["data"] + "="},
                {"data": record["data"][:-1] + "\n"},
                {"data": ""},
                {"data": "QR=="},
                {"recordId": "id-0000"},
                {"recordId": 'id "é"'},
                {"kafkaRecordValue": record["data"], "data": None},
            )
        )
    return record


def make_event(drawn: Random, name: str = "") -> dict[str, Any]:
    """An event; half of them are nearly as a server's log is.

    Args: name: the format of most lines; empty: the combined log.
    """
    oddness = drawn.choice((0.0, 0.05, 0.3, 1.0))
    records = [make_record(drawn, number, oddness, name) for number in range(drawn.choice((0, 1, 4, 12)))]
    return {
        "invocationId": "kernel",
        "deliveryStreamArn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/s",
        "region": "us-east-1",
        "records": records,
    }
