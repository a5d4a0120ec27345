"""Putting records back into the stream that they came from: the delivery stream, or the data stream behind it.

Source: Amazon Kinesis Data Streams API reference, PutRecords (up to 500 records and 5 MiB a request, 1 MiB a record; an
entry with an ErrorCode was not taken).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from aws_lambda_powertools import Logger

from streamtally.aws import clients
from streamtally.aws.handlers.invocation import PutBack
from streamtally.aws.sinks.firehose import RESERVE_SECONDS, Clock, TimeLeft, put_documents


class DataStream:
    """A Kinesis client with the call that is used of Firehose's, whose limits are the narrower ones."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[Any]) -> Any:  # noqa: N803
        entries = [{"Data": record["Data"], "PartitionKey": _partition_key(record["Data"])} for record in Records]
        answer = self._client.put_records(StreamARN=DeliveryStreamName, Records=entries)
        return {"FailedPutCount": answer["FailedRecordCount"], "RequestResponses": answer["Records"]}


def make_put_back(environment: Mapping[str, str], log: Logger, clock: Clock | None = None) -> PutBack | None:
    """How this environment puts records back; None where nothing can be put (``sam local`` without an endpoint)."""
    if environment.get("AWS_SAM_LOCAL") and not environment.get("AWS_ENDPOINT_URL_FIREHOSE"):
        return None

    def put_back(event: Mapping[str, Any], envelopes: Sequence[bytes], time_left: TimeLeft) -> None:
        log.info("records go back into the source stream", envelopes=len(envelopes))
        put_into_source(event, envelopes, time_left() - RESERVE_SECONDS, clock)

    return put_back


def put_into_source(
    event: Mapping[str, Any], envelopes: Sequence[bytes], seconds: float, clock: Clock | None = None
) -> None:
    """Put envelopes where the event's records came from. Raises: SinkError."""
    data_stream = event.get("sourceKinesisStreamArn")
    if data_stream:
        put_documents(DataStream(clients.kinesis_client()), data_stream, envelopes, seconds, clock)
    else:
        name = str(event["deliveryStreamArn"]).rpartition("/")[2]
        put_documents(clients.firehose_client(), name, envelopes, seconds, clock)


def _partition_key(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
