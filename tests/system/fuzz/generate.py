"""Hostile lines and events from a seed: the formats' own examples, mutated as a log's writer or an attacker would."""

from __future__ import annotations

import base64
import gzip
import json
from random import Random
from typing import Any

from streamtally.formats import REGISTRY

ARRIVAL = 1_763_846_501_000  # 2025-11-22T21:21:41Z, when the examples were written
EXAMPLES = {
    format_.name: [example.line for example in format_.examples] for format_ in REGISTRY.values() if format_.examples
}
ALL_LINES = [line for lines in EXAMPLES.values() for line in lines]

PIECES = (
    *(" ", "  ", "\t", '"', "'", "\\", '\\"', "\\x22", "\\\\", "[", "]", "{", "}", "(", ")", "<", ">", "|", "-", "--"),
    *(",", ";", ":", "=", "/", "?", "&", "#", "%", "+", "_", ".", "..", "*", "~", "$", "^", "@"),
    *("\x00", "\x1c", "\x1f"),
    *("\x7f", "\x85", "\xa0", "\u2028", "\u00b2", "\u0663", "\uff11", "\ufeff", "\U0001f600", "\u0130", "\r"),
    *("0", "-1", "+1", "1_0", "1e9", "1e999", "nan", "inf", "00", "9" * 18, "9" * 19, "9" * 40, "9" * 310, "9" * 5000),
    *("null", "true", "NaN", "Infinity", "{}", "[]", '""', '{"a":', "[" * 300, "{\"a\":" * 300, "\\ud800", "\\u0000"),
    *("[08/Sep/2017:08:47:00 +0000]", "[99/Xyz/0000:99:99:99 +9999]", "2025-11-22 21:21:41", "0000-00-00", "<999>"),
    *("#Fields: date time a", "#Fields:", "#", " client: ", ", client: ", ", server: ", ', request: "', ", referer: "),
    *("198.51.100.7", "2001:db8::1", "::ffff:198.51.100.7", "[2001:db8::1]:443", "1.2.3.4.5", "haproxy[1]: ", "a=b"),
    *('a="b"', "a:b", "status:200", "bytes:\x1f5", 'bytes="200\x1c"', "time:", "HTTP/1.1", "GET / HTTP/1.1"),
)  # fmt: skip


def make_line(drawn: Random, name: str = "") -> str:
    """A line like those of a format (of any, where none is named): no line ends in it."""
    line = drawn.choice(EXAMPLES.get(name) or ALL_LINES)
    for _ in range(drawn.choice((0, 1, 1, 1, 2, 2, 3, 5, 9))):
        line = _mutate(drawn, line)
    return line.replace("\n", "")


def _mutate(drawn: Random, line: str) -> str:
    start = drawn.randint(0, len(line))
    end = min(len(line), start + drawn.choice((0, 0, 1, 1, 2, 5, 20)))
    match drawn.randrange(8):
        case 0:
            return line[:start] + line[end:]
        case 1:
            return line[:start] + line[start:end] * drawn.choice((2, 3, 50)) + line[end:]
        case 2:
            return line[:start] + drawn.choice(PIECES) * drawn.choice((1, 1, 1, 2, 30, 400)) + line[end:]
        case 3:
            return line[:start] + chr(drawn.choice((drawn.randrange(128), drawn.randrange(0xD800)))) + line[end:]
        case 4:
            return line[start:] + line[:start]
        case 5:
            return line[:start] + drawn.choice(ALL_LINES)[drawn.randrange(40) :]
        case 6:
            return line[:start]
        case _:
            return line[:start] + drawn.choice(PIECES) + line[end:]


def make_payload(drawn: Random, name: str = "") -> bytes:
    """A record's data: lines and what else may come in one, mostly whole."""
    lines = [make_line(drawn, drawn.choice((name, name, ""))) for _ in range(drawn.choice((0, 1, 1, 1, 2, 5, 30)))]
    text = drawn.choice(("\n", "\n", "\n", "\r\n", "\n\n")).join(lines) + drawn.choice(("", "\n", "\n", "\n\n"))
    data = text.encode("utf-8", "surrogatepass")
    match drawn.randrange(12):
        case 0:
            data = gzip.compress(data, mtime=0)
        case 1:
            data = bytes(drawn.choice((byte, byte, byte, drawn.randrange(256))) for byte in data[:500])
        case 2:
            events = [{"id": str(number), "timestamp": ARRIVAL, "message": line} for number, line in enumerate(lines)]
            message = {"messageType": drawn.choice(("DATA_MESSAGE", "CONTROL_MESSAGE", "X")), "logEvents": events}
            data = json.dumps(message).encode()
        case 3:
            data = json.dumps({"log": drawn.choice(lines or [""]), "a": {"b": [1, None]}}).encode() + b"\n"
        case 4:
            data = gzip.compress(data, mtime=0)[: drawn.randrange(40)]
    return data


def make_event(drawn: Random, name: str = "") -> dict[str, Any]:
    """An event as Firehose sends it, though its records may hold anything."""
    records = []
    for number in range(drawn.choice((0, 1, 3, 20))):
        data = base64.b64encode(make_payload(drawn, name)).decode()
        arrival = ARRIVAL + drawn.choice((0, 0, 0, drawn.randrange(-(10**9), 10**9)))
        records.append({"recordId": f"id-{number:04}", "approximateArrivalTimestamp": arrival, "data": data})
    return {"invocationId": "fuzz", "deliveryStreamArn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/s",
            "region": "us-east-1", "records": records}  # fmt: skip
