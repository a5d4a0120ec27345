"""Events of other tools, as they write them: answered, whatever names they leave out, and however they write times."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from streamtally.aws.handlers.invocation import answer_batch
from streamtally.errors import EventError
from streamtally.transform.event import event_records, read_arrival, source_arn
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.records import decode_records
from tests.unit.events import ARRIVAL, combined

DATA = base64.b64encode(combined()).decode()
RECORD = {"recordId": "495469866831355442", "approximateArrivalTimestamp": ARRIVAL, "data": DATA}
STREAM = "arn:aws:firehose:us-east-1:123456789012:deliverystream/logs"


def subscription(*messages: str) -> str:
    events = [{"id": str(number), "timestamp": ARRIVAL, "message": message} for number, message in enumerate(messages)]
    envelope = {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": "web",
        "logStream": "host-1",
        "subscriptionFilters": ["all"],
        "logEvents": events,
    }
    return base64.b64encode(gzip.compress(json.dumps(envelope).encode())).decode()


EVENTS: dict[str, dict[str, Any]] = {
    # SAM CLI, `sam local generate-event kinesis …`: the names that each of its five events has and leaves out.
    "sam kinesis-firehose": {
        "invocationId": "invocationIdExample",
        "deliveryStreamArn": "arn:aws:kinesis:EXAMPLE",
        "region": "us-east-1",
        "records": [RECORD],
    },
    "sam apachelog": {"invocationId": "invocationIdExample", "region": "us-east-1", "records": [RECORD]},
    "sam cloudwatch-logs-processor": {
        "records": [RECORD | {"data": subscription(combined().decode(), combined().decode())}],
        "region": "us-east-1",
        "deliveryStreamArn": STREAM,
        "invocationId": "a7234216-12b6-4bc0-96d7-82606c0e80cf",
    },
    "sam streams-as-source": {
        "invocationId": "invocationIdExample",
        "deliverySteamArn": "arn:aws:kinesis:EXAMPLE",  # so in the sample
        "region": "us-east-1",
        "records": [
            RECORD
            | {
                "kinesisRecordMetadata": {
                    "sequenceNumber": "49545115243490985018280067714973144582180062593244200961",
                    "subsequenceNumber": "123456",
                    "partitionKey": "key-1",
                    "shardId": "shardId-000000000000",
                    "approximateArrivalTimestamp": ARRIVAL,
                }
            }
        ],
    },
    "sam syslog": {
        "invocationId": "fir",
        "region": "us-east-1",
        "records": [RECORD, RECORD | {"approximateArrivalTimestamp": "2017-09-08T08:47:03.511Z"}],
    },
    "the lambda guide": {
        "invocationId": "invoked123",
        "deliveryStreamArn": "aws:lambda:events",
        "region": "us-west-2",
        "records": [
            RECORD
            | {
                "recordId": f"record{number}",
                "kinesisRecordMetadata": {
                    "shardId": f"shardId-00000000000{number}",
                    "partitionKey": "4d1ad2b9-24f8-4b9d-a088-76e9947c317a",
                    "approximateArrivalTimestamp": "2012-04-23T18:25:43.511Z",
                    "sequenceNumber": f"4954698668313554428650745793632162567570019247115678515{number}",
                    "subsequenceNumber": "",
                },
            }
            for number in (1, 2)
        ],
    },
    "the console": {
        "invocationId": "invocationIdExample",
        "deliveryStreamArn": STREAM,
        "region": "us-east-1",
        "records": [RECORD | {"approximateArrivalTimestamp": "2017-09-08T08:47:03.000Z"}],
    },
    "localstack": {"records": [RECORD]},
    "localstack without recordId": {"records": [{"approximateArrivalTimestamp": ARRIVAL, "data": DATA}]},
    "localstack, named as PutRecord does": {"records": [{"Data": DATA}, {"Data": DATA}]},
    "kinesis analytics, from a delivery stream": {
        "invocationId": "00540a87-5050-496a-84e4-e7d92bbaf5e2",
        "applicationArn": "arn:aws:kinesisanalytics:us-east-1:123456789012:application/logs",
        "streamArn": STREAM,
        "records": [
            {
                "recordId": "1",
                "data": DATA,
                "kinesisFirehoseRecordMetadata": {"approximateArrivalTimestamp": ARRIVAL},
            }
        ],
    },
    "amazon msk": {
        "invocationId": "",
        "sourceMSKArn": "arn:aws:kafka:us-east-1:123456789012:cluster/logs/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2",
        "deliveryStreamArn": STREAM,
        "region": "us-east-1",
        "records": [
            {
                "recordId": "00000000000000000000000000000000000000000000000000000000000000",
                "approximateArrivalTimestamp": ARRIVAL,
                "mskRecordMetadata": {"offset": "0", "partitionId": "1", "approximateArrivalTimestamp": ARRIVAL},
                "kafkaRecordValue": DATA,
            }
        ],
    },
}


def answer(pipeline: Pipeline, event: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Any]]:
    """The answer's records, and what was sent."""
    sent: list[Any] = []
    response, _ = answer_batch(pipeline, lambda deliveries, _: sent.extend(deliveries), event, lambda: 60, ARRIVAL)
    return response["records"], sent


@pytest.mark.parametrize("name", EVENTS)
def test_each_is_answered(rows_pipeline: Pipeline, name: str) -> None:
    """Every record is Ok, in its place, with its own data's name."""
    event = EVENTS[name]
    records, sent = answer(rows_pipeline, event)
    assert [record["result"] for record in records] == ["Ok"] * len(event["records"])
    for record, raw in zip(records, event["records"], strict=True):
        assert record["recordId"] == raw.get("recordId", record["recordId"]) != ""
        data_name = "kafkaRecordValue" if "kafkaRecordValue" in raw else "data"
        assert set(record) == {"recordId", "result", data_name}
        assert b'"response":200' in base64.b64decode(record[data_name])
    rows = 2 if "cloudwatch" in name else len(event["records"])
    documents = [json.loads(document) for delivery in sent for document in delivery.documents]
    assert len(documents) == rows


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (None, "expected 'records'"),
        ([], "expected 'records'"),
        ({}, "expected 'records'"),
        ({"records": {}}, "expected 'records'"),
        ({"Records": [{"kinesis": {"data": DATA}}]}, "the event of a trigger"),
        ({"awslogs": {"data": DATA}}, "CloudWatch Logs subscription"),
        ({"records": [None]}, "record 1 is not an object"),
        ({"records": ["x"]}, "record 1 is not an object"),
        ({"records": [RECORD, {}]}, "record 2 has neither recordId nor data"),
        ({"records": [RECORD, RECORD | {"recordId": 7}]}, "record 2: recordId is not a string"),
        ({"records": [{"recordId": None, "data": DATA}]}, "record 1: recordId is not a string"),
    ],
)
def test_what_is_no_such_event_is_refused_before_anything_is_sent(
    default_pipeline: Pipeline, event: Any, says: str
) -> None:
    """One line says what it is."""
    sent: list[Any] = []
    with pytest.raises(EventError, match=says) as raised:
        answer_batch(default_pipeline, lambda deliveries, _: sent.append(deliveries), event, lambda: 60, ARRIVAL)
    assert sent == []
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        (1495072949453, 1_495_072_949_453),
        ("1495072949453", 1_495_072_949_453),
        (" 1495072949453 ", 1_495_072_949_453),
        (1495072949453.0, 1_495_072_949_453),
        (1495072949.453, 1_495_072_949_453),  # of a data stream's own events: seconds
        ("2012-04-23T18:25:43.511Z", 1_335_205_543_511),
        ("2012-04-23T18:25:43Z", 1_335_205_543_000),
        ("2012-04-23T20:25:43.511+02:00", 1_335_205_543_511),
        ("2012-04-23 18:25:43.511", 1_335_205_543_511),
    ],
)
def test_times_are_read_as_they_are_written(value: object, ms: int) -> None:
    """As digits, ISO 8601, or seconds with a fraction."""
    assert read_arrival(value) == ms


@pytest.mark.parametrize("value", ["yesterday", "", "9" * 30, "9" * 5000, 2**63, -(2**62), 1e300, True, [], {}, "١٢٣"])
def test_a_record_with_another_time_fails_alone(default_pipeline: Pipeline, value: object) -> None:
    """It is answered unmodified; the others are read."""
    records, _ = answer(
        default_pipeline, {"records": [RECORD, RECORD | {"recordId": "b", "approximateArrivalTimestamp": value}]}
    )
    assert [record["result"] for record in records] == ["Ok", "ProcessingFailed"]
    assert records[1]["data"] == DATA


def test_records_without_ids_get_the_same_ones_again() -> None:
    """A retry is counted once; two equal records of one event are two."""
    event = {"records": [{"data": DATA}, {"data": DATA}]}
    first, second = (event_records(json.loads(json.dumps(event))) for _ in range(2))
    assert first == second
    assert first[0]["recordId"] != first[1]["recordId"]


def test_kafka_records_are_known_by_partition_and_offset() -> None:
    """Two partitions have the same offsets, and their recordIds may be the same."""
    (record,) = EVENTS["amazon msk"]["records"]
    other = record | {"mskRecordMetadata": {"offset": "0", "partitionId": "2"}}
    assert [one.identity for one in decode_records([record, other], 0)] == ["1/0", "2/0"]


def test_a_kafka_record_without_a_value_is_empty(default_pipeline: Pipeline) -> None:
    """A tombstone of a compacted topic is dropped, and not a failure; what fails has its value back."""
    (record,) = EVENTS["amazon msk"]["records"]
    broken = record | {"kafkaRecordValue": base64.b64encode(b"nothing that parses").decode(), "recordId": "b"}
    event = EVENTS["amazon msk"] | {"records": [record | {"kafkaRecordValue": None}, broken]}
    records, _ = answer(default_pipeline, event)
    assert records == [
        {"recordId": record["recordId"], "result": "Dropped", "kafkaRecordValue": ""},
        {"recordId": "b", "result": "ProcessingFailed", "kafkaRecordValue": broken["kafkaRecordValue"]},
    ]


@pytest.mark.parametrize("name", ["amazon msk", "localstack"])
def test_nothing_is_re_ingested_where_no_stream_takes_it(default_pipeline: Pipeline, name: str) -> None:
    """A topic takes no records from here: what does not fit fails, and is kept."""
    event = EVENTS[name]
    assert source_arn(event) == ""
    records = [
        event["records"][0]
        | {("kafkaRecordValue" if "msk" in name else "data"): _many_lines(), "recordId": str(number)}
        for number in range(2)
    ]
    put: list[Any] = []
    response, ledger = answer_batch(
        default_pipeline,
        lambda deliveries, _: None,
        event | {"records": records},
        lambda: 60,
        ARRIVAL,
        lambda event, envelopes, time_left: put.append(envelopes),
    )
    results = sorted(record["result"] for record in response["records"])
    assert (results, put, ledger.reingested) == (["Ok", "ProcessingFailed"], [], 0)
    assert len(json.dumps(response)) <= 6_291_556


def _many_lines() -> str:
    return base64.b64encode(combined() * 15_000).decode()


def test_user_records_of_one_sequence_number_are_known_apart() -> None:
    """Where the event does not number them: by their data, and by their order where that is the same."""
    metadata = {"shardId": "shardId-0", "sequenceNumber": "49", "subsequenceNumber": ""}
    alone = RECORD | {"kinesisRecordMetadata": metadata}
    assert decode_records([alone], 0)[0].identity == "shardId-0/49"
    other = base64.b64encode(combined(404)).decode()
    several = [alone | {"recordId": id_, "data": data} for id_, data in (("a", DATA), ("b", other), ("c", DATA))]
    identities = [record.identity for record in decode_records(several, 0)]
    assert len(set(identities)) == 3
    assert all(identity.startswith("shardId-0/49/") for identity in identities)
    # The same in any order, and under other recordIds, as on another reading.
    assert sorted(record.identity for record in decode_records(several[::-1], 0)) == sorted(identities)
    renamed = [record | {"recordId": f"x{record['recordId']}"} for record in several]
    assert [record.identity for record in decode_records(renamed, 0)] == identities


def test_a_record_that_is_read_twice_is_one() -> None:
    """The same recordId, sequence number and data: its rows have the same ids, so that it is counted once."""
    twice = [RECORD | {"kinesisRecordMetadata": {"shardId": "shardId-0", "sequenceNumber": "49"}}] * 2
    assert {record.identity for record in decode_records(twice, 0)} == {"shardId-0/49"}
