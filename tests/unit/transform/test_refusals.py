"""Lines that are ruled out together give what they give when each is read by itself."""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.formats.auto import OF_NO_FORMAT
from streamtally.local.folder import read_folder
from streamtally.transform import lines
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.refusals import refused_json
from streamtally.transform.response import encode_response
from streamtally.transform.transform import Outcome, transform
from tests.examples import examples
from tests.system.fuzz.checks import ROOT
from tests.system.fuzz.generate import ARRIVAL
from tests.unit.transform.kernel.random_events import make_event


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return load_pipeline(read_folder(ROOT / "layers/pipeline/pipeline"), ZoneInfo)


def everything(outcome: Outcome) -> tuple[Any, ...]:
    deliveries = [(delivery.stream, delivery.documents) for delivery in outcome.deliveries]
    return encode_response(outcome.responses), deliveries, outcome.envelopes, outcome.ledger


def test_random_events(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among them are headers, after which any line may be one of theirs."""
    drawn = Random("refusals")
    events = [make_event(drawn) for _ in range(examples(80))]
    together = [everything(transform(pipeline, decode_records(event["records"], ARRIVAL))) for event in events]
    monkeypatch.setattr(lines, "rule_out", lambda *_: [])
    singly = [everything(transform(pipeline, decode_records(event["records"], ARRIVAL))) for event in events]
    assert together == singly
    assert sum(outcome[3].reasons[OF_NO_FORMAT] for outcome in together) > 100


@pytest.mark.parametrize("header", [(), ("#Fields: cs-method cs-uri-stem sc-status date time",)])
def test_a_header_before_the_record(pipeline: Pipeline, header: tuple[str, ...]) -> None:
    """A header line that is known of the record's file applies to its first line."""
    line = "GET /a 200 2025-11-22 21:21:41"
    data = f"GET /b\n{line}\n".encode()
    records = decode_records([{"recordId": "1", "approximateArrivalTimestamp": ARRIVAL, "data": _encoded(data)}], 0)
    for _ in range(3):  # after the first, lines were refused
        outcome = transform(pipeline, [record._replace(header=header) for record in records])
        assert outcome.ledger.rows == len(header)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("line", ["a", 'a "b" \\c', "\x00\x1f\x7f", "é\u2028", "\\xff"])
def test_the_json(line: str) -> None:
    assert json.loads(refused_json(line)) == {"unparsed": line, "reason": OF_NO_FORMAT}
    assert refused_json(line) == lines._encode({"unparsed": line, "reason": OF_NO_FORMAT})
