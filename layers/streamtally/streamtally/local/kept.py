"""Documents that are made once and read several times, in memory or in a temporary file."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Iterator
from typing import IO, Any

MAX_KEPT_DOCUMENTS = 50_000
"""So many documents are kept in memory; more of them in a temporary file."""
_AT_ONCE = 10_000

Document = dict[str, Any]


class Kept:
    """Documents that are made once and read several times."""

    def __init__(self) -> None:
        self._latest: list[Document] = []
        self._file: IO[bytes] | None = None

    def add(self, document: Document) -> None:
        """Keep one more document."""
        self._latest.append(document)
        if len(self._latest) > MAX_KEPT_DOCUMENTS:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="streamtally-settled-")  # noqa: SIM115 (closed by close)
            # Not JSON, in which a DECIMAL would be another value.
            for start in range(0, len(self._latest), _AT_ONCE):
                pickle.dump(self._latest[start : start + _AT_ONCE], self._file)
            self._latest = []

    def documents(self) -> Iterator[Document]:
        """All documents, in their order."""
        if self._file is not None:
            position, end = 0, self._file.seek(0, os.SEEK_END)
            while position < end:
                self._file.seek(position)
                part = pickle.load(self._file)  # noqa: S301 (this process has written it)
                position = self._file.tell()
                yield from part
        yield from self._latest

    def close(self) -> None:
        """Delete the file."""
        if self._file is not None:
            self._file.close()
