"""What lies in the error prefixes, read line by line, and taken out of them again.

Source: Amazon Data Firehose developer guide, "Handle data transformation failure" and "Handle data delivery failure":
a JSON object a line, with the record's data in base64 as ``rawData``. Objects may be gzip, as the stream is set.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
import pybase64

from streamtally.aws.objects import ObjectStore
from streamtally.aws.undelivered import read_parked
from streamtally.documents import UNPARSED_LINE
from streamtally.errors import RecordError, SinkError
from streamtally.records import MAX_DECOMPRESSED_EVENT_BYTES, decompress
from streamtally.redrive import PROCESSING_FAILED_STATUS, FailedRecord
from streamtally.times import from_iso

PROCESSING_FAILED = "processing-failed/"
OPENSEARCH_FAILED = ("AmazonOpenSearchService_failed/", "elasticsearch-failed/")
UNDELIVERED = "undelivered/"
REDRIVEN = "redriven/"
MAX_OBJECT_BYTES = 16 * MAX_DECOMPRESSED_EVENT_BYTES
_HOUR = re.compile(r"(\d{4})/(\d\d)/(\d\d)/(\d\d)/")
_GZIP = b"\x1f\x8b"


def read_failed(objects: ObjectStore, problems: list[str]) -> Iterator[FailedRecord]:
    """The lines of ``processing-failed/``, and lines that did not parse from the good prefix.

    An object that cannot be read is a line in ``problems``. Raises: SinkError: the store refuses.
    """
    for key in objects.keys(""):
        hour = _HOUR.match(key)
        if not hour and not key.startswith(PROCESSING_FAILED):
            continue
        try:
            data = read_plain(objects, key)
        except RecordError as error:
            problems.append(f"{key}: {error}")
            continue
        if hour:
            arrival = from_iso("{}-{}-{}T{}:00:00.000Z".format(*hour.groups()))
            yield from _unparsed(objects, key, data, arrival)
        else:
            lines = enumerate(data.split(b"\n"))
            yield from (record for number, line in lines if (record := _failed_record(key, number, line)))


def read_plain(objects: ObjectStore, key: str) -> bytes:
    """An object's bytes, decompressed if they are gzip. Raises: SinkError; RecordError: broken or absurdly large."""
    return _plain(objects.get(key))


def _plain(data: bytes) -> bytes:
    return decompress(data, MAX_OBJECT_BYTES) if data[:2] == _GZIP else data


def _unparsed(objects: ObjectStore, key: str, data: bytes, arrival: int) -> Iterator[FailedRecord]:
    if b'"unparsed":' not in data:
        return
    done = _done_lines(objects, key)
    for number, line in enumerate(data.split(b"\n")):
        if UNPARSED_LINE.match(line) and number not in done and (text := _unparsed_text(line)) is not None:
            raw = pybase64.b64encode_as_string(text.encode())
            yield FailedRecord(key, number, arrival, arrival, PROCESSING_FAILED_STATUS, raw)


def _unparsed_text(line: bytes) -> str | None:
    try:
        return str(orjson.loads(line)["unparsed"])
    except ValueError:
        return None  # a log line of the user's own that only begins so


def _done_lines(objects: ObjectStore, key: str) -> frozenset[int]:
    """Which lines of a delivered object went back before: such an object is never changed, so a marker says it."""
    if REDRIVEN + key not in set(objects.keys(REDRIVEN + key)):
        return frozenset()
    return frozenset(orjson.loads(objects.get(REDRIVEN + key)))


def _failed_record(key: str, number: int, line: bytes) -> FailedRecord | None:
    try:
        found = orjson.loads(line)
        arrival, ended = int(found["arrivalTimestamp"]), int(found["attemptEndingTimestamp"])
        return FailedRecord(key, number, arrival, ended, str(found["errorCode"]), str(found["rawData"]))
    except (ValueError, KeyError, TypeError):
        return None  # an empty line was settled before; any other is none of Firehose's


def take_out(objects: ObjectStore, settled: Iterable[FailedRecord]) -> int:
    """Take settled lines out of their objects; the others keep their numbers, which their identities have in them.

    Returns: how many objects are gone. Raises: SinkError.
    """
    numbers: dict[str, set[int]] = {}
    for record in settled:
        numbers.setdefault(record.key, set()).add(record.line)
    return sum(_take_out_of(objects, key, lines) for key, lines in sorted(numbers.items()))


def _take_out_of(objects: ObjectStore, key: str, settled: set[int]) -> bool:
    if not key.startswith(PROCESSING_FAILED):
        objects.put(REDRIVEN + key, orjson.dumps(sorted(settled | _done_lines(objects, key))))
        return False
    stored = objects.get(key)
    left = [b"" if number in settled else line for number, line in enumerate(_plain(stored).split(b"\n"))]
    if not any(left):
        objects.delete(key)
        return True
    text = b"\n".join(left)
    objects.put(key, gzip.compress(text, mtime=0) if stored[:2] == _GZIP else text)
    return False


def read_documents(
    objects: ObjectStore, refused: dict[str, int], problems: list[str]
) -> Iterator[tuple[str, str, list[bytes]]]:
    """Documents that OpenSearch refused, and parked ones: (key, stream or nothing, documents).

    ``refused`` counts OpenSearch's reasons. Raises: SinkError: the store refuses.
    """
    for key in objects.keys(""):
        if not key.startswith((UNDELIVERED, *OPENSEARCH_FAILED)):
            continue
        data = objects.get(key)
        try:
            if key.startswith(UNDELIVERED):
                yield key, key.split("/")[1], list(read_parked(data))
            elif ours := _refused(_plain(data), refused):
                yield key, "", ours
        except (SinkError, RecordError, ValueError) as error:  # this object is broken; the others are not
            problems.append(f"{key}: {error}")


def _refused(data: bytes, refused: dict[str, int]) -> list[bytes]:
    """An object's documents; none if one of them is not ours: only ours have an id to be put again under."""
    lines: list[dict[str, Any]] = [orjson.loads(line) for line in data.split(b"\n") if line]
    for line in lines:
        reason = str(line.get("errorMessage", ""))[:100]
        refused[reason] = refused.get(reason, 0) + 1
    ours = [each for each in map(_document, lines) if each is not None]
    return ours if len(ours) == len(lines) else []


def _document(line: dict[str, Any]) -> bytes | None:
    try:
        data = pybase64.b64decode(line["rawData"], validate=True).strip()
        tally = orjson.loads(data)["tally"]
        return data if tally.get("partial_id") or tally.get("row_id") else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
