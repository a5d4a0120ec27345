"""What redrive has to know of the streams: who takes envelopes, and where the second one's documents may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.handlers.envelope_secret import VARIABLE
from streamtally.aws.handlers.reingest import DataStream
from streamtally.aws.sinks.firehose import FirehoseClient

MAX_BUFFER_SECONDS, MAX_RETRY_SECONDS = 900, 7_200
"""The most that a stream to OpenSearch may wait for more, and try again.

Source: API reference, AmazonopensearchserviceBufferingHints and AmazonopensearchserviceRetryOptions.
"""
MARGIN_SECONDS = 60
_OPENSEARCH = ("AmazonopensearchserviceDestinationDescription", "ElasticsearchDestinationDescription")


def find_source(aws: Aws, stream: str) -> tuple[FirehoseClient, str]:
    """Who takes envelopes: the delivery stream, or the data stream behind it, since such a one takes no puts itself.

    Raises: AwsError: it is not there.
    """
    told = _describe(aws, stream)
    if told is None:
        return aws.client("firehose"), stream  # whoever may put need not be let look
    source = told.get("Source") or {}
    arn = (source.get("KinesisStreamSourceDescription") or {}).get("KinesisStreamARN")
    return (DataStream(aws.client("kinesis")), arn) if arn else (aws.client("firehose"), stream)


@dataclass(frozen=True)
class InFlight:
    """How long, in seconds, a document may be on its way to the index; the bucket of those that did not get there."""

    seconds: int = MAX_BUFFER_SECONDS + MAX_RETRY_SECONDS + MAX_BUFFER_SECONDS + MARGIN_SECONDS
    bucket: str = ""


def find_in_flight(aws: Aws, stream: str) -> InFlight:
    """What the second stream says of itself; where it may not be asked, the longest that can be. Raises: AwsError."""
    told = _describe(aws, stream) or {}
    destination: Mapping[str, Any] = (told.get("Destinations") or [{}])[0]
    for kind in _OPENSEARCH:
        if kind in destination:
            return _in_flight(destination[kind])
    return InFlight()


def _in_flight(told: Mapping[str, Any]) -> InFlight:
    backup = told.get("S3DestinationDescription") or {}
    waits = [each.get("BufferingHints", {}).get("IntervalInSeconds", MAX_BUFFER_SECONDS) for each in (told, backup)]
    retry = (told.get("RetryOptions") or {}).get("DurationInSeconds", MAX_RETRY_SECONDS)
    bucket = str(backup.get("BucketARN", "")).rpartition(":::")[2]
    return InFlight(sum(waits) + retry + MARGIN_SECONDS, bucket)


def find_secret(aws: Aws, stream: str) -> str:
    """The secret that the stream's function signs envelopes with; empty: it signs none, or there is no function.

    Raises: AwsError: the stream or its function cannot be looked at.
    """
    told = aws.call("firehose", "describe_delivery_stream", DeliveryStreamName=stream)["DeliveryStreamDescription"]
    arn = _function_of(told)
    if not arn:
        return ""
    function = aws.call("lambda", "get_function_configuration", FunctionName=arn)
    return str(((function.get("Environment") or {}).get("Variables") or {}).get(VARIABLE) or "")


def _function_of(told: Mapping[str, Any]) -> str:
    for destination in (told.get("Destinations") or [{}])[0].values():
        processing = destination.get("ProcessingConfiguration") if isinstance(destination, dict) else None
        for processor in (processing or {}).get("Processors") or ():
            for parameter in processor.get("Parameters") or ():
                if processor.get("Type") == "Lambda" and parameter.get("ParameterName") == "LambdaArn":
                    return str(parameter["ParameterValue"])
    return ""


def _describe(aws: Aws, stream: str) -> Mapping[str, Any] | None:
    try:
        told = aws.call("firehose", "describe_delivery_stream", DeliveryStreamName=stream)
    except AwsError as error:
        if not error.is_denied:
            raise
        return None
    found: Mapping[str, Any] = told["DeliveryStreamDescription"]
    return found
