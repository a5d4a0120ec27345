"""Old logs of any size: each object is streamed, by one of several processes, and counts as a whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from functools import partial
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from zoneinfo import ZoneInfo

from streamtally.aws.clients import Aws
from streamtally.aws.recovery.other_failures import is_error_object
from streamtally.aws.recovery.places import error_type, to_place
from streamtally.aws.sinks.objects import ObjectStore, open_objects
from streamtally.errors import RecordError, SettingsError, SinkError, StreamtallyError
from streamtally.local.compressed import BrokenDataError
from streamtally.local.logs import plain_stream
from streamtally.local.no_logs import NoLogError
from streamtally.local.old_logs import Seen, run_object
from streamtally.local.processes import Processes, rare_collections
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.transform import iter_documents

MAX_LINE_BYTES = 64 * 2**20
"""An object with a longer line is no log; of a shorter one, that line alone does not parse."""
AHEAD_PER_WORKER = 4
"""How many objects a process may be ahead of the one whose documents are due."""
ERROR_OBJECTS = "Firehose's error objects"


class OldObject(NamedTuple):
    """An object to be read.

    Attributes:
        number: its position among all.
        hour_ms: its hour of arrival, in ms since the epoch; 0: its name does not say it.
    """

    number: int
    key: str
    hour_ms: int


@dataclass(slots=True)
class ReadObject:
    """What an object comes to."""

    number: int
    ledger: Ledger
    seen: Seen
    documents: Path
    """A file with a document on each line."""


def list_objects(objects: ObjectStore, seen: Seen, zone: tzinfo = UTC) -> Iterator[OldObject]:
    """The objects that hold lines, in the order of their keys; the others are counted in ``seen``.

    Args: zone: the time zone of the dates in objects' names: the stream's ``CustomTimeZone``.
    """
    number = 0
    for key in objects.keys(""):
        old = to_old_object(objects, key, number + 1, seen, zone)
        if old is not None:
            number += 1
            yield old


def to_old_object(objects: ObjectStore, key: str, number: int, seen: Seen, zone: tzinfo = UTC) -> OldObject | None:
    """An object that holds lines; None: it holds something else, which is counted in ``seen``. Args: as above."""
    place = to_place(objects.base, key, zone)
    if place is None or place.kind == "delivered":
        return OldObject(number, key, place.arrival if place else 0)
    if place.kind == "other":
        seen.left_out[error_type(place)] += 1
    return None


def read_object(
    objects: ObjectStore, old: OldObject, pipeline: Pipeline, folder: Path, known: Set[int] = frozenset()
) -> ReadObject:
    """Run an object's lines. If it cannot be read to its end, that is a problem, and none of its lines counts.

    Args:
        folder: where the documents are written to.
        known: the ids of lines that were read in objects before it.
    """
    read = ReadObject(old.number, Ledger(), Seen(known=known), folder / str(old.number))
    try:
        with read.documents.open("wb") as documents:
            for batch in read_batches(objects, old, pipeline, read.ledger, read.seen):
                documents.writelines(document + b"\n" for document in batch)
    except UNREADABLE as error:
        read.documents.unlink(missing_ok=True)
        return replace(read, ledger=Ledger(), seen=Seen(problems=[f"{old.key}: {error}"]))
    read.seen.known = frozenset()
    return read


UNREADABLE = (RecordError, SinkError, NoLogError, BrokenDataError, SettingsError)
"""What reading an object raises if it cannot be read to its end."""


def read_batches(
    objects: ObjectStore, old: OldObject, pipeline: Pipeline, ledger: Ledger, seen: Seen
) -> Iterator[Iterable[bytes]]:
    """The documents of an object, batch by batch, in constant memory.

    Args:
        ledger: takes in each batch.
        seen: the same; an object that holds Firehose's failed records is counted there alone.
    Raises: one of UNREADABLE: then none of the documents may count.
    """
    with _stream(objects, old.key) as raw:
        lines = _lines(plain_stream(raw))
        first = next(lines, b"")
        if is_error_object(first):  # below a prefix of any name
            seen.left_out[ERROR_OBJECTS] += 1
            return
        for outcome in run_object(objects.address + old.key, chain([first], lines), old.hour_ms, pipeline, seen):
            ledger.add(outcome.ledger)
            yield iter_documents(outcome.deliveries)


def _stream(objects: ObjectStore, key: str) -> BinaryIO:
    stream: Callable[[str], BinaryIO] | None = getattr(objects, "stream", None)
    return stream(key) if stream is not None else BytesIO(objects.get(key))


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream, without their line ends; after the last line end there is one more, which is empty."""
    while line := stream.readline(MAX_LINE_BYTES):
        if line[-1:] != b"\n" and len(line) == MAX_LINE_BYTES:
            raise RecordError(f"a line has more than {MAX_LINE_BYTES:,} bytes")
        yield line.removesuffix(b"\n")


class Place(NamedTuple):
    """Where the objects are, for another process: see ``open_objects`` and ``Aws``."""

    location: str
    profile: str | None
    region: str | None
    endpoint_url: str | None

    def open(self) -> ObjectStore:
        aws = Aws(self.profile, self.region, self.endpoint_url)
        return open_objects(self.location, partial(aws.client, "s3"))


def read_objects(
    place: Place, objects: ObjectStore, pipeline: Pipeline, seen: Seen, workers: int = 1, zone: tzinfo = UTC
) -> Iterator[tuple[Ledger, Iterator[bytes]]]:
    """Every object's ledger and documents, in the order of keys. They do not depend on the number of processes.

    Args:
        objects: those at the place.
        seen: takes in what is read and left out.
        workers: how many processes read; 1: this one.
    Raises: WorkerError: a process died; SinkError: the objects cannot be listed.
    """
    listed = list_objects(objects, seen, zone)
    with tempfile.TemporaryDirectory(prefix="streamtally-load-") as name, rare_collections():
        folder = Path(name)
        alone: Iterator[tuple[OldObject, ReadObject]] | None = None
        # A pipeline's document does not hold the content of its tables.
        if workers == 1 or pipeline.tables:
            alone = ((old, read_object(objects, old, pipeline, folder, seen.line_ids)) for old in listed)
        results = alone if alone is not None else _in_order(place, pipeline, folder, workers, listed)
        for old, read in results:
            if not read.seen.line_ids.isdisjoint(seen.line_ids):  # some lines were read before, in another object
                read = read_object(objects, old, pipeline, folder, seen.line_ids)
            seen.add(read.seen)
            yield read.ledger, _documents(read.documents)
            read.documents.unlink(missing_ok=True)


def _documents(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            for line in file:
                yield line[:-1]


def _in_order(
    place: Place, pipeline: Pipeline, folder: Path, workers: int, listed: Iterator[OldObject]
) -> Iterator[tuple[OldObject, ReadObject]]:
    at_work: dict[int, OldObject] = {}
    done: dict[int, ReadObject] = {}
    due = 1
    with Processes(_serve, (place, dict(pipeline.document), folder), workers) as processes:
        old = next(listed, None)
        while old is not None or processes.busy or done:
            while old is not None and processes.has_room and old.number - due <= workers * AHEAD_PER_WORKER:
                at_work[old.number] = old
                processes.give(old, old.key)
                old = next(listed, None)
            if due not in done:
                done |= {read.number: read for read in processes.take()}
            while due in done:
                yield at_work.pop(due), done.pop(due)
                due += 1


def _serve(connection: Any, place: Place, document: Mapping[str, Any], folder: Path) -> None:
    """Read objects until there are no more."""
    with rare_collections(), suppress(EOFError, OSError):
        pipeline, objects = load_pipeline(document, ZoneInfo), place.open()
        while True:
            old = connection.recv()
            try:
                result: Any = read_object(objects, old, pipeline, folder)
            except StreamtallyError as error:
                result = error
            except Exception as error:
                result = RuntimeError(f"{old.key}: {type(error).__name__}: {error}")
            connection.send(result)
