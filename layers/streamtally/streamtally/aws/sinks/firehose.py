"""Sends documents to a delivery stream within its limits, and sends again what it did not accept.

Source: Amazon Data Firehose API reference, PutRecordBatch ("Each PutRecordBatch request supports up to 500 records.
Each record can be as large as 1,000 KB … up to a limit of 4 MB for the entire request").
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from streamtally.aws.clients import CONNECT_SECONDS, READ_SECONDS
from streamtally.errors import PartialWriteError, SinkError

PUT_RECORD_BATCH_MAX_RECORDS = 500
PUT_RECORD_BATCH_MAX_BYTES = 4 * 2**20
MAX_RECORD_BYTES = 1000 * 1024

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
RESERVE_SECONDS = 2.0
"""The part of an invocation's time that is reserved for the response, and for reporting what failed."""
REQUEST_SECONDS = float(CONNECT_SECONDS + READ_SECONDS)
"""The longest time of one request. If failed documents can be parked, no request begins that could prevent parking."""


class FirehoseClient(Protocol):
    """The part of boto3's client that is used."""

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[Any]) -> Any:  # noqa: N803
        """One request; its response has one entry per record."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, sleep and random numbers, passed as an argument so that tests can replace them."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform


def put_documents(
    client: FirehoseClient, stream: str, documents: Iterable[bytes], seconds: float, clock: Clock | None = None
) -> int:
    """Sends documents to a stream; those that fail are sent again with growing pauses.

    Args:
        documents: without line ends; one is added to each.
        seconds: the time limit: no request after the first begins later; 0: no request is sent.
    Returns: the number of requests.
    Raises: PartialWriteError: some documents could not be sent in time; its ``failed`` are these, with line ends.
    """
    clock = clock or Clock()
    deadline = clock.monotonic() + seconds
    waiting = list(documents)
    requests = done = 0
    for batch in _batches(waiting):
        left, reason = batch, "there is no time left"
        if clock.monotonic() < deadline if done else seconds > 0:
            taken, left, reason = _put_batch(client, stream, batch, deadline, clock)
            requests += taken
        done += len(batch)
        if left:
            left = [*left, *(document + b"\n" for document in waiting[done:])]
            raise PartialWriteError(
                f"delivery stream {stream}: {len(left)} documents could not be sent in time: {reason}", left
            )
    return requests


def _batches(documents: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for document in documents:
        record = document + b"\n"
        if len(record) > MAX_RECORD_BYTES:
            raise SinkError(f"a document of {len(record)} bytes is larger than a record may be ({MAX_RECORD_BYTES})")
        if batch and (len(batch) == PUT_RECORD_BATCH_MAX_RECORDS or size + len(record) > PUT_RECORD_BATCH_MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    if batch:
        yield batch


def _put_batch(
    client: FirehoseClient, stream: str, batch: list[bytes], deadline: float, clock: Clock
) -> tuple[int, list[bytes], str]:
    """Sends a batch until all of it is accepted or the time is up: (number of requests, remaining records, reason)."""
    pause, requests = FIRST_PAUSE_SECONDS, 0
    while True:
        requests += 1
        batch, reason = _put_once(client, stream, batch)
        if not batch:
            return requests, [], ""
        # Full jitter: callers that were throttled together do not try again together.
        wait = clock.uniform(0, pause)
        if clock.monotonic() + wait >= deadline:
            return requests, batch, reason
        clock.sleep(wait)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _put_once(client: FirehoseClient, stream: str, batch: list[bytes]) -> tuple[list[bytes], str]:
    """One request: (the records that were not accepted, reason)."""
    try:
        response = client.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": record} for record in batch])
    except Exception as error:  # anything that the SDK raises, after its own retries
        if not is_transient(error):
            raise SinkError(f"delivery stream {stream}: {type(error).__name__}: {error}") from error
        return batch, f"{type(error).__name__}: {error}"
    if not response.get("FailedPutCount"):
        return [], ""
    responses = response["RequestResponses"]
    failed = [record for record, entry in zip(batch, responses, strict=True) if entry.get("ErrorCode")]
    codes = sorted({entry["ErrorCode"] for entry in responses if entry.get("ErrorCode")})
    return failed, ", ".join(codes)


_TRANSIENT = {
    "ServiceUnavailableException",
    "ThrottlingException",
    "Throttling",
    "RequestTimeout",
    "InternalFailure",
    "InternalError",
    "LimitExceededException",
    "RequestLimitExceeded",
}


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed later: throttled, unavailable, or no response at all."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        # botocore's connection errors, and those of the socket
        names = {kind.__name__ for kind in type(error).__mro__}
        return bool(names & {"HTTPClientError", "ConnectionError", "OSError"})
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return response.get("Error", {}).get("Code") in _TRANSIENT or status >= 500 or status == 429
