"""Records go back to where they came from: the delivery stream, or the data stream behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from streamtally.aws import clients
from streamtally.aws.handlers.reingest import make_reingest
from streamtally.errors import SinkError
from tests.system.conformance.contract import events


class Kinesis:
    """A data stream that takes every other record at first, or none ever."""

    def __init__(self, refuses: bool = False) -> None:
        self.taken: list[bytes] = []
        self.calls: list[int] = []
        self.arns: set[str] = set()
        self._refuses = refuses

    def put_records(self, *, StreamARN: str, Records: Sequence[Any]) -> dict[str, Any]:
        self.arns.add(StreamARN)
        self.calls.append(len(Records))
        answers = []
        for place, record in enumerate(Records):
            assert len(record["Data"]) + len(record["PartitionKey"]) <= 2**20
            if self._refuses or (len(self.calls) == 1 and place % 2):
                answers.append({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"})
            else:
                self.taken.append(record["Data"])
                answers.append({"SequenceNumber": str(len(self.taken)), "ShardId": "shardId-000000000000"})
        return {"FailedRecordCount": sum("ErrorCode" in answer for answer in answers), "Records": answers}


class Firehose:
    def __init__(self) -> None:
        self.taken: dict[str, list[bytes]] = {}

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[Any]) -> dict[str, Any]:
        self.taken.setdefault(DeliveryStreamName, []).extend(record["Data"] for record in Records)
        return {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "1"}] * len(Records)}


@pytest.fixture
def firehose(monkeypatch: pytest.MonkeyPatch) -> Firehose:
    firehose = Firehose()
    monkeypatch.setattr(clients, "firehose_client", lambda: firehose)
    return firehose


# With a data stream as source, they go there, what it throttles again, and nothing to the delivery stream.
def test_into_the_data_stream(firehose: Firehose, monkeypatch: pytest.MonkeyPatch) -> None:
    kinesis = Kinesis()
    monkeypatch.setattr(clients, "kinesis_client", lambda: kinesis)
    reingest = make_reingest({}, Logger(service="test"))
    assert reingest is not None
    envelopes = [b"%d" % number for number in range(700)]
    reingest(events.from_data_stream(events.LINE), envelopes, lambda: 60.0)
    assert sorted(kinesis.taken) == sorted(envelope + b"\n" for envelope in envelopes)
    assert max(kinesis.calls) <= 500
    assert kinesis.arns == {"arn:aws:kinesis:us-east-1:123456789012:stream/logs"}
    assert firehose.taken == {}


# What a stream does not take in time fails the invocation: nothing was answered, and Firehose calls again.
def test_a_data_stream_that_takes_nothing(firehose: Firehose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "kinesis_client", lambda: Kinesis(refuses=True))
    reingest = make_reingest({}, Logger(service="test"))
    assert reingest is not None
    with pytest.raises(SinkError):
        reingest(events.from_data_stream(events.LINE), [b"x"], lambda: 0.0)


# Without one, they go into the delivery stream itself; under sam local nowhere, unless an endpoint is told.
def test_into_the_delivery_stream(firehose: Firehose) -> None:
    local = {"AWS_SAM_LOCAL": "true", "AWS_ENDPOINT_URL_FIREHOSE": "http://127.0.0.1:1"}
    for environment in ({}, local):
        reingest = make_reingest(environment, Logger(service="test"))
        assert reingest is not None
        reingest(events.event(events.LINE), [b"x"], lambda: 60.0)
    assert firehose.taken == {"log-ingestion-stream": [b"x\n"] * 2}
    assert make_reingest({"AWS_SAM_LOCAL": "true"}, Logger(service="test")) is None
