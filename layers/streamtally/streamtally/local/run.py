"""The pipeline on one machine: log lines in Firehose-sized batches through the same code as the handler."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator

from streamtally.aws.clock import TimeLeft
from streamtally.aws.handlers.invocation import answer_batch
from streamtally.aws.sinks.objects import ObjectStore
from streamtally.formats.w3c_header import is_header
from streamtally.local.arrival import ReadLine
from streamtally.local.logs import MAX_LINE_BYTES
from streamtally.local.simulator.parts import Store, StoredRecord
from streamtally.local.simulator.s3_side import object_key
from streamtally.local.simulator.transformation import (
    MAX_PAYLOAD_BYTES,
    event_bytes,
    make_event,
    sort_results,
)
from streamtally.local.stream_names import INGESTION
from streamtally.local.summary import Summary
from streamtally.transform.bounds import NO_BOUNDS
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.records import to_text
from streamtally.transform.transform import Delivery, iter_documents

BUFFER_BYTES = 1_000_000
"""A batch is closed at this size (BufferSizeInMBs 1 of the Lambda processor), so that the response stays below 6 MB."""
BUFFER_MS = 900_000
"""A batch is closed when its records are this far apart: the longest BufferIntervalInSeconds."""
BUFFER_LINES = 50_000
"""A batch is closed at this many lines: an invocation reads a limited number, and here nothing can be re-ingested."""
DOCUMENTS_PER_PUT = 10_000
"""Documents are kept until this many can be stored at once: a put of a few dozen costs a store nearly as much."""
TIME_LIMIT_SECONDS = 300
TOO_LONG = "the line is longer than a record may be"

LOCAL_STREAM_ARN = f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{INGESTION}"
_NAMES = uuid.UUID("6f0cbb0e-5c0f-4d2f-9c07-0f6f4a7d9a11")  # our own namespace: the same run gives the same names

Batch = list[list[ReadLine]]
"""Records, each as a list of its lines."""


class LocalRun:
    """One run of a pipeline over lines, with the simulator's events, results and S3 side.

    Args:
        objects: the S3 side.
        run_id: part of all record ids; keeps records of different logs apart in a store that is kept.
    Attributes:
        ledger: of all batches.
        summary: what the table, chart and report show.
    """

    def __init__(self, pipeline: Pipeline, objects: ObjectStore, store: Store, run_id: str = "") -> None:
        self.pipeline = pipeline
        self.ledger = Ledger()
        self.summary = Summary(pipeline.source)
        self._objects = objects
        self._store = store
        self._documents: list[bytes] = []
        self._records = self._written = 0
        self._run_id = run_id

    def run(self, lines: Iterable[ReadLine], lines_per_record: int) -> None:
        """Run all lines through the pipeline, and store every document."""
        for batch in _batches(_records(self._accepted(lines), lines_per_record)):
            self._run_batch(batch)
        self._put()

    def _accepted(self, lines: Iterable[ReadLine]) -> Iterator[ReadLine]:
        for line in lines:
            if line.line.is_too_long:  # no producer could have sent it
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
        headers = {record.id: lines[0].header for record, lines in zip(records, batch, strict=True) if lines[0].header}
        answer, ledger = answer_batch(
            self.pipeline, self._deliver, event, lambda: TIME_LIMIT_SECONDS, now, bounds=NO_BOUNDS, headers=headers
        )
        self.ledger.add(ledger)
        for part in sort_results(records, event, answer["records"], now)[0]:
            self._objects.put(object_key(part.prefix, INGESTION, first, self._unique), part.data)

    def _unique(self) -> uuid.UUID:
        self._written += 1
        return uuid.uuid5(_NAMES, str(self._written))

    def _deliver(self, deliveries: Iterable[Delivery], _: TimeLeft) -> None:
        self._documents += iter_documents(deliveries)
        if len(self._documents) >= DOCUMENTS_PER_PUT:
            self._put()

    def _put(self) -> None:
        if self._documents:
            self._store.put(self._documents)
            self._documents = []

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
        # The limit of a line is also that of a record. A file's header never describes another file's lines.
        if record and (size > MAX_LINE_BYTES or _is_beyond_header(record[-1], line)):
            yield record
            record, size = [], len(line.line.data)
        record.append(line)
        # A last line without a line end closes its record, so that it is never joined to another file's first line.
        if len(record) >= lines_per_record or not line.line.data.endswith(b"\n"):
            yield record
            record, size = [], 0
    if record:
        yield record


def _is_beyond_header(last: ReadLine, line: ReadLine) -> bool:
    """Whether a header is in force after a line, and the next line is of another file."""
    return last.line.file != line.line.file and (bool(last.header) or is_header(to_text(last.line.data.rstrip())))


def _is_full(size_bytes: int, records: int, lines: int) -> bool:
    """Whether records are more than a batch takes. Very short records are mostly JSON overhead."""
    return size_bytes > BUFFER_BYTES or lines > BUFFER_LINES or event_bytes(size_bytes, records) > MAX_PAYLOAD_BYTES


def _batches(records: Iterable[list[ReadLine]]) -> Iterator[Batch]:
    batch: Batch = []
    size = lines = first = 0
    for record in records:
        arrival = record[-1].arrival
        size += sum(len(line.line.data) for line in record)
        lines += len(record)
        if batch and (_is_full(size, len(batch) + 1, lines) or abs(arrival - first) > BUFFER_MS):
            yield batch
            batch, lines = [], len(record)
            size = sum(len(line.line.data) for line in record)
        if not batch:
            first = arrival
        batch.append(record)
    if batch:
        yield batch
