"""Formats in a pipeline: in the transform, with the ledger of every line, and from pipeline.toml."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from streamtally.definition import define_pipeline
from streamtally.errors import FormatError, SettingsError
from streamtally.formats import REGISTRY, FormatOptions
from streamtally.formats.wrappers.agent import compile_agent
from streamtally.local.folder import read_folder
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import Outcome, transform
from tests.system.conformance.test_kinesis_agent import CASES, input_of

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = Path(__file__).parent / "samples"
ARRIVAL = 1_763_846_501_000  # 2025-11-22T21:21:41Z
OUTPUT = '[outputs.DESTINATION_SQL_STREAM]\nindex = "request_data"\n'


def run(source: dict[str, Any], *payloads: bytes, arrival: int = ARRIVAL) -> Outcome:
    """One batch of records through the default program."""
    document = json.loads(json.dumps(read_folder(ROOT / "layers/pipeline/pipeline")))
    document["source"] = {"types": {"response": "INTEGER", "bytes": "BIGINT"}, **source}
    records = [
        {"recordId": f"id-{n}", "approximateArrivalTimestamp": arrival, "data": base64.b64encode(data).decode()}
        for n, data in enumerate(payloads)
    ]
    return transform(load_pipeline(document, ZoneInfo), decode_records(records, now_ms=arrival))


def lines_of(outcome: Outcome) -> list[dict[str, Any]]:
    """The rows that go to S3, one per line."""
    return [orjson.loads(line) for result in outcome.responses for line in result.data.splitlines()]


def counts(outcome: Outcome) -> dict[Any, int]:
    """(window, status) → count."""
    documents = [orjson.loads(document) for delivery in outcome.deliveries for document in delivery.documents]
    return {(document["datetime"], document["status"]): document["statusCount"] for document in documents}


# Every line of every format's sample is a row or a header line, has an event time, and none is lost.
@pytest.mark.parametrize("name", [name for name, log_format in REGISTRY.items() if log_format.time_field])
def test_every_format_in_the_transform(name: str) -> None:
    payload = (SAMPLES / f"{name}.log").read_bytes()
    # Parts of a container's line would be joined within a record.
    payloads = payload.splitlines(keepends=True) if name == "cri" else [payload]
    outcome = run({"format": name, "types": {"bytes": "VARCHAR"}}, *payloads)
    expected = [json.loads(line) for line in (SAMPLES / f"{name}.jsonl").read_bytes().splitlines()]
    assert lines_of(outcome) == expected
    ledger = outcome.ledger
    assert ledger.rows + ledger.unparsed == len(expected)
    assert ledger.unparsed == sum(set(row) == {"unparsed", "reason"} for row in expected)


# A syslog line without a year is counted in the right year, also around New Year.
def test_syslog_over_new_year() -> None:
    new_year = 1_767_225_602_000  # 2026-01-01T00:00:02Z
    lines = b"Dec 31 23:59:59 h a: x\nJan  1 00:00:01 h a: y\n"
    counted = counts(run({"format": "syslog"}, lines, arrival=new_year))
    assert set(counted) == {("2025-12-31T23:59:00.000", None), ("2026-01-01T00:00:00.000", None)}
    berlin = counts(run({"format": "syslog", "time_zone": "Asia/Tokyo"}, lines, arrival=new_year - 9 * 3_600_000))
    assert set(berlin) == {("2025-12-31T14:59:00.000", None), ("2025-12-31T15:00:00.000", None)}


# A #Fields line applies to the end of its record, in whatever order the records come.
@pytest.mark.parametrize("source", [{"format": "w3c"}, {"format": "auto", "time_field": "auto"}])
def test_w3c_headers_hold_for_their_record(source: dict[str, Any]) -> None:
    with_header = b"#Fields: date time c-ip sc-status\n2025-11-22 21:21:41 192.0.2.1 200\n"
    without = b"2025-11-22 21:21:41 192.0.2.1 200\n"
    forth, back = run(source, with_header, without), run(source, without, with_header)
    row = {"date": "2025-11-22", "time": "21:21:41", "c_ip": "192.0.2.1", "sc_status": 200}
    assert lines_of(forth)[1] == row
    assert [row_back for row_back in lines_of(back) if "c_ip" in row_back] == [row]
    assert (forth.ledger.rows, forth.ledger.unparsed) == (back.ledger.rows, back.ledger.unparsed) == (1, 2)


# The agent's options instead of a format: the agent's strings and nulls, and what it skips is unparsed.
def test_agent_options() -> None:
    options = [{"optionName": "LOGTOJSON", "logFormat": "COMBINEDAPACHELOG"}]
    line = b'192.0.2.1 - - [22/Nov/2025:21:21:41 +0000] "GET / HTTP/1.1" 404 5 "-" "x"\n'
    outcome = run({"agent_options": options}, line + line.replace(b"192.0.2.1", b"2001:db8::1"))
    kept, skipped = lines_of(outcome)
    assert (kept["response"], kept["bytes"], kept["referer"]) == ("404", "5", None)
    assert skipped["unparsed"].startswith("2001:db8::1")
    assert counts(outcome) == {("2025-11-22T21:21:00.000", 404): 1}


# pipeline.toml accepts the list, its JSON, a directive and the row options, and refuses invalid ones.
def test_pipeline_toml() -> None:
    plan = json.loads((ROOT / "bench/plans/counts.json").read_text())
    for source in (
        'agent_options = [{ optionName = "LOGTOJSON", logFormat = "COMBINEDAPACHELOG" }]',
        'agent_options = \'[{"optionName":"LOGTOJSON","logFormat":"COMBINEDAPACHELOG"}]\'',
        "format = 'nginx:$remote_addr [$time_local] \"$request\" $status'\nsplit_request = true\nanonymize = true",
        'format = "alb"\ndrop = ["extra"]\ntrue_client = { forwarded = "x_forwarded_for", client = "client" }',
    ):
        assert define_pipeline(f"[source]\n{source}\n{OUTPUT}", plan, ZoneInfo)["source"]
    for source, named in (
        ('agent_options = [{ optionName = "ADDEC2METADATA", logFormat = "SYSLOG" }]', "EC2"),
        ("agent_options = 5", "agent_options = 5: expected a list or text"),
        ('format = "nginx:$a$b"', "there is nothing between"),
        ('anonymize = "host"', "expected true or false or a list"),
        ("true_client = true", "true_client"),
        ('drop = "host"', "expected a list"),
    ):
        with pytest.raises(SettingsError, match=named):
            define_pipeline(f"[source]\n{source}\n{OUTPUT}", plan, ZoneInfo)


# ADDMETADATA's timestamp is the record's arrival, so a retried batch gives the same lines.
@pytest.mark.parametrize("more", [{}, {"drop": ["none"]}, {"paths": {"ID": "$.metadata.id"}}])
def test_agent_timestamp_is_the_arrival(more: dict[str, Any]) -> None:
    options = [{"optionName": "ADDMETADATA", "timestamp": "true", "metadata": {"id": 7}}]
    source = {"agent_options": options, "time_field": "ts", "time_format": "iso8601", **more}
    outcome = run(source, b"first\nsecond\n", b"third\n", arrival=ARRIVAL + 5)
    stamped = {"ts": "2025-11-22T21:21:41.005Z", "metadata": {"id": 7}}
    rows = [{name: value for name, value in row.items() if name != "ID"} for row in lines_of(outcome)]
    assert rows == [{**stamped, "data": data} for data in ("first", "second", "third")]
    again = run(source, b"first\nsecond\n", b"third\n", arrival=ARRIVAL + 5)
    assert lines_of(again) == lines_of(outcome)
    assert counts(outcome) == {("2025-11-22T21:21:00.000", None): 3}


# For every case of the conformance table that is a line, the pipeline gives the object that the agent sends. What the
# agent skips, sends unmodified, or does not convert to an object is unparsed.
@pytest.mark.parametrize(
    "option", sorted({options.get("optionName", "") for case in CASES for options in case["options"]})
)
def test_every_option_in_a_pipeline(option: str) -> None:
    for case in CASES:
        names = [options.get("optionName", "") for options in case["options"]]
        line = input_of(case).decode(errors="replace").removesuffix("\n")
        is_line = case["kind"] == "record" and "\n" not in line and "input_b64" not in case
        if option not in names or not is_line or "output_sha256" in case:
            continue
        if case["outcome"] == "config_error" or {"ADDEC2METADATA", "USINGPLUGGIN"} & set(names):
            with pytest.raises(SettingsError):
                compile_agent(case["options"])
            continue
        expected = row_of(case)
        parse = compile_agent(case["options"])
        if expected is None:
            with pytest.raises(FormatError):
                parse(line)
        else:
            assert list(parse(line).items()) == list(expected.items()), case["id"]


def row_of(case: dict[str, Any]) -> dict[str, Any] | None:
    """The object in a case's output; None if the output is not an object."""
    if case["outcome"] == "crash":
        return {"q": "x" * 8000}
    if case["outcome"] != "record":
        return None
    try:
        row = orjson.loads(case["output"])
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


# pipeline.toml accepts each of them as written in agent.json, also as text.
def test_every_option_in_pipeline_toml() -> None:
    plan = json.loads((ROOT / "bench/plans/counts.json").read_text())
    tried = set()
    for case in CASES:
        names = {options.get("optionName") for options in case["options"]}
        if case["kind"] == "record" and case["outcome"] == "record" and not names & {"ADDEC2METADATA", "USINGPLUGGIN"}:
            text = json.dumps(json.dumps(case["options"]))
            source = define_pipeline(f"[source]\nagent_options = {text}\n{OUTPUT}", plan, ZoneInfo)["source"]
            assert json.loads(source["agent_options"]) == case["options"]
            tried |= names
    assert tried == {"LOGTOJSON", "CSVTOJSON", "SINGLELINE", "ADDBRACKETS", "ADDMETADATA"}


# A format's parser is used for all records: nothing of one record affects the next.
@pytest.mark.parametrize("name", [name for name in REGISTRY if name not in ("regex", "w3c")])
def test_parsers_remember_nothing(name: str) -> None:
    parse = REGISTRY[name].compile(FormatOptions())
    for example in (*REGISTRY[name].examples, *reversed(REGISTRY[name].examples)):
        assert parse(example.line) == example.row
