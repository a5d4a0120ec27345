"""Documents that could not be put to their stream, parked in S3 and put later by the scheduled function.

Objects are ``undelivered/<stream>/YYYY/MM/dd/HH/<digest>.jsonl.gz``: gzip, a document a line. Their ids are in them, so
putting an object twice counts once; the key is a hash of its documents, so parking it twice keeps it once.
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
from streamtally.aws.sinks.firehose import RESERVE_SECONDS as ANSWER_SECONDS
from streamtally.aws.sinks.firehose import Clock, FirehoseClient, TimeLeft, put_documents
from streamtally.aws.sinks.objects import Bucket, ObjectStore
from streamtally.config.limits import MAX_DECOMPRESSED_EVENT_BYTES
from streamtally.errors import MissingObjectError, PartialWriteError, RecordError, SinkError
from streamtally.transform.compression import decompress

PREFIX = "undelivered/"
FAST = 1
"""gzip's level: the best one would take seconds of what is left of an invocation."""
RESERVE_SECONDS = 5.0
PUT_SECONDS = 20.0
"""How long an object is put again and again: a stream that takes nothing must not keep another's from going."""
MAX_PARKED_BYTES = 4 * MAX_DECOMPRESSED_EVENT_BYTES
PARK_SECONDS = 30.0
"""What is kept of an invocation's time for parking: S3's client tries twice."""
PARK_BYTES = 8 * 2**20
"""How much is parked in one object: each is one request, before which the time left is looked at, and little memory."""


@dataclass
class Redelivered:
    """What a run put: objects and documents.

    ``problems`` are objects that stay, each in a line; ``waiting`` are those behind one that its stream did not take.
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
    """Put documents; what cannot be put is parked. Returns: how many were parked.

    Args: seconds: how long putting may take; 0 or less: nothing is put, all is parked.
    Raises: SinkError: neither went, there is no place to park, or no time.
    """
    waiting = list(documents)
    try:
        put_documents(client, stream, waiting, seconds, clock)
    except PartialWriteError as error:
        left = [record.removesuffix(b"\n") for record in error.failed]
    except SinkError:
        left = waiting  # nobody knows which: their ids count them once
    else:
        return 0
    if objects is None:
        raise SinkError(f"delivery stream {stream}: {len(left)} documents could not be put, and none be parked")
    parked = 0
    for some in _in_objects(left):
        if time_left() <= ANSWER_SECONDS:
            waits = len(left) - parked
            raise SinkError(f"delivery stream {stream}: {waits} documents are left, and no time to park them")
        park(objects, stream, some, now())
        parked += len(some)
    return parked


def _in_objects(documents: list[bytes]) -> Iterator[list[bytes]]:
    start = size = 0
    for place, document in enumerate(documents):
        if place > start and size + len(document) > PARK_BYTES:
            yield documents[start:place]
            start, size = place, 0
        size += len(document)
    yield documents[start:]


def park(objects: ObjectStore, stream: str, documents: list[bytes], at: datetime) -> str:
    """Keep documents for later. Returns: the key. Raises: SinkError."""
    data = b"".join(document + b"\n" for document in documents)
    name = hashlib.sha256(data).hexdigest()[:32]
    key = f"{PREFIX}{stream}/{at:%Y/%m/%d/%H}/{name}.jsonl.gz"
    objects.put(key, gzip.compress(data, FAST, mtime=0))
    return key


def redeliver(client: FirehoseClient, objects: ObjectStore, time_left: Callable[[], float]) -> Redelivered:
    """Put what is parked, object by object, and delete each only when all of it has gone.

    A failure ends nothing: the object stays for the next run, and where its stream took it not, so do the stream's
    others. Runs may overlap: documents have ids, and an object that another run has put is gone.
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
    """The scheduled function's part: put what lies in ``FAILED_BUCKET``, within a third of the time that is left.

    Failures are logged and counted, and never keep settling from its turn.
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
    """The documents of an object. Raises: SinkError: it is broken."""
    try:
        text = decompress(data, MAX_PARKED_BYTES)
    except RecordError as error:
        raise SinkError(str(error)) from None
    yield from (line for line in text.split(b"\n") if line)
