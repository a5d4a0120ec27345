"""The answer as text for Lambda's runtime: only where it is wanted and the runtime embeds it, else as an object."""

from __future__ import annotations

import importlib
import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamtally.aws.handlers.raw_answer import RUNTIME_MODULE, load_raw_answer
from streamtally.errors import SettingsError
from tests.examples import examples


class Raw:
    """Stands for simplejson's RawJSON."""

    def __init__(self, encoded_json: str) -> None:
        self.encoded_json = encoded_json


class Marshaller:
    """Writes as the runtime's does, as far as answers need it."""

    def marshal_response(self, response: Any) -> tuple[str, str]:
        return (
            response.encoded_json if isinstance(response, Raw) else json.dumps(response, ensure_ascii=False)
        ), "application/json"


def runtime(raw: Any = Raw, marshaller: Any = Marshaller) -> Any:
    return SimpleNamespace(json=SimpleNamespace(raw_json=SimpleNamespace(RawJSON=raw)), LambdaMarshaller=marshaller)


def load(monkeypatch: pytest.MonkeyPatch, module: Any, wanted: str = "on") -> tuple[Any, list[str]]:
    """What is loaded in this runtime (None: it is another one), and the lines about it, warnings with a ``!``."""
    monkeypatch.delitem(sys.modules, RUNTIME_MODULE, raising=False)
    if module is not None:
        monkeypatch.setitem(sys.modules, RUNTIME_MODULE, module)
    lines: list[str] = []
    environment = {"STREAMTALLY_RAW_ANSWER": wanted} if wanted else {}
    return load_raw_answer(environment, lines.append, lambda line: lines.append("!" + line)), lines


@pytest.mark.parametrize("wanted", ["", "off", " OFF "])
def test_it_is_off_unless_it_is_wanted(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    assert load(monkeypatch, runtime(), wanted) == (None, [])


def test_another_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="STREAMTALLY_RAW_ANSWER is 'true': it is on or off"):
        load(monkeypatch, runtime(), "true")


def test_the_answer_is_text_of_the_same_value(monkeypatch: pytest.MonkeyPatch) -> None:
    hand_over, lines = load(monkeypatch, runtime())
    assert lines == ["answers are handed over as text"]
    response = {"records": [{"recordId": 'ü\u2028\x7f\\"/', "result": "Dropped", "data": ""}]}
    raw = hand_over(response)
    assert isinstance(raw, Raw)
    assert json.loads(raw.encoded_json) == response


# Half of a surrogate pair is no Unicode, so no text: the runtime's JSON has always written it as it could.
def test_what_has_no_text_stays_an_object(monkeypatch: pytest.MonkeyPatch) -> None:
    hand_over, _ = load(monkeypatch, runtime())
    response = {"records": [{"recordId": "\ud800", "result": "Dropped", "data": ""}]}
    assert hand_over(response) is response


class Quotes:
    """A runtime that writes raw text as a string."""

    def marshal_response(self, response: Any) -> tuple[str, str]:
        return json.dumps(response.encoded_json), "application/json"


class Bytes:
    """A runtime that answers with another content type."""

    def marshal_response(self, response: Any) -> tuple[str, str]:
        return response.encoded_json, "application/unknown"


class Fails:
    """A runtime that cannot write raw text."""

    def marshal_response(self, response: Any) -> tuple[str, str]:
        raise TypeError("Object of type Raw is not JSON serializable")


def no_arguments(text: str) -> Any:
    raise AttributeError("gone")


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (None, "awslambdaric.lambda_runtime_marshaller is not loaded, so this is not Lambda's own runtime"),
        (SimpleNamespace(), "AttributeError: 'types.SimpleNamespace' object has no attribute 'json'"),
        (SimpleNamespace(json=json, LambdaMarshaller=Marshaller), "AttributeError: module 'json' has no attribute "),
        (runtime(raw=no_arguments), "AttributeError: gone"),
        (runtime(marshaller=Fails), "TypeError: Object of type Raw is not JSON serializable"),
        (runtime(marshaller=Quotes), "the runtime does not embed text unmodified"),
        (runtime(marshaller=Bytes), "the runtime does not embed text unmodified"),
    ],
)
def test_another_runtime_gets_objects_and_one_warning(monkeypatch: pytest.MonkeyPatch, module: Any, why: str) -> None:
    hand_over, lines = load(monkeypatch, module)
    response = {"records": [{"recordId": "1", "result": "Ok", "data": ""}]}
    assert hand_over(response) is response
    assert len(lines) == 1
    assert lines[0].startswith(f"!answers are handed over as objects, not as text: {why}")


_RECORDS = st.lists(
    st.fixed_dictionaries({
        "recordId": st.text(st.characters(exclude_categories=())),
        "result": st.sampled_from(["Ok", "Dropped", "ProcessingFailed"]),
        "data": st.text(),
    })
)  # fmt: skip


@given(records=_RECORDS)
@settings(max_examples=examples(200), deadline=None)
def test_the_value_is_the_same_and_the_text_no_longer(records: list[dict[str, str]]) -> None:
    """``response.py`` counts the bytes of the runtime's own JSON with escapes, which the limit of 6 MB is about."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        hand_over, _ = load(monkeypatch, runtime())
        answer = hand_over({"records": records})
    if isinstance(answer, Raw):
        assert json.loads(answer.encoded_json) == {"records": records}
        assert len(answer.encoded_json.encode()) <= len(json.dumps({"records": records}))
    else:
        assert answer == {"records": records}


@pytest.mark.parametrize("is_embedded", [True, False])
def test_the_handler_hands_it_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_embedded: bool
) -> None:
    pipeline = "layers/pipeline/pipeline/pipeline.json"
    monkeypatch.setenv("PIPELINE", pipeline)
    monkeypatch.setenv("STREAMTALLY_RAW_ANSWER", "on")
    monkeypatch.setenv("ALL_METRICS", "true")
    monkeypatch.setenv("AWS_SAM_LOCAL", "true")
    monkeypatch.setenv("SUMMARY_STREAM", "log-summary-stream")
    monkeypatch.setitem(sys.modules, RUNTIME_MODULE, runtime(marshaller=Marshaller if is_embedded else Quotes))
    monkeypatch.delitem(sys.modules, "functions.firehose_transform.app", raising=False)
    app: Any = importlib.import_module("functions.firehose_transform.app")
    monkeypatch.setattr(app, "deliver", lambda *_: None)
    monkeypatch.delitem(sys.modules, "functions.firehose_transform.app")
    context = SimpleNamespace(
        function_name="f",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:f",
        aws_request_id="r",
        get_remaining_time_in_millis=lambda: 300_000,
    )
    event = {"records": [{"recordId": "1", "approximateArrivalTimestamp": 1_700_000_000_000, "data": "bm90IGEgbG9n"}]}
    answer = app.handler(event, context)
    (record,) = (json.loads(answer.encoded_json) if is_embedded else answer)["records"]
    assert (record["recordId"], record["result"]) == ("1", "ProcessingFailed")
    published = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [one["AnswersAsText"] for one in published if "AnswersAsText" in one] == [[float(is_embedded)]]
