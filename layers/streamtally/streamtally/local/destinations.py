"""Destinations of the summary stream: what one is, and the embedded store."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from streamtally.local.plain_json import last_of, plain_document
from streamtally.local.simulator.parts import Sink
from streamtally.local.simulator.sinks import StoreSink
from streamtally.local.store import DuckDbStore
from streamtally.transform.pipeline import Pipeline

MAX_SHOWN = 500

Documents = list[dict[str, Any]]
"""Settled documents, columns only, latest last."""


class Settled(NamedTuple):
    """The settled documents of one output."""

    newest: Documents
    """At most :data:`MAX_SHOWN`."""
    total: int
    """All of them."""


class Destination(Protocol):
    """Where the summary stream delivers to."""

    def sink(self, stream: str) -> Sink: ...

    def settle(self, now_ms: int) -> dict[str, Settled]:
        """Settle, and return the latest documents of each output."""

    def close(self) -> None: ...


class EmbeddedDestination:
    """The embedded store: one database, locked so that one thread uses it at a time."""

    def __init__(self, folder: Path, pipeline: Pipeline) -> None:
        self._store = DuckDbStore(folder / "log-summary.duckdb")
        self._pipeline = pipeline
        self._lock = threading.Lock()

    def put(self, documents: Iterable[bytes]) -> None:
        with self._lock:
            self._store.put(documents)

    def sink(self, stream: str) -> Sink:
        return StoreSink(self)

    def settle(self, now_ms: int) -> dict[str, Settled]:
        with self._lock:
            self._store.settle(self._pipeline)
            return {name: _newest(self._store.documents(output)) for name, output in self._pipeline.outputs.items()}

    def close(self) -> None:
        with self._lock:
            self._store.close()


def _newest(documents: Iterable[dict[str, Any]]) -> Settled:
    newest, total = last_of(documents, MAX_SHOWN)
    return Settled([plain_document(document) for document in newest], total)
