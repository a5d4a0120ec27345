"""What redrive must know about the streams: where to send envelopes, and where the second stream's documents may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.handlers.envelope_secret import VARIABLE
from streamtally.aws.handlers.reingest import DataStream
from streamtally.aws.sinks.firehose import FirehoseClient
from streamtally.errors import SettingsError

MAX_BUFFER_SECONDS, MAX_RETRY_SECONDS = 900, 7_200
"""How long a stream to OpenSearch may buffer, and how long it may retry, at most.

Source: API reference, AmazonopensearchserviceBufferingHints and AmazonopensearchserviceRetryOptions.
"""
MARGIN_SECONDS = 60
_OPENSEARCH = ("AmazonopensearchserviceDestinationDescription", "ElasticsearchDestinationDescription")


def find_source(aws: Aws, stream: str) -> tuple[FirehoseClient, str]:
    """Client and name for envelopes: the delivery stream, or its source if that is a data stream.

    A delivery stream with a data stream as source accepts no records itself.

    Raises: AwsError: the stream does not exist; SettingsError: its source is a topic of Kafka.
    """
    description = _describe(aws, stream)
    if description is None:
        return aws.client("firehose"), stream  # a caller who may send records may not be allowed to describe the stream
    source = description.get("Source") or {}
    if description.get("DeliveryStreamType") == "MSKAsSource" or source.get("MSKSourceDescription"):
        raise SettingsError(
            f"{stream} takes records only from its Kafka topic: attach the function to a stream of type DirectPut with "
            "the same destination, and pass that one as --to"
        )
    arn = (source.get("KinesisStreamSourceDescription") or {}).get("KinesisStreamARN")
    return (DataStream(aws.client("kinesis")), arn) if arn else (aws.client("firehose"), stream)


@dataclass(frozen=True)
class InFlight:
    """Documents on their way to the index.

    Attributes:
        seconds: how long a document may be on its way.
        bucket: the bucket of documents that did not arrive; "": unknown.
    """

    seconds: int = MAX_BUFFER_SECONDS + MAX_RETRY_SECONDS + MAX_BUFFER_SECONDS + MARGIN_SECONDS
    bucket: str = ""


def find_in_flight(aws: Aws, stream: str) -> InFlight:
    """The values of the second stream; if it may not be described, the longest possible. Raises: AwsError."""
    description = _describe(aws, stream) or {}
    destination: Mapping[str, Any] = (description.get("Destinations") or [{}])[0]
    for kind in _OPENSEARCH:
        if kind in destination:
            return _in_flight(destination[kind])
    return InFlight()


def _in_flight(destination: Mapping[str, Any]) -> InFlight:
    backup = destination.get("S3DestinationDescription") or {}
    waits = [
        hints.get("BufferingHints", {}).get("IntervalInSeconds", MAX_BUFFER_SECONDS) for hints in (destination, backup)
    ]
    retry = (destination.get("RetryOptions") or {}).get("DurationInSeconds", MAX_RETRY_SECONDS)
    bucket = str(backup.get("BucketARN", "")).rpartition(":::")[2]
    return InFlight(sum(waits) + retry + MARGIN_SECONDS, bucket)


def find_secret(aws: Aws, stream: str) -> str:
    """The secret with which the stream's function signs envelopes; "": it signs none, or there is no function.

    Raises: AwsError: the stream or its function cannot be described.
    """
    description = aws.call("firehose", "describe_delivery_stream", DeliveryStreamName=stream)[
        "DeliveryStreamDescription"
    ]
    arn = _function_of(description)
    if not arn:
        return ""
    function = aws.call("lambda", "get_function_configuration", FunctionName=arn)
    return str(((function.get("Environment") or {}).get("Variables") or {}).get(VARIABLE) or "")


def find_time_zone(aws: Aws, stream: str) -> str:
    """The stream's ``CustomTimeZone``, which its objects' names have; "": UTC. Raises: AwsError."""
    description = _describe(aws, stream) or {}
    for part in (description.get("Destinations") or [{}])[0].values():
        if isinstance(part, dict) and part.get("CustomTimeZone"):
            return str(part["CustomTimeZone"])
    return ""


def _function_of(description: Mapping[str, Any]) -> str:
    for destination in (description.get("Destinations") or [{}])[0].values():
        processing = destination.get("ProcessingConfiguration") if isinstance(destination, dict) else None
        for processor in (processing or {}).get("Processors") or ():
            for parameter in processor.get("Parameters") or ():
                if processor.get("Type") == "Lambda" and parameter.get("ParameterName") == "LambdaArn":
                    return str(parameter["ParameterValue"])
    return ""


def _describe(aws: Aws, stream: str) -> Mapping[str, Any] | None:
    try:
        response = aws.call("firehose", "describe_delivery_stream", DeliveryStreamName=stream)
    except AwsError as error:
        if not error.is_denied:
            raise
        return None
    description: Mapping[str, Any] = response["DeliveryStreamDescription"]
    return description
