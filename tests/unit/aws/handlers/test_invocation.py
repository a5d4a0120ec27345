"""The function itself: its settings, what it puts, what it publishes."""

from __future__ import annotations

import importlib
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from scripts.make_events import make_events
from streamtally.aws import clients
from streamtally.errors import EventError, SettingsError
from tests.unit.transform.test_event import EVENTS

ROOT = Path(__file__).resolve().parents[4]
PIPELINE = str(ROOT / "layers/pipeline/pipeline/pipeline.json")
CONTEXT: Any = SimpleNamespace(
    function_name="firehose-transform",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:firehose-transform",
    aws_request_id="52fdfc07-2182-454f-963f-5f0f9a621d72",
    get_remaining_time_in_millis=lambda: 60_000,
)
Load = Callable[..., ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Imports the function anew under an environment."""

    def load_app(**environment: str) -> ModuleType:
        for name in ("PIPELINE", "SUMMARY_STREAM", "AWS_SAM_LOCAL", "AWS_ENDPOINT_URL_FIREHOSE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        # Powertools keeps its handler, with the standard output it was made for, in the logging module.
        logging.Logger.manager.loggerDict.pop("firehose-transform", None)
        sys.modules.pop("functions.firehose_transform.app", None)
        return importlib.import_module("functions.firehose_transform.app")

    return load_app


class Recorder:
    """A Firehose client that takes everything, or fails."""

    def __init__(self, fails: bool = False) -> None:
        self.put: list[tuple[str, dict[str, Any]]] = []
        self.fails = fails

    def put_record_batch(self, *, DeliveryStreamName: str, Records: list[Any]) -> Any:
        if self.fails:
            raise RuntimeError("no such thing")
        self.put += [(DeliveryStreamName, json.loads(record["Data"])) for record in Records]
        return {"FailedPutCount": 0, "RequestResponses": [{} for _ in Records]}


@pytest.fixture
def firehose(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(clients, "firehose_client", lambda: recorder)
    return recorder


@pytest.mark.parametrize("name", make_events())
def test_every_sample_event_is_answered(load: Load, firehose: Recorder, name: str) -> None:
    """Each record once, in order; what is put is what the answer counts."""
    app = load(PIPELINE=PIPELINE, SUMMARY_STREAM="log-summary-stream")
    event = make_events()[name]
    answer = app.handler(event, CONTEXT)
    assert [record["recordId"] for record in answer["records"]] == [record["recordId"] for record in event["records"]]
    assert all(stream == "log-summary-stream" for stream, _ in firehose.put)


def test_events_of_other_tools_are_answered(load: Load, firehose: Recorder) -> None:
    """SAM's samples, the console's, LocalStack's, Kafka's: names are missing in the log only."""
    app = load(PIPELINE=PIPELINE, SUMMARY_STREAM="log-summary-stream")
    for event in EVENTS.values():
        answer = app.handler(event, CONTEXT)
        assert {record["result"] for record in answer["records"]} == {"Ok"}
    assert len(firehose.put) >= len(EVENTS)


def test_an_event_of_another_service_is_refused_before_anything_is_put(load: Load, firehose: Recorder) -> None:
    """The error says which event it is."""
    app = load(PIPELINE=PIPELINE, SUMMARY_STREAM="log-summary-stream")
    with pytest.raises(EventError, match="a trigger"):
        app.handler({"Records": []}, CONTEXT)
    assert firehose.put == []


def test_partials_are_put_before_the_answer(load: Load, firehose: Recorder) -> None:
    """If they cannot be put, the invocation fails, and Firehose calls again with the same records."""
    app = load(PIPELINE=PIPELINE, SUMMARY_STREAM="log-summary-stream")
    firehose.fails = True
    with pytest.raises(Exception, match="log-summary-stream"):
        app.handler(make_events()["apache-lines.json"], CONTEXT)


def test_a_repeated_invocation_puts_the_same_documents(load: Load, firehose: Recorder) -> None:
    """To the letter, ids included."""
    app = load(PIPELINE=PIPELINE, SUMMARY_STREAM="log-summary-stream")
    app.handler(make_events()["apache-lines.json"], CONTEXT)
    first, firehose.put = firehose.put, []
    app.handler(make_events()["apache-lines.json"], CONTEXT)
    assert first == firehose.put != []


def test_under_sam_local_partials_are_logged_and_not_put(
    load: Load, firehose: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is put unless an endpoint is given."""
    app = load(PIPELINE=PIPELINE, AWS_SAM_LOCAL="true")
    app.handler(make_events()["apache-lines.json"], CONTEXT)
    assert firehose.put == []
    assert "partial_id" in capsys.readouterr().out


def test_under_sam_local_with_an_endpoint_they_are_put(load: Load, firehose: Recorder) -> None:
    """The endpoint is the user's word that they may be."""
    app = load(
        PIPELINE=PIPELINE, AWS_SAM_LOCAL="true", AWS_ENDPOINT_URL_FIREHOSE="http://127.0.0.1:4573", SUMMARY_STREAM="s"
    )
    app.handler(make_events()["apache-lines.json"], CONTEXT)
    assert len(firehose.put) == 4


def test_the_ledger_is_published(load: Load, firehose: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    """As metrics in EMF, and as one line of the log."""
    app = load(PIPELINE=PIPELINE, SUMMARY_STREAM="log-summary-stream")
    app.handler(make_events()["unparsed-lines.json"], CONTEXT)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    emf = next(line for line in lines if "_aws" in line)
    published = {name: emf[name] for name in ("Lines", "Rows", "Unparsed", "Empty", "Failed", "LedgerOutOfBalance")}
    assert {name: value[0] if isinstance(value, list) else value for name, value in published.items()} == {
        "Lines": 4, "Rows": 1, "Unparsed": 2, "Empty": 1, "Failed": 0, "LedgerOutOfBalance": 0,
    }  # fmt: skip
    log = next(line for line in lines if line.get("message") == "batch")
    assert log["ledger"]["reasons"] == {"of no known format": 2}


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "PIPELINE"),
        ({"PIPELINE": "/nowhere/pipeline.json"}, "PIPELINE"),
        ({"PIPELINE": __file__}, "PIPELINE"),
        ({"PIPELINE": PIPELINE}, "SUMMARY_STREAM"),
    ],
)
def test_a_settings_error_fails_at_initialisation_with_the_variables_name(
    load: Load, firehose: Recorder, environment: dict[str, str], named: str
) -> None:
    """Not at the first batch."""
    with pytest.raises(SettingsError, match=named):
        load(**environment)
