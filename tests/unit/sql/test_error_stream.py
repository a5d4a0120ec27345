"""Rows that a pump cannot evaluate: counted by pump and reason, and written to the error output if it is bound."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import Outcome, transform
from tests.system.conformance.contract import events
from tests.unit.sql.programs import compile_text

PROGRAM = """
CREATE STREAM shares (share BIGINT);
CREATE PUMP divide AS INSERT INTO shares SELECT STREAM 1000 / ("bytes" - 2326) FROM SOURCE_SQL_STREAM_001;
CREATE STREAM counts (n BIGINT);
CREATE PUMP count_hosts AS INSERT INTO counts SELECT STREAM SUM(1 / ("response" - 200)) FROM SOURCE_SQL_STREAM_001 AS s
GROUP BY FLOOR(s.ROWTIME TO MINUTE)
"""
LINE = b'198.51.100.7 - - [08/Sep/2017:08:47:09 +0000] "GET / HTTP/1.0" %d %d "-" "curl"\n'


def run(bound: str, *lines: bytes) -> Outcome:
    program = compile_text(f"-- outputs: {bound}{PROGRAM}")
    outputs = {name: {"index": name.lower()} for name in program.streams}
    document = {"source": {}, "outputs": outputs, "plan": {"version": 1, "outputs": program.outputs}}
    return transform(load_pipeline(document, ZoneInfo), decode_records(events.event(b"".join(lines))["records"], 0))


def documents(outcome: Outcome, output: str) -> list[dict[str, Any]]:
    failures = [json.loads(document) for delivery in outcome.deliveries for document in delivery.documents]
    return [document for document in failures if document["tally"]["output"] == output]


# Failures are counted by pump and reason, whether or not the error stream is bound; the line is delivered anyway.
@pytest.mark.parametrize("bound", ["SHARES, COUNTS", "SHARES, COUNTS, error_stream"])
def test_failures_are_counted_with_the_pump(bound: str) -> None:
    outcome = run(bound, LINE % (404, 2326), LINE % (404, 100), LINE % (200, 5))
    assert outcome.ledger.outputs["SHARES"].reasons == {"DIVIDE: division by zero": 1}
    assert outcome.ledger.outputs["COUNTS"].reasons == {"COUNT_HOSTS: division by zero": 1}
    assert [result.result for result in outcome.responses] == ["Ok"]
    for ledger in outcome.ledger.outputs.values():
        assert ledger.emitted + ledger.filtered + ledger.eval_failed + ledger.out_of_range == 3


# If bound, each failure is a document with the error stream's columns; repeating the batch gives the same ids.
def test_failures_go_to_the_error_output() -> None:
    lines = (LINE % (200, 2326), LINE % (404, 100), LINE % (200, 5))
    failures = documents(run("SHARES, COUNTS, error_stream", *lines), "error_stream")
    assert [(document["PUMP_NAME"], document["MESSAGE"]) for document in failures] == [
        ("DIVIDE", "division by zero"),
        ("COUNT_HOSTS", "division by zero"),
        ("COUNT_HOSTS", "division by zero"),
    ]
    assert json.loads(bytes.fromhex(failures[0]["DATA_ROW"]))["bytes"] == 2326
    assert failures[0]["ERROR_LEVEL"] == "ERROR"
    ids = [document["tally"]["row_id"] for document in failures]
    assert len(set(ids)) == 3
    again = documents(run("SHARES, COUNTS, error_stream", *lines), "error_stream")
    assert [document["tally"]["row_id"] for document in again] == ids


# If not bound, there is no such document.
def test_unbound_error_stream_has_no_documents() -> None:
    assert documents(run("SHARES, COUNTS", LINE % (200, 2326)), "error_stream") == []


# The row is the line's: what the transform itself keeps in a row, such as how to read its time, is not in it.
def test_the_row_of_another_format() -> None:
    program = compile_text(f"-- outputs: SHARES, error_stream{PROGRAM}")
    outputs = {name: {"index": name.lower()} for name in program.streams}
    plan = {"version": 1, "outputs": program.outputs}
    document = {"source": {"format": "ltsv"}, "outputs": outputs, "plan": plan}
    line = b"host:192.0.2.1\ttime:08/Sep/2017:08:47:09 +0000\tstatus:404\tsize:2326\n"
    loaded = load_pipeline(document, ZoneInfo)
    (failure,) = documents(transform(loaded, decode_records(events.event(line)["records"], 0)), "error_stream")
    row = json.loads(bytes.fromhex(failure["DATA_ROW"]))
    assert row["size"] == 2326
    assert [name for name in row if not name.isprintable()] == []
    assert not [value for value in row.values() if "0x" in str(value)]
