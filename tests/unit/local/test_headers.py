"""A W3C header reaches every record that is made of its file, and is counted as one line."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.sinks.objects import Folder
from streamtally.local.arrival import arrive_when_logged, read_lines
from streamtally.local.folder import read_folder
from streamtally.local.logs import read_log
from streamtally.local.old_logs import Seen, run_old_logs
from streamtally.local.run import LocalRun
from streamtally.local.store import DuckDbStore
from streamtally.transform.envelope import MAX_HEADER_BYTES, Envelope, Seal, decode_envelope, encode_envelope
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import transform
from tests.unit import events

DAY = "2025-06-11"
HEADER = "#Fields: date time s-ip cs-method cs-uri-stem c-ip cs(User-Agent) sc-status time-taken"
IIS7 = [
    "#Software: Microsoft Internet Information Services 7.5", "#Version: 1.0", f"#Date: {DAY} 00:00:01", HEADER,
    *[f'{DAY} 00:00:0{n} 192.0.2.48 GET /a 192.0.2.{n} "x+{n}" 200 36' for n in range(1, 5)],
    "#Fields: time c-ip sc-status",  # the administrator chose others; #Date gives the day
    *[f"00:01:0{n} 192.0.2.{n} 404" for n in range(1, 4)],
]  # fmt: skip
CLOUDFRONT = [
    "#Version: 1.0", "#Fields: date time x-edge-location sc-status c-ip",
    *[f"{DAY}\t00:00:0{n}\tSOF50-P2\t50{n}\t192.0.2.7" for n in range(1, 4)],
]  # fmt: skip


def pipeline_of(log_format: str, **more: Any) -> Pipeline:
    document = json.loads(json.dumps(read_folder(None)))
    document["source"] = {**document["source"], "format": log_format, **more}
    document["source"].pop("time_format", None)
    document["source"]["time_field"] = "auto"
    return load_pipeline(document, ZoneInfo)


def run(tmp_path: Path, pipeline: Pipeline, logs: dict[str, list[str]], lines_per_record: int) -> tuple[Any, Any, Any]:
    """The ledger, the delivered lines in order, and status by minute."""
    folder = tmp_path / "out"
    store = DuckDbStore(tmp_path / "results.duckdb")
    local = LocalRun(pipeline, Folder(folder), store)
    lines = []
    for name, texts in logs.items():
        path = tmp_path / name
        path.write_text("".join(f"{text}\n" for text in texts))
        lines += list(arrive_when_logged(read_lines(read_log(str(path)), pipeline.source, 0), 0))
    local.run(lines, lines_per_record)
    store.settle(pipeline)
    output = pipeline.outputs["DESTINATION_SQL_STREAM"]  # the default program's other one counts levels
    counted = {(row["datetime"], row["status"]): row["statusCount"] for row in store.documents(output)}
    store.close()
    delivered = [json.loads(line) for path in sorted(folder.rglob("*")) if path.is_file() for line in path.open()]
    return local.ledger, delivered, counted


# The header of a flow log reaches all records of its file, too.
@pytest.mark.parametrize("lines_per_record", [1, 2, 100])
@pytest.mark.parametrize("log_format", ["vpc_flow", "auto"])
def test_flow_log(tmp_path: Path, log_format: str, lines_per_record: int) -> None:
    lines = ["srcaddr action start", *[f"192.0.2.{n} REJECT 162000000{n}" for n in range(1, 5)]]
    ledger, delivered, _ = run(tmp_path, pipeline_of(log_format), {"a.log": lines}, lines_per_record)
    assert (ledger.lines, ledger.rows, ledger.unparsed) == (5, 4, 1)
    assert dict(ledger.reasons) == {"a header line, not an event": 1}
    rows = [row for row in delivered if "srcaddr" in row]
    assert [(row["srcaddr"], row["action"]) for row in rows] == [(f"192.0.2.{n}", "REJECT") for n in range(1, 5)]


@pytest.mark.parametrize("lines_per_record", [1, 2, 3, 100])
@pytest.mark.parametrize("log_format", ["w3c", "auto"])
def test_run(tmp_path: Path, log_format: str, lines_per_record: int) -> None:
    ledger, delivered, counted = run(tmp_path, pipeline_of(log_format), {"a.log": IIS7}, lines_per_record)
    assert (ledger.lines, ledger.rows, ledger.unparsed) == (len(IIS7), 7, 5)
    assert ledger.imbalance() == []
    assert dict(ledger.reasons) == {"a header line, not an event": 5}
    rows = [row for row in delivered if "c_ip" in row]
    assert [row["c_ip"] for row in rows] == [f"192.0.2.{n}" for n in (1, 2, 3, 4, 1, 2, 3)]
    assert [row.get("cs_user_agent") for row in rows] == ['"x+1"', '"x+2"', '"x+3"', '"x+4"', None, None, None]
    assert {row["date"] for row in rows} == {DAY}
    if lines_per_record == 100:  # a record without any row goes to S3 as it came in
        assert [row["unparsed"] for row in delivered if "unparsed" in row] == [line for line in IIS7 if line[0] == "#"]
    assert counted == {(f"{DAY}T00:00:00.000", 200): 4, (f"{DAY}T00:01:00.000", 404): 3}


# A header ends with its file, however many lines a record holds.
@pytest.mark.parametrize("lines_per_record", [1, 4, 100])
def test_two_files(tmp_path: Path, lines_per_record: int) -> None:
    headless = ["00:01:01 192.0.2.1 500"]
    ledger, _, _ = run(tmp_path, pipeline_of("w3c"), {"a.log": IIS7, "b.log": headless}, lines_per_record)
    assert (ledger.rows, ledger.unparsed) == (7, 6)
    assert ledger.reasons["no #Fields line before it, and not the 15 columns of IIS 10"] == 1


@pytest.mark.parametrize("log_format", ["cloudfront", "auto", "w3c"])
def test_cloudfront(tmp_path: Path, log_format: str) -> None:
    ledger, _, counted = run(tmp_path, pipeline_of(log_format), {"a.log": CLOUDFRONT}, 1)
    assert (ledger.rows, ledger.unparsed) == (3, 2)
    assert counted == {(f"{DAY}T00:00:00.000", status): 1 for status in (501, 502, 503)}


@pytest.mark.parametrize("batch_lines", [2, 5_000])
def test_backfill(tmp_path: Path, batch_lines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamtally.local.old_logs.BATCH_LINES", batch_lines)
    (tmp_path / "a.log").write_text("\n".join(IIS7) + "\n")
    (tmp_path / "b.log").write_text("00:01:01 192.0.2.1 500\n")
    seen = Seen()
    outcomes = list(run_old_logs(Folder(tmp_path), pipeline_of("w3c"), seen))
    assert sum(outcome.ledger.rows for outcome in outcomes) == 7
    assert sum(outcome.ledger.unparsed for outcome in outcomes) == 6
    assert seen.lines == len(IIS7) + 1


# A record of the stream is read alone: without its header it has the pipeline's fields, or is unparsed with a reason.
@pytest.mark.parametrize("order", [1, -1])
def test_a_batch(order: int) -> None:
    whole = "\n".join(IIS7[:6]).encode()
    payloads = [whole, IIS7[6].encode(), IIS7[7].encode()][::order]
    outcome = events.run(pipeline_of("w3c"), payloads)
    assert (outcome.ledger.rows, outcome.ledger.unparsed) == (2, 6)
    assert outcome.ledger.reasons["no #Fields line before it, and not the 15 columns of IIS 10"] == 2
    names = ["date", "time", "s_ip", "cs_method", "cs_uri_stem", "c_ip", "cs_user_agent", "sc_status", "time_taken"]
    outcome = events.run(pipeline_of("w3c", fields=names), payloads)
    assert (outcome.ledger.rows, outcome.ledger.unparsed) == (4, 4)


def rounds(pipeline: Pipeline, payload: bytes, max_response_bytes: int) -> tuple[list[Any], int]:
    """The rows of a record and of all that it is re-ingested in, and how many records these are."""
    waiting, rows, records = [payload], [], 0
    while waiting:
        raw = events.records_of(waiting)
        outcome = transform(
            pipeline, decode_records(raw, events.ARRIVAL), can_reingest=True, max_response_bytes=max_response_bytes
        )
        assert outcome.ledger.imbalance() == []
        records += len(waiting)
        rows += [json.loads(line) for response in outcome.responses for line in response.data.splitlines()]
        waiting = list(outcome.envelopes)
    return rows, records


# What is re-ingested of a record keeps its header: parts that overflow, and single lines.
@pytest.mark.parametrize("framing", [None, "single"])
def test_parts_of_a_record(framing: str | None) -> None:
    lines = [*IIS7[:4], *IIS7[4:8] * 60, *IIS7[8:] * 20]
    pipeline = pipeline_of("w3c", **({"framing": framing} if framing else {}))
    rows, records = rounds(pipeline, "\n".join(lines).encode(), 20_000)
    assert records > 2
    counted = [row["sc_status"] for row in rows if "unparsed" not in row]
    assert sorted(counted) == [200] * 240 + [404] * 60
    if framing is None:
        whole = events.run(pipeline, ["\n".join(lines).encode()])
        expected = [json.loads(line) for line in whole.responses[0].data.splitlines()]
        assert sorted(rows, key=str) == sorted(expected, key=str)


def test_envelopes_with_a_header() -> None:
    header = ("#Date: 2025-06-11 00:00:00", "#Fields: time sc-status ü")
    envelope = Envelope("origin", "3", 5, 1, True, b"00:00:01 200\n", header=header)
    for seal in (Seal(), Seal(b"k" * 64)):
        assert decode_envelope(encode_envelope(envelope, seal), 10**6, seal) == envelope
    large = Envelope("origin", "3", 5, 1, True, b"x" * 1_020_000, header=header)
    assert decode_envelope(encode_envelope(large), 10**7) == large
    # A longer header is left out: each part would repeat it.
    long = Envelope("origin", "3", 5, 1, True, b"x", header=("#Fields: " + "a" * MAX_HEADER_BYTES,))
    assert decode_envelope(encode_envelope(long), 10**6).header == ()
    broken = bytearray(encode_envelope(envelope))
    broken[-30:] = b""
    raw = base64.b64encode(bytes(broken)).decode()
    assert decode_records([{"recordId": "a", "data": raw}], 0)[0].error == "the envelope is broken"
