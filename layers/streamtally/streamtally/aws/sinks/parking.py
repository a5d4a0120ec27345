"""Documents that could not be sent to their stream: parked in S3, and sent later by the scheduled function.

Objects are ``undelivered/<stream>/YYYY/MM/dd/HH/<digest>.jsonl.gz``: gzip, one document per line. The documents contain
their ids, so sending an object twice counts once; the key is a hash of the documents, so parking them twice stores one
object.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import inf

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from streamtally.aws import clients
from streamtally.aws.clock import TimeLeft
from streamtally.aws.sinks.firehose import RESERVE_SECONDS as ANSWER_SECONDS
from streamtally.aws.sinks.firehose import Clock, FirehoseClient, put_documents
from streamtally.aws.sinks.objects import Bucket, ObjectStore
from streamtally.config.limits import MAX_DECOMPRESSED_EVENT_BYTES
from streamtally.errors import MissingObjectError, PartialWriteError, RecordError, SinkError
from streamtally.transform.compression import decompress

PREFIX = "undelivered/"
FAST = 1
"""gzip's level: the best one would take seconds of the remaining invocation."""
RESERVE_SECONDS = 5.0
PUT_SECONDS = 20.0
"""How long one object is retried: a stream that accepts nothing must not block the objects of another."""
MAX_PARKED_BYTES = 4 * MAX_DECOMPRESSED_EVENT_BYTES
PARK_SECONDS = 30.0
"""The part of an invocation's time that is reserved for parking: the S3 client tries twice."""
PARK_BYTES = 8 * 2**20
"""The size of one parked object: one request, before which the remaining time is checked, and little memory."""


@dataclass
class Redelivered:
    """What a run sent.

    Attributes:
        objects: the number of objects that were sent and deleted.
        documents: the number of their documents.
        problems: one line per object that stays after a failure.
        waiting: the number of objects that stay because their stream refused an earlier one.
    """

    objects: int = 0
    documents: int = 0
    problems: list[str] = field(default_factory=list)
    waiting: int = 0


def put_or_park(
    client: FirehoseClient,
    stream: str,
    documents: Iterable[bytes],
    seconds: float,
    objects: ObjectStore | None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    time_left: TimeLeft = lambda: inf,
    clock: Clock | None = None,
) -> int:
    """Sends documents; those that cannot be sent are parked.

    Args:
        seconds: how long sending may take; 0 or less: all documents are parked at once.
        objects: where to park; None: nowhere.
        now: the time, for the key.
        time_left: the seconds that remain of the invocation.
    Returns: the number of documents that were parked.
    Raises: SinkError: documents could be neither sent nor parked, or there was no time to park them.
    """
    waiting = list(documents)
    try:
        put_documents(client, stream, waiting, seconds, clock)
    except PartialWriteError as error:
        unsent = [record.removesuffix(b"\n") for record in error.failed]
    except SinkError:
        unsent = waiting  # it is unknown which failed; their ids count each once
    else:
        return 0
    if objects is None:
        raise SinkError(
            f"delivery stream {stream}: {len(unsent)} documents could not be sent, and parking is not set up"
        )
    parked = 0
    for group in _in_objects(unsent):
        if time_left() <= ANSWER_SECONDS:
            remaining = len(unsent) - parked
            raise SinkError(
                f"delivery stream {stream}: {remaining} documents remain, and there is no time to park them"
            )
        park(objects, stream, group, now())
        parked += len(group)
    return parked


def _in_objects(documents: list[bytes]) -> Iterator[list[bytes]]:
    start = size = 0
    for index, document in enumerate(documents):
        if index > start and size + len(document) > PARK_BYTES:
            yield documents[start:index]
            start, size = index, 0
        size += len(document)
    yield documents[start:]


def park(objects: ObjectStore, stream: str, documents: list[bytes], at: datetime) -> str:
    """Stores documents for later. Args: at: the time, for the key. Returns: the key. Raises: SinkError."""
    data = b"".join(document + b"\n" for document in documents)
    name = hashlib.sha256(data).hexdigest()[:32]
    key = f"{PREFIX}{stream}/{at:%Y/%m/%d/%H}/{name}.jsonl.gz"
    objects.put(key, gzip.compress(data, FAST, mtime=0))
    return key


def redeliver(client: FirehoseClient, objects: ObjectStore, time_left: Callable[[], float]) -> Redelivered:
    """Sends parked documents, object by object, and deletes an object only after all of its documents were sent.

    After a failure the next objects follow: the failed one stays for the next run, and if its stream refused it, so do
    the others of that stream. Runs may overlap: documents have ids, and an object that another run sent is deleted.
    """
    done = Redelivered()
    refusing: set[str] = set()
    for key in objects.keys(PREFIX):
        seconds = min(PUT_SECONDS, time_left() - RESERVE_SECONDS)
        if seconds <= 0:
            break
        stream = key.split("/")[1]
        try:
            documents = list(read_parked(objects.get(key)))
        except MissingObjectError:
            continue
        except SinkError as error:
            done.problems.append(f"{key}: {error}")
            continue
        if stream in refusing:
            done.waiting += 1
            continue
        try:
            put_documents(client, stream, documents, seconds)
            objects.delete(key)
        except SinkError as error:
            refusing.add(stream)
            done.problems.append(f"{key}: {error}")
            continue
        done.objects += 1
        done.documents += len(documents)
    return done


def put_parked(
    environment: Mapping[str, str], time_left: Callable[[], float], metrics: Metrics, log: Logger
) -> Redelivered:
    """The scheduled function's part: sends what is in ``FAILED_BUCKET``, within a third of the remaining time.

    Failures are logged and counted, and never prevent settling.
    """
    name = environment.get("FAILED_BUCKET", "")
    if not name:
        return Redelivered()
    end = time_left() * 2 / 3
    try:
        done = redeliver(clients.firehose_client(), Bucket(clients.s3_client(), name), lambda: time_left() - end)
    except SinkError as error:
        done = Redelivered(problems=[str(error)])
    metrics.add_metric("UndeliveredObjects", MetricUnit.Count, len(done.problems) + done.waiting)
    if done.objects or done.problems:
        (log.error if done.problems else log.info)("parked documents put", extra={"redelivered": asdict(done)})
    return done


def read_parked(data: bytes) -> Iterator[bytes]:
    """The documents of an object. Raises: SinkError: it is invalid."""
    try:
        text = decompress(data, MAX_PARKED_BYTES)
    except RecordError as error:
        raise SinkError(str(error)) from None
    yield from (line for line in text.split(b"\n") if line)
