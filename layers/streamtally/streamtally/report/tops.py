"""The most frequent requests, hosts and agents of any number of rows, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import nsmallest
from typing import Any, Final

from streamtally.report.data import TopList

CAPACITY: Final = 100_000  # distinct texts of a field; counts are exact up to this number
KEY_CHARS: Final = 200  # longer texts are counted by their first characters

REQUEST_FIELDS: Final = ("request", "uri_path", "uri", "path", "url")
HOST_FIELDS: Final = ("host", "client_ip", "clientip", "remote_addr", "remote_host")
AGENT_FIELDS: Final = ("agent", "user_agent", "http_user_agent", "useragent")


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
    """The three top lists of a report. Add every row; a row without a field adds nothing to that list."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.requests = TopCounter(capacity)
        self.hosts = TopCounter(capacity)
        self.agents = TopCounter(capacity)
        self._lists = (
            (self.requests.add, REQUEST_FIELDS),
            (self.hosts.add, HOST_FIELDS),
            (self.agents.add, AGENT_FIELDS),
        )

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row in each list by the first of the list's fields that it has."""
        for add, names in self._lists:
            for name in names:
                value = row.get(name)
                if value is not None:
                    add(value if type(value) is str else _shown(value))
                    break
