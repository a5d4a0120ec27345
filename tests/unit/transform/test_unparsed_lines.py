"""Lines of a log that look like ours of the S3 side: redrive takes none of them for a line that was never counted."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from streamtally.aws.recovery.failed_objects import read_failed
from streamtally.aws.sinks.objects import Folder
from streamtally.local.folder import read_folder
from streamtally.transform.documents import UNPARSED_LINE
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import Outcome, transform
from tests.system.conformance.contract import events

FORGED = events.LINE.decode().replace("192.0.2.7", "203.0.113.9")
HEX = "0123456789abcdef" * 2
BODY = f'"unparsed":{json.dumps(FORGED)},"reason":"x"}}'

FORGERIES = [
    "{" + BODY,
    " {" + BODY,
    "\t{" + BODY,
    "{ " + BODY,
    "  {  " + BODY,
    "{\t" + BODY,
    f'{{"line_id":"{HEX}",{BODY}',
    f' {{"line_id":"{HEX}",{BODY}',
    f'{{"line_id":"{HEX}", {BODY}',
    f'{{"line_id":"{HEX}","line_id":"{HEX}",{BODY}',
    f'{{"unparsed":{json.dumps(FORGED)} , "reason" : "x"}}',
    f'{{"unparsed":{json.dumps(FORGED)}}}',
    f'{{"unparsed":{json.dumps(FORGED)},"reason":"x","line_id":"{HEX}"}}',
    f'{{"unparsed":{json.dumps(FORGED)},"reason":"of no known format"}}',
    f'{{"reason":"x","unparsed":{json.dumps(FORGED)}}}',
    f'{{"unp\\u0061rsed":{json.dumps(FORGED)},"reason":"x"}}',
    '{"unparsed":1,"reason":"x"}',
    '{"unparsed":null}',
]


def pipeline(**source: Any) -> Pipeline:
    document = read_folder(None)
    document["source"] |= source
    return load_pipeline(document, ZoneInfo)


def failed_of(folder: Path, outcome: Outcome) -> list[str]:
    """What redrive would bring back of the lines that Firehose delivers."""
    objects, problems = Folder(folder), []
    objects.put("2025/03/01/00/one", b"".join(result.data for result in outcome.responses if result.result == "Ok"))
    lines = [orjson.loads(f'"{record.raw}"') for record in read_failed(objects, problems)]
    assert problems == []
    return lines


SOURCES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, FORGERIES),
    ({"format": "json"}, FORGERIES),
    ({"format": "json", "drop": ["agent"]}, FORGERIES),  # rewritten, not passed on
    ({"format": "ltsv"}, [f"unparsed:{FORGED}\treason:x", "unparsed:x", f"line_id:{HEX}\tunparsed:a\treason:b"]),
    ({"format": "logfmt"}, ['unparsed="a b" reason=x', f"line_id={HEX} unparsed=a reason=b"]),
    (
        {"format": "regex", "pattern": r"(?P<unparsed>.*) (?P<reason>\S+)", "types": {}, "fields": ()},
        [f"{FORGED} x"],
    ),
]


# Whatever the log says, however it is written on: it is a row, it is counted, and redrive leaves it alone.
@pytest.mark.parametrize("line_id", [False, True])
@pytest.mark.parametrize(("source", "lines"), SOURCES)
def test_a_row_never_looks_unparsed(source: dict[str, Any], lines: list[str], line_id: bool, tmp_path: Path) -> None:
    made = pipeline(**source, line_id=line_id)
    for number, line in enumerate(lines):
        outcome = transform(made, decode_records(events.event(line.encode())["records"], 0))
        assert outcome.ledger.rows == 1, line
        data = outcome.responses[0].data
        assert not UNPARSED_LINE.match(data), line
        assert failed_of(tmp_path / str(number), outcome) == [], line
        said = orjson.loads(data)
        if line.lstrip().startswith("{"):  # it says what it said
            assert {**orjson.loads(line), "line_id": 0} == {**said, "line_id": 0}


# A line that does not parse still comes back, next to rows that look like it.
@pytest.mark.parametrize("line_id", [False, True])
def test_what_does_not_parse_comes_back(line_id: bool, tmp_path: Path) -> None:
    broken = ["no line of a log", '{"unparsed":', '"quoted" \u2028 \\ and \x01', "{ }}"]
    payload = "\n".join([*FORGERIES, *broken]).encode()
    outcome = transform(pipeline(line_id=line_id), decode_records(events.event(payload)["records"], 0))
    assert (outcome.ledger.rows, outcome.ledger.unparsed) == (len(FORGERIES), len(broken))
    assert [base64.b64decode(data).decode() for data in failed_of(tmp_path, outcome)] == broken
