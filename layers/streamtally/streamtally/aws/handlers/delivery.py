"""Where the transform's documents go: to their delivery streams or, under ``sam local``, into the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from aws_lambda_powertools import Logger

from streamtally.aws import clients
from streamtally.aws.clock import TimeLeft
from streamtally.aws.handlers.settings import required
from streamtally.aws.sinks.firehose import REQUEST_SECONDS, RESERVE_SECONDS, Clock
from streamtally.aws.sinks.objects import Bucket, ObjectStore
from streamtally.aws.sinks.parking import PARK_SECONDS, put_or_park
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.transform import Delivery, iter_documents

Deliver = Callable[[Iterable[Delivery], TimeLeft], None]
"""Sends documents. Args: the deliveries; what returns the seconds left of the invocation. Raises: SinkError."""

MAX_LOGGED_DOCUMENTS = 100
MAX_PUT_SECONDS = 60.0
"""How long sending documents is retried; then they are parked, since Firehose's next batch is waiting."""


def make_delivery(
    pipeline: Pipeline, environment: Mapping[str, str], log: Logger, clock: Clock | None = None
) -> Deliver:
    """How this environment delivers: what a stream has not accepted when only the time for parking is left is parked.

    Under ``AWS_SAM_LOCAL`` nothing is sent unless ``AWS_ENDPOINT_URL_FIREHOSE`` is set.
    Raises: SettingsError: an output has no stream of its own and ``SUMMARY_STREAM`` is not set.
    """
    if environment.get("AWS_SAM_LOCAL") and not environment.get("AWS_ENDPOINT_URL_FIREHOSE"):
        return lambda deliveries, _: log_documents(deliveries, log)
    default = environment.get("SUMMARY_STREAM", "")
    if any(output.settings.stream is None for output in pipeline.outputs.values()):
        default = required(environment, "SUMMARY_STREAM", "the delivery stream that takes the outputs' documents")
    clients.firehose_client()  # made while the function initialises, not in the first batch

    def deliver(deliveries: Iterable[Delivery], time_left: TimeLeft) -> None:
        objects = parking_place(environment)
        kept = RESERVE_SECONDS + (REQUEST_SECONDS + PARK_SECONDS if objects else 0.0)
        for delivery in deliveries:
            stream = delivery.stream or default
            seconds = min(MAX_PUT_SECONDS, time_left() - kept)
            client = clients.firehose_client()
            parked = put_or_park(client, stream, delivery.documents, seconds, objects, time_left=time_left, clock=clock)
            if parked:
                log.warning("documents parked, to be put later", stream=stream, documents=parked)

    return deliver


def parking_place(environment: Mapping[str, str]) -> ObjectStore | None:
    """The bucket named in ``FAILED_BUCKET``, where documents are parked; None if it is not set."""
    name = environment.get("FAILED_BUCKET", "")
    return Bucket(clients.s3_client(), name) if name else None


def log_documents(deliveries: Iterable[Delivery], log: Logger) -> None:
    """Log documents instead of sending them, the first :data:`MAX_LOGGED_DOCUMENTS` of a batch."""
    documents = [document.decode() for document in iter_documents(deliveries)]
    for document in documents[:MAX_LOGGED_DOCUMENTS]:
        log.info("partial not put: no endpoint", document=document)
    if len(documents) > MAX_LOGGED_DOCUMENTS:
        log.info(f"{len(documents) - MAX_LOGGED_DOCUMENTS} more partials not put")
