"""CloudWatch Logs subscriptions: a message is an event, and what its envelope says of it are columns."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from streamtally.local.folder import read_folder
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.reingest import Reingestion, to_envelopes, to_single_lines
from streamtally.transform.subscriptions import Message, encode_messages, subscription_messages
from streamtally.transform.transform import transform
from tests.unit.events import ARRIVAL, combined, documents, records_of, run

LINE = combined().decode().rstrip("\n")
START = "START RequestId: 6f747a00-7a1d-5a0f-a3a6-2f3c2e1c5e0b Version: $LATEST\n"
REPORT = "REPORT RequestId: 6f747a00-7a1d-5a0f-a3a6-2f3c2e1c5e0b\tDuration: 3.14 ms\tBilled Duration: 4 ms\t\n"
TRACE = "Traceback (most recent call last):\n  File \"/var/task/app.py\", line 7, in handler\nKeyError: 'x'\n"
PRETTY = json.dumps({"response": 200, "datetime": "08/Sep/2017:08:47:00 +0000", "path": "/a b"}, indent=2)


def envelope(*messages: str, time: Any = ARRIVAL - 5_000, **members: Any) -> bytes:
    """An envelope as CloudWatch Logs sends it; its messages are a second apart."""
    events = [
        {"id": str(number), "timestamp": time + 1_000 * number if type(time) is int else time, "message": message}
        for number, message in enumerate(messages)
    ]
    stated = {"owner": "123456789012", "logGroup": "/aws/lambda/shop", "logStream": "2017/09/08/[$LATEST]0c7a"}
    body = {"messageType": "DATA_MESSAGE", **stated, "subscriptionFilters": ["all"], "logEvents": events, **members}
    return json.dumps(body).encode()


CONTROL = json.dumps(
    {
        "messageType": "CONTROL_MESSAGE",
        "owner": "CloudwatchLogs",
        "logGroup": "",
        "logStream": "",
        "subscriptionFilters": [],
        "logEvents": [
            {"id": "", "timestamp": ARRIVAL, "message": "CWL CONTROL MESSAGE: Checking health of destination."}
        ],
    }
).encode()


def unparsed(outcome: Any) -> list[str]:
    rows = [json.loads(line) for line in outcome.responses[0].data.splitlines()]
    return [row["unparsed"] for row in rows if "unparsed" in row]


@pytest.mark.parametrize(
    ("messages", "ledger"),
    [
        pytest.param([LINE], (1, 0, 0), id="a line"),
        pytest.param([PRETTY], (1, 0, 0), id="JSON over several lines"),
        pytest.param([PRETTY, PRETTY], (2, 0, 0), id="two of them"),
        pytest.param([START, PRETTY, REPORT], (1, 2, 0), id="between other messages"),
        pytest.param([PRETTY.replace("\n", "\r\n"), LINE], (2, 0, 0), id="with Windows' line ends"),
        pytest.param([LINE, TRACE], (1, 1, 0), id="a stack trace"),
        pytest.param([TRACE, LINE, TRACE], (1, 2, 0), id="two of them around a line"),
        pytest.param([f"{LINE}\n{LINE}"], (2, 0, 0), id="two lines, each of which parses"),
        pytest.param([f"{LINE}\nat x.y"], (1, 1, 0), id="a line that parses, and one that does not"),
        pytest.param([LINE, "{\n not JSON\n}"], (1, 1, 0), id="what begins like JSON"),
        pytest.param([LINE, "\n\n"], (1, 0, 2), id="empty lines"),
        pytest.param([LINE, ""], (1, 0, 0), id="an empty message"),
    ],
)
def test_a_message_is_an_event(default_pipeline: Pipeline, messages: list[str], ledger: tuple[int, int, int]) -> None:
    """Whatever lines it is written over, packed by CloudWatch or decompressed by Firehose."""
    for data in (gzip.compress(envelope(*messages)), envelope(*messages)):
        outcome = run(default_pipeline, [data])
        account = outcome.ledger
        assert (account.rows, account.unparsed, account.empty) == ledger
        assert account.imbalance() == []
        assert outcome.responses[0].data.count(b"\n") == account.rows + account.unparsed


def test_a_message_that_does_not_parse_is_kept_whole(default_pipeline: Pipeline) -> None:
    """Its text in one line, and JSON as it is, on one line."""
    outcome = run(default_pipeline, [envelope(TRACE, PRETTY)])
    assert unparsed(outcome) == [TRACE.rstrip("\n")]
    assert orjson.loads(outcome.responses[0].data.splitlines()[1]) == json.loads(PRETTY)


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        pytest.param(gzip.compress(envelope(LINE)) + gzip.compress(envelope(LINE)), 2, id="two gzip members"),
        pytest.param(gzip.compress(envelope(LINE) + envelope(LINE)), 2, id="two envelopes in one member"),
        pytest.param(gzip.compress(envelope(LINE) + b"\n" + envelope(LINE, LINE) + b"\n"), 3, id="on a line each"),
        pytest.param(envelope(LINE) + CONTROL + envelope(LINE), 2, id="a control message between them"),
        pytest.param(gzip.compress(CONTROL) + gzip.compress(envelope(LINE)), 1, id="a control message first"),
    ],
)
def test_several_envelopes_in_a_record(default_pipeline: Pipeline, data: bytes, rows: int) -> None:
    """As agents and Firehose put them one after another."""
    outcome = run(default_pipeline, [data])
    assert (outcome.responses[0].result, outcome.ledger.rows, outcome.ledger.unparsed) == ("Ok", rows, 0)


TOML = '[source]\n{source}\n[outputs.OUT]\nindex = "by-group"\n'
ROWS = """
CREATE OR REPLACE STREAM "OUT" ("log_group" VARCHAR(64), "log_stream" VARCHAR(64), "owner" VARCHAR(16),
    "log_timestamp" BIGINT, "datetime" VARCHAR(32));
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT"
    SELECT STREAM "log_group", "log_stream", "owner", "log_timestamp", "datetime" FROM "SOURCE_SQL_STREAM_001";
"""
COUNTS = """
CREATE OR REPLACE STREAM "OUT" ("time" TIMESTAMP, "log_group" VARCHAR(64), "n" INTEGER);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT"
    SELECT STREAM FLOOR(CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', "datetime") TO MINUTE) AS "time", "log_group",
        COUNT(*) AS "n"
    FROM "SOURCE_SQL_STREAM_001"
    GROUP BY "log_group", FLOOR(CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', "datetime") TO MINUTE);
"""


@pytest.fixture(scope="module")
def pipeline_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Pipeline]:
    """A pipeline of this program."""

    def make(sql: str, source: str = 'format = "auto"') -> Pipeline:
        folder = tmp_path_factory.mktemp("pipeline")
        (folder / "pipeline.toml").write_text(TOML.format(source=source))
        (folder / "program.sql").write_text(sql)
        return load_pipeline(read_folder(folder), ZoneInfo)

    return make


MakePipeline = Callable[..., Pipeline]
STATED = {"log_group": "/aws/lambda/shop", "log_stream": "2017/09/08/[$LATEST]0c7a", "owner": "123456789012"}


def columns_of(outcome: Any) -> list[dict[str, Any]]:
    return [{name: value for name, value in document.items() if name != "tally"} for document in documents(outcome)]


@pytest.mark.parametrize("source", ['format = "auto"', 'format = "apache_combined"'])
def test_the_envelope_is_columns(pipeline_of: MakePipeline, source: str) -> None:
    """Of programs alone: the JSON lines hold what the line holds."""
    pipeline = pipeline_of(ROWS, source)
    outcome = run(pipeline, [envelope(LINE, LINE), combined()])
    first, second, plain = columns_of(outcome)
    datetime = {"datetime": "08/Sep/2017:08:47:00 +0000"}
    assert first == STATED | datetime | {"log_timestamp": ARRIVAL - 5_000}
    assert second == STATED | datetime | {"log_timestamp": ARRIVAL - 4_000}
    assert plain == dict.fromkeys([*STATED, "log_timestamp"]) | datetime
    assert b"log_group" not in outcome.responses[0].data
    assert outcome.responses[0].data == outcome.responses[1].data * 2


def test_a_lines_own_field_takes_precedence(pipeline_of: MakePipeline) -> None:
    """A JSON message with a member owner keeps it."""
    outcome = run(pipeline_of(ROWS), [envelope('{"owner":"me","log_group":null}')])
    (columns,) = columns_of(outcome)
    assert (columns["owner"], columns["log_group"]) == ("me", None)
    assert columns["log_stream"] == STATED["log_stream"]


def test_the_events_time_is_that_of_lines_without_one(pipeline_of: MakePipeline) -> None:
    """A line's own time counts first; without either there is none, as before."""
    pipeline = pipeline_of(COUNTS)
    messages = ['{"level":"info"}', '{"level":"info","time":"2017-09-08T08:10:00Z"}']
    outcome = run(pipeline, [envelope(*messages, time=ARRIVAL - 600_000), b'{"level":"info"}'])
    counted = {(row["time"], row["log_group"]): row["n"] for row in columns_of(outcome)}
    assert counted == {("2017-09-08 08:37:00.000", STATED["log_group"]): 1,
                       ("2017-09-08 08:10:00.000", STATED["log_group"]): 1}  # fmt: skip
    assert outcome.ledger.outputs["OUT"].eval_failed + outcome.ledger.outputs["OUT"].filtered == 1


@pytest.mark.parametrize("time", [None, "yesterday", -1, 10**18, 1.5, True])
def test_a_time_that_is_none_is_left_out(pipeline_of: MakePipeline, time: Any) -> None:
    """Hostile members of an envelope are no columns."""
    outcome = run(pipeline_of(ROWS), [envelope(LINE, time=time, owner=["x"], logGroup="\ud800")])
    (columns,) = columns_of(outcome)
    assert (columns["log_timestamp"], columns["owner"], columns["log_group"]) == (None, None, r"\ud800")


def test_parts_of_a_subscription_keep_its_columns(pipeline_of: MakePipeline) -> None:
    """Whether it is split since it does not fit, or into single lines."""
    pipeline = pipeline_of(ROWS)
    data = envelope(LINE, TRACE, PRETTY, "\n", LINE) + envelope(LINE, logGroup="other")
    (record,) = decode_records(records_of([data]), ARRIVAL)
    whole = run(pipeline, [data])
    reingestion = Reingestion(pipeline.source, limit_bytes=200)
    for parts in (to_single_lines(record, reingestion), to_envelopes(record, 1_000, reingestion)):
        assert len(parts) > 1
        pieces = decode_records(records_of(parts), ARRIVAL)
        assert [piece.error for piece in pieces] == [""] * len(parts)
        outcome = transform(pipeline, pieces)
        assert sorted(map(str, columns_of(outcome))) == sorted(map(str, columns_of(whole)))
        # A part of which no line parses is kept raw; the others give the same lines.
        lines = b"".join(response.data for response in outcome.responses).splitlines()
        assert [
            line for line in whole.responses[0].data.splitlines() if b"unparsed" not in line or line in lines
        ] == lines
        assert outcome.ledger.line_classes() | {"reingested": 0} == whole.ledger.line_classes()
    single = pipeline_of(ROWS, 'format = "auto"\nframing = "single"')
    outcome = transform(single, decode_records(records_of(to_single_lines(record, reingestion)), ARRIVAL))
    assert all(response.data.count(b"\n") == 0 for response in outcome.responses)


def test_messages_survive_being_written() -> None:
    """Groups in a row share an envelope."""
    messages = [
        Message("a\nb", {"log_group": "g", "log_timestamp": 5}),
        Message('"é', {"log_group": "g"}),
        Message("c", {}),
        Message("d", {"owner": "1", "log_stream": "s"}),
    ]
    assert subscription_messages(encode_messages(messages)) == messages
    assert encode_messages(messages).count(b"\n") == 3


def test_ids_of_lines_that_parse_are_unchanged(pipeline_of: MakePipeline) -> None:
    """A line's number counts the lines before it, also those of a message that is one event now."""
    pipeline = pipeline_of(ROWS)
    outcome = run(pipeline, [envelope(TRACE, LINE)])
    plain = run(pipeline, [TRACE.encode() + combined()])
    ids = [[document["tally"]["row_id"] for document in documents(one)] for one in (outcome, plain)]
    assert ids[0] == ids[1] != []


def test_a_renamed_member_is_a_column(pipeline_of: MakePipeline) -> None:
    """Of JSON, whose members are not known before: rename alone declares it, as text."""
    sql = """
CREATE OR REPLACE STREAM "OUT" ("when" VARCHAR(32), "code" VARCHAR(8));
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "when", "code" FROM "SOURCE_SQL_STREAM_001";
"""
    pipeline = pipeline_of(sql, 'format = "json"\nrename = { requestTime = "when", status = "code" }')
    outcome = run(pipeline, [b'{"requestTime":"09/Apr/2019:12:34:56 +0000","status":"200"}'])
    assert columns_of(outcome) == [{"when": "09/Apr/2019:12:34:56 +0000", "code": "200"}]
