"""The pipeline on a laptop: log lines through Firehose-like batches and the very code of the handler."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import pybase64

from streamtally.answer import FAILED, OK
from streamtally.aws.transform import answer_batch
from streamtally.ledger import Ledger
from streamtally.local.arrival import ReadLine
from streamtally.local.bucket import FolderBucket
from streamtally.local.summary import Summary
from streamtally.pipeline import Delivery, Pipeline, iter_documents

BUFFER_BYTES = 1_000_000
"""A batch is closed at this size: BufferSizeInMBs 1 of the Lambda processor, so that the answer stays under 6 MB."""
BUFFER_MS = 900_000
"""… or when its records are this far apart: the longest BufferIntervalInSeconds."""
TIME_LIMIT_SECONDS = 300
TOO_LONG = "the line is longer than a record may be"

LOCAL_STREAM_ARN = "arn:aws:firehose:us-east-1:123456789012:deliverystream/log-ingestion-stream"

Batch = list[list[ReadLine]]
"""Records, each as the lines that are in it."""


class Store(Protocol):
    """Where the second stream ends."""

    def put(self, documents: Iterable[bytes]) -> None:
        """Keep documents; one with an id that is there already replaces it."""


class LocalRun:
    """One run of a pipeline over lines.

    Attributes: ledger: the account of all batches; summary: what the table, chart and report show.
    """

    def __init__(self, pipeline: Pipeline, bucket: FolderBucket, store: Store, run_id: str = "") -> None:
        self.pipeline = pipeline
        self.ledger = Ledger()
        self.summary = Summary(pipeline.source)
        self._bucket = bucket
        self._store = store
        self._records = 0
        # Where documents of other runs are, too, records of another log must not pass for the same ones again.
        self._run_id = run_id

    def run(self, lines: Iterable[ReadLine], lines_per_record: int) -> None:
        """Take all lines through the pipeline."""
        for batch in _batches(_records(self._accepted(lines), lines_per_record)):
            self._run_batch(batch)

    def _accepted(self, lines: Iterable[ReadLine]) -> Iterator[ReadLine]:
        for each in lines:
            if each.line.is_too_long:  # no producer could have put it
                self.ledger.failed += 1
                self.ledger.reasons[TOO_LONG] += 1
                self.summary.add_failed(each, TOO_LONG)
                continue
            self.summary.add(each)
            yield each

    def _run_batch(self, batch: Batch) -> None:
        event = self._event(batch)
        now = batch[-1][-1].arrival
        answer, ledger = answer_batch(self.pipeline, self._deliver, event, TIME_LIMIT_SECONDS, now)
        self.ledger.add(ledger)
        delivered = [pybase64.b64decode(each["data"]) for each in answer["records"] if each["result"] == OK]
        first = batch[0][0].arrival
        self._bucket.write_lines(b"".join(delivered), first)
        answered = zip(batch, event["records"], answer["records"], strict=True)
        failed = [(lines[0].arrival, raw["data"]) for lines, raw, each in answered if each["result"] == FAILED]
        self._bucket.write_failed(failed, first)

    def _deliver(self, deliveries: Iterable[Delivery], _: float) -> None:
        self._store.put(iter_documents(deliveries))

    def _event(self, batch: Batch) -> dict[str, Any]:
        records = []
        for lines in batch:
            self._records += 1
            data = b"".join(each.line.data for each in lines) if len(lines) > 1 else lines[0].line.data
            records.append(
                {
                    "recordId": f"{self._run_id}{self._records:0{56 - len(self._run_id)}d}",
                    "approximateArrivalTimestamp": lines[-1].arrival,
                    "data": pybase64.b64encode_as_string(data),
                }
            )
        return {
            "invocationId": f"local-{self._records}",
            "deliveryStreamArn": LOCAL_STREAM_ARN,
            "region": "us-east-1",
            "records": records,
        }


def _records(lines: Iterable[ReadLine], lines_per_record: int) -> Iterator[list[ReadLine]]:
    record: list[ReadLine] = []
    for each in lines:
        record.append(each)
        # A last line without an end ends its record, so that it is never joined with another file's first.
        if len(record) >= lines_per_record or not each.line.data.endswith(b"\n"):
            yield record
            record = []
    if record:
        yield record


def _batches(records: Iterable[list[ReadLine]]) -> Iterator[Batch]:
    batch: Batch = []
    size = first = 0
    for record in records:
        arrival = record[-1].arrival
        bytes_more = sum(len(each.line.data) for each in record)
        if batch and (size + bytes_more > BUFFER_BYTES or abs(arrival - first) > BUFFER_MS):
            yield batch
            batch, size = [], 0
        if not batch:
            first = arrival
        batch.append(record)
        size += bytes_more
    if batch:
        yield batch
