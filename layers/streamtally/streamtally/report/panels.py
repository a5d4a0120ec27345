"""What the panels of a report count beside the top lists: visitors, bytes, referring sites, hosts, response times."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from streamtally.report.data import TopList
from streamtally.report.minute_counts import MOST, MinuteCounts
from streamtally.report.response_times import ResponseTimes, add_counts, round_time
from streamtally.report.tops import TopCounter
from streamtally.report.visitors import Visitors

MINUTES_A_DAY: Final = 1440
_REMEMBERED_CHARS: Final = 500
_CELL_DIGITS: Final = 2  # of response times by step and class
_SITE: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://"
    r"(?:[^/?#@]*@)?"  # user information
    r"(\[[0-9A-Fa-f:.]+\]|[^/?#:@\[\]]+)",  # the host, without the port
    re.ASCII,
)


def referring_site(referer: str) -> str | None:
    """The host of a Referer header, in lower case; None if it is not the address of a page."""
    return _remembered_site(referer) if len(referer) <= _REMEMBERED_CHARS else _site(referer)


@lru_cache(maxsize=8_192)
def _remembered_site(referer: str) -> str | None:
    return _site(referer)


def _site(referer: str) -> str | None:
    site = _SITE.match(referer)
    return site[1].lower() if site is not None else None


def _floor(minute: int, width: int) -> int:
    return minute - minute % width


class Panels:
    """Counts of the panels.

    Args: most_minutes: whose bytes are kept one by one; None: all.
    Attributes:
        times: response times.
        cell_width: the length of the steps of cells, in minutes.
    """

    def __init__(self, most_minutes: int | None = MOST) -> None:
        self.times = ResponseTimes()
        self.cell_width = 1
        self._cell_times: dict[int, dict[int, int]] = {}
        self._bytes = MinuteCounts(_floor, most_minutes)
        self._cell_bytes: dict[int, int] = {}
        self._path_bytes = TopCounter()
        self._sites = TopCounter()
        self._vhosts = TopCounter()
        self._visitors = Visitors()
        self._unhashed: dict[int, set[tuple[str, str]]] = {}

    def add_bytes(
        self, minutes: Iterable[int], paths: Iterable[str | None], sizes: Iterable[int], cell: int | None = None
    ) -> None:
        """Take in the sizes of responses.

        Args:
            minutes: since the epoch.
            paths: without queries.
            cell: where all of them are; None: it is not known.
        """
        by_minute, by_path = self._bytes.counts, dict[str | None, int]()
        for minute, path, size in zip(minutes, paths, sizes, strict=True):
            by_minute[minute] = by_minute.get(minute, 0) + size
            by_path[path] = by_path.get(path, 0) + size
        if cell is not None:
            self._cell_bytes[cell] = self._cell_bytes.get(cell, 0) + sum(by_path.values())
        by_path.pop(None, None)
        self._path_bytes.add_all(by_path, cell)  # type: ignore[arg-type]

    def widen_cells(self, width: int) -> None:
        """Note the length of the steps of cells. Args: width: in minutes."""
        self.cell_width = max(self.cell_width, width)
        for counter in (self._path_bytes, self._sites, self._vhosts):
            counter.cells.widen(width)

    def add_visitors(self, minutes: Sequence[int], visitors: Iterable[tuple[str, str]]) -> None:
        """Take in who asked. Args: minutes: since the epoch; visitors: addresses with their agents."""
        first, last = min(minutes) // MINUTES_A_DAY, max(minutes) // MINUTES_A_DAY
        if first == last:
            self._unhashed.setdefault(first, set()).update(visitors)
            return
        for minute, visitor in zip(minutes, visitors, strict=True):
            self._unhashed.setdefault(minute // MINUTES_A_DAY, set()).add(visitor)

    def add_referers(self, referers: Mapping[str, int], cell: int | None = None) -> None:
        """Take in Referer headers. Args: referers: text → rows."""
        sites: Counter[str] = Counter()
        for referer, rows in referers.items():
            if (site := referring_site(referer)) is not None:
                sites[site] += rows
        self._sites.add_all(sites, cell)

    def add_vhosts(self, vhosts: Mapping[str, int], cell: int | None = None) -> None:
        """Take in names of hosts that were asked for. Args: vhosts: name → rows."""
        self._vhosts.add_all({vhost: rows for vhost, rows in vhosts.items() if vhost not in ("", "-")}, cell)

    def add_time(self, minute: int, path: str | None, microseconds: float, unknown: str, cell: int) -> None:
        """Take in a response time. Args: unknown: the field, if its unit is not known; then it is only noted."""
        if unknown:
            self.times.unknown_fields[unknown] = None
            return
        self.times.add(minute, path, microseconds)
        counts = self._cell_times.setdefault(cell, {})
        time = round_time(microseconds, _CELL_DIGITS)
        counts[time] = counts.get(time, 0) + 1

    def close(self) -> None:
        """Prepare for being sent to another process."""
        for day, visitors in self._unhashed.items():
            self._visitors.add(day, (visitor for visitor in visitors if visitor[0] != "-"))
        self._unhashed = {}

    def merge(self, other: Panels) -> None:
        """Take in those of other lines, which are closed."""
        self._bytes.update(other._bytes)
        for cell, size in other._cell_bytes.items():
            self._cell_bytes[cell] = self._cell_bytes.get(cell, 0) + size
        self.cell_width = max(self.cell_width, other.cell_width)
        for cell, times in other._cell_times.items():
            add_counts(self._cell_times.setdefault(cell, {}), times)
        self._path_bytes.merge(other._path_bytes)
        self._sites.merge(other._sites)
        self._vhosts.merge(other._vhosts)
        self._visitors.merge(other._visitors)
        self.times.merge(other.times)

    @property
    def named(self) -> dict[str, TopCounter]:
        """The counter of each list of the report's data."""
        return {"path_bytes": self._path_bytes, "referring_sites": self._sites, "virtual_hosts": self._vhosts}

    @property
    def cell_bytes(self) -> Mapping[int, int]:
        """Cell → bytes of the responses."""
        return self._cell_bytes

    @property
    def cell_times(self) -> Mapping[int, Mapping[int, int]]:
        """Cell → response time in microseconds, to two digits → rows."""
        return self._cell_times

    def report_fields(self, limit: int) -> dict[str, Any]:
        """The fields of the report's data. Args: limit: entries of a list."""
        self.close()
        return {
            "bytes_by_minute": sorted((60_000 * minute, size) for minute, size in self._bytes.counts.items()),
            "bytes_width": self._bytes.width,
            "path_bytes": self._path_bytes.top(limit) if self._path_bytes.total else TopList(),
            "referring_sites": self._sites.top(limit),
            "virtual_hosts": self._vhosts.top(limit),
            "visitors": self._visitors.days(),
            "response_times": self.times.over_time(),
            "path_times": self.times.by_path(limit),
            "leaves_path_times_out": self.times.leaves_paths_out,
            "unknown_units": tuple(self.times.unknown_fields),
        }
