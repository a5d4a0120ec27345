"""Delivery of a stream's batches to its sink, with retries until the retry duration is over.

Source: Amazon Data Firehose developer guide, "Configure destination settings for OpenSearch", "Handle data delivery
failures".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from streamtally.errors import SinkError
from streamtally.local.simulator.journal import Journal
from streamtally.local.simulator.parts import ForS3, Refusal, Sink, StoredRecord, StreamSettings
from streamtally.local.simulator.s3_side import OPENSEARCH_FAILED, refused_line

FIRST_RETRY_MS, LONGEST_RETRY_MS = 1_000, 30_000
DESTINATION = "DeliveryToAmazonOpenSearchService"


@dataclass(slots=True)
class _Delivery:
    """A batch on its way to a sink."""

    records: Sequence[StoredRecord]
    """Those that the sink has not accepted or rejected yet."""
    since_ms: int
    attempts: int = 0
    next_ms: int = 0
    refused: list[tuple[StoredRecord, Refusal]] = field(default_factory=list)


class DocumentDelivery:
    """Delivers batches to a sink. After a restart a batch is delivered again, under the same ids."""

    def __init__(self, settings: StreamSettings, journal: Journal, sink: Sink) -> None:
        self._settings = settings
        self._journal = journal
        self._sink = sink
        self._deliveries: dict[int, _Delivery] = {}

    def deliver(self, batch: int, now_ms: int) -> None:
        """Try a batch if it is due. When it is done, its rejected documents go to the error prefix."""
        delivery = self._deliveries.get(batch)
        if delivery is None:
            delivery = self._deliveries[batch] = _Delivery(self._journal.records(batch), now_ms)
        if now_ms < delivery.next_ms:
            return
        self._try(delivery)
        is_over = now_ms - delivery.since_ms >= self._settings.retry_ms
        if delivery.records and not is_over:
            pause = min(FIRST_RETRY_MS * 2 ** min(delivery.attempts, 10), LONGEST_RETRY_MS)
            delivery.next_ms = now_ms + pause
            return
        index, attempts = self._sink.index, delivery.attempts
        lines = [refused_line(record, refusal, index, attempts, now_ms) for record, refusal in delivery.refused]
        counts = Counter({f"{DESTINATION}.Success": 1, "BackupToS3.Records": len(lines)})
        outbox = [ForS3(OPENSEARCH_FAILED, len(lines), b"".join(lines))] if lines else []
        self._journal.finish(self._settings.name, batch, outbox, now_ms, counts)
        del self._deliveries[batch]

    def _try(self, delivery: _Delivery) -> None:
        delivery.attempts += 1
        try:
            refusals = self._sink.write(delivery.records)
        except SinkError as error:
            refusals = [Refusal(position, 0, str(error)) for position in range(len(delivery.records))]
        taken = len(delivery.records) - len(refusals)
        with self._journal.transaction():
            self._journal.count(self._settings.name, {f"{DESTINATION}.Records": taken})
        again: list[StoredRecord] = []
        refused = [(record, refusal) for record, refusal in delivery.refused if not refusal.is_transient]
        for refusal in refusals:
            record = delivery.records[refusal.position]
            refused.append((record, refusal))
            if refusal.is_transient:
                again.append(record)
        delivery.records, delivery.refused = again, refused
