"""``framing = "single"``: one document a record, for destinations that take no more."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.definition import define_pipeline
from streamtally.errors import SettingsError
from streamtally.transform.envelope import MAX_HOPS, Envelope, encode_envelope
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.reingest import MAX_SINGLE_LINES
from streamtally.transform.routes import SEVERAL_LINES
from streamtally.transform.transform import Outcome, transform

FOLDER = Path("layers/pipeline/pipeline")
LINE = '198.51.100.7 - - [08/Sep/2017:08:47:01 +0000] "GET / HTTP/1.1" 200 512'
ARRIVAL_MS = 1504860425000


def _document(framing: str | None) -> dict[str, Any]:
    toml = (FOLDER / "pipeline.toml").read_text(encoding="utf-8")
    if framing:
        toml = toml.replace("[source]\n", f'[source]\nframing = "{framing}"\n')
    plan = json.loads((FOLDER / "pipeline.json").read_text())["plan"]
    return define_pipeline(toml, plan, ZoneInfo)


def _transform(framing: str | None, *payloads: str, can_reingest: bool = False) -> Outcome:
    raw = [
        {
            "recordId": f"r{number}",
            "approximateArrivalTimestamp": ARRIVAL_MS,
            "data": base64.b64encode(payload.encode()).decode(),
        }
        for number, payload in enumerate(payloads)
    ]
    return transform(
        load_pipeline(_document(framing), ZoneInfo), decode_records(raw, ARRIVAL_MS), can_reingest=can_reingest
    )


@pytest.mark.parametrize("payload", [LINE, LINE + "\n", LINE + "\r\n", LINE + "\n\n", '{\n  "response" : "200"\n}\n'])
def test_a_record_of_one_line_is_one_document_without_a_line_end(payload: str) -> None:
    """The destination puts the end itself; an empty line after the document would be a second, broken one."""
    (result,) = _transform("single", payload).responses
    assert result.result == "Ok"
    assert str(json.loads(result.data)["response"]) == "200"
    assert b"\n" not in result.data


@pytest.mark.parametrize(
    "payload",
    [
        f"{LINE}\n{LINE}\n",
        f"{LINE}\nno log line\n",
        '{"response":"200"}\n{"response":"404"}\n',
        json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"message": LINE}, {"message": LINE}]}),
    ],
)
def test_a_record_of_several_lines_fails_whole_and_counts_nowhere(payload: str) -> None:
    """Never joined: a document of two lines makes OpenSearch refuse the whole bulk request."""
    outcome = _transform("single", payload, LINE)
    failed, fine = outcome.responses
    assert (failed.result, fine.result) == ("ProcessingFailed", "Ok")
    assert base64.b64decode(failed.raw) == payload.encode()
    assert (outcome.ledger.failed, outcome.ledger.rows, outcome.ledger.lines) == (2, 1, 3)
    assert outcome.ledger.reasons == {SEVERAL_LINES: 2}
    assert outcome.ledger.imbalance() == []


SEVERAL = {
    "lines": (f"{LINE}\n{LINE} second\n", 2),
    "one of them no log line": (f"{LINE}\nno log line\n", 2),
    "empty lines between": (f"\n{LINE}\n\n\n{LINE}\n\n", 2),
    "JSON": ('{"response":"200"}\n{"response":"404"}\n', 2),
    "CloudWatch Logs": (
        json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"message": LINE}, {"message": LINE}]}),
        2,
    ),
}


@pytest.mark.parametrize("payload, pieces", SEVERAL.values(), ids=SEVERAL)
def test_a_record_of_several_lines_goes_back_line_by_line(payload: str, pieces: int) -> None:
    """Then each comes as a record of its own: no document holds two, and nothing is lost or counted twice."""
    first = _transform("single", payload, LINE, can_reingest=True)
    assert [result.result for result in first.responses] == ["Dropped", "Ok"]
    assert len(first.envelopes) == pieces
    assert (first.ledger.reingested, first.ledger.rows) == (first.ledger.lines - 1, 1)
    assert first.ledger.imbalance() == []
    event = [
        {"recordId": f"again{n}", "approximateArrivalTimestamp": ARRIVAL_MS, "data": base64.b64encode(data).decode()}
        for n, data in enumerate(first.envelopes)
    ]
    pipeline = load_pipeline(_document("single"), ZoneInfo)
    second = transform(pipeline, decode_records(event, ARRIVAL_MS), can_reingest=True)
    assert second.envelopes == []
    assert second.ledger.lines == first.ledger.reingested
    assert second.ledger.imbalance() == []
    whole = _transform("lines", payload)
    assert (second.ledger.rows, second.ledger.unparsed) == (whole.ledger.rows, whole.ledger.unparsed)
    documents = [result.data.decode() for result in second.responses if result.result == "Ok"]
    assert all("\n" not in document for document in documents)
    assert documents == [line for line in whole.responses[0].data.decode().splitlines() if "unparsed" not in line]


def test_a_record_that_has_gone_round_often_enough_fails_whole() -> None:
    """The hop limit: nothing goes round for ever, also where a destination of single documents asks for it."""
    several = f"{LINE}\n{LINE} second\n".encode()
    results = {}
    for hops in (MAX_HOPS - 1, MAX_HOPS):
        data = encode_envelope(Envelope("origin", "0", ARRIVAL_MS, hops, False, several))
        event = [{"recordId": "r", "approximateArrivalTimestamp": ARRIVAL_MS, "data": base64.b64encode(data).decode()}]
        outcome = transform(
            load_pipeline(_document("single"), ZoneInfo), decode_records(event, ARRIVAL_MS), can_reingest=True
        )
        results[hops] = ([result.result for result in outcome.responses], len(outcome.envelopes))
        assert outcome.ledger.imbalance() == []
    assert results == {MAX_HOPS - 1: (["Dropped"], 2), MAX_HOPS: (["ProcessingFailed"], 0)}


@pytest.mark.parametrize(
    "payload", ['{\n  "a" : 1\n}\n{\n  "a" : ?\n}\n', "no log line\nanother\n", f"{LINE}\n" * (MAX_SINGLE_LINES + 1)]
)
def test_what_cannot_be_taken_apart_fails_whole(payload: str) -> None:
    """Kept raw, where redrive finds it; fragments of JSON do not go round."""
    outcome = _transform("single", payload, can_reingest=True)
    assert ([result.result for result in outcome.responses], outcome.envelopes) == (["ProcessingFailed"], [])
    assert outcome.ledger.imbalance() == []


def test_objects_over_several_lines_are_taken_apart() -> None:
    """Two of them are two records of one line each."""
    outcome = _transform("single", '{\n  "a" : 1\n}\n{\n  "a" : 2\n}\n', can_reingest=True)
    assert ([result.result for result in outcome.responses], len(outcome.envelopes)) == (["Dropped"], 2)


@given(st.lists(st.lists(st.sampled_from([LINE, "", "no log line", '{"response": "200"}']), max_size=5), max_size=6))
def test_whatever_comes_no_answer_of_single_holds_two_lines(records: list[list[str]]) -> None:
    """Over any mixture of records, in the first round and in the second."""
    payloads = ["\n".join(lines) + "\n" for lines in records]
    outcome = _transform("single", *payloads, can_reingest=True)
    assert all(b"\n" not in result.data for result in outcome.responses)
    assert outcome.ledger.imbalance() == []
    assert len(outcome.responses) == len(payloads)


def test_lines_is_the_default_and_keeps_every_line() -> None:
    """S3 takes many lines a record, each with its end."""
    for framing in (None, "lines"):
        (result,) = _transform(framing, f"{LINE}\n{LINE}\n").responses
        assert result.result == "Ok"
        assert result.data.count(b"\n") == 2


def test_another_framing_is_refused_by_name() -> None:
    """A misspelt value is one clear line."""
    with pytest.raises(SettingsError, match=r'\[source\] framing = "singel": expected one of lines, single'):
        _document("singel")
