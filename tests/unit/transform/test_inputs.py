"""What becomes of each shape of input, and of everything that trips such a function in Python."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from streamtally.transform.pipeline import Pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.response import encode_response
from streamtally.transform.transform import transform
from tests.endless import must_end
from tests.unit.events import ARRIVAL, combined, counts, documents, records_of, run

GOOD = combined()
ROW = (
    b'{"host":"198.51.100.7","ident":null,"authuser":null,"datetime":"08/Sep/2017:08:47:00 +0000",'
    b'"request":"GET / HTTP/1.1","response":200,"bytes":5316,"referer":null,"agent":"test"}\n'
)
AGENT = b'{"datetime":"08/Sep/2017:08:47:00 +0000","response":"200"}'


def unparsed(line: str, reason: str = "of no known format") -> bytes:
    return json.dumps({"unparsed": line, "reason": reason}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


@pytest.mark.parametrize(
    ("payload", "result", "data", "ledger"),
    [
        pytest.param(GOOD, "Ok", ROW, (1, 0, 0, 0), id="one line"),
        pytest.param(GOOD[:-1], "Ok", ROW, (1, 0, 0, 0), id="no line end"),
        pytest.param(GOOD[:-1] + b"\r\n", "Ok", ROW, (1, 0, 0, 0), id="CRLF"),
        pytest.param(GOOD + GOOD, "Ok", ROW + ROW, (2, 0, 0, 0), id="two lines"),
        pytest.param(GOOD + b"\n\r\n" + GOOD, "Ok", ROW + ROW, (2, 0, 2, 0), id="empty lines between"),
        pytest.param(b"", "Dropped", b"", (0, 0, 0, 0), id="nothing"),
        pytest.param(b"\n", "Dropped", b"", (0, 0, 1, 0), id="an empty line"),
        pytest.param(b"\r\n\r\n", "Dropped", b"", (0, 0, 2, 0), id="empty CRLF lines"),
        pytest.param(b"hello\n", "ProcessingFailed", b"hello\n", (0, 1, 0, 0), id="no line parses"),
        pytest.param(b"hello\n\n", "ProcessingFailed", b"hello\n\n", (0, 1, 1, 0), id="no line parses, one empty"),
        pytest.param(GOOD + b"hello\n", "Ok", ROW + unparsed("hello"), (1, 1, 0, 0), id="one of two parses"),
        pytest.param(b"a\xff\n" + GOOD, "Ok", unparsed("a\\xff") + ROW, (1, 1, 0, 0), id="no UTF-8"),
        pytest.param(
            b"a\xe2\x80\xa8b\n" + GOOD, "Ok", unparsed("a\u2028b") + ROW, (1, 1, 0, 0), id="U+2028 ends no line"
        ),
        pytest.param(
            b"a\x85\x0b\x0c\x1cb\n" + GOOD, "Ok", unparsed("a\\x85\x0b\x0c\x1cb") + ROW, (1, 1, 0, 0), id="VT FF FS"
        ),
        pytest.param(b"\x00\n" + GOOD, "Ok", unparsed("\x00") + ROW, (1, 1, 0, 0), id="NUL"),
        pytest.param(AGENT, "Ok", AGENT + b"\n", (1, 0, 0, 0), id="JSON of the agent"),
        pytest.param(AGENT + b"\n" + AGENT + b"\n", "Ok", AGENT + b"\n" + AGENT + b"\n", (2, 0, 0, 0), id="JSON lines"),
        pytest.param(b'{"a":1,"a":2}', "Ok", b'{"a":1,"a":2}\n', (1, 0, 0, 0), id="JSON, a doubled key"),
        pytest.param(b'{ "a" : 1e400 }', "Ok", b'{ "a" : 1e400 }\n', (1, 0, 0, 0), id="JSON beyond a double"),
        pytest.param(b'{"a":"\\ud800"}', "Ok", b'{"a":"\\ud800"}\n', (1, 0, 0, 0), id="JSON, a lone surrogate"),
        pytest.param(b'{"a":NaN}', "ProcessingFailed", b'{"a":NaN}', (0, 1, 0, 0), id="NaN is no JSON"),
        pytest.param(b'{"a":1} x', "ProcessingFailed", b'{"a":1} x', (0, 1, 0, 0), id="JSON and more"),
        pytest.param(b"[1]", "ProcessingFailed", b"[1]", (0, 1, 0, 0), id="JSON, no object"),
        pytest.param(b'{\n  "a" : 1\n}\n', "Ok", b'{ "a" : 1 }\n', (1, 0, 0, 0), id="JSON over several lines"),
        pytest.param(gzip.compress(GOOD), "Ok", ROW, (1, 0, 0, 0), id="gzip"),
        pytest.param(gzip.compress(GOOD) + gzip.compress(GOOD), "Ok", ROW + ROW, (2, 0, 0, 0), id="two gzip members"),
        pytest.param(zlib.compress(GOOD), "Ok", ROW, (1, 0, 0, 0), id="zlib"),
        pytest.param(zlib.compress(GOOD) + b"\n", "Ok", ROW, (1, 0, 0, 0), id="zlib with Fluentd's line end"),
        pytest.param(b"x\x9c\xff", "ProcessingFailed", b"x\x9c\xff", (0, 1, 0, 0), id="a line that begins like zlib"),
    ],
)
def test_a_record(
    default_pipeline: Pipeline, payload: bytes, result: str, data: bytes, ledger: tuple[int, ...]
) -> None:
    """Each shape has its answer and its class in the ledger."""
    outcome = run(default_pipeline, [payload])
    (response,) = outcome.responses
    answered = base64.b64decode(encode_response([response])["records"][0]["data"])
    assert (response.result, answered) == (result, data)
    account = outcome.ledger
    assert (account.rows, account.unparsed, account.empty, account.failed) == ledger
    assert account.imbalance() == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("%%%%", "the data is not base64"),
        ("YQ", "the data is not base64"),
        (None, "the data is not base64"),
        (base64.b64encode(gzip.compress(GOOD)[:-6]).decode(), "the gzip data is cut off"),
        (base64.b64encode(b"\x1f\x8bnot gzip at all").decode(), "the gzip data is broken"),
        (base64.b64encode(gzip.compress(GOOD) + b"tail").decode(), "the gzip data is broken"),
        (base64.b64encode(gzip.compress(b"\0" * (17 << 20))).decode(), "the gzip data grows too large"),
        (base64.b64encode(zlib.compress(GOOD)[:-6]).decode(), "the zlib data is cut off"),
        (base64.b64encode(zlib.compress(GOOD) + b"x").decode(), "the zlib data is followed by something else"),
        (base64.b64encode(zlib.compress(b"\0" * (17 << 20))).decode(), "the zlib data grows too large"),
    ],
)
def test_a_record_that_cannot_be_decoded_fails_alone(default_pipeline: Pipeline, data: str | None, reason: str) -> None:
    """It is answered as it came and counts as one failed line; its neighbours go their way."""
    event = records_of([GOOD, GOOD, GOOD])
    event[1]["data"] = data
    outcome = transform(default_pipeline, decode_records(event, ARRIVAL))
    assert [result.result for result in outcome.responses] == ["Ok", "ProcessingFailed", "Ok"]
    assert encode_response(outcome.responses)["records"][1]["data"] == (data or "")
    assert (outcome.ledger.rows, outcome.ledger.failed) == (2, 1)
    assert outcome.ledger.reasons == {reason: 1}


def subscription(*messages: str, kind: str = "DATA_MESSAGE") -> bytes:
    events = [{"id": str(i), "timestamp": ARRIVAL, "message": message} for i, message in enumerate(messages)]
    return json.dumps({"messageType": kind, "owner": "123456789012", "logGroup": "g", "logEvents": events}).encode()


LINE = GOOD.decode().rstrip("\n")


@pytest.mark.parametrize(
    ("payload", "result", "ledger"),
    [
        pytest.param(gzip.compress(subscription(LINE, LINE)), "Ok", (2, 0, 0), id="two messages"),
        pytest.param(gzip.compress(subscription(f"{LINE}\r\n{LINE}\n")), "Ok", (2, 0, 0), id="a message of two lines"),
        pytest.param(subscription(LINE), "Ok", (1, 0, 0), id="decompressed by Firehose"),
        pytest.param(gzip.compress(subscription(LINE, "x", "\n")), "Ok", (1, 1, 1), id="a message does not parse"),
        pytest.param(gzip.compress(subscription("x")), "ProcessingFailed", (0, 1, 0), id="no message parses"),
        pytest.param(gzip.compress(subscription("a\ud800", LINE)), "Ok", (1, 1, 0), id="a lone surrogate"),
        pytest.param(gzip.compress(subscription("hi", kind="CONTROL_MESSAGE")), "Dropped", (0, 0, 0), id="control"),
        pytest.param(gzip.compress(subscription()), "Dropped", (0, 0, 0), id="no message"),
        pytest.param(gzip.compress(subscription(LINE) + subscription(LINE)), "Ok", (2, 0, 0), id="two envelopes"),
    ],
)
def test_a_subscription_of_cloudwatch_logs(
    default_pipeline: Pipeline, payload: bytes, result: str, ledger: tuple[int, ...]
) -> None:
    """Control messages are dropped; messages are split into lines as a record is."""
    outcome = run(default_pipeline, [payload])
    account = outcome.ledger
    assert outcome.responses[0].result == result
    assert (account.rows, account.unparsed, account.empty) == ledger
    for line in outcome.responses[0].data.splitlines():
        json.loads(line)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="100,000 levels of nesting"),
        pytest.param(b'{"a":' + b"1" * 100_000 + b"}", id="100,000 digits"),
        pytest.param(b'h - - [08/Sep/2017:08:47:00 +0000] "' + b'\\"' * 500_000, id="a quote that never ends"),
        pytest.param(
            b'h - - [08/Sep/2017:08:47:00 +0000] "G" 200 1 "-" "' + b"a\\\\" * 300_000 + b'"', id="a 1 MB agent"
        ),
        pytest.param(b".".join([b"a"] * 2_000) + b" - - [x", id="2,000 labels"),
        pytest.param(b"a " * 500_000, id="500,000 words"),
        pytest.param(b'h - "' + b"u " * 400_000, id="a long user"),
        pytest.param(b"\n" * 1_000_000, id="a million line ends"),
        pytest.param(gzip.compress(b"x" * (15 << 20)), id="15 MB in a few KB"),
    ],
)
def test_hostile_records_take_no_time_and_stop_nobody(default_pipeline: Pipeline, payload: bytes) -> None:
    """One such record: an answer, and its neighbour is counted."""
    with must_end():
        outcome = run(default_pipeline, [payload, GOOD])
    assert outcome.responses[1].result == "Ok"
    assert outcome.ledger.imbalance() == []


def test_gzip_bombs_are_bounded_over_the_event_in_the_order_of_identities(default_pipeline: Pipeline) -> None:
    """64 MiB in all; which records are beyond it does not depend on the event's order."""
    bomb = gzip.compress((b"x" * 127 + b"\n") * ((10 << 20) // 128))  # few lines, whose number is bounded too
    records = decode_records(records_of([bomb] * 8), ARRIVAL)
    failed = {record.identity for record in records if record.error}
    backwards = decode_records(records_of([bomb] * 8)[::-1], ARRIVAL)
    assert failed == {backward.identity for backward in backwards if backward.error} == {"id-6", "id-7"}
    assert transform(default_pipeline, records[6:]).ledger.failed == 2


def test_strings_of_json_are_coerced_for_counting_and_passed_on_as_they_are(default_pipeline: Pipeline) -> None:
    """ "200" is counted as 200; the line keeps its text."""
    outcome = run(default_pipeline, [AGENT, GOOD])
    assert counts(outcome) == {("2017-09-08T08:47:00.000", 200): 2}
    assert b'"response":"200"' in outcome.responses[0].data


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (combined(time="31/Feb/2017:08:47:00 +0000"), "a time that does not exist"),
        (combined(time="08/Sep/2017:25:47:00 +0000"), "a time that does not exist"),
        (b'{"response":"200"}', "no event time"),
        (b'{"response":"abc","datetime":"08/Sep/2017:08:47:00 +0000"}', "not of type INTEGER"),
        (b'{"response":99999999999,"datetime":"08/Sep/2017:08:47:00 +0000"}', "out of range for INTEGER"),
        (b'{"response":[1],"datetime":"08/Sep/2017:08:47:00 +0000"}', "not of type INTEGER"),
        (b'{"response":1,"datetime":["x"]}', "the time is not text"),
        (b'{"response":1,"datetime":7}', "the time is not text"),
    ],
)
def test_a_row_that_cannot_be_evaluated_still_goes_to_s3(default_pipeline: Pipeline, line: bytes, reason: str) -> None:
    """It is counted with its reason under the output's name, and adds to no partial."""
    outcome = run(default_pipeline, [line, GOOD])
    account = outcome.ledger.outputs["DESTINATION_SQL_STREAM"]
    assert [result.result for result in outcome.responses] == ["Ok", "Ok"]
    assert (account.eval_failed, account.emitted) == (1, 1)
    assert account.reasons == {f"STREAM_PUMP: {reason}": 1}
    assert sum(document["statusCount"] for document in documents(outcome)) == 1


@pytest.mark.parametrize(
    ("hours", "window", "out_of_range"),
    [
        (-7 * 24, "2017-09-01T08:47", 0),
        (-7 * 24 - 1, "2017-09-08T08:47", 1),
        (1, "2017-09-08T09:47", 0),
        (2, "2017-09-08T08:47", 1),
    ],
)
def test_an_absurd_event_time_gives_way_to_the_arrival(
    default_pipeline: Pipeline, hours: int, window: str, out_of_range: int
) -> None:
    """Seven days back and one hour ahead are believed; beyond that the row goes by its arrival, marked and counted."""
    from streamtally.times.writing import compile_time_formatter

    time_text = compile_time_formatter("dd/MMM/yyyy:HH:mm:ss Z")(ARRIVAL + hours * 3_600_000)
    outcome = run(default_pipeline, [combined(time=time_text)])
    (document,) = documents(outcome)
    assert document["datetime"].startswith(window)
    assert document["tally"]["out_of_range"] == out_of_range
    assert outcome.ledger.outputs["DESTINATION_SQL_STREAM"].out_of_range == out_of_range


def test_records_of_a_data_stream_are_known_by_shard_and_sequence(default_pipeline: Pipeline) -> None:
    """Firehose gives them another recordId on another reading; their ids stay."""
    first, second = records_of([GOOD]), records_of([GOOD], first=50)
    for event in (first, second):
        event[0]["kinesisRecordMetadata"] = {"shardId": "shardId-0", "sequenceNumber": "49", "subsequenceNumber": 3}
    ids = [
        documents(transform(default_pipeline, decode_records(event, 0)))[0]["tally"]["partial_id"]
        for event in (first, second)
    ]
    assert ids[0] == ids[1]
    assert decode_records(first, 0)[0].identity == "shardId-0/49/3"


def test_two_records_of_one_id_are_each_answered(default_pipeline: Pipeline) -> None:
    """Firehose never sends that; were it to, each has its answer in its place."""
    event = records_of([GOOD, b"x"])
    event[1]["recordId"] = event[0]["recordId"]
    outcome = transform(default_pipeline, decode_records(event, ARRIVAL))
    assert [result.result for result in outcome.responses] == ["Ok", "ProcessingFailed"]


def test_an_empty_event_has_an_empty_answer(default_pipeline: Pipeline) -> None:
    """No records: no answer, no documents, and a ledger of zeros."""
    outcome = run(default_pipeline, [])
    assert (outcome.responses, outcome.deliveries, outcome.ledger.lines) == ([], [], 0)


def test_a_partial_says_where_it_comes_from(default_pipeline: Pipeline) -> None:
    """The document's ``tally`` is as DESIGN has it."""
    (document,) = documents(run(default_pipeline, [GOOD, GOOD]))
    tally = document.pop("tally")
    assert document == {"datetime": "2017-09-08T08:47:00.000", "status": 200, "statusCount": 2}
    assert tally.keys() == {
        "output", "window_start", "partial_id", "batch_id", "batch_digest", "batch_records", "batch_arrival",
        "plan_id", "state", "merge", "out_of_range", "group_id", "batch_partials",
    }  # fmt: skip
    assert tally["merge"] == {"key": "[200]", "values": 1, "v0": 2}
    assert tally["window_start"] == "2017-09-08T08:47:00.000Z"
    assert tally["batch_arrival"] == ["2017-09-08T08:47:03.000Z"] * 2
    assert (tally["batch_records"], tally["state"]) == (2, {"key": [200], "rows": 2, "aggregates": [2]})


def test_a_row_document_is_cut_as_its_columns_say(rows_pipeline: Pipeline) -> None:
    """The second pipeline: ISO time, host of 16, request and agent of 32 characters, numbers as integers."""
    line = combined(404, "08/Sep/2017:04:47:00 -0400", "/" + "p" * 60, "a" * 60).replace(
        b"198.51.100.7", b"2001:db8:1234:5678::1"
    )
    (document,) = documents(run(rows_pipeline, [line]))
    tally = document.pop("tally")
    assert document == {
        "datetime": "2017-09-08T08:47:00.000", "host": "2001:db8:1234:56", "request": "GET /" + "p" * 27,
        "response": 404, "bytes": 5316, "agent": "a" * 32,
    }  # fmt: skip
    assert tally["time"] == "2017-09-08T08:47:00.000Z"
    assert tally["row_id"]


def test_a_log_without_offsets_is_of_the_pipelines_zone(with_changes: Callable[..., Pipeline]) -> None:
    """Winter and summer time are the zone's own."""
    source: dict[str, Any] = {"format": "json", "time_format": "yyyy-MM-dd HH:mm:ss", "time_zone": "Europe/Berlin"}
    pipeline = with_changes(source=source, settings={"max_past_seconds": 10**9})
    lines = [b'{"response":200,"datetime":"2017-01-08 10:00:00"}', b'{"response":200,"datetime":"2017-07-08 10:00:00"}']
    assert set(counts(run(pipeline, lines))) == {("2017-01-08T09:00:00.000", 200), ("2017-07-08T08:00:00.000", 200)}


def test_a_cut_zlib_stream_is_never_taken_for_whole() -> None:
    """A stream that stops in the middle is an error also where zlib gives what it has so far."""
    from streamtally.errors import RecordError
    from streamtally.transform.compression import decompress

    whole = gzip.compress(b"line\n" * 1000)
    assert zlib.decompressobj(31).decompress(whole[:-10])
    with pytest.raises(RecordError, match="cut off"):
        decompress(whole[:-10], 10**6)
