"""A delivery stream: buffering, the transformation with its retries, and what becomes of each record.

Time is an argument everywhere, so a test can let hours pass.
Source: Amazon Data Firehose developer guide, "Transform source data", "Handle data delivery failures", "Configure
Amazon S3 object name format", "Configure destination settings for OpenSearch"; API reference, PutRecordBatch.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

import pybase64

from streamtally.answer import DROPPED, FAILED, OK
from streamtally.aws.objects import ObjectStore
from streamtally.errors import SinkError
from streamtally.local.simulator.journal import Journal, StoredRecord, Waiting

MAX_PAYLOAD_BYTES = 6_291_556
"""Lambda's limit of a synchronous request, and of its response."""
OVERHEAD_BYTES = 160  # of a record in the event beside its data
LAMBDA_ARN = "arn:aws:lambda:us-east-1:123456789012:function:firehose-transform"
PROCESSING_FAILED = "processing-failed/"
OPENSEARCH_FAILED = "AmazonOpenSearchService_failed/"
FIRST_RETRY_MS, LONGEST_RETRY_MS = 1_000, 30_000

Function = Callable[[dict[str, Any]], Any]
"""The transformation: an event → its answer. Raises whatever it raises; FunctionTimedOutError if it took too long."""


class FunctionTimedOutError(Exception):
    """The function did not answer in its time; what it did, it has done."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that was not taken, by its position."""

    position: int
    status: int
    reason: str

    @property
    def is_transient(self) -> bool:
        """Whether Firehose tries it again: throttled, forbidden for now, or the server's own trouble."""
        return self.status in (0, 403, 429) or self.status >= 500


class Sink(Protocol):
    """Where documents go. ``index`` is what the error lines name."""

    index: str

    def write(self, records: Sequence[StoredRecord]) -> list[Refusal]:
        """Write documents; what was refused. Raises: SinkError: nothing was taken, or nobody knows."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """What a delivery stream is told; sizes in bytes, times in ms, with Firehose's defaults.

    buffer_*: of the Lambda processor, or of the OpenSearch destination; s3_*: of the S3 side.
    """

    name: str
    buffer_bytes: int = 1_000_000
    buffer_ms: int = 60_000
    s3_bytes: int = 5 * 2**20
    s3_ms: int = 300_000
    retries: int = 3
    retry_ms: int = 300_000

    @property
    def arn(self) -> str:
        return f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{self.name}"


@dataclass(slots=True)
class _Delivery:
    """A batch on its way to a sink: what of it is still to be taken."""

    records: list[StoredRecord]
    since_ms: int
    attempts: int = 0
    next_ms: int = 0
    refused: list[tuple[StoredRecord, Refusal]] = field(default_factory=list)


class DeliveryStream:
    """One delivery stream. With a function its results go to S3; with a sink its records go there."""

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
        self._objects = objects
        self._function = function
        self._sink = sink
        self._deliveries: dict[int, _Delivery] = {}

    def put(self, records: Sequence[bytes], now_ms: int, counts: Mapping[str, float]) -> list[str]:
        """Take records; when this returns, they are kept. Returns: their ids."""
        chunks: list[list[bytes]] = [[]]
        size = cost = 0
        for record in records:
            size += len(record)
            cost += self._cost(len(record))
            if chunks[-1] and (size > self.settings.buffer_bytes or cost > self._room):
                chunks.append([])
                size, cost = len(record), self._cost(len(record))
            chunks[-1].append(record)
        more = {"IncomingRecords": len(records), "IncomingBytes": sum(map(len, records))}
        return self._journal.append(self.settings.name, filter(None, chunks), now_ms, {**counts, **more})

    def step(self, now_ms: int, flush: bool = False) -> None:
        """Do what is due; with ``flush``, also what would wait for more."""
        self._form_batches(now_ms, flush)
        for batch in self._journal.batches(self.settings.name):
            if self._function:
                self._transform(batch, now_ms)
            elif self._sink:
                self._deliver(batch, now_ms)
        self._write_objects(now_ms, flush)

    @property
    def is_idle(self) -> bool:
        """Whether everything that was put has been delivered somewhere."""
        name = self.settings.name
        outbox = _one(self._journal, "SELECT count(*) FROM outbox WHERE stream = ?", name)
        return not self._journal.waiting(name) and not self._journal.batches(name) and not outbox

    def counters(self) -> dict[str, float]:
        return self._journal.counters(self.settings.name)

    # --- batches

    @property
    def _room(self) -> int:
        return MAX_PAYLOAD_BYTES - 1_000 if self._function else 2**62

    def _cost(self, size: int) -> int:
        return (size + 2) // 3 * 4 + OVERHEAD_BYTES

    def _form_batches(self, now_ms: int, flush: bool) -> None:
        waiting = self._journal.waiting(self.settings.name)
        while waiting:
            taken = self._fill(waiting)
            is_old = waiting[0].arrival_ms <= now_ms - self.settings.buffer_ms
            if len(taken) == len(waiting) and not (flush or is_old or self._is_full(taken)):
                return
            self._journal.make_batch(self.settings.name, taken)
            waiting = waiting[len(taken) :]

    def _is_full(self, rows: Sequence[Waiting]) -> bool:
        return sum(row.size for row in rows) >= self.settings.buffer_bytes

    def _fill(self, waiting: Sequence[Waiting]) -> Sequence[Waiting]:
        """The first rows that fill a buffer and still fit into a request."""
        size = cost = 0
        for place, row in enumerate(waiting):
            size += row.size
            cost += self._cost(row.size) + row.records * OVERHEAD_BYTES
            if place and (cost > self._room or size > self.settings.buffer_bytes):
                return waiting[:place]
        return waiting

    # --- the transformation

    def _transform(self, batch: int, now_ms: int) -> None:
        records = self._journal.records(batch)
        event = self._event(batch, records)
        counts: Counter[str] = Counter()
        error = ("Lambda.FunctionError", "the function was not called")
        for _ in range(self.settings.retries + 1):
            answer, error = self._invoke(event)
            counts["ExecuteProcessing.Invocations"] += 1
            if answer is not None:
                counts["ExecuteProcessing.Success"] += 1
                outbox, more = self._sort_results(records, event, answer, now_ms)
                self._journal.finish(self.settings.name, batch, outbox, now_ms, counts + more)
                return
        attempts = self.settings.retries + 1
        lines = [
            processing_failed_line(each, raw["data"], attempts, *error, now_ms)
            for each, raw in zip(records, event["records"], strict=True)
        ]
        outbox = [(PROCESSING_FAILED, len(lines), b"".join(lines))]
        self._journal.finish(self.settings.name, batch, outbox, now_ms, counts)

    def _event(self, batch: int, records: Sequence[StoredRecord]) -> dict[str, Any]:
        made = [
            {
                "recordId": record.id,
                "approximateArrivalTimestamp": record.arrival_ms,
                "data": pybase64.b64encode_as_string(record.data),
            }
            for record in records
        ]
        invocation = f"{self._journal.origin}-{batch}"
        return {
            "invocationId": invocation,
            "deliveryStreamArn": self.settings.arn,
            "region": "us-east-1",
            "records": made,
        }

    def _invoke(self, event: dict[str, Any]) -> tuple[dict[str, Any] | None, tuple[str, str]]:
        """One call, as JSON both ways: (the answer, or None; the error's code and message)."""
        request = json.dumps(event)
        if len(request) > MAX_PAYLOAD_BYTES:
            return None, ("Lambda.InvokeLimitExceeded", f"the request has {len(request)} bytes")
        function = self._function or _no_function
        try:
            text = json.dumps(function(json.loads(request)))
        except FunctionTimedOutError as error:
            return None, ("Lambda.FunctionTimedOutError", str(error) or "the function timed out")
        except Exception as error:
            return None, ("Lambda.FunctionError", f"{type(error).__name__}: {error}")
        if len(text) > MAX_PAYLOAD_BYTES:
            return None, ("Lambda.FunctionError", f"the response of {len(text)} bytes exceeds the maximum")
        answer = json.loads(text)
        if not isinstance(answer, dict) or not isinstance(answer.get("records"), list):
            return None, ("Lambda.JsonProcessingException", "the answer is no object with a list of records")
        return answer, ("", "")

    def _sort_results(
        self, records: Sequence[StoredRecord], event: dict[str, Any], answer: dict[str, Any], now_ms: int
    ) -> tuple[list[tuple[str, int, bytes]], Counter[str]]:
        """Every record by what it is answered; one that is not answered exactly once has failed."""
        found: dict[str, list[Any]] = {}
        for each in answer["records"]:
            found.setdefault(each.get("recordId"), []).append(each)
        delivered: list[bytes] = []
        failed: list[bytes] = []
        counts: Counter[str] = Counter()
        for record, raw in zip(records, event["records"], strict=True):
            result, data, error = _read_result(found.get(record.id, []))
            counts["SucceedProcessing.Records"] += result == OK
            counts["DroppedByProcessing.Records"] += result == DROPPED
            if result == OK:
                counts["SucceedProcessing.Bytes"] += len(record.data)
                delivered.append(data)
            elif result == FAILED:
                failed.append(processing_failed_line(record, raw["data"], 1, *error, now_ms))
        parts = (("", delivered), (PROCESSING_FAILED, failed))
        return [(prefix, len(data), b"".join(data)) for prefix, data in parts if data], counts

    # --- documents

    def _deliver(self, batch: int, now_ms: int) -> None:
        delivery = self._deliveries.get(batch)
        if delivery is None:
            delivery = self._deliveries[batch] = _Delivery(self._journal.records(batch), now_ms)
        if now_ms < delivery.next_ms:
            return
        self._try(delivery)
        is_over = now_ms - delivery.since_ms >= self.settings.retry_ms
        if delivery.records and not is_over:
            pause = min(FIRST_RETRY_MS * 2 ** min(delivery.attempts, 10), LONGEST_RETRY_MS)
            delivery.next_ms = now_ms + pause
            return
        lines = [self._refused_line(record, refusal, delivery, now_ms) for record, refusal in delivery.refused]
        taken = Counter({"DeliveryToAmazonOpenSearchService.Success": 1, "BackupToS3.Records": len(lines)})
        outbox = [(OPENSEARCH_FAILED, len(lines), b"".join(lines))] if lines else []
        self._journal.finish(self.settings.name, batch, outbox, now_ms, taken)
        del self._deliveries[batch]

    def _try(self, delivery: _Delivery) -> None:
        delivery.attempts += 1
        try:
            refusals = self._sink.write(delivery.records) if self._sink else []
        except SinkError as error:
            refusals = [Refusal(place, 0, str(error)) for place in range(len(delivery.records))]
        count = len(delivery.records) - len(refusals)
        with self._journal.transaction():
            self._journal.count(self.settings.name, {"DeliveryToAmazonOpenSearchService.Records": count})
        again, refused = [], [each for each in delivery.refused if not each[1].is_transient]
        for refusal in refusals:
            record = delivery.records[refusal.position]
            refused.append((record, refusal))
            if refusal.is_transient:
                again.append(record)
        delivery.records, delivery.refused = again, refused

    def _refused_line(self, record: StoredRecord, refusal: Refusal, delivery: _Delivery, now_ms: int) -> bytes:
        line = {
            "attemptsMade": delivery.attempts,
            "arrivalTimestamp": record.arrival_ms,
            "errorCode": str(refusal.status),
            "errorMessage": refusal.reason,
            "attemptEndingTimestamp": now_ms,
            "esDocumentId": record.id,
            "esIndexName": self._sink.index if self._sink else "",
            "esTypeName": "",
            "rawData": pybase64.b64encode_as_string(record.data),
        }
        return json.dumps(line).encode() + b"\n"

    # --- S3

    def _write_objects(self, now_ms: int, flush: bool) -> None:
        sql = "SELECT prefix, min(since_ms), sum(length(data)) FROM outbox WHERE stream = ? GROUP BY prefix"
        with self._journal.transaction() as database:
            due = database.execute(sql, [self.settings.name]).fetchall()
        for prefix, since_ms, size in due:
            if flush or size >= self.settings.s3_bytes or since_ms <= now_ms - self.settings.s3_ms:
                self._write_object(prefix, since_ms, now_ms)

    def _write_object(self, prefix: str, since_ms: int, now_ms: int) -> None:
        """One object with what waits; its key is kept first, so that a crash makes no twin."""
        name = self.settings.name
        where = "stream = ? AND prefix = ?"
        key = object_key(prefix, name, since_ms)
        with self._journal.transaction() as database:
            database.execute(f"UPDATE outbox SET object = ? WHERE {where} AND object IS NULL", [key, name, prefix])  # noqa: S608
            sql = f"SELECT object, data, id, records FROM outbox WHERE {where} ORDER BY object, id"  # noqa: S608
            rows = database.execute(sql, [name, prefix]).fetchall()
        for key in sorted({row[0] for row in rows}):
            mine = [row for row in rows if row[0] == key]
            data = b"".join(row[1] for row in mine)
            try:
                self._objects.put(key, data)
            except SinkError:
                return  # tried again at the next step, under the same key
            counts = {"DeliveryToS3.Success": 1, "DeliveryToS3.Bytes": len(data), "DeliveryToS3.Objects": 1}
            counts["DeliveryToS3.Records"] = sum(row[3] for row in mine)
            with self._journal.transaction() as database:
                database.executemany("DELETE FROM outbox WHERE id = ?", [(row[2],) for row in mine])
                self._journal.count(name, counts if not prefix else {"BackupToS3.Success": 1})


def _no_function(_: dict[str, Any]) -> Any:
    raise SinkError("the stream has no function")


def _read_result(answers: Sequence[Any]) -> tuple[str, bytes, tuple[str, str]]:
    """(result, data, error) of a record's answers."""
    if len(answers) != 1:
        how = "no" if not answers else f"{len(answers)} answers for a"
        return FAILED, b"", ("Lambda.MissingRecordId", f"{how} record with this id came back")
    result = answers[0].get("result")
    if result == FAILED:
        return FAILED, b"", ("Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record")
    if result == DROPPED:
        return DROPPED, b"", ("", "")
    try:
        if result == OK:
            return OK, pybase64.b64decode(answers[0]["data"], validate=True), ("", "")
    except (KeyError, ValueError, TypeError):
        pass
    return FAILED, b"", ("Lambda.JsonProcessingException", f"result {result!r} or its data cannot be used")


def processing_failed_line(
    record: StoredRecord, raw: str, attempts: int, code: str, message: str, now_ms: int
) -> bytes:
    """A line of an object under ``processing-failed/``."""
    line = {
        "attemptsMade": attempts,
        "arrivalTimestamp": record.arrival_ms,
        "errorCode": code,
        "errorMessage": message[:1000],
        "attemptEndingTimestamp": now_ms,
        "rawData": raw,
        "lambdaArn": LAMBDA_ARN,
    }
    return json.dumps(line).encode() + b"\n"


def object_key(prefix: str, stream: str, at_ms: int) -> str:
    """``<prefix>YYYY/MM/dd/HH/<stream>-<version>-yyyy-MM-dd-HH-mm-ss-<uuid>``, UTC."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{prefix}{at:%Y/%m/%d/%H}/{stream}-1-{at:%Y-%m-%d-%H-%M-%S}-{uuid4()}"


def _one(journal: Journal, sql: str, *values: object) -> int:
    with journal.transaction() as database:
        return int(database.execute(sql, values).fetchone()[0])
