"""Batches whose rows are joined with reference tables: ledger, ids, and the plan's id."""

from __future__ import annotations

import copy
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.errors import SettingsError
from streamtally.ids import ANY_VERSION
from streamtally.indices.settling.merging import to_sound_filter
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.transform import Outcome
from tests.unit.events import combined, documents, run
from tests.unit.sql.programs import compile_text

PROGRAM = """-- outputs: ROWS_OUT, COUNTS
CREATE STREAM rows_out ("status" INTEGER, "name" VARCHAR(12));
CREATE PUMP p AS INSERT INTO rows_out SELECT STREAM s."response", n."name" FROM "SOURCE_SQL_STREAM_001" s
    JOIN "StatusNames" n ON s."response" = n."code" AND n."weight" < 9;
CREATE STREAM counts ("name" VARCHAR(12), n BIGINT);
CREATE PUMP q AS INSERT INTO counts SELECT STREAM n."name", COUNT(*) FROM "SOURCE_SQL_STREAM_001" s
    LEFT JOIN "StatusNames" n ON s."response" = n."code" WHERE s."response" <> 503
    GROUP BY n."name", FLOOR(s.ROWTIME TO MINUTE);
"""
COLUMNS = {"code": "BIGINT", "name": "CHAR(12)", "host": "VARCHAR", "weight": "DOUBLE"}
TEXT = "code,name,host,weight\n200,OK,,1\n404,Missing,,1\n404,Not Found,,2\n,Nothing,,1\n"
PAYLOADS = [combined(200), combined(404), combined(404), combined(500), combined(503), b"no log line\n"]


def document_of(text: str | None = TEXT) -> dict[str, Any]:
    program = compile_text(PROGRAM)
    reference = {"place": "names.csv", "text": text, "columns": COLUMNS, "format": "csv"}
    if text is None:
        reference = {"place": "s3://amzn-s3-demo-bucket/names.csv", "columns": COLUMNS, "format": "csv"}
    return {
        "source": {"format": "apache_combined"},
        "outputs": {"ROWS_OUT": {"index": "rows"}, "COUNTS": {"index": "counts"}},
        "plan": {"version": 1, "outputs": program.outputs},
        "references": {"StatusNames": reference},
    }


def make(text: str = TEXT) -> Pipeline:
    return load_pipeline(document_of(text), ZoneInfo)


def of_output(outcome: Outcome, name: str) -> list[dict[str, Any]]:
    return [document for document in documents(outcome) if document["tally"]["output"] == name]


# Every row has a fate, a row with two matches two of them, and the ledger adds up.
def test_ledger_adds_up() -> None:
    outcome = run(make(), PAYLOADS)
    assert outcome.ledger.imbalance() == []
    rows, counts = outcome.ledger.outputs["ROWS_OUT"], outcome.ledger.outputs["COUNTS"]
    assert (rows.emitted, rows.filtered, rows.joined) == (5, 2, 2)
    assert (counts.emitted, counts.filtered, counts.joined) == (6, 1, 2)
    assert {document["name"]: document["N"] for document in of_output(outcome, "COUNTS")} == {
        None: 1, "OK          ": 1, "Missing     ": 2, "Not Found   ": 2,
    }  # fmt: skip


# Each row of a join is a document of its own; a retry writes the same ones.
def test_ids_of_joined_rows_are_distinct_and_stable() -> None:
    first, again = run(make(), PAYLOADS), run(make(), PAYLOADS)
    ids = [document["tally"]["row_id"] for document in of_output(first, "ROWS_OUT")]
    assert len(set(ids)) == len(ids) == 5
    assert ids == [document["tally"]["row_id"] for document in of_output(again, "ROWS_OUT")]
    assert [document["tally"] for document in documents(first)] == [document["tally"] for document in documents(again)]


# A key that cannot be evaluated fails the row once; more matches than a row may have, too.
def test_failures_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamtally.plan.joins.MAX_MATCHES", 1)
    outcome = run(make(), PAYLOADS)
    assert outcome.ledger.imbalance() == []
    counts = outcome.ledger.outputs["COUNTS"]
    assert counts.eval_failed == 2
    assert "more than 1 rows" in " ".join(counts.reasons)


# The content is part of the plan's id; its form (line ends, quotes) is not.
def test_plan_id_follows_the_content() -> None:
    first = make().plan_id
    assert make(TEXT.replace("\n", "\r\n")).plan_id == first
    assert make(TEXT.replace("Missing", "Gone")).plan_id != first
    without = document_of()
    del without["references"]
    without["plan"]["outputs"] = []
    assert len(load_pipeline(without, ZoneInfo).plan_id) == 32


# An object in S3 changes without a deployment: the first half of the id is the deployment's.
def test_plan_id_of_an_object_has_two_halves() -> None:
    document = document_of(None)
    deployed = load_pipeline(document, ZoneInfo)
    assert deployed.plan_id.endswith(ANY_VERSION)
    one = load_pipeline(document, ZoneInfo, {"StatusNames": TEXT.encode()})
    other = load_pipeline(document, ZoneInfo, {"StatusNames": TEXT.encode() + b"500,Error,,1\n"})
    assert one.plan_id[:16] == other.plan_id[:16] == deployed.plan_id[:16]
    assert len({one.plan_id, other.plan_id, deployed.plan_id}) == 3
    assert len(one.plan_id) == 32
    changed = copy.deepcopy(document)
    changed["source"]["drop"] = ["agent"]
    assert load_pipeline(changed, ZoneInfo).plan_id[:16] != deployed.plan_id[:16]
    assert to_sound_filter(deployed.plan_id)[0] == {"prefix": {"tally.plan_id": deployed.plan_id[:16]}}
    assert to_sound_filter(one.plan_id)[0] == {"term": {"tally.plan_id": one.plan_id}}


# Without the object no row is counted as one without a match.
def test_object_that_was_not_read_is_an_error() -> None:
    pipeline = load_pipeline(document_of(None), ZoneInfo)
    assert pipeline.missing_tables == ["StatusNames"]
    with pytest.raises(SettingsError, match="StatusNames: its object in S3 was not read"):
        run(pipeline, PAYLOADS)
