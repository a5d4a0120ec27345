"""``framing = "single"``: one document a record, for destinations that take no more."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.definition import define_pipeline
from streamtally.errors import SettingsError
from streamtally.pipeline import SEVERAL_LINES, Outcome, load_pipeline, transform
from streamtally.records import decode_records

FOLDER = Path("layers/pipeline/pipeline")
LINE = '198.51.100.7 - - [08/Sep/2017:08:47:01 +0000] "GET / HTTP/1.1" 200 512'
ARRIVAL_MS = 1504860425000


def _document(framing: str | None) -> dict[str, Any]:
    toml = (FOLDER / "pipeline.toml").read_text(encoding="utf-8")
    if framing:
        toml = toml.replace("[source]\n", f'[source]\nframing = "{framing}"\n')
    plan = json.loads((FOLDER / "pipeline.json").read_text())["plan"]
    return define_pipeline(toml, plan, ZoneInfo)


def _transform(framing: str | None, *payloads: str) -> Outcome:
    raw = [
        {
            "recordId": f"r{number}",
            "approximateArrivalTimestamp": ARRIVAL_MS,
            "data": base64.b64encode(payload.encode()).decode(),
        }
        for number, payload in enumerate(payloads)
    ]
    return transform(load_pipeline(_document(framing), ZoneInfo), decode_records(raw, ARRIVAL_MS))


@pytest.mark.parametrize("payload", [LINE, LINE + "\n", LINE + "\r\n", LINE + "\n\n", '{\n  "response" : "200"\n}\n'])
def test_a_record_of_one_line_is_one_document_without_a_line_end(payload: str) -> None:
    """The destination puts the end itself; an empty line after the document would be a second, broken one."""
    (result,) = _transform("single", payload).results
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
    failed, fine = outcome.results
    assert (failed.result, fine.result) == ("ProcessingFailed", "Ok")
    assert base64.b64decode(failed.raw) == payload.encode()
    assert (outcome.ledger.failed, outcome.ledger.rows, outcome.ledger.lines) == (2, 1, 3)
    assert outcome.ledger.reasons == {SEVERAL_LINES: 2}
    assert outcome.ledger.imbalance() == []


def test_lines_is_the_default_and_keeps_every_line() -> None:
    """S3 takes many lines a record, each with its end."""
    for framing in (None, "lines"):
        (result,) = _transform(framing, f"{LINE}\n{LINE}\n").results
        assert result.result == "Ok"
        assert result.data.count(b"\n") == 2


def test_another_framing_is_refused_by_name() -> None:
    """A misspelt value is one clear line."""
    with pytest.raises(SettingsError, match="framing = 'singel' under \\[source\\]: it is lines or single"):
        _document("singel")
