"""An answer past 6 MB with a data stream as source: what goes back comes again from there, and counts once."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import pytest
from aws_lambda_powertools import Logger

from streamtally.aws import clients
from streamtally.aws.clock import TimeLeft
from streamtally.aws.handlers.invocation import answer_batch
from streamtally.aws.handlers.reingest import make_reingest
from streamtally.local.folder import read_folder
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.transform import Delivery, iter_documents
from tests.integration.moto.conftest import REGION
from tests.system.conformance.contract import events

LINE_OF_88 = b'192.0.2.7 - - [01/Mar/2025:00:00:00 +0000] "GET /abcdefghijk HTTP/1.1" 200 5316 "-" "-"\n'
LINES_A_RECORD = 1_000


def read(kinesis: Any, name: str, after: int) -> list[dict[str, Any]]:
    """The records of a stream of one shard, but for the first ones, as Firehose hands them to the function."""
    [shard] = kinesis.list_shards(StreamName=name)["Shards"]
    start = kinesis.get_shard_iterator(StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    stored = kinesis.get_records(ShardIterator=start["ShardIterator"], Limit=10_000)["Records"][after:]
    return [
        {
            "recordId": uuid.uuid4().hex,
            "approximateArrivalTimestamp": events.ARRIVAL_MS,
            "data": base64.b64encode(record["Data"]).decode(),
            "kinesisRecordMetadata": {"shardId": shard["ShardId"], "sequenceNumber": record["SequenceNumber"]},
        }
        for record in stored
    ]


# 3 MB of 88-byte lines make 8.5 MB of answer: some records go into the data stream, are read from it, and every line
# is counted once, also where the first event comes a second time.
def test_round_by_the_data_stream(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"logs-{uuid.uuid4().hex[:8]}"
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": REGION}
    kinesis = boto3.client("kinesis", endpoint_url=moto_url, **keys)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    arn = kinesis.describe_stream(StreamName=name)["StreamDescription"]["StreamARN"]
    monkeypatch.setattr(clients, "kinesis_client", lambda: kinesis)
    pipeline = load_pipeline(read_folder(None), ZoneInfo)
    partials: dict[str, int] = {}

    def deliver(deliveries: Iterable[Delivery], _: TimeLeft) -> None:
        for document in map(json.loads, iter_documents(deliveries)):
            partials[document["tally"]["partial_id"]] = document["tally"]["state"]["rows"]

    reingest = make_reingest({}, Logger(service="test"))
    records = 3_000_000 // (88 * LINES_A_RECORD)
    first = events.from_data_stream(*[LINE_OF_88 * LINES_A_RECORD] * records)
    event, seen, calls = {**first, "sourceKinesisStreamArn": arn}, 0, 0
    answers = [answer_batch(pipeline, deliver, event, lambda: 300.0, events.ARRIVAL_MS, reingest)]
    while again := read(kinesis, name, seen):
        seen += len(again)
        calls += 1
        assert calls < 10
        event_again = {**event, "records": again}
        answers.append(answer_batch(pipeline, deliver, event_again, lambda: 300.0, events.ARRIVAL_MS, reingest))

    assert calls
    lines = sum(base64.b64decode(record["data"]).count(b"\n") for answer, _ in answers for record in answer["records"])
    assert sum(partials.values()) == lines == records * LINES_A_RECORD
    before = dict(partials)
    answer_batch(pipeline, deliver, event, lambda: 300.0, events.ARRIVAL_MS, reingest)
    assert partials == before
