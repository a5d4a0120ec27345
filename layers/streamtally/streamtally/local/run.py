"""The pipeline on a laptop: log lines through Firehose-like batches and the very code of the handler."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Protocol

from streamtally.aws.handlers.invocation import answer_batch
from streamtally.aws.sinks.firehose import TimeLeft
from streamtally.aws.sinks.objects import ObjectStore
from streamtally.local.arrival import ReadLine
from streamtally.local.logs import MAX_LINE_BYTES
from streamtally.local.simulator.parts import StoredRecord
from streamtally.local.simulator.s3_side import object_key
from streamtally.local.simulator.transformation import (
    MAX_PAYLOAD_BYTES,
    event_bytes,
    make_event,
    sort_results,
)
from streamtally.local.summary import Summary
from streamtally.transform.bounds import NO_BOUNDS
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.transform import Delivery, iter_documents

BUFFER_BYTES = 1_000_000
"""A batch is closed at this size: BufferSizeInMBs 1 of the Lambda processor, so that the answer stays under 6 MB."""
BUFFER_MS = 900_000
"""… or when its records are this far apart: the longest BufferIntervalInSeconds."""
BUFFER_LINES = 50_000
"""… or at so many lines: an invocation reads no more than some, and here nothing goes back into a stream."""
TIME_LIMIT_SECONDS = 300
TOO_LONG = "the line is longer than a record may be"

LOCAL_STREAM = "log-ingestion-stream"
LOCAL_STREAM_ARN = f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{LOCAL_STREAM}"
_NAMES = uuid.UUID("6f0cbb0e-5c0f-4d2f-9c07-0f6f4a7d9a11")  # a name space of our own: the same run, the same names

Batch = list[list[ReadLine]]
"""Records, each as the lines that are in it."""


class Store(Protocol):
    """Where the second stream ends."""

    def put(self, documents: Iterable[bytes]) -> None:
        """Keep documents; one with an id that is there already replaces it."""


class LocalRun:
    """One run of a pipeline over lines, with the simulator's events, results and S3 side.

    Args: objects: the S3 side.
    Attributes: ledger: the account of all batches; summary: what the table, chart and report show.
    """

    def __init__(self, pipeline: Pipeline, objects: ObjectStore, store: Store, run_id: str = "") -> None:
        self.pipeline = pipeline
        self.ledger = Ledger()
        self.summary = Summary(pipeline.source)
        self._objects = objects
        self._store = store
        self._records = self._written = 0
        # Where documents of other runs are, too, records of another log must not pass for the same ones again.
        self._run_id = run_id

    def run(self, lines: Iterable[ReadLine], lines_per_record: int) -> None:
        """Take all lines through the pipeline."""
        for batch in _batches(_records(self._accepted(lines), lines_per_record)):
            self._run_batch(batch)

    def _accepted(self, lines: Iterable[ReadLine]) -> Iterator[ReadLine]:
        for line in lines:
            if line.line.is_too_long:  # no producer could have put it
                self.ledger.failed += 1
                self.ledger.reasons[TOO_LONG] += 1
                self.summary.add_failed(line, TOO_LONG)
                continue
            self.summary.add(line)
            yield line

    def _run_batch(self, batch: Batch) -> None:
        records = self._stored(batch)
        event = make_event(f"local-{self._records}", LOCAL_STREAM_ARN, records)
        first, now = batch[0][0].arrival, batch[-1][-1].arrival
        answer, ledger = answer_batch(
            self.pipeline, self._deliver, event, lambda: TIME_LIMIT_SECONDS, now, bounds=NO_BOUNDS
        )
        self.ledger.add(ledger)
        for part in sort_results(records, event, answer["records"], now)[0]:
            self._objects.put(object_key(part.prefix, LOCAL_STREAM, first, self._unique), part.data)

    def _unique(self) -> uuid.UUID:
        self._written += 1
        return uuid.uuid5(_NAMES, str(self._written))

    def _deliver(self, deliveries: Iterable[Delivery], _: TimeLeft) -> None:
        self._store.put(iter_documents(deliveries))

    def _stored(self, batch: Batch) -> list[StoredRecord]:
        records = []
        for lines in batch:
            self._records += 1
            name = f"{self._run_id}{self._records:0{56 - len(self._run_id)}d}"
            data = b"".join([line.line.data for line in lines])
            records.append(StoredRecord(name, lines[-1].arrival, data))
        return records


def _records(lines: Iterable[ReadLine], lines_per_record: int) -> Iterator[list[ReadLine]]:
    record: list[ReadLine] = []
    size = 0
    for line in lines:
        size += len(line.line.data)
        if record and size > MAX_LINE_BYTES:  # which is also the most that a record may hold
            yield record
            record, size = [], len(line.line.data)
        record.append(line)
        # A last line without an end ends its record, so that it is never joined with another file's first.
        if len(record) >= lines_per_record or not line.line.data.endswith(b"\n"):
            yield record
            record, size = [], 0
    if record:
        yield record


def _is_full(size_bytes: int, records: int, lines: int) -> bool:
    """Whether records of that size are more than a batch holds. Very short ones are mostly JSON around them."""
    return size_bytes > BUFFER_BYTES or lines > BUFFER_LINES or event_bytes(size_bytes, records) > MAX_PAYLOAD_BYTES


def _batches(records: Iterable[list[ReadLine]]) -> Iterator[Batch]:
    batch: Batch = []
    size = lines = first = 0
    for record in records:
        arrival = record[-1].arrival
        size += sum(len(each.line.data) for each in record)
        lines += len(record)
        if batch and (_is_full(size, len(batch) + 1, lines) or abs(arrival - first) > BUFFER_MS):
            yield batch
            batch, lines = [], len(record)
            size = sum(len(each.line.data) for each in record)
        if not batch:
            first = arrival
        batch.append(record)
    if batch:
        yield batch
