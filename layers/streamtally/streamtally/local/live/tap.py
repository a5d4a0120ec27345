"""A tap on the simulator: the last lines that came in, and the last documents that went out."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from itertools import islice
from typing import NamedTuple

from streamtally.transform.payload_lines import to_text

MAX_KEPT = 1_000
MAX_BYTES = 2_000
"""So much of a record is kept."""
MAX_SHOWN = 50


class Tapped(NamedTuple):
    """A record, as far as it is kept."""

    stream: str
    data: bytes


class Tap:
    """Keeps the last records of each kind. Any thread may call it.

    Args: document_streams: the streams that take documents; all others take lines.
    """

    def __init__(self, document_streams: Collection[str]) -> None:
        self._document_streams = document_streams
        self._lines: deque[Tapped] = deque(maxlen=MAX_KEPT)
        self._documents: deque[Tapped] = deque(maxlen=MAX_KEPT)

    def take(self, stream: str, records: Sequence[bytes]) -> None:
        """Note records that a stream accepted."""
        kept = self._documents if stream in self._document_streams else self._lines
        kept.extend(Tapped(stream, record[:MAX_BYTES]) for record in records[-MAX_KEPT:])

    def lines(self, filter_text: str = "") -> list[tuple[str, str]]:
        """The last lines in: (stream, text), the newest first. Args: filter_text: they contain it, in any case."""
        return _newest(self._lines, filter_text)

    def documents(self, filter_text: str = "") -> list[tuple[str, str]]:
        """The last documents out, in the same way."""
        return _newest(self._documents, filter_text)


def _newest(kept: deque[Tapped], filter_text: str) -> list[tuple[str, str]]:
    wanted = filter_text.casefold()
    texts = (
        (record.stream, line)
        for record in reversed(kept.copy())
        for line in reversed(to_text(record.data).splitlines() or [""])
    )
    return list(islice((entry for entry in texts if wanted in entry[1].casefold()), MAX_SHOWN))
