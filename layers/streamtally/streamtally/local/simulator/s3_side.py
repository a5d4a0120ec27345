"""The S3 side of a delivery stream: object names, and the lines of error objects.

Source: Amazon Data Firehose developer guide, "Configure Amazon S3 object name format", "Handle data delivery failures".
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pybase64

from streamtally.aws.sinks.objects import ObjectStore
from streamtally.errors import SinkError
from streamtally.local.simulator.journal import Journal
from streamtally.local.simulator.parts import Refusal, StoredRecord, StreamSettings

LAMBDA_ARN = "arn:aws:lambda:us-east-1:123456789012:function:firehose-transform"
PROCESSING_FAILED = "processing-failed/"
OPENSEARCH_FAILED = "AmazonOpenSearchService_failed/"
LOG_AGAIN_MS = 60_000
STATUS_FAILED = ("Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record")


log = logging.getLogger(__name__)


def object_key(prefix: str, stream: str, time_ms: int, unique: Callable[[], UUID] = uuid4) -> str:
    """``<prefix>YYYY/MM/dd/HH/<stream>-<version>-yyyy-MM-dd-HH-mm-ss-<uuid>``, UTC."""
    time = datetime.fromtimestamp(time_ms // 1000, UTC)
    return f"{prefix}{time:%Y/%m/%d/%H}/{stream}-1-{time:%Y-%m-%d-%H-%M-%S}-{unique()}"


def processing_failed_line(arrival_ms: int, raw: str, attempts: int, error: tuple[str, str], now_ms: int) -> bytes:
    """A line of an object under ``processing-failed/``.

    Args:
        arrival_ms: in ms since the epoch.
        raw: the record's data in base64.
        error: its code and message.
        now_ms: when the last attempt ended, in ms since the epoch.
    """
    code, message = error
    line = {
        "attemptsMade": attempts,
        "arrivalTimestamp": arrival_ms,
        "errorCode": code,
        "errorMessage": message[:1000],
        "attemptEndingTimestamp": now_ms,
        "rawData": raw,
        "lambdaArn": LAMBDA_ARN,
    }
    return json.dumps(line).encode() + b"\n"


def refused_line(record: StoredRecord, refusal: Refusal, index: str, attempts: int, now_ms: int) -> bytes:
    """A line of an object under ``AmazonOpenSearchService_failed/``."""
    line = {
        "attemptsMade": attempts,
        "arrivalTimestamp": record.arrival_ms,
        "errorCode": str(refusal.status),
        "errorMessage": refusal.reason,
        "attemptEndingTimestamp": now_ms,
        "esDocumentId": record.id,
        "esIndexName": index,
        "esTypeName": "",
        "rawData": pybase64.b64encode_as_string(record.data),
    }
    return json.dumps(line).encode() + b"\n"


class S3Side:
    """Writes what waits in a stream's outbox, when the buffer size or interval is reached."""

    def __init__(self, settings: StreamSettings, journal: Journal, objects: ObjectStore) -> None:
        self._settings = settings
        self._journal = journal
        self._objects = objects
        self._logged_ms = -LOG_AGAIN_MS

    def write_due(self, now_ms: int, flush: bool) -> None:
        """Write objects for which enough waits, or for long enough; with ``flush``, everything that waits."""
        settings = self._settings
        for prefix in self._journal.prefixes(settings.name):
            while (due := self._journal.outbox(settings.name, prefix)).size:
                is_due = due.size >= settings.s3_bytes or due.since_ms <= now_ms - settings.s3_ms
                if not (flush or is_due) or not self._write_object(prefix, now_ms):
                    break

    def _write_object(self, prefix: str, now_ms: int) -> bool:
        """Write one object of what has waited longest. Returns: whether it was written.

        Its key and bounds are stored before it is written, so that a crash or a retry creates no second object.
        """
        settings = self._settings

        def name(since_ms: int) -> str:
            return object_key(prefix, settings.name, since_ms)

        pending = self._journal.next_object(settings.name, prefix, settings.s3_bytes, name)
        try:
            self._objects.put(pending.key, pending.data)
        except SinkError as error:
            if now_ms - self._logged_ms >= LOG_AGAIN_MS:
                log.warning("%s (kept; will be tried again)", error)
                self._logged_ms = now_ms
            return False
        counts: Mapping[str, float] = {"BackupToS3.Success": 1}
        if not prefix:
            counts = {
                "DeliveryToS3.Success": 1,
                "DeliveryToS3.Objects": 1,
                "DeliveryToS3.Bytes": len(pending.data),
                "DeliveryToS3.Records": pending.records,
            }
        self._journal.finish_object(settings.name, prefix, pending, counts)
        return True
