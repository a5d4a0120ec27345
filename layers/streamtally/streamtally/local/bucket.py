"""The S3 side of a delivery stream as a folder: object names and error lines as Firehose writes them.

Source: Amazon Data Firehose developer guide, "Configure Amazon S3 object name format" and "Handle data delivery
failures".
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

_NAMES = uuid.UUID("6f0cbb0e-5c0f-4d2f-9c07-0f6f4a7d9a11")  # a name space of our own: the same run, the same names


class FolderBucket:
    """Writes objects below a folder. Args: folder: the bucket; stream: the delivery stream's name."""

    def __init__(self, folder: Path, stream: str) -> None:
        self._folder = folder
        self._stream = stream
        self._objects = 0

    def write_lines(self, data: bytes, arrival_ms: int) -> None:
        """An object of delivered lines, under the prefix of its arrival's hour (UTC)."""
        if data:
            self._write("", data, arrival_ms)

    def write_failed(self, records: Iterable[tuple[int, str]], arrival_ms: int) -> None:
        """An object of records that were answered ProcessingFailed: (arrival in ms, data in base64)."""
        lines = [json.dumps(_failed_line(arrival, raw)) + "\n" for arrival, raw in records]
        if lines:
            self._write("processing-failed/", "".join(lines).encode(), arrival_ms)

    def _write(self, prefix: str, data: bytes, arrival_ms: int) -> None:
        moment = datetime.fromtimestamp(arrival_ms // 1000, UTC)
        unique = uuid.uuid5(_NAMES, f"{self._stream}/{prefix}/{self._objects}")
        self._objects += 1
        name = f"{self._stream}-1-{moment:%Y-%m-%d-%H-%M-%S}-{unique}"
        path = self._folder / f"{prefix}{moment:%Y/%m/%d/%H}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _failed_line(arrival_ms: int, raw: str) -> dict[str, object]:
    return {
        "attemptsMade": 1,
        "arrivalTimestamp": arrival_ms,
        "errorCode": "Lambda.ProcessingFailedStatus",
        "errorMessage": "ProcessingFailed status set for record",
        "attemptEndingTimestamp": arrival_ms,
        "rawData": raw,
        "lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:firehose-transform",
    }
