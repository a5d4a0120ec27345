"""Several pumps fill one stream, and an aggregate goes over it: every row is added by each pump."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.errors import PlanError
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import Outcome, transform
from tests.system.conformance.contract import events
from tests.unit.sql.programs import compile_text

PROGRAM = """
CREATE STREAM seen (name VARCHAR(20), share BIGINT);
CREATE PUMP by_host AS INSERT INTO seen
    SELECT STREAM "host", 1000 / ("bytes" - 7) FROM SOURCE_SQL_STREAM_001 WHERE "response" < 500;
CREATE PUMP by_class AS INSERT INTO seen
    SELECT STREAM '198.51.100.1', 1 FROM SOURCE_SQL_STREAM_001 WHERE "response" >= 400;
CREATE STREAM counts (name VARCHAR(20), n BIGINT, total BIGINT);
CREATE PUMP add_up AS INSERT INTO counts
    SELECT STREAM name, COUNT(*), SUM(share) FROM seen GROUP BY name, FLOOR(seen.ROWTIME TO MINUTE)
"""
LINE = '198.51.100.%d - - [08/Sep/2017:08:47:09 +0000] "GET / HTTP/1.0" %d %d "-" "curl"\n'
LINES = [(1, 200, 107), (2, 404, 507), (2, 200, 7), (1, 503, 7), (1, 404, 7), (1, 200, 107)]


def make_pipeline(bound: str) -> Pipeline:
    program = compile_text(f"-- outputs: {bound}{PROGRAM}")
    outputs = {name: {"index": name.lower()} for name in program.streams}
    return load_pipeline(
        {"source": {}, "outputs": outputs, "plan": {"version": 1, "outputs": program.outputs}}, ZoneInfo
    )


def run(bound: str) -> Outcome:
    data = "".join(LINE % line for line in LINES).encode()
    return transform(make_pipeline(bound), decode_records(events.event(data)["records"], 0))


def documents(outcome: Outcome, output: str) -> list[dict[str, Any]]:
    every = [json.loads(document) for delivery in outcome.deliveries for document in delivery.documents]
    return [document for document in every if document["tally"]["output"] == output]


# Counted at once and row by row (an error output asks for that) alike: a row that passes both pumps counts twice, a
# row that one of them cannot evaluate still counts by the other, and every row has a fate by each pump.
@pytest.mark.parametrize("bound", ["COUNTS", "COUNTS, error_stream"])
def test_rows_are_added_by_each_pump(bound: str) -> None:
    outcome = run(bound)
    shown = {document["NAME"]: (document["N"], document["TOTAL"]) for document in documents(outcome, "COUNTS")}
    assert shown == {"198.51.100.1": (5, 23), "198.51.100.2": (1, 2)}
    ledger = outcome.ledger.outputs["COUNTS"]
    assert (ledger.emitted, ledger.filtered, ledger.eval_failed, ledger.out_of_range) == (6, 4, 2, 0)
    assert ledger.reasons == Counter({"BY_HOST: division by zero": 2})
    assert outcome.ledger.imbalance() == []


# Partials of one key are one document with one id, whichever pump its rows came through.
def test_one_partial_a_key() -> None:
    (first, second) = documents(run("COUNTS"), "COUNTS")
    assert first["tally"]["partial_id"] != second["tally"]["partial_id"]
    assert first["tally"]["group_id"] != second["tally"]["group_id"]


# The error output names the pump in which a row failed.
def test_failures_name_the_pump() -> None:
    failures = documents(run("COUNTS, error_stream"), "error_stream")
    assert [(failure["PUMP_NAME"], failure["MESSAGE"]) for failure in failures] == [("BY_HOST", "division by zero")] * 2


EDGES = """
CREATE STREAM edges (first_host VARCHAR(20), last_host VARCHAR(20));
CREATE PUMP find_edges AS INSERT INTO edges SELECT STREAM FIRST_VALUE("host"), LAST_VALUE("host")
    FROM SOURCE_SQL_STREAM_001 AS s GROUP BY FLOOR(s.ROWTIME TO MINUTE)
"""


# FIRST_VALUE and LAST_VALUE go by the line in a record, and the row that goes on to S3 knows nothing of it.
def test_first_and_last_line() -> None:
    outputs = compile_text(EDGES).outputs
    document = {"source": {}, "outputs": {"EDGES": {"index": "e"}}, "plan": {"version": 1, "outputs": outputs}}
    data = "".join(LINE % (host, 200, 5) for host in (5, 1, 9, 3)).encode()
    outcome = transform(load_pipeline(document, ZoneInfo), decode_records(events.event(data)["records"], 0))
    (edges,) = documents(outcome, "EDGES")
    assert (edges["FIRST_HOST"], edges["LAST_HOST"]) == ("198.51.100.5", "198.51.100.3")
    assert b"order" not in outcome.responses[0].data


# A plan whose ways have other keys or aggregates than its output cannot be loaded.
def test_ways_are_alike() -> None:
    document = json.loads(json.dumps(make_pipeline("COUNTS").document))
    document["plan"]["outputs"][0]["also"][0]["aggregates"][1]["function"] = "max"
    with pytest.raises(PlanError, match="keys and aggregates of the output"):
        load_pipeline(document, ZoneInfo)
