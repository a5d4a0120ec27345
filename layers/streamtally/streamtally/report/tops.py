"""The most frequent requests, hosts and agents of any number of rows, in bounded memory."""

from __future__ import annotations

from heapq import nsmallest
from typing import Any, Final

from streamtally.report.data import TopList
from streamtally.report.request_parts import split_request

CAPACITY: Final = 100_000  # distinct texts of a field; counts are exact up to this number
_NOT_FOUND: Final = 404
KEY_CHARS: Final = 200  # longer texts are counted by their first characters


class TopCounter:
    """Counts texts; exact for up to ``capacity`` distinct ones, then with a known error, as in SpaceSaving.

    When there are too many texts, the rarer half is forgotten and ``error`` becomes the greatest count among them. From
    then on a new text starts from ``error``: no count is ever too low, nor too high by more than ``error``.
    Source: Metwally, Agrawal, El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams" (2005),
    with evictions in batches, which keeps an addition as cheap as a dictionary's.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.error = 0
        self.total = 0
        self._capacity = max(capacity, 2)
        self._counts: dict[str, int] = {}

    def add(self, text: str, count: int = 1) -> None:
        """Count a text that occurred ``count`` times."""
        if len(text) > KEY_CHARS:
            text = f"{text[: KEY_CHARS - 1]}…"
        counts = self._counts
        self.total += count
        if text in counts:
            counts[text] += count
            return
        counts[text] = self.error + count
        if len(counts) > self._capacity:
            self._forget()

    def merge(self, other: TopCounter) -> None:
        """Count the texts of another counter, which has not forgotten any."""
        for text, count in other._counts.items():
            self.add(text, count)

    def _forget(self) -> None:
        middle = sorted(self._counts.values())[len(self._counts) // 2]
        self._counts = {text: count for text, count in self._counts.items() if count > middle}
        self.error = middle

    def top(self, limit: int) -> TopList:
        """The ``limit`` most frequent; equal counts in text order, so that the same rows give the same list."""
        known = ((text, count) for text, count in self._counts.items() if count > self.error)
        return TopList(tuple(nsmallest(limit, known, key=lambda entry: (-entry[1], entry[0]))), self.total, self.error)


def _shown(value: Any) -> str:
    try:
        return str(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a list hundreds of levels deep
        return f"({type(value).__name__})"


class Tops:
    """The top lists of a report."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.requests = TopCounter(capacity)
        self.hosts = TopCounter(capacity)
        self.agents = TopCounter(capacity)
        self.paths = TopCounter(capacity)
        self.methods = TopCounter(capacity)
        self.protocols = TopCounter(capacity)
        self.not_found = TopCounter(capacity)
        self.server_errors = TopCounter(capacity)

    @property
    def counters(self) -> tuple[TopCounter, TopCounter, TopCounter]:
        """Those of requests, hosts and agents."""
        return self.requests, self.hosts, self.agents

    def merge(self, other: Tops) -> None:
        """Count the texts of other lists, which have not forgotten any."""
        for counter, others in zip(self._all, other._all, strict=True):
            counter.merge(others)

    @property
    def _all(self) -> tuple[TopCounter, ...]:
        parts = (self.paths, self.methods, self.protocols, self.not_found, self.server_errors)
        return (*self.counters, *parts)

    def add_parts(self, request: str, status: int | None, count: int = 1) -> None:
        """Count the path, method and protocol of a request, and its path again if it was not found or failed.

        A request without parts counts with its whole text among those that failed.
        """
        parts = split_request(request)
        for counter, part in ((self.paths, parts.path), (self.methods, parts.method), (self.protocols, parts.protocol)):
            if part is not None:
                counter.add(part, count)
        if status == _NOT_FOUND:
            self.not_found.add(parts.path or request, count)
        elif status is not None and 500 <= status <= 599:
            self.server_errors.add(parts.path or request, count)

    def add(self, request: Any, host: Any, agent: Any, status: int | None = None) -> None:
        """Count a row in each list; None adds nothing to it."""
        if request is not None:
            self.add_parts(_shown(request), status)
        for counter, value in zip(self.counters, (request, host, agent), strict=True):
            if value is not None:
                counter.add(value if type(value) is str else _shown(value))
