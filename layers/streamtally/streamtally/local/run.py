"""The pipeline on one machine: log lines in Firehose-sized batches through the same code as the handler."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from streamtally.aws.sinks.objects import ObjectStore
from streamtally.formats.w3c_header import is_header
from streamtally.local.arrival import ReadLine
from streamtally.local.batch_work import (
    TOO_LONG,
    BatchResult,
    Transformed,
    make_records,
    record_name,
    transform_records,
)
from streamtally.local.logs import MAX_LINE_BYTES
from streamtally.local.raw_batches import BUFFER_BYTES, BUFFER_LINES, Cutter, RawLog, is_full
from streamtally.local.simulator.parts import Store, StoredRecord
from streamtally.local.simulator.s3_side import object_key
from streamtally.local.stream_names import INGESTION
from streamtally.local.summary import Summary
from streamtally.local.team import Team
from streamtally.transform.ledger import PYTHON, Ledger
from streamtally.transform.payload_lines import to_text
from streamtally.transform.pipeline import Pipeline

__all__ = ["BUFFER_BYTES", "BUFFER_LINES", "LocalRun"]

BUFFER_MS = 900_000
"""The lines of one object of Firehose are this far apart: the longest BufferIntervalInSeconds."""
DOCUMENTS_PER_PUT = 3_000
"""Documents are kept until this many can be stored at once: a put of a few dozen costs a store nearly as much,
and one of many more holds their text several times."""
LOCAL_STREAM_ARN = f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{INGESTION}"
_NAMES = uuid.UUID("6f0cbb0e-5c0f-4d2f-9c07-0f6f4a7d9a11")  # our own namespace: the same run gives the same names

Batch = list[list[ReadLine]]
"""Records, each as a list of its lines."""


class LocalRun:
    """One run of a pipeline over lines, with the simulator's events, results and S3 side.

    Args:
        objects: the S3 side.
        run_id: part of all record ids; keeps records of different logs apart in a store that is kept.
        is_live: whether the summary is shown while the run goes on, with its last hour by minute.
    Attributes:
        ledger: of all batches.
        summary: what the table, chart and report show.
    """

    def __init__(
        self, pipeline: Pipeline, objects: ObjectStore, store: Store, run_id: str = "", *, is_live: bool = False
    ) -> None:
        self.pipeline = pipeline
        self.ledger = Ledger()
        self.summary = Summary(pipeline.source, keeps_minutes=is_live)
        self._objects = objects
        self._store = store
        self._documents: list[bytes] = []
        self._records = self._written = 0
        self._run_id = run_id

    def run(self, lines: Iterable[ReadLine], lines_per_record: int) -> None:
        """Run lines that are read already through the pipeline, and store every document."""
        for batch in _batches(_records(self._accepted(lines), lines_per_record)):
            self._run_batch(batch)
        self.put()

    def run_logs(self, logs: Iterable[RawLog], lines_per_record: int, team: Team) -> None:
        """Run logs through the pipeline, and store every document. What is stored does not depend on the team.

        Raises: SettingsError: a log cannot be read; WorkerError: a process of the team died.
        """
        batches = Cutter(self.pipeline.source, lines_per_record).cut(logs)
        for result in team.work(batches):
            self.merge(result)
        self.put()

    def merge(self, result: BatchResult) -> None:
        """Take in what a batch came to, after all before it."""
        self.summary.merge(result.summary)
        if result.too_long:
            self.ledger.add(Ledger(failed=result.too_long, reasons=Counter({TOO_LONG: result.too_long})))
        if result.transformed is not None:
            self._keep(result.transformed, result.first, result.reach)

    def _keep(self, transformed: Transformed, first: int, reach: tuple[int, int]) -> None:
        self.ledger.add(transformed.ledger)
        self.ledger.ways[transformed.ledger.way or PYTHON] += 1
        self._documents += transformed.documents
        if len(self._documents) >= DOCUMENTS_PER_PUT:
            self.put()
        for part in transformed.parts:
            self._objects.put(self._key(part.prefix, first, reach), part.data)

    def _key(self, prefix: str, first: int, reach: tuple[int, int]) -> str:
        """An object's key: Firehose's own, unless its lines are further apart than those of an object of Firehose.

        The name of such an object says no hour, since what looks for the lines of some hours goes by that.
        """
        if reach[1] - reach[0] <= BUFFER_MS:
            return object_key(prefix, INGESTION, first, self._unique)
        return f"{prefix}{datetime.fromtimestamp(first // 1000, UTC):%Y/%m/%d}/{INGESTION}-1-{self._unique()}"

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
        stored = self._stored(batch)
        records = make_records(
            [record.id for record in stored],
            [record.arrival_ms for record in stored],
            [record.data for record in stored],
            [lines[0].header for lines in batch],
        )
        arrivals = [line.arrival for lines in batch for line in lines]
        transformed = transform_records(self.pipeline, records, arrivals[-1])
        self._keep(transformed, arrivals[0], (min(arrivals), max(arrivals)))

    def _unique(self) -> uuid.UUID:
        self._written += 1
        return uuid.uuid5(_NAMES, str(self._written))

    def put(self) -> None:
        """Store the documents that are kept until there are enough of them."""
        if self._documents:
            self._store.put(self._documents)
            self._documents = []

    def _stored(self, batch: Batch) -> list[StoredRecord]:
        records = []
        for lines in batch:
            self._records += 1
            name = record_name(self._run_id, self._records)
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


def _batches(records: Iterable[list[ReadLine]]) -> Iterator[Batch]:
    batch: Batch = []
    size = lines = 0
    for record in records:
        size += sum(len(line.line.data) for line in record)
        lines += len(record)
        if batch and is_full(size, len(batch) + 1, lines):
            yield batch
            batch, lines = [], len(record)
            size = sum(len(line.line.data) for line in record)
        batch.append(record)
    if batch:
        yield batch
