"""What a delivery stream is made of: its settings, the function that it calls, and the sink that it delivers to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

Function = Callable[[dict[str, Any]], Any]
"""The transformation: an event → its answer. Raises whatever it raises; FunctionTimedOutError if it took too long."""


class FunctionTimedOutError(Exception):
    """The function did not answer in its time; what it did, it has done."""


class StoredRecord(NamedTuple):
    """A record: its id, when it arrived (ms since the epoch), its bytes."""

    id: str
    arrival_ms: int
    data: bytes


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


class ForS3(NamedTuple):
    """Lines for the S3 side: under which prefix, how many records, the bytes."""

    prefix: str
    records: int
    data: bytes
