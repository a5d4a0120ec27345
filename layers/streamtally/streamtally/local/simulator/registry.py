"""Which delivery streams there are: those of the pipeline, and those that were created or taken over by name."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from streamtally.local.simulator.streams import DeliveryStream

Make = Callable[[str], DeliveryStream]
"""A stream's name → a stream that takes lines."""


class Registry(Mapping[str, DeliveryStream]):
    """The streams by name. What was created outlives the process.

    Args:
        fixed: the streams that can be put to but not deleted: those that take the pipeline's documents.
        names: the streams that take lines.
        make: makes one.
        path: where the streams are kept that were created.
        takes_any: whether the first name that is put to, and that no stream has, becomes a stream.
        announce: is called with the name of a stream that was taken over so.
    """

    def __init__(
        self,
        fixed: Mapping[str, DeliveryStream],
        names: Iterable[str],
        make: Make,
        path: Path,
        takes_any: bool,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._fixed = dict(fixed)
        self._make = make
        self._path = path
        self._announce = announce
        self._lock = threading.Lock()
        kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
        self._takes_any = takes_any and not kept.get("is_closed", False)
        self._settings: dict[str, dict[str, Any]] = kept.get("created", {})
        self._deleted: list[str] = kept.get("deleted", [])
        wanted = dict.fromkeys([*names, *self._settings, *self._deleted])
        # Lines first, so that the streams after them deliver what they counted.
        self._streams = {name: make(name) for name in wanted if name not in self._fixed}

    def __getitem__(self, name: str) -> DeliveryStream:
        if name in self._deleted:
            raise KeyError(name)
        return self._fixed[name] if name in self._fixed else self._streams[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in [*self._streams, *self._fixed] if name not in self._deleted)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def all_streams(self) -> list[DeliveryStream]:
        """All streams in the order in which they deliver, also those that are being deleted."""
        return [*self._streams.values(), *self._fixed.values()]

    def settings(self, name: str) -> Mapping[str, Any]:
        """What a stream was created with; empty if it was not created by a request."""
        return self._settings.get(name, {})

    def is_fixed(self, name: str) -> bool:
        """Whether a stream takes the pipeline's documents."""
        return name in self._fixed

    def create(self, name: str, settings: Mapping[str, Any]) -> bool:
        """Add a stream. Returns: False if it exists already, or is being deleted."""
        with self._lock:
            if name in self._streams or name in self._fixed:
                return False
            self._takes_any = False  # who creates or deletes streams decides which there are
            self._settings[name] = dict(settings)
            self._streams[name] = self._make(name)
            self._write()
        return True

    def take_over(self, name: str) -> bool:
        """Make a stream of the first name that is put to. Returns: whether it is one now."""
        with self._lock:
            if name in self:
                return True
            if not self._takes_any:
                return False
            self._takes_any = False
            self._settings[name] = {}
            self._streams[name] = self._make(name)
            self._write()
        self._announce(name)
        return True

    def delete(self, name: str) -> None:
        """Take no more records for a stream; it ends when all that it accepted is delivered."""
        with self._lock:
            self._takes_any = False
            self._deleted.append(name)
            self._settings.pop(name, None)
            self._write()

    def end_deleted(self) -> None:
        """Forget deleted streams that have delivered everything, so that their names are free."""
        for name in list(self._deleted):
            if name in self._streams and self._streams[name].is_idle:
                with self._lock:
                    del self._streams[name]
                    self._deleted.remove(name)
                    self._write()

    def _write(self) -> None:
        kept = json.dumps({"created": self._settings, "deleted": self._deleted, "is_closed": not self._takes_any})
        part = self._path.with_suffix(".part")
        part.write_text(kept, "utf-8")
        part.replace(self._path)
