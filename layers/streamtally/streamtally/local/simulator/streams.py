"""A delivery stream: buffering, the transformation with its retries, and the delivery of each record.

Time is an argument everywhere, so that tests can let hours pass.
Source: Amazon Data Firehose developer guide, "Transform source data"; API reference, PutRecordBatch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from streamtally.aws.sinks.objects import ObjectStore
from streamtally.local.simulator.document_delivery import DocumentDelivery
from streamtally.local.simulator.journal import Journal, Waiting
from streamtally.local.simulator.parts import Function, Sink, StreamSettings
from streamtally.local.simulator.s3_side import S3Side
from streamtally.local.simulator.transformation import (
    MAX_PAYLOAD_BYTES,
    all_failed,
    event_bytes,
    invoke,
    make_event,
    sort_results,
)


class DeliveryStream:
    """One delivery stream. With a function, its results go to S3; with a sink, its records go to the sink."""

    def __init__(
        self,
        settings: StreamSettings,
        journal: Journal,
        objects: ObjectStore,
        function: Function | None = None,
        sink: Sink | None = None,
    ) -> None:
        self.settings = settings
        self._journal = journal
        self._function = function
        self._documents = DocumentDelivery(settings, journal, sink) if sink else None
        self._s3_side = S3Side(settings, journal, objects)

    def put(self, records: Sequence[bytes], now_ms: int, counts: Mapping[str, float]) -> list[str]:
        """Accept records; when this returns, they are stored. Returns: their ids."""
        size = sum(map(len, records))
        more = {"IncomingRecords": len(records), "IncomingBytes": size}
        return self._journal.append(self.settings.name, self._chunks(records, size), now_ms, {**counts, **more})

    def step(self, now_ms: int, flush: bool = False) -> None:
        """Do what is due; with ``flush``, do not wait for buffers to fill."""
        self._form_batches(now_ms, flush)
        for batch in self._journal.batches(self.settings.name):
            if self._function:
                self._transform(self._function, batch, now_ms)
            elif self._documents:
                self._documents.deliver(batch, now_ms)
            self._s3_side.write_due(now_ms, flush=False)
        self._s3_side.write_due(now_ms, flush)

    @property
    def is_idle(self) -> bool:
        """Whether everything that was accepted has been delivered."""
        name, journal = self.settings.name, self._journal
        return not (journal.waiting(name) or journal.batches(name) or journal.prefixes(name))

    def destination(self) -> dict[str, Any]:
        """The destination in DescribeDeliveryStream, as far as the simulator resembles AWS."""
        description: dict[str, Any] = {}
        if self._documents:
            settings = self.settings
            description["AmazonopensearchserviceDestinationDescription"] = {
                "BufferingHints": {"IntervalInSeconds": -(-settings.buffer_ms // 1000)},
                "RetryOptions": {"DurationInSeconds": settings.retry_ms // 1000},
                "S3BackupMode": "FailedDocumentsOnly",
                "S3DestinationDescription": {"BufferingHints": {"IntervalInSeconds": -(-settings.s3_ms // 1000)}},
            }
        return description

    def counters(self) -> dict[str, float]:
        return self._journal.counters(self.settings.name)

    # --- batches

    def _chunks(self, records: Sequence[bytes], size: int) -> list[list[bytes]]:
        """Split records into rows that each fit into one buffer and one request."""
        limit_bytes, room = self.settings.buffer_bytes, self._room
        if size <= limit_bytes and event_bytes(size, len(records)) <= room:
            return [list(records)] if records else []
        chunks: list[list[bytes]] = [[]]
        size = 0
        for record in records:
            size += len(record)
            if chunks[-1] and (size > limit_bytes or event_bytes(size, len(chunks[-1]) + 1) > room):
                chunks.append([])
                size = len(record)
            chunks[-1].append(record)
        return chunks

    @property
    def _room(self) -> int:
        return MAX_PAYLOAD_BYTES if self._function else 2**62

    def _form_batches(self, now_ms: int, flush: bool) -> None:
        waiting = self._journal.waiting(self.settings.name)
        while waiting:
            rows = self._fill(waiting)
            is_old = waiting[0].arrival_ms <= now_ms - self.settings.buffer_ms
            if len(rows) == len(waiting) and not (flush or is_old or self._is_full(rows)):
                return
            self._journal.make_batch(self.settings.name, rows)
            waiting = waiting[len(rows) :]

    def _is_full(self, rows: Sequence[Waiting]) -> bool:
        return sum(row.size for row in rows) >= self.settings.buffer_bytes

    def _fill(self, waiting: Sequence[Waiting]) -> Sequence[Waiting]:
        """The first rows that fill a buffer and still fit into a request."""
        size = count = 0
        for index, row in enumerate(waiting):
            size += row.size
            count += row.records
            if index and (event_bytes(size, count) > self._room or size > self.settings.buffer_bytes):
                return waiting[:index]
        return waiting

    # --- the transformation

    def _transform(self, function: Function, batch: int, now_ms: int) -> None:
        name, journal = self.settings.name, self._journal
        records = journal.records(batch)
        event = make_event(f"{journal.origin}-{batch}", self.settings.arn, records)
        error = ("Lambda.FunctionError", "the function was not called")
        for attempt in range(1, self.settings.retries + 2):
            answers, error = invoke(function, event)
            if answers is not None:
                outbox, counts = sort_results(records, event, answers, now_ms)
                calls = {"ExecuteProcessing.Invocations": attempt, "ExecuteProcessing.Success": 1}
                journal.finish(name, batch, outbox, now_ms, counts + Counter(calls))
                return
        calls = {"ExecuteProcessing.Invocations": attempt}
        journal.finish(name, batch, all_failed(event, attempt, error, now_ms), now_ms, calls)
