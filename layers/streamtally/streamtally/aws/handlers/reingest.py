"""Re-ingesting records into the stream that they came from: the delivery stream, or the data stream that feeds it.

Source: Amazon Kinesis Data Streams API reference, PutRecords (up to 500 records and 5 MiB a request, 1 MiB a record; an
entry with an ErrorCode was not accepted).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from aws_lambda_powertools import Logger

from streamtally.aws import clients
from streamtally.aws.clock import TimeLeft
from streamtally.aws.handlers.invocation import Reingest
from streamtally.aws.sinks.firehose import RESERVE_SECONDS, Clock, put_documents
from streamtally.transform.event import source_arn


class DataStream:
    """A Kinesis client with Firehose's PutRecordBatch call, whose limits are the narrower ones."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[Any]) -> Any:  # noqa: N803
        entries = [{"Data": record["Data"], "PartitionKey": _partition_key(record["Data"])} for record in Records]
        answer = self._client.put_records(StreamARN=DeliveryStreamName, Records=entries)
        return {"FailedPutCount": answer["FailedRecordCount"], "RequestResponses": answer["Records"]}


def make_reingest(environment: Mapping[str, str], log: Logger, clock: Clock | None = None) -> Reingest | None:
    """How this environment re-ingests records; None where it cannot (``sam local`` without an endpoint)."""
    if environment.get("AWS_SAM_LOCAL") and not environment.get("AWS_ENDPOINT_URL_FIREHOSE"):
        return None

    def reingest(event: Mapping[str, Any], envelopes: Sequence[bytes], time_left: TimeLeft) -> None:
        log.info("records are re-ingested into the source stream", envelopes=len(envelopes))
        put_into_source(event, envelopes, time_left() - RESERVE_SECONDS, clock)

    return reingest


def put_into_source(
    event: Mapping[str, Any], envelopes: Sequence[bytes], seconds: float, clock: Clock | None = None
) -> None:
    """Send envelopes into the stream that the event's records came from. Raises: SinkError."""
    arn = source_arn(event)
    if event.get("sourceKinesisStreamArn"):
        put_documents(DataStream(clients.kinesis_client()), arn, envelopes, seconds, clock)
    else:
        put_documents(clients.firehose_client(), arn.rpartition("/")[2], envelopes, seconds, clock)


def _partition_key(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
