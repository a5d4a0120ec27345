"""The most frequent requests, hosts and agents of any number of rows, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from itertools import chain, repeat
from typing import Any, Final

from streamtally.report.cells import CellCounts
from streamtally.report.data import PathErrors, TopList
from streamtally.report.request_parts import RequestColumns, split_request

CAPACITY: Final = 100_000  # distinct texts of a field; counts are exact up to this number
FIRST_ERROR: Final = 400
_LAST_ERROR: Final = 599
_NOT_FOUND: Final = 404
KEY_CHARS: Final = 200  # longer texts are counted by their first characters
AGENT_CHARS: Final = 500  # a crawler names itself at the end
_OCCURRENCES_PER_LOOP: Final = 3
_STATIC: Final = frozenset(
    (
        *("css", "js", "mjs", "map", "wasm", "csv", "txt"),
        *("jpg", "jpeg", "png", "gif", "ico", "svg", "webp", "avif", "bmp", "tif", "tiff"),
        *("woff", "woff2", "ttf", "otf", "eot"),
        *("mp3", "mp4", "m4a", "m4v", "ogg", "webm", "wav", "avi", "mov", "mpg", "mpeg", "flv", "swf"),
        *("pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods"),
        *("zip", "gz", "tgz", "bz2", "xz", "tar", "rar", "7z", "iso", "exe", "dmg", "jar", "apk", "deb", "rpm"),
    )
)


def is_static(path: str) -> bool:
    """Whether a path is that of a file, by the extension of its last segment."""
    name = path[path.rfind("/") + 1 :]
    _, dot, extension = name.rpartition(".")
    return bool(dot) and extension.lower() in _STATIC


def cut_key(text: str, chars: int = KEY_CHARS) -> str:
    """The text by which a text is counted."""
    return text if len(text) <= chars else f"{text[: chars - 1]}…"


class TopCounter:
    """Counts texts; exact for up to ``capacity`` distinct ones, then with a known error, as in SpaceSaving.

    When there are too many texts, the rarer half is forgotten and ``error`` becomes the greatest count among them. From
    then on a new text starts from ``error``: no count is ever too low, nor too high by more than ``error``.
    Source: Metwally, Agrawal, El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams" (2005),
    with evictions in batches, which keeps an addition as cheap as a dictionary's.
    """

    def __init__(self, capacity: int = CAPACITY, key_chars: int = KEY_CHARS) -> None:
        self.error = 0
        self.total = 0
        self._capacity = max(capacity, 2)
        self._key_chars = key_chars
        # What a text has above the error, so that a new one starts from 0 and C code can count.
        self._counts: Counter[str] = Counter()
        self._waiting: list[Mapping[str, int]] = []
        self._waiting_texts = 0
        self.cells = CellCounts()

    def add(self, text: str, count: int = 1) -> None:
        """Count a text that occurred ``count`` times."""
        if len(text) > self._key_chars:
            text = cut_key(text, self._key_chars)
        if self._waiting:
            self._settle()
        counts = self._counts
        self.total += count
        if text in counts:
            counts[text] += count
            return
        counts[text] = count
        if len(counts) > self._capacity:
            self._forget()

    def add_all(self, added: Mapping[str, int], cell: int | None = None) -> None:
        """Count texts. They are added up when this counter is merged into another, or has too many.

        Args:
            added: text → how often it occurred; it is kept, and must not be changed.
            cell: where all of them did.
        """
        if not added:
            return
        if max(map(len, added)) > self._key_chars:
            added = _cut_keys(added, self._key_chars)
        self.total += sum(added.values())
        self._waiting.append(added)
        self._waiting_texts += len(added)
        if len(self._counts) + self._waiting_texts > self._capacity:
            self._settle()
        if cell is not None:
            self.cells.add(cell, added)
            if self.cells.is_full:
                self._settle()
                self.cells.shrink(self._counts)

    def merge(self, other: TopCounter) -> None:
        """Count the texts of another counter, which has not forgotten any."""
        self._settle()
        _add_counts(self._counts, other._counts)
        for added in other._waiting:
            _add_counts(self._counts, added)
        self.total += other.total
        self._make_room()
        self.cells.merge(other.cells)
        if self.cells.is_full:
            self.cells.shrink(self._counts)

    def _settle(self) -> None:
        for added in self._waiting:
            _add_counts(self._counts, added)
            self._make_room()
        self._waiting, self._waiting_texts = [], 0

    def _make_room(self) -> None:
        while len(self._counts) > self._capacity:
            self._forget()

    def _forget(self) -> None:
        middle = sorted(self._counts.values())[len(self._counts) // 2]
        self._counts = Counter({text: count - middle for text, count in self._counts.items() if count > middle})
        self.error += middle

    def count_of(self, text: str) -> int:
        """How often a text occurred; 0 if it is not known."""
        self._settle()
        return self._counts[text] + self.error if text in self._counts else 0

    def top(self, limit: int) -> TopList:
        """The ``limit`` most frequent; equal counts in text order, so that the same rows give the same list."""
        self._settle()
        known = ((text, count + self.error) for text, count in self._counts.items() if count > 0)
        return TopList(tuple(nsmallest(limit, known, key=lambda entry: (-entry[1], entry[0]))), self.total, self.error)


def _add_counts(counts: Counter[str], added: Mapping[str, int]) -> None:
    """Add counts. Where most texts occurred once or twice, C code counts each occurrence in less time than a loop."""
    if sum(added.values()) < _OCCURRENCES_PER_LOOP * len(added) and 0 not in added.values():
        counts.update(chain.from_iterable(map(repeat, added, added.values())))
        return
    for text, count in added.items():
        counts[text] = counts.get(text, 0) + count


def _cut_keys(added: Mapping[str, int], longest: int) -> dict[str, int]:
    counts: dict[str, int] = {}
    for text, count in added.items():
        key = cut_key(text, longest)
        counts[key] = counts.get(key, 0) + count
    return counts


def _counted(texts: Iterable[str | None]) -> Counter[str]:
    counts = Counter(texts)
    del counts[None]
    return counts  # type: ignore[return-value]


def shown(value: Any) -> str:
    """A value as text; one that Python cannot write has its type's name."""
    try:
        return str(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a list hundreds of levels deep
        return f"({type(value).__name__})"


class Tops:
    """The top lists of a report."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.requests = TopCounter(capacity)
        self.hosts = TopCounter(capacity)
        self.agents = TopCounter(capacity, AGENT_CHARS)
        self.paths = TopCounter(capacity)
        self.static_files = TopCounter(capacity)
        self.queries = TopCounter(capacity)
        self.methods = TopCounter(capacity)
        self.protocols = TopCounter(capacity)
        self.not_found = TopCounter(capacity)
        self.client_errors = TopCounter(capacity)
        self.server_errors = TopCounter(capacity)

    @property
    def counters(self) -> tuple[TopCounter, TopCounter, TopCounter]:
        """Those of requests, hosts and agents."""
        return self.requests, self.hosts, self.agents

    def merge(self, other: Tops) -> None:
        """Count the texts of other lists, which have not forgotten any."""
        for counter, others in zip(self._all, other._all, strict=True):
            counter.merge(others)

    def widen_cells(self, width: int) -> None:
        """Note the length of the steps of cells. Args: width: in minutes."""
        for counter in self._all:
            counter.cells.widen(width)

    @property
    def _all(self) -> tuple[TopCounter, ...]:
        parts = (self.paths, self.static_files, self.queries, self.methods, self.protocols)
        return (*self.counters, *parts, self.not_found, self.client_errors, self.server_errors)

    def report_fields(self, limit: int) -> dict[str, Any]:
        """The fields of the report's data. Args: limit: entries of a list."""
        lists = {name: counter.top(limit) for name, counter in self.named.items()}
        return {**lists, "path_errors": self.path_errors(limit)}

    def path_errors(self, limit: int) -> tuple[PathErrors, ...]:
        """The paths with the most errors."""
        client = Counter(dict(self.not_found.top(CAPACITY).entries))
        client.update(dict(self.client_errors.top(CAPACITY).entries))
        server = Counter(dict(self.server_errors.top(CAPACITY).entries))
        paths = nsmallest(limit, client.keys() | server.keys(), key=lambda path: (-client[path] - server[path], path))
        # A request without a path is counted by its text.
        counters = (self.paths, self.static_files, self.requests)
        rows = [next(filter(None, (counter.count_of(path) for counter in counters)), 0) for path in paths]
        return tuple(
            PathErrors(path, client[path], server[path], count) for path, count in zip(paths, rows, strict=True)
        )

    @property
    def named(self) -> dict[str, TopCounter]:
        """The counter of each field of the report's data."""
        return {
            "top_requests": self.requests,
            "top_hosts": self.hosts,
            "top_agents": self.agents,
            "top_paths": self.paths,
            "static_files": self.static_files,
            "top_queries": self.queries,
            "top_methods": self.methods,
            "top_protocols": self.protocols,
            "not_found": self.not_found,
            "client_errors": self.client_errors,
            "server_errors": self.server_errors,
        }

    def add_parts(self, request: str, status: int | None, count: int = 1) -> None:
        """Count the path, query, method and protocol of a request, and its path again if it was not found or failed.

        A request without parts counts with its whole text among those that failed.
        """
        parts = split_request(request)
        paths = self.paths if parts.path is None or not is_static(parts.path) else self.static_files
        kinds = ((paths, parts.path), (self.queries, parts.query), (self.methods, parts.method))
        for counter, part in (*kinds, (self.protocols, parts.protocol)):
            if part is not None:
                counter.add(part, count)
        if status is not None and FIRST_ERROR <= status <= _LAST_ERROR:
            self._errors(status).add(parts.path or request, count)

    def add_requests(
        self, requests: Sequence[str], parts: RequestColumns, statuses: Mapping[int, int], cell: int | None = None
    ) -> None:
        """Count requests and their parts.

        Args:
            parts: those of each request.
            statuses: a request's index → its status, of those that failed at least.
            cell: where all of them are; None: it is not known.
        """
        self.requests.add_all(Counter(requests), cell)
        self.methods.add_all(_counted(parts.methods), cell)
        self.protocols.add_all(_counted(parts.protocols), cell)
        self.queries.add_all(_counted(filter(None, parts.queries)), cell)
        paths = _counted(parts.paths)
        static = {path: count for path, count in paths.items() if "." in path and is_static(path)}
        self.static_files.add_all(static, cell)
        pages = {path: count for path, count in paths.items() if path not in static} if static else paths
        self.paths.add_all(pages, cell)
        failed: dict[TopCounter, Counter[str]] = {}
        for index, status in statuses.items():
            if status <= _LAST_ERROR:
                failed.setdefault(self._errors(status), Counter())[parts.paths[index] or requests[index]] += 1
        for counter, errors in failed.items():
            counter.add_all(errors, cell)

    def _errors(self, status: int) -> TopCounter:
        if status == _NOT_FOUND:
            return self.not_found
        return self.client_errors if status < 500 else self.server_errors

    def add(self, request: Any, host: Any, agent: Any, status: int | None = None) -> None:
        """Count a row in each list; None adds nothing to it."""
        if request is not None:
            self.add_parts(shown(request), status)
        for counter, value in zip(self.counters, (request, host, agent), strict=True):
            if value is not None:
                counter.add(value if type(value) is str else shown(value))
