"""Collects objects for the S3 side: batches of a followed log are a second apart, objects of Firehose are not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from streamtally.aws.sinks.objects import ObjectStore

MAX_BYTES = 5 * 2**20
MAX_SECONDS = 60.0
"""As with Firehose's buffer, whichever is reached first."""


class CollectedObjects:
    """An object store that puts objects of one folder together under the key of the first."""

    def __init__(self, objects: ObjectStore, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self.base, self.address = objects.name, objects.base, objects.address
        self._objects = objects
        self._clock = clock
        self._waiting: dict[str, tuple[float, str, list[bytes]]] = {}

    def put(self, key: str, data: bytes) -> None:
        """Keep an object's lines, until there are enough of its folder."""
        folder = key.rpartition("/")[0]
        _, _, parts = self._waiting.setdefault(folder, (self._clock(), key, []))
        parts.append(data)
        if sum(map(len, parts)) >= MAX_BYTES:
            self._write(folder)

    def write_due(self, is_last: bool = False) -> None:
        """Write what has waited long enough; with ``is_last``, all."""
        now = self._clock()
        for folder in [name for name, (since, _, _) in self._waiting.items() if is_last or now - since >= MAX_SECONDS]:
            self._write(folder)

    def get(self, key: str) -> bytes:
        """See ObjectStore."""
        return self._objects.get(key)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See ObjectStore."""
        return self._objects.keys(prefix)

    def delete(self, key: str) -> None:
        """See ObjectStore."""
        self._objects.delete(key)

    def _write(self, folder: str) -> None:
        _, key, parts = self._waiting.pop(folder)
        self._objects.put(key, b"".join(parts))
