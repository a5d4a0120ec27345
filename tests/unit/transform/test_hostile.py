"""One record that Python's libraries stumble over stops no other, and is written as strict JSON or kept as it came."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.outputs import ERROR_STREAM
from streamtally.transform import payload_lines, unpacking
from streamtally.transform import records as records_module
from streamtally.transform.error_stream import error_output_node
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.record import Record
from streamtally.transform.records import decode_records
from streamtally.transform.response import Response, encode_response
from streamtally.transform.routes import choose_routes
from streamtally.transform.transform import Outcome, run_batch, transform
from tests.unit.events import ARRIVAL, combined, documents, records_of, run

TIME = '"datetime":"08/Sep/2017:08:47:00 +0000"'
UNWRITABLE = [
    pytest.param('"a":"\\ud800"', id="a lone surrogate"),
    pytest.param('"a":1e400', id="beyond a double"),
    pytest.param('"a":1e400,"b":' + "9" * 30, id="beyond a double, beside an integer past 64 bits"),
    pytest.param('"a":' + "[" * 600 + "]" * 600, id="600 levels of nesting"),
]


def _run_by(pipeline: Pipeline, records: list[Record], by_row: bool) -> Outcome:
    """One pass over a batch that reads plain lines together, or row by row."""
    return run_batch(pipeline, records, choose_routes(pipeline.source, records), by_row)


def strict(line: bytes) -> Any:
    """A line of strict JSON, or the test fails."""

    def refuse(name: str) -> Any:
        raise AssertionError(f"{name} is no strict JSON")

    return json.loads(line, parse_constant=refuse)


# A row that is rewritten cannot go on as it came; if it cannot be written either, its line is kept as unparsed.
@pytest.mark.parametrize("by_row", [False, True])
@pytest.mark.parametrize("source", [{"drop": ["x"]}, {"anonymize": True}, {"split_request": True}])
@pytest.mark.parametrize("members", UNWRITABLE)
def test_a_rewritten_row_that_json_cannot_hold(
    with_changes: Callable[..., Pipeline], members: str, source: dict[str, Any], by_row: bool
) -> None:
    payload = f"{{{TIME},{members}}}\n".encode()
    records = decode_records(records_of([payload, combined(), payload + combined(404)]), ARRIVAL)
    outcome = _run_by(with_changes(source=source), records, by_row)
    assert outcome.ledger.imbalance() == []
    assert outcome.ledger.lines == 4
    assert [result.result for result in outcome.responses][1:] == ["Ok", "Ok"]
    for line in b"".join(result.data for result in outcome.responses).splitlines():
        strict(line)


# The error output shows the failed row where that can be written, and never fails itself.
@pytest.mark.parametrize("members", UNWRITABLE)
def test_the_error_output_takes_any_row(default_document: dict[str, Any], members: str) -> None:
    document = json.loads(json.dumps(default_document))
    document["plan"]["outputs"][1:] = [error_output_node()]
    del document["outputs"]["LEVEL_SQL_STREAM"]
    document["outputs"][ERROR_STREAM] = {"stream": None, "index": "errors"}
    payload = f'{{"response":"abc",{TIME},{members}}}'.encode()
    outcome = run(load_pipeline(document, ZoneInfo), [payload, combined()])
    (error,) = [document for document in documents(outcome) if document["tally"]["output"] == ERROR_STREAM]
    assert error["MESSAGE"] == "not of type INTEGER"
    row = bytes.fromhex(error["DATA_ROW"])
    assert row == b"" or strict(row)["response"] == "abc"
    assert outcome.ledger.outputs[ERROR_STREAM].emitted == 1
    assert outcome.ledger.imbalance() == []


# What goes on as it came is JSON: no other format may take a line that looks like an object behind some kind of space.
@pytest.mark.parametrize("by_row", [False, True])
@pytest.mark.parametrize("agent", ["test", r"a \"b\""])
@pytest.mark.parametrize("space", ["", " ", "\t", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\xa0", "\u2003"])
def test_a_host_that_begins_with_a_brace(default_pipeline: Pipeline, space: str, agent: str, by_row: bool) -> None:
    line = combined(agent=agent).replace(b"198.51.100.7", f"{space}{{h".encode())
    records = decode_records(records_of([line + combined(404)]), ARRIVAL)
    (result,) = _run_by(default_pipeline, records, by_row).responses
    first, second = map(strict, result.data.splitlines())
    text = line.decode().rstrip("\n")
    assert first.get("unparsed", text) == text
    assert first.get("host", f"{space}{{h") == f"{space}{{h"
    assert ("host" in first) != ("unparsed" in first)
    assert second["response"] == 404


# An object over many lines is one row, wherever in the batch's way it is read.
@pytest.mark.parametrize("by_row", [False, True])
@pytest.mark.parametrize("head", ["", " ", "\t", "\r"])
def test_an_object_over_many_lines(default_pipeline: Pipeline, head: str, by_row: bool) -> None:
    payload = f'{head}{{\n  {TIME},\n  "response" : "200"\n}}\n'.encode()
    outcome = _run_by(default_pipeline, decode_records(records_of([payload, combined()]), ARRIVAL), by_row)
    assert (outcome.ledger.rows, outcome.ledger.unparsed) == (2, 0)
    assert strict(outcome.responses[0].data)["response"] == "200"


# A byte order mark at the start of a record is removed, before JSON and an object over many lines too.
@pytest.mark.parametrize("by_row", [False, True])
def test_a_byte_order_mark(default_pipeline: Pipeline, by_row: bool) -> None:
    objects = [f'\ufeff{{{TIME},"response":200}}\n'.encode(), f'\ufeff{{\n {TIME},\n "response":200\n}}\n'.encode()]
    marked = b"\xef\xbb\xbf" + combined()
    outcome = _run_by(default_pipeline, decode_records(records_of([*objects, marked, marked * 2]), ARRIVAL), by_row)
    assert [response.result for response in outcome.responses] == ["Ok"] * 4
    assert [strict(response.data)["response"] for response in outcome.responses[:2]] == [200, 200]
    assert [strict(line)["host"] for line in outcome.responses[3].data.splitlines()] == ["198.51.100.7"] * 2
    assert outcome.responses[3].data == outcome.responses[2].data * 2
    assert outcome.ledger.rows == 5


# Events written by hand: data that is no text at all, or text that UTF-8 cannot hold, fails its record alone.
@pytest.mark.parametrize("data", ["\ud800", "é", None, "", "YQ==\n", " ", 7, ["YQ=="]])
def test_data_of_any_kind(default_pipeline: Pipeline, data: Any) -> None:
    event = records_of([combined(), combined(), combined()])
    event[1]["data"] = data
    outcome = transform(default_pipeline, decode_records(event, ARRIVAL))
    answer = encode_response(outcome.responses)["records"]
    assert [record["recordId"] for record in answer] == ["id-0", "id-1", "id-2"]
    assert [record["result"] for record in answer] == ["Ok", "Dropped" if data == "" else "ProcessingFailed", "Ok"]
    assert len(documents(outcome)) == 1
    assert outcome.ledger.imbalance() == []


# 0 and -0 are one key, whose id does not hang on which of them came first; the same for MIN, MAX and SUM.
@pytest.mark.parametrize("type_name", ["DOUBLE", "REAL", "DECIMAL(9,2)"])
def test_signed_zeros_are_one_value(
    with_changes: Callable[..., Pipeline], default_document: dict[str, Any], type_name: str
) -> None:
    value = {"cast": {"column": "v"}, "type": type_name}
    count = default_document["plan"]["outputs"][0]["aggregates"][0]["name"]
    functions = ("min", "max", "sum")
    pipeline = with_changes(
        output={
            "keys": [{"name": "k", "type": type_name, "expr": value}],
            "aggregates": [
                *default_document["plan"]["outputs"][0]["aggregates"],
                *({"name": name, "function": name, "argument": value} for name in functions),
            ],
            "columns": [
                {"name": "n", "type": "BIGINT", "expr": {"aggregate": count}},
                *({"name": name, "type": type_name, "expr": {"aggregate": name}} for name in functions),
            ],
        }
    )
    event = records_of([f'{{"v":"{zero}",{TIME}}}'.encode() for zero in ("-0.0", "0.0")])
    ways = [documents(transform(pipeline, decode_records(raw, ARRIVAL))) for raw in (event, event[::-1])]
    assert ways[0] == ways[1]
    assert json.dumps(ways[0]) == json.dumps(ways[1])
    assert ways[0][0]["n"] == 2
    assert "-0" not in json.dumps({name: ways[0][0][name] for name in functions})


# The planned size of each result is, to the byte, what the runtime's JSON takes.
@pytest.mark.parametrize("record_id", ["id", 'a"b', "a\\b", "é", "\x7f", "\u2028", ""])
@pytest.mark.parametrize("result", ["Ok", "Dropped", "ProcessingFailed"])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 100])
def test_sizes_are_exact(record_id: str, result: str, size: int) -> None:
    raw = base64.b64encode(b"r" * size).decode()
    made = Response(record_id, result, b"x" * size if result == "Ok" else b"", raw)
    with_it = json.dumps(encode_response([made, made]))
    assert len(with_it) - len(json.dumps(encode_response([made]))) == made.size_bytes()


# Records of a data stream are known by shard and sequence number, aggregated ones by their place in the aggregate too.
def test_identities(default_pipeline: Pipeline) -> None:
    def identity_of(*, record_id: str = "id", **metadata: Any) -> str:
        event = records_of([b"x"])[0] | {"recordId": record_id}
        return decode_records([event | {"kinesisRecordMetadata": metadata} if metadata else event], 0)[0].identity

    assert identity_of() == "id"
    shard, other = {"shardId": "s-1", "sequenceNumber": "5"}, {"shardId": "s-2", "sequenceNumber": "5"}
    assert identity_of(**shard, record_id="a") == identity_of(**shard, record_id="b")
    parts = [identity_of(**shard, subsequenceNumber=number) for number in (0, 1)]
    assert len({identity_of(), identity_of(**shard), identity_of(**other), *parts}) == 5
    assert identity_of(**shard, subsequenceNumber="") == identity_of(**shard)
    assert identity_of(shardId="s-1", record_id="a") == "a"


# Twice the same recordId in an event: each place has its own answer, in order.
def test_a_record_id_twice(default_pipeline: Pipeline) -> None:
    event = records_of([combined(), b"nothing of the kind\n", b""])
    for record in event:
        record["recordId"] = "same"
    outcome = transform(default_pipeline, decode_records(event, ARRIVAL))
    assert [(result.record_id, result.result) for result in outcome.responses] == [
        ("same", "Ok"),
        ("same", "ProcessingFailed"),
        ("same", "Dropped"),
    ]


# No records: an empty answer, no document. No arrival: the caller's clock stands in.
def test_events_without(default_pipeline: Pipeline) -> None:
    assert encode_response(run(default_pipeline, []).responses) == {"records": []}
    event = records_of([combined()])[0]
    del event["approximateArrivalTimestamp"]
    outcome = transform(default_pipeline, decode_records([event], now_ms=ARRIVAL + 5))
    (document,) = documents(outcome)
    assert document["tally"]["batch_arrival"] == ["2017-09-08T08:47:03.005Z"] * 2
    late = transform(default_pipeline, decode_records([event], now_ms=ARRIVAL + 30 * 86_400_000))
    assert late.ledger.outputs["DESTINATION_SQL_STREAM"].out_of_range == 1


# More lines than any log's record holds, or than all records of an event may: such a record fails with its data as it
# came, whichever they are in whatever order; empty lines are no lines, and what is read goes on.
def test_more_lines_than_a_record_may_hold(default_pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_RECORD_LINES", 10)
    monkeypatch.setattr(payload_lines, "MAX_RECORD_LINES", 10)
    monkeypatch.setattr(unpacking, "MAX_DECOMPRESSED_EVENT_LINES", 25)
    monkeypatch.setattr(records_module, "LONG_BYTES", 20)
    subscription = {"messageType": "DATA_MESSAGE", "logEvents": [{"message": "a\n" * 4}] * 3}
    many = [b"a\n" * 11, gzip.compress(b"a\n" * 11), gzip.compress(json.dumps(subscription).encode())]
    few = [gzip.compress(combined() * 8 + b"%d" % number) for number in range(4)]
    event = records_of([*many, combined() + b"\n" * 50, *few])
    answers = [transform(default_pipeline, decode_records(raw, ARRIVAL)).responses for raw in (event, event[::-1])]
    by_id = [{result.record_id: result.result for result in results} for results in answers]
    assert by_id[0] == by_id[1]
    assert [by_id[0][f"id-{number}"] for number in range(8)] == ["ProcessingFailed"] * 3 + ["Ok"] * 3 + [
        "ProcessingFailed"
    ] * 2
