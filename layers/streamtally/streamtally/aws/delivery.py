"""Where the transform's documents go: to their delivery streams or, under ``sam local``, into the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from aws_lambda_powertools import Logger

from streamtally.aws import clients
from streamtally.aws.firehose import RESERVE_SECONDS
from streamtally.aws.objects import Bucket, ObjectStore
from streamtally.aws.settings import required
from streamtally.aws.undelivered import put_or_park
from streamtally.pipeline import Delivery, Pipeline, iter_documents

Deliver = Callable[[Iterable[Delivery], float], None]
"""Documents, and the seconds that are left of the invocation. Raises SinkError."""

MAX_LOGGED_DOCUMENTS = 100
MAX_PUT_SECONDS = 60.0
"""How long documents are put again and again; then they are parked, since Firehose's next batch waits."""
PARK_SECONDS = 20.0
"""What is kept of an invocation's time for parking."""


def make_delivery(pipeline: Pipeline, environment: Mapping[str, str], log: Logger) -> Deliver:
    """How this environment delivers.

    Under ``AWS_SAM_LOCAL`` nothing is put unless ``AWS_ENDPOINT_URL_FIREHOSE`` says where.
    Raises: SettingsError: an output has no stream of its own and ``SUMMARY_STREAM`` is not set.
    """
    if environment.get("AWS_SAM_LOCAL") and not environment.get("AWS_ENDPOINT_URL_FIREHOSE"):
        return lambda deliveries, _: log_documents(deliveries, log)
    default = environment.get("SUMMARY_STREAM", "")
    if any(output.settings.stream is None for output in pipeline.outputs.values()):
        default = required(environment, "SUMMARY_STREAM", "the delivery stream that takes the outputs' documents")
    clients.firehose_client()  # made while the function initialises, not within the first batch

    def deliver(deliveries: Iterable[Delivery], remaining_seconds: float) -> None:
        objects = parking_place(environment)
        end = time.monotonic() + remaining_seconds - RESERVE_SECONDS
        for delivery in deliveries:
            left = end - time.monotonic() - (PARK_SECONDS if objects else 0.0)
            stream = delivery.stream or default
            seconds = max(0.0, min(MAX_PUT_SECONDS, left))
            parked = put_or_park(clients.firehose_client(), stream, delivery.documents, seconds, objects)
            if parked:
                log.warning("documents parked, to be put later", stream=stream, documents=parked)

    return deliver


def parking_place(environment: Mapping[str, str]) -> ObjectStore | None:
    """The bucket that ``FAILED_BUCKET`` names, in which documents are parked; None where it names none."""
    name = environment.get("FAILED_BUCKET", "")
    return Bucket(clients.s3_client(), name) if name else None


def log_documents(deliveries: Iterable[Delivery], log: Logger) -> None:
    """Log documents in place of putting them, the first :data:`MAX_LOGGED_DOCUMENTS` of a batch."""
    documents = [document.decode() for document in iter_documents(deliveries)]
    for document in documents[:MAX_LOGGED_DOCUMENTS]:
        log.info("partial not put: no endpoint", document=document)
    if len(documents) > MAX_LOGGED_DOCUMENTS:
        log.info(f"{len(documents) - MAX_LOGGED_DOCUMENTS} more partials not put")
