"""The objects in the error prefixes: read line by line, and emptied line by line.

Source: Amazon Data Firehose developer guide, "Handle data transformation failure" and "Handle data delivery failure":
one JSON object per line, with the record's data in base64 as ``rawData``. Objects may be gzip, as the stream is set.
"""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

import orjson
import pybase64

from streamtally.aws.recovery.places import REDRIVEN, Place, iter_places, to_place
from streamtally.aws.sinks.objects import ObjectStore
from streamtally.aws.sinks.parking import read_parked
from streamtally.config.limits import MAX_DECOMPRESSED_EVENT_BYTES
from streamtally.errors import RecordError, SinkError
from streamtally.recovery.batches import FailedRecord
from streamtally.recovery.decide import PROCESSING_FAILED_STATUS
from streamtally.transform.compression import decompress
from streamtally.transform.documents import UNPARSED_LINE

MAX_OBJECT_BYTES = 16 * MAX_DECOMPRESSED_EVENT_BYTES
_GZIP = b"\x1f\x8b"
NOT_OURS = "not a document of ours"


@dataclass(frozen=True, slots=True)
class Parked:
    """An object of documents, parked or rejected.

    Attributes:
        key: its key in the store.
        stream: the stream of the documents; "": the summary stream.
        documents: the documents.
        stays: whether the object stays, because it also holds other documents.
    """

    key: str
    stream: str
    documents: list[bytes]
    stays: bool = False


@dataclass
class Refusals:
    """Why OpenSearch rejected documents.

    Attributes:
        counts: reason → the number of documents.
        examples: reason → the first line with it.
    """

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)


def read_failed(objects: ObjectStore, problems: list[str], zone: tzinfo = UTC) -> Iterator[FailedRecord]:
    """The lines of ``processing-failed/``, and the lines in delivered objects that did not parse.

    Args:
        problems: receives one line per object that cannot be read.
        zone: the time zone of the dates in objects' names.
    Raises: SinkError: the store cannot be listed.
    """
    done = _done_lines(objects, problems)
    for place, data in iter_readable(objects, ("failed", "delivered"), problems, zone):
        if place.kind == "delivered":
            yield from _unparsed(place, data, done.get(place.origin, frozenset()))
        else:
            lines = enumerate(data.split(b"\n"))
            yield from (record for number, line in lines if (record := _failed_record(place, number, line)))


def iter_readable(
    objects: ObjectStore, kinds: Collection[str], problems: list[str], zone: tzinfo = UTC
) -> Iterator[tuple[Place, bytes]]:
    """The objects of these kinds with their decompressed data; one that cannot be read is a line in ``problems``.

    Raises: SinkError: the store cannot be listed.
    """
    for place in iter_places(objects, zone):
        if place.kind not in kinds:
            continue
        try:
            data = read_plain(objects, place.key)
        except (RecordError, SinkError) as error:
            problems.append(f"{place.key}: {error}")
            continue
        yield place, data


def read_plain(objects: ObjectStore, key: str) -> bytes:
    """An object's bytes, decompressed if they are gzip. Raises: SinkError; RecordError: invalid or too large."""
    return _plain(objects.get(key))


def _plain(data: bytes) -> bytes:
    return decompress(data, MAX_OBJECT_BYTES) if data[:2] == _GZIP else data


def _unparsed(place: Place, data: bytes, done: frozenset[int]) -> Iterator[FailedRecord]:
    if b'"unparsed":' not in data:
        return
    for number, line in enumerate(data.split(b"\n")):
        if UNPARSED_LINE.match(line) and number not in done and (text := _unparsed_text(line)) is not None:
            raw = pybase64.b64encode_as_string(text.encode())
            arrival = place.arrival
            yield FailedRecord(place.key, number, arrival, arrival, PROCESSING_FAILED_STATUS, raw, place.origin)


def _unparsed_text(line: bytes) -> str | None:
    """The line that did not parse; None: the transform did not write this object's line."""
    try:
        row = orjson.loads(line)
    except ValueError:
        return None
    members = [name for name in row if name != "line_id"]
    is_ours = members == ["unparsed", "reason"] and all(type(value) is str for value in row.values())
    return row["unparsed"] if is_ours and orjson.dumps(row) == line else None


def _done_lines(objects: ObjectStore, problems: list[str]) -> dict[str, frozenset[int]]:
    """Origin → the lines of a delivered object that were re-ingested: it is never changed, so a marker holds them."""
    done: dict[str, frozenset[int]] = {}
    for place in iter_places(objects):
        if place.kind == "redriven":
            try:
                done[place.origin.removeprefix(REDRIVEN)] = _marked(objects, place.key)
            except SinkError as error:
                problems.append(f"{place.key}: {error}")
    return done


def _marked(objects: ObjectStore, key: str) -> frozenset[int]:
    try:
        return frozenset(map(int, orjson.loads(objects.get(key))))
    except (ValueError, TypeError):
        raise SinkError("not a list of line numbers") from None


def _failed_record(place: Place, number: int, line: bytes) -> FailedRecord | None:
    try:
        entry = orjson.loads(line)
        arrival, ended = int(entry["arrivalTimestamp"]), int(entry["attemptEndingTimestamp"])
        code, raw = str(entry["errorCode"]), str(entry["rawData"])
    except (ValueError, KeyError, TypeError):
        return None  # an empty line was settled before; Firehose writes no other lines
    return FailedRecord(place.key, number, arrival, ended, code, raw, place.origin)


def remove_lines(objects: ObjectStore, settled: Iterable[FailedRecord]) -> int:
    """Removes settled lines from their objects. The other lines keep their numbers, which are part of their identities.

    Returns: the number of objects that were deleted. Raises: SinkError.
    """
    numbers: dict[tuple[str, str], set[int]] = {}
    for record in settled:
        numbers.setdefault((record.key, record.origin), set()).add(record.line)
    return sum(_remove_lines_of(objects, key, origin, lines) for (key, origin), lines in sorted(numbers.items()))


def _remove_lines_of(objects: ObjectStore, key: str, origin: str, settled: set[int]) -> bool:
    place = to_place("", origin)
    if place is None or place.kind != "failed":
        marker = REDRIVEN + origin
        before = _marked(objects, marker) if marker in objects.keys(marker) else frozenset()
        objects.put(marker, orjson.dumps(sorted(settled | before)))
        return False
    stored = objects.get(key)
    remaining = [b"" if number in settled else line for number, line in enumerate(_plain(stored).split(b"\n"))]
    if not any(remaining):
        objects.delete(key)
        return True
    text = b"\n".join(remaining)
    objects.put(key, gzip.compress(text, mtime=0) if stored[:2] == _GZIP else text)
    return False


def read_documents(objects: ObjectStore, refusals: Refusals, problems: list[str]) -> Iterator[Parked]:
    """Documents that OpenSearch rejected, and parked ones.

    Args:
        refusals: receives the reasons of the rejected ones.
        problems: receives one line per object that cannot be read.
    Raises: SinkError: the store cannot be listed.
    """
    for place in iter_places(objects):
        if place.kind not in ("parked", "refused"):
            continue
        try:
            data = objects.get(place.key)
            if place.kind == "parked":
                yield Parked(place.key, place.origin.split("/")[1], list(read_parked(data)))
            else:
                yield _refused(place, _plain(data), refusals)
        except (SinkError, RecordError, ValueError) as error:  # only this object is invalid
            problems.append(f"{place.key}: {error}")


def _refused(place: Place, data: bytes, refusals: Refusals) -> Parked:
    """An object's documents. It stays if it also holds foreign documents, which have no id to be sent under again."""
    lines: list[dict[str, Any]] = [orjson.loads(line) for line in data.split(b"\n") if line]
    if not all(isinstance(line, dict) for line in lines):
        raise ValueError("a line was not written by Firehose")
    documents = list(map(_document, lines))
    for number, (line, document) in enumerate(zip(lines, documents, strict=True)):
        reason = str(line.get("errorMessage", ""))[:100] if document else NOT_OURS
        refusals.counts[reason] = refusals.counts.get(reason, 0) + 1
        refusals.examples.setdefault(reason, f"{place.key} line {number + 1}")
    ours = [document for document in documents if document is not None]
    return Parked(place.key, "", ours, stays=len(ours) < len(lines))


def _document(line: dict[str, Any]) -> bytes | None:
    try:
        data = pybase64.b64decode(line["rawData"], validate=True).strip()
        tally = orjson.loads(data)["tally"]
        return data if tally.get("partial_id") or tally.get("row_id") else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
