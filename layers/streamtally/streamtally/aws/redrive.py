"""Reading the error prefixes, asking the index, putting back, and marking what was done."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pybase64

from streamtally.aws.firehose import FirehoseClient, put_documents
from streamtally.aws.objects import ObjectStore
from streamtally.aws.opensearch import Cluster
from streamtally.aws.undelivered import read_parked
from streamtally.errors import SinkError
from streamtally.pipeline import Pipeline
from streamtally.redrive import PROCESSING_FAILED_STATUS, Decision, FailedRecord, FoundBatch, decide
from streamtally.times import from_iso

PROCESSING_FAILED = "processing-failed/"
OPENSEARCH_FAILED = ("AmazonOpenSearchService_failed/", "elasticsearch-failed/")
UNDELIVERED = "undelivered/"
REDRIVEN = "redriven/"
PUT_SECONDS = 120.0
PAGE = 1_000
_HOUR = re.compile(r"(\d{4})/(\d\d)/(\d\d)/(\d\d)/")
_UNPARSED = b'{"unparsed":'


@dataclass
class Redriven:
    """What was done: records put back, documents put again, objects that are settled and gone."""

    decision: Decision
    documents: int = 0
    objects: int = 0
    refused: dict[str, int] = field(default_factory=dict)


def redrive(
    objects: ObjectStore,
    pipeline: Pipeline,
    client: FirehoseClient,
    to: str,
    summary: str,
    find_batches: Callable[[int, int], Sequence[FoundBatch]] | None,
    dry_run: bool = False,
    count_undecided: bool = False,
) -> Redriven:
    """Put back what works now. Killed anywhere and run again, it counts nothing twice: every identity is derived.

    Args: to: the source stream; summary: the stream of documents. Raises: SinkError: a stream or the store refuses.
    """
    failed = list(read_failed(objects))
    decision = decide(failed, pipeline, find_batches, count_undecided)
    done = Redriven(decision)
    documents = list(read_documents(objects, done.refused))
    if dry_run:
        done.documents = sum(len(each) for _, _, each in documents)
        return done
    for stream, document in decision.documents:
        put_documents(client, stream or summary, [document], PUT_SECONDS)
    put_documents(client, to, [envelope for _, envelope in decision.put_back], PUT_SECONDS)
    _clear(objects, failed, {record for record, _ in decision.put_back}, done)
    for key, stream, each in documents:
        put_documents(client, stream or summary, each, PUT_SECONDS)
        objects.delete(key)
        done.documents += len(each)
        done.objects += 1
    return done


def _clear(objects: ObjectStore, failed: Sequence[FailedRecord], settled: set[FailedRecord], done: Redriven) -> None:
    """Take settled lines out of their objects; the others keep their numbers, which their identities have in them."""
    for key in sorted({record.key for record in settled}):
        numbers = {record.line for record in settled if record.key == key}
        if not key.startswith(PROCESSING_FAILED):
            objects.put(REDRIVEN + key, orjson.dumps(sorted(numbers | _done_lines(objects, key))))
            continue
        lines = [b"" if n in numbers else line for n, line in enumerate(objects.get(key).split(b"\n"))]
        if any(lines):
            objects.put(key, b"\n".join(lines))
        else:
            objects.delete(key)
            done.objects += 1


def read_failed(objects: ObjectStore) -> Iterator[FailedRecord]:
    """The lines of ``processing-failed/``, and lines that did not parse from the good prefix."""
    for key in objects.keys(""):
        hour = _HOUR.match(key)
        if key.startswith(PROCESSING_FAILED):
            for number, line in enumerate(objects.get(key).split(b"\n")):
                if record := _failed_record(key, number, line):
                    yield record
        elif hour:
            arrival = from_iso("{}-{}-{}T{}:00:00.000Z".format(*hour.groups()))
            yield from _unparsed(key, objects.get(key), arrival, _done_lines(objects, key))


def _unparsed(key: str, data: bytes, arrival: int, done: frozenset[int]) -> Iterator[FailedRecord]:
    if _UNPARSED not in data:
        return
    for number, line in enumerate(data.split(b"\n")):
        if line.startswith(_UNPARSED) and number not in done:
            text = str(orjson.loads(line)["unparsed"])
            raw = pybase64.b64encode_as_string(text.encode())
            yield FailedRecord(key, number, arrival, arrival, PROCESSING_FAILED_STATUS, raw)


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


def read_documents(objects: ObjectStore, refused: dict[str, int]) -> Iterator[tuple[str, str, list[bytes]]]:
    """Documents that OpenSearch refused, and parked ones: (key, stream or nothing, documents)."""
    for key in objects.keys(""):
        if key.startswith(UNDELIVERED):
            yield key, key.split("/")[1], list(read_parked(objects.get(key)))
        elif key.startswith(OPENSEARCH_FAILED):
            lines = [orjson.loads(line) for line in objects.get(key).split(b"\n") if line]
            for line in lines:
                reason = str(line.get("errorMessage", ""))[:100]
                refused[reason] = refused.get(reason, 0) + 1
            # Only a document with an id of its own can be put again and still count once.
            ours = [each for each in map(_document, lines) if each is not None]
            if len(ours) == len(lines):
                yield key, "", ours


def _document(line: dict[str, Any]) -> bytes | None:
    try:
        data = pybase64.b64decode(line["rawData"], validate=True).strip()
        tally = orjson.loads(data)["tally"]
        return data if tally.get("partial_id") or tally.get("row_id") else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def batch_finder(cluster: Cluster) -> Callable[[int, int], list[FoundBatch]]:
    """Batches by their arrivals, from the partials and rows in the index. Raises: ClusterError."""

    def find(first: int, last: int) -> list[FoundBatch]:
        limits = {"gte": first, "lte": last, "format": "epoch_millis"}
        fields = ["tally.batch_digest", "tally.batch_id", "tally.batch_records", "tally.batch_arrival"]
        body: dict[str, Any] = {
            "size": PAGE,
            "query": {"range": {"tally.batch_arrival": limits}},
            "_source": fields,
            "sort": [{"_id": "asc"}],
        }
        found: dict[tuple[str, str], FoundBatch] = {}
        while True:
            answer = cluster.request("POST", "/partials-*/_search", body, {"ignore_unavailable": "true"}, ignore=(404,))
            hits = answer.get("hits", {}).get("hits", [])
            for hit in hits:
                batch = _found(hit["_source"]["tally"])
                found[batch.digest, batch.batch_id] = batch
            if len(hits) < PAGE:
                return list(found.values())
            body["search_after"] = hits[-1]["sort"]

    return find


def _found(tally: dict[str, Any]) -> FoundBatch:
    first, last = tally["batch_arrival"]
    return FoundBatch(tally["batch_digest"], tally["batch_id"], tally["batch_records"], from_iso(first), from_iso(last))


__all__ = ["PROCESSING_FAILED_STATUS", "Redriven", "SinkError", "batch_finder", "read_failed", "redrive"]
