"""What the panels of a report count beside the top lists: visitors, bytes, referring sites, hosts, response times."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from streamtally.report.data import TopList
from streamtally.report.response_times import ResponseTimes
from streamtally.report.tops import TopCounter
from streamtally.report.visitors import Visitors

_MINUTES_A_DAY: Final = 1440
_SITE: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://"
    r"(?:[^/?#@]*@)?"  # user information
    r"(\[[0-9A-Fa-f:.]+\]|[^/?#:@\[\]]+)",  # the host, without the port
    re.ASCII,
)


def referring_site(referer: str) -> str | None:
    """The host of a Referer header, in lower case; None if it is not the address of a page."""
    site = _SITE.match(referer)
    return site[1].lower() if site is not None else None


class Panels:
    """Counts of the panels.

    Attributes:
        times: response times.
    """

    def __init__(self) -> None:
        self.times = ResponseTimes()
        self._bytes: dict[int, int] = {}
        self._path_bytes = TopCounter()
        self._sites = TopCounter()
        self._vhosts = TopCounter()
        self._visitors = Visitors()
        self._unhashed: dict[int, set[tuple[str, str]]] = {}

    def add_bytes(self, minutes: Iterable[int], paths: Iterable[str | None], sizes: Iterable[int]) -> None:
        """Take in the sizes of responses. Args: minutes: since the epoch; paths: without queries."""
        by_minute, by_path = self._bytes, dict[str | None, int]()
        for minute, path, size in zip(minutes, paths, sizes, strict=True):
            by_minute[minute] = by_minute.get(minute, 0) + size
            by_path[path] = by_path.get(path, 0) + size
        by_path.pop(None, None)
        self._path_bytes.add_all(by_path)  # type: ignore[arg-type]

    def add_visitors(self, minutes: Sequence[int], visitors: Iterable[tuple[str, str]]) -> None:
        """Take in who asked. Args: minutes: since the epoch; visitors: addresses with their agents."""
        first, last = min(minutes) // _MINUTES_A_DAY, max(minutes) // _MINUTES_A_DAY
        if first == last:
            self._unhashed.setdefault(first, set()).update(visitors)
            return
        for minute, visitor in zip(minutes, visitors, strict=True):
            self._unhashed.setdefault(minute // _MINUTES_A_DAY, set()).add(visitor)

    def add_referers(self, referers: Mapping[str, int]) -> None:
        """Take in Referer headers. Args: referers: text → rows."""
        sites: Counter[str] = Counter()
        for referer, rows in referers.items():
            if (site := referring_site(referer)) is not None:
                sites[site] += rows
        self._sites.add_all(sites)

    def add_vhosts(self, vhosts: Mapping[str, int]) -> None:
        """Take in names of hosts that were asked for. Args: vhosts: name → rows."""
        for vhost, rows in vhosts.items():
            if vhost not in ("", "-"):
                self._vhosts.add(vhost, rows)

    def add_time(self, minute: int, path: str | None, microseconds: float, unknown: str) -> None:
        """Take in a response time. Args: unknown: the field, if its unit is not known; then it is only noted."""
        if unknown:
            self.times.unknown_fields[unknown] = None
        else:
            self.times.add(minute, path, microseconds)

    def close(self) -> None:
        """Prepare for being sent to another process."""
        for day, visitors in self._unhashed.items():
            self._visitors.add(day, (visitor for visitor in visitors if visitor[0] != "-"))
        self._unhashed = {}

    def merge(self, other: Panels) -> None:
        """Take in those of other lines, which are closed."""
        for minute, size in other._bytes.items():
            self._bytes[minute] = self._bytes.get(minute, 0) + size
        self._path_bytes.merge(other._path_bytes)
        self._sites.merge(other._sites)
        self._vhosts.merge(other._vhosts)
        self._visitors.merge(other._visitors)
        self.times.merge(other.times)

    def report_fields(self, limit: int) -> dict[str, Any]:
        """The fields of the report's data. Args: limit: entries of a list."""
        self.close()
        return {
            "bytes_by_minute": sorted((60_000 * minute, size) for minute, size in self._bytes.items()),
            "path_bytes": self._path_bytes.top(limit) if self._path_bytes.total else TopList(),
            "referring_sites": self._sites.top(limit),
            "virtual_hosts": self._vhosts.top(limit),
            "visitors": self._visitors.days(),
            "response_times": self.times.over_time(),
            "path_times": self.times.by_path(limit),
            "leaves_path_times_out": self.times.leaves_paths_out,
            "unknown_units": tuple(self.times.unknown_fields),
        }
