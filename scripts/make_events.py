"""Writes events/: one invocation of the transform for each kind of input that occurs in practice.

Run it as ``python -m scripts.make_events``; a test checks that the files are up to date.
"""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "events"
ARRIVAL = 1_504_860_423_000  # 2017-09-08T08:47:03Z
STREAM = "arn:aws:firehose:us-east-1:123456789012:deliverystream/log-ingestion-stream"

COMBINED = (
    b'198.51.100.7 - - [08/Sep/2017:08:47:00 +0000] "GET /index.html HTTP/1.1" 200 5316 "-" "Mozilla/5.0 (X11)"',
    b'198.51.100.7 - - [08/Sep/2017:08:47:01 +0000] "GET /logo.png HTTP/1.1" 304 - "https://example.com/" "Links"',
    b'2001:db8::17 - ann [08/Sep/2017:08:47:01 +0000] "POST /cart HTTP/1.1" 500 42 "-" "curl/7.88.1"',
    rb'203.0.113.9 - - [08/Sep/2017:04:47:02 -0400] "GET /\"quoted\" HTTP/1.1" 404 153 "-" "odd \"agent\""',
)
COMMON = (
    b'192.0.2.33 - - [08/Sep/2017:08:47:00 +0000] "GET / HTTP/1.0" 200 2326',
    b'192.0.2.34 - frank [08/Sep/2017:08:48:00 +0000] "GET /private HTTP/1.0" 401 -',
)
AGENT_JSON = (
    b'{"host":"198.51.100.7","ident":null,"authuser":null,"datetime":"08/Sep/2017:08:47:00 +0000",'
    b'"request":"GET / HTTP/1.1","response":"200","bytes":"5316","referer":null,"agent":"Mozilla/5.0"}\n',
    b'{"host":"198.51.100.8","ident":null,"authuser":null,"datetime":"08/Sep/2017:08:47:09 +0000",'
    b'"request":"GET /missing HTTP/1.1","response":"404","bytes":"153","referer":null,"agent":"curl/7.88.1"}\n',
)


def make_events() -> dict[str, dict[str, Any]]:
    """File name → event."""
    one_a_record = [line + b"\n" for line in COMBINED]
    many = [b"\n".join(COMBINED), b"\r\n".join(COMMON) + b"\r\n", COMBINED[0] + b"\n\n" + COMMON[0] + b"\n"]
    return {
        "apache-lines.json": _event(one_a_record),
        "many-lines.json": _event(many),
        "common-lines.json": _event([line + b"\n" for line in COMMON]),
        "agent-json.json": _event(list(AGENT_JSON)),
        "fluent-bit-json.json": _event([b'{"log":"started","stream":"stdout"}', b'{"response":503,"bytes":0}\n']),
        "cloudwatch-logs.json": _event([_subscription("DATA_MESSAGE"), _subscription("CONTROL_MESSAGE")]),
        "data-stream.json": _from_data_stream(one_a_record),
        "invalid-bytes.json": _event([COMBINED[0].replace(b"index", b"caf\xe9") + b"\n", b"\x16\x03\x01\x02\x00\n"]),
        "unparsed-lines.json": _event([COMBINED[0] + b"\nnot a log line\n", b"nothing here parses\n", b"", b"\n"]),
    }


def _event(payloads: list[bytes]) -> dict[str, Any]:
    records = [_record(number, payload) for number, payload in enumerate(payloads)]
    return {
        "invocationId": "3f9d4c6e-2b1a-4d0c-9a57-6f1f6f0f9a10",
        "deliveryStreamArn": STREAM,
        "region": "us-east-1",
        "records": records,
    }


def _record(number: int, payload: bytes) -> dict[str, Any]:
    return {
        "recordId": f"4954614672419032085600335298{number:026d}000000",
        "approximateArrivalTimestamp": ARRIVAL + number,
        "data": base64.b64encode(payload).decode(),
    }


def _from_data_stream(payloads: list[bytes]) -> dict[str, Any]:
    event = _event(payloads)
    event["sourceKinesisStreamArn"] = "arn:aws:kinesis:us-east-1:123456789012:stream/log-lines"
    for number, record in enumerate(event["records"]):
        record["kinesisRecordMetadata"] = {
            "shardId": "shardId-000000000000",
            "partitionKey": f"host-{number}",
            "approximateArrivalTimestamp": record["approximateArrivalTimestamp"],
            "sequenceNumber": f"495466986831355444868662479354643171{number:020d}",
            "subsequenceNumber": "",
        }
    return event


def _subscription(kind: str) -> bytes:
    messages = (
        [line.decode() for line in COMBINED] if kind == "DATA_MESSAGE" else ["CWL CONTROL MESSAGE: Checking health"]
    )
    envelope = {
        "messageType": kind,
        "owner": "123456789012",
        "logGroup": "/var/log/nginx/access",
        "logStream": "i-0123456789abcdef0",
        "subscriptionFilters": ["all"],
        "logEvents": [
            {"id": f"3675{number:052d}", "timestamp": ARRIVAL - 3000 + number, "message": message}
            for number, message in enumerate(messages)
        ],
    }
    return gzip.compress(json.dumps(envelope).encode(), mtime=0)


def main() -> None:
    """Write every event."""
    FOLDER.mkdir(exist_ok=True)
    for name, event in make_events().items():
        (FOLDER / name).write_text(json.dumps(event, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
