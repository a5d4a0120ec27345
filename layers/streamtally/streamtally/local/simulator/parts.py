"""The parts of a delivery stream: its settings, the function that it calls, and the sink that it delivers to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

Function = Callable[[dict[str, Any]], Any]
"""The transformation: an event → its response. It may raise anything, and FunctionTimedOutError if it took too long."""


class FunctionTimedOutError(Exception):
    """The function did not respond in time; it may have had effects."""


class StoredRecord(NamedTuple):
    """A record."""

    id: str
    arrival_ms: int
    """In ms since the epoch."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that was not accepted."""

    position: int
    """Among those written together."""
    status: int
    """HTTP's; 0: there was no response."""
    reason: str

    @property
    def is_transient(self) -> bool:
        """Whether Firehose retries it: throttled, forbidden for now, or a server error."""
        return self.status in (0, 403, 429) or self.status >= 500


class Sink(Protocol):
    """Where documents are delivered."""

    index: str
    """The index that error lines name."""

    def write(self, records: Sequence[StoredRecord]) -> list[Refusal]:
        """Write documents. Returns: those not accepted. Raises: SinkError: none was accepted, or that is unknown."""


class Store(Protocol):
    """A store of documents by id."""

    def put(self, documents: Iterable[bytes]) -> None:
        """Keep documents; a document replaces one with the same id."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """A delivery stream's settings, with Firehose's defaults."""

    name: str
    buffer_bytes: int = 1_000_000
    """Buffer size of the Lambda processor, or of the OpenSearch destination."""
    buffer_ms: int = 60_000
    """Buffer interval of the same."""
    s3_bytes: int = 5 * 2**20
    """Buffer size of the S3 side."""
    s3_ms: int = 300_000
    """Buffer interval of the S3 side."""
    retries: int = 3
    """How often a failed invocation is repeated."""
    retry_ms: int = 300_000
    """How long delivery to OpenSearch is retried."""

    @property
    def arn(self) -> str:
        return f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{self.name}"


class ForS3(NamedTuple):
    """Data for the S3 side."""

    prefix: str
    records: int
    """How many records."""
    data: bytes
