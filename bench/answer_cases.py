"""The cases of ``bench.same_answers``: this checkout's events, generated events of each format, and hostile ones."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from bench.formats import variants
from streamtally.formats import REGISTRY
from streamtally.local.folder import read_folder
from streamtally.local.sample import generate
from streamtally.transform.envelope import Envelope, Seal, encode_envelope
from streamtally.transform.error_stream import error_output_node
from tests.system.fuzz.checks import REGEX, SOURCES, TYPES
from tests.system.fuzz.generate import ARRIVAL, make_event, make_line

ROOT = Path(__file__).resolve().parent.parent
Case = dict[str, Any]
Events = dict[str, list[Any]]
SHAPES: dict[str, dict[str, Any]] = {
    "25 lines a record": {"lines": 25},
    "one line a record": {"lines": 1},
    "20,000 lines a record": {"lines": 20_000, "spread": 3},
    "gzip, CRLF": {"lines": 400, "gzip": True, "end": "\r\n"},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "as deployed": {"can_reingest": True},
    "nothing is re-ingested": {},
    "small response, re-ingest": {"can_reingest": True, "max_response_bytes": 2_000_000, "keys": ["k" * 32]},
    "small response": {"max_response_bytes": 5_000_000},
    "few lines, re-ingest": {"can_reingest": True, "bounds": [2_000_000, 5_000]},
    "few lines": {"bounds": [2_000_000, 5_000], "batch_id": "0" * 32},
}
SOME_OPTIONS = ("small response, re-ingest", "few lines")
KEY = "a key of some length for envelopes"


def write_cases(path: Path, size_bytes: int, fuzz: int, only: str = "") -> int:
    """Write the cases, one JSON object a line, after a line of what they have in common; returns how many there are."""
    default = read_folder(ROOT / "layers/pipeline/pipeline")
    documents = {
        "default": default,
        "rows": read_folder(ROOT / "pipelines/rows"),
        "errors": _with_error_stream(default),
    }
    events: dict[str, list[Any]] = {}
    cases = [*_events(events), *_generated(size_bytes), *_hostile(events), *_fuzzed(events, fuzz)]
    chosen = [case for case in cases if only in case["name"]]
    with path.open("w", encoding="utf-8") as file:
        for value in ({"pools": _pools(), "documents": documents, "events": events}, *chosen):
            file.write(json.dumps(value) + "\n")
    return len(chosen)


def _with_error_stream(document: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(document))
    made["plan"]["outputs"].append(error_output_node())
    made["outputs"]["error_stream"] = {"index": "errors"}
    return made


def _pools() -> dict[str, list[str]]:
    """Format → lines like its examples; ``sample`` and ``hostile`` are lines of any format."""
    pools = {
        name: [line for example in log_format.examples for line in (example.line, *variants(example)[:60])]
        for name, log_format in REGISTRY.items()
        if log_format.examples
    }
    drawn = Random(7)
    pools["sample"] = list(islice(generate(3_000, 7), 3_000))
    pools["hostile"] = [make_line(drawn) for _ in range(1_500)]
    pools["mixed"] = [line for lines in pools.values() for line in lines[:40]] + ["", "#Fields: date time x", "{"]
    return pools


def _pipeline(document: str, **source: Any) -> str:
    return f"{document} {json.dumps(source)}" if source else document


def _events(events: Events) -> Iterator[Case]:
    for path in sorted((ROOT / "events").glob("*.json")):
        event = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(event.get("records"), list):
            continue
        yield {"name": f"{path.name}: handler", "event": event}
        events[path.name] = event["records"]
        for document in ("default", "rows", "errors"):
            for label, source in SOURCES.items():
                options: dict[str, Any] = {"can_reingest": label == "single"}
                yield _case(f"{path.name}: {document}, {label}", _pipeline(document, **source), path.name, options)


def _case(name: str, pipeline: str, records: str, options: dict[str, Any] | None = None) -> Case:
    return {"name": name, "pipeline": pipeline, "records": records, "arrival": ARRIVAL, "options": options or {}}


def _generated(size_bytes: int) -> Iterator[Case]:
    formats = [name for name in _pools() if name in REGISTRY]
    sources: dict[str, dict[str, Any]] = {name: {"format": name, "time_field": "format"} for name in formats}
    sources |= {"sample": {}, "mixed": {}, "hostile": {}}
    for seed, (pool, source) in enumerate(sources.items()):
        for shape, values in SHAPES.items():
            for label, options in OPTIONS.items():
                # Each format in the usual shape with all options; in the other shapes as it is deployed.
                if shape != "25 lines a record" and label != "as deployed" and pool != "sample":
                    continue
                yield _generate(f"{pool}: {shape}, {label}", _pipeline("default", **source), pool, size_bytes, seed,
                                values, options)  # fmt: skip
        for document in ("rows", "errors"):
            yield _generate(f"{pool}: {document}", _pipeline(document, **source), pool, size_bytes // 4, seed,
                            {"lines": 10, "spread": 2}, OPTIONS["as deployed"])  # fmt: skip
        for label in ("single", "rewritten", "line_field"):
            pipeline = _pipeline("default", **(source | SOURCES[label]))
            yield _generate(f"{pool}: {label}", pipeline, pool, size_bytes // 10, seed, {"lines": 3},
                            OPTIONS["as deployed"])  # fmt: skip
    regex = {"format": "regex", "pattern": REGEX, "types": TYPES}
    yield _generate("regex", _pipeline("default", **regex), "sample", size_bytes, 99, {"lines": 25}, {})


def _generate(
    name: str, pipeline: str, pool: str, size_bytes: int, seed: int, shape: dict[str, Any], options: dict[str, Any]
) -> Case:
    generate = {"pool": pool, "bytes": size_bytes, "seed": seed, "arrival": ARRIVAL, **shape}
    return {"name": name, "pipeline": pipeline, "generate": generate, "arrival": ARRIVAL, "options": options}


def _fuzzed(events: Events, count: int) -> Iterator[Case]:
    names = list(SOURCES)
    for seed in range(count):
        drawn = Random(seed)
        label = names[seed % len(names)]
        source = SOURCES[label]
        events[f"fuzz {seed}"] = make_event(drawn, source.get("format", ""))["records"]
        options = drawn.choice((
            {}, {"can_reingest": True}, {"can_reingest": True, "max_response_bytes": 4_000},
            {"max_response_bytes": 60_000}, {"can_reingest": True, "bounds": [3_000, 20]}, {"bounds": [3_000, 20]},
        ))  # fmt: skip
        document = drawn.choice(("default", "default", "rows", "errors"))
        yield _case(f"fuzz {seed}: {document}, {label}", _pipeline(document, **source), f"fuzz {seed}", options)


def _hostile(events: Events) -> Iterator[Case]:
    records = dict(_hostile_records())
    events["all"] = [_record(name, data) for name, data in records.items()]
    sources: dict[str, dict[str, Any]] = {
        name: SOURCES[name] for name in ("default", "json", "single", "rewritten", "w3c", "agent", "line_field")
    }
    for label, source in sources.items():
        for document in ("default", "rows", "errors"):
            pipeline = _pipeline(document, **source)
            chosen = OPTIONS if label in ("default", "single") and document == "default" else SOME_OPTIONS
            for name in chosen:
                yield _case(f"hostile records, {document}, {label}: {name}", pipeline, "all", OPTIONS[name])
            signed = {"can_reingest": True, "keys": [KEY], "max_age_ms": 86_400_000, "max_response_bytes": 3_000_000}
            yield _case(f"hostile records, {document}, {label}: signed", pipeline, "all", signed)
    for name, data in records.items():
        events[name] = [_record(name, data)]
        for reingest in (False, True):
            yield _case(f"{name}, alone, re-ingest {reingest}", "default", name,
                        {"can_reingest": reingest, "max_response_bytes": 300_000})  # fmt: skip
    events["none"] = []
    yield _case("no record", "default", "none")
    for name, raw in _broken_records().items():
        events[name] = [_record("whole", _LINE * 3), raw, raw]
        yield _case(name, "default", name)
        yield _case(f"{name}, re-ingest", "errors", name,
                    {"can_reingest": True, "max_response_bytes": 500})  # fmt: skip
    events["bombs"] = [_record(f"gzip {number}", gzip.compress(b"a\n" * 5_000_000 + bytes([65 + number]), mtime=0))
             for number in range(8)]  # fmt: skip
    for name, options in OPTIONS.items():
        yield _case(f"gzip records beyond an event: {name}", "default", "bombs", options)


_LINE = b'198.51.100.7 - - [22/Nov/2025:21:21:40 +0000] "GET /a?b=c HTTP/1.1" 200 512 "-" "curl/8"\n'


def _record(name: str, data: bytes) -> dict[str, Any]:
    return {"recordId": name, "approximateArrivalTimestamp": ARRIVAL, "data": base64.b64encode(data).decode()}


def _broken_records() -> dict[str, dict[str, Any]]:
    """Records that nothing can decode, or whose members are unusual."""
    data = base64.b64encode(_LINE * 2).decode()
    metadata = {"shardId": "shardId-000000000001", "sequenceNumber": "4957", "subsequenceNumber": 2}
    return {
        "broken base64": {"recordId": "a", "approximateArrivalTimestamp": ARRIVAL, "data": "%%%" + data},
        "base64 cut off": {"recordId": "a", "approximateArrivalTimestamp": ARRIVAL, "data": data[:-3]},
        "no data": {"recordId": "a", "approximateArrivalTimestamp": ARRIVAL},
        "data is null": {"recordId": "a", "approximateArrivalTimestamp": ARRIVAL, "data": None},
        "data is a number": {"recordId": "a", "approximateArrivalTimestamp": ARRIVAL, "data": 5},
        "data is not ASCII": {"recordId": "a", "approximateArrivalTimestamp": ARRIVAL, "data": 'é"\ud800'},
        "no arrival": {"recordId": "a", "data": data},
        "data stream": {"recordId": "a", "data": data, "kinesisRecordMetadata": {
            **metadata, "approximateArrivalTimestamp": ARRIVAL - 5}},
        "data stream without a shard": {"recordId": "a", "data": data, "kinesisRecordMetadata": {"x": 1}},
        "metadata is a list": {"recordId": "a", "data": data, "kinesisRecordMetadata": [1]},
    }  # fmt: skip


def _hostile_records() -> Iterator[tuple[str, bytes]]:
    drawn = Random(3)
    lines = b"".join(_LINE.replace(b"512", str(number).encode()) for number in range(2_000))
    packed = gzip.compress(lines, mtime=0)
    yield "one line", _LINE
    yield "lines", lines
    yield "empty", b""
    yield "line ends", b"\n\r\n\n"
    yield "very many empty lines", b"\n" * 30_000 + _LINE + b"\r\n" * 20_000 + b"x"
    yield "one long line", b"x" * 900_000
    yield "a long common line", _LINE.replace(b"curl", b"c" * 700_000)
    yield "very many short lines", b"a\n" * 30_000
    yield "bytes", bytes(drawn.randrange(256) for _ in range(5_000))
    yield "gzip", packed
    yield "gzip of two members", packed + gzip.compress(_LINE, mtime=0)
    yield "gzip cut off", packed[:-9]
    yield "gzip broken", packed[:200] + b"\x00\x01" + packed[202:]
    yield "gzip and more", packed + b"tail"
    yield "gzip too large", gzip.compress(b"a" * 17 * 2**20, mtime=0)
    yield "pretty JSON", json.dumps({"host": "h", "datetime": "22/Nov/2025:21:21:40 +0000"}, indent=2).encode() + b"\n"
    yield "two pretty JSON objects", json.dumps({"a": [1]}, indent=1).encode() * 2
    yield "hard JSON", b'{"a":"\\ud800","b":' + b"9" * 30 + b"}\n" + b'{"a":' + b"[" * 600 + b"]" * 600 + b"}\n"
    yield "W3C", b"#Fields: date time c-ip cs-method\n2025-11-22 21:21:40 198.51.100.7 GET\n" * 3
    yield from _subscriptions()
    yield from _envelopes(lines)


def _subscriptions() -> Iterator[tuple[str, bytes]]:
    message = {"messageType": "DATA_MESSAGE", "logGroup": "g", "logEvents": [
        {"id": "1", "timestamp": ARRIVAL, "message": _LINE.decode()},
        {"id": "2", "timestamp": ARRIVAL, "message": "two\nlines\r\n"}, {"id": "3", "message": "\ud800"}]}  # fmt: skip
    data = json.dumps(message).encode()
    many = json.dumps({**message, "logEvents": message["logEvents"] * 9_000}).encode()
    yield "subscription", data
    yield "subscription, gzip", gzip.compress(data, mtime=0)
    yield "subscriptions one after the other", data + b"\n" + data + b" " + data
    yield "subscription of many events", gzip.compress(many, mtime=0)
    yield "control message", json.dumps({"messageType": "CONTROL_MESSAGE", "logEvents": []}).encode()
    yield "broken subscription", data[:-4]
    yield "subscription of numbers", b'{"messageType":"DATA_MESSAGE","logEvents":[{"message":5}]}'


def _envelopes(lines: bytes) -> Iterator[tuple[str, bytes]]:
    own, other = Seal(KEY.encode()), Seal(b"another key of some length, made up")
    day = 86_400_000
    envelopes = {
        "plain": Envelope("origin-1", "1", ARRIVAL - 5_000, 1, True, lines),
        "the same": Envelope("origin-1", "1", ARRIVAL - 5_000, 2, True, lines),
        "whole": Envelope("origin-2", "0", ARRIVAL - 5_000, 3, False, gzip.compress(lines, mtime=0)),
        "counted": Envelope("origin-3", "2.1", ARRIVAL - 5_000, 1, True, lines, is_counted=True),
        "last hop": Envelope("origin-4", "1", ARRIVAL - 5_000, 32, True, lines),
        "future": Envelope("origin-5", "1", ARRIVAL + day, 1, True, _LINE),
        "old": Envelope("origin-6", "1", ARRIVAL - 9 * day, 1, True, _LINE),
        "old and counted": Envelope("origin-7", "1", ARRIVAL - 9 * day, 1, True, _LINE, is_counted=True),
        "within an envelope": Envelope("origin-8", "0", ARRIVAL, 1, False,
                                       encode_envelope(Envelope("origin-8", "1", ARRIVAL, 1, True, _LINE))),
        "large": Envelope("origin-9", "1", ARRIVAL, 1, True, lines * 5),
        "empty": Envelope("origin-10", "1", ARRIVAL, 1, True, b""),
    }  # fmt: skip
    for name, envelope in envelopes.items():
        yield f"envelope, {name}", encode_envelope(envelope)
        yield f"envelope, {name}, signed", encode_envelope(envelope, own)
    forged = encode_envelope(envelopes["plain"], other)
    yield "envelope, forged", forged
    yield "envelope, signature cut off", forged[:-7]
    yield "envelope, other bytes", forged[:60] + b"?" + forged[61:]
    yield "envelope of another version", b"\x89tally\x07" + forged[7:]
    yield "envelope, head alone", forged[:20]
    yield "envelope, unknown flag", forged[:7] + b"\xf0" + forged[8:]
