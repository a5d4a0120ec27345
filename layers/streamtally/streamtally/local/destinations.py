"""Destinations of the summary stream: what one is, and the embedded store."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from streamtally.local.simulator.parts import Sink
from streamtally.local.simulator.sinks import StoreSink
from streamtally.local.store import DuckDbStore, plain_document
from streamtally.transform.pipeline import Pipeline

MAX_SHOWN = 500

Documents = list[dict[str, Any]]
"""Settled documents, columns only, latest last."""


class Destination(Protocol):
    """Where the summary stream delivers to."""

    def sink(self, stream: str) -> Sink: ...

    def settle(self, now_ms: int) -> Documents:
        """Settle, and return the latest documents."""

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

    def settle(self, now_ms: int) -> Documents:
        with self._lock:
            self._store.settle(self._pipeline)
            outputs = self._pipeline.outputs.values()
            documents = itertools.chain.from_iterable(self._store.documents(output) for output in outputs)
            return [plain_document(document) for document in deque(documents, MAX_SHOWN)]

    def close(self) -> None:
        with self._lock:
            self._store.close()
