"""The events of the contract's cases, made without any log file."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any

ARRIVAL_MS = 1_740_787_200_000  # 2025-03-01T00:00:00Z
LINE = b'192.0.2.7 - - [01/Mar/2025:00:00:00 +0000] "GET /index.html HTTP/1.1" 200 5316 "-" "Mozilla/5.0"'
BROKEN_LINE = b"this is no line of an access log"
REGION = "us-east-1"
STREAM_ARN = "arn:aws:firehose:us-east-1:123456789012:deliverystream/log-ingestion-stream"


def line(number: int) -> bytes:
    """A line that parses, with its number in it."""
    return LINE.replace(b"/index.html", b"/page-%d" % number)


def event(*payloads: bytes, raw: Sequence[Any] = ()) -> dict[str, Any]:
    """An event of records: payloads, then data as it stands (no base64 is made)."""
    data = [base64.b64encode(payload).decode() for payload in payloads] + list(raw)
    records = [
        {"recordId": f"4954{number:052d}", "approximateArrivalTimestamp": ARRIVAL_MS + number, "data": item}
        for number, item in enumerate(data)
    ]
    return {
        "invocationId": "invocation-0001", "deliveryStreamArn": STREAM_ARN, "region": REGION, "records": records,
    }  # fmt: skip


def from_data_stream(*payloads: bytes) -> dict[str, Any]:
    """The same with a data stream as source."""
    made = event(*payloads)
    made["sourceKinesisStreamArn"] = "arn:aws:kinesis:us-east-1:123456789012:stream/logs"
    for number, record in enumerate(made["records"]):
        record["kinesisRecordMetadata"] = {
            "shardId": "shardId-000000000000", "partitionKey": "p", "sequenceNumber": f"4967{number:052d}",
            "subsequenceNumber": "", "approximateArrivalTimestamp": ARRIVAL_MS,
        }  # fmt: skip
    return made


def subscription(kind: str, *messages: str) -> bytes:
    """A CloudWatch Logs subscription's record."""
    events = [
        {"id": str(number), "timestamp": ARRIVAL_MS, "message": message} for number, message in enumerate(messages)
    ]
    envelope = {"messageType": kind, "owner": "123456789012", "logGroup": "g", "logStream": "s", "logEvents": events}
    return gzip.compress(json.dumps(envelope).encode())


def hostile() -> dict[str, bytes]:
    """Name → a record's data that has ended a transform somewhere."""
    return {
        "a gzip bomb": gzip.compress(b"\0" * 200_000_000, 9),
        "gzip cut off": gzip.compress(LINE)[:-6],
        "gzip with something after it": gzip.compress(LINE) + b"x",
        "a host name of 2,000 labels": b".".join([b"a"] * 2000) + LINE[9:],
        "half a million lines of one letter": b"a\n" * 500_000,
        "eight million lines of one letter, compressed": gzip.compress(b"a\n" * 8_000_000),
        "eight million line ends, compressed": gzip.compress(b"\n" * 8_000_000),
        "four million line ends of two bytes, compressed": gzip.compress(b"\r\n" * 4_000_000),
        "JSON nested 100,000 deep": b"[" * 100_000,
        "an object nested 100,000 deep": b'{"a":' * 100_000,
        "an integer of 100,000 digits": b'{"response": ' + b"9" * 100_000 + b"}",
        "an integer past 64 bits": b'{"response": 18446744073709551616, "bytes": -9223372036854775809}',
        "1e400": b'{"response": 1e400}',
        "NaN": b'{"response": NaN}',
        "NUL": LINE.replace(b"index", b"in\0dex"),
        "bytes that are no UTF-8": LINE.replace(b"index", b"\xff\xfe\xed\xa0\x80"),
        "a lone surrogate in JSON": b'{"request": "\\ud800"}',
        "a lone surrogate in a subscription": subscription("DATA_MESSAGE", "\ud800 x"),
        "a million line ends": b"\n" * 1_000_000,
        "a megabyte without a line end": b"x" * 1_000_000,
        "a megabyte of quotes": LINE[:-12] + b'\\"' * 480_000 + b'"',
        "a byte order mark": b"\xef\xbb\xbf" + LINE,
    }
