"""What a local run counts for its report alone: the top lists, and the panels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final, NamedTuple

from streamtally.formats.base import Format, Plain, Row, Scanner
from streamtally.formats.roles import Get, role_reader
from streamtally.local.panel_fields import PanelFields, to_size
from streamtally.report.panels import Panels
from streamtally.report.request_parts import RequestColumns, split_request, split_requests
from streamtally.report.tops import FIRST_ERROR, Tops, shown
from streamtally.transform.source import Source

TOP_ENTRIES: Final = 20
_TOP_COLUMNS: Final = ("request", "host", "agent")
_SIZES_KEPT: Final = 100_000
_NONE: Final = "-"


class ReportOptions(NamedTuple):
    """What is counted for the report."""

    is_wanted: bool = True
    """False: there is no report; only what the terminal shows is counted."""
    duration_unit: str = ""
    """The unit of response times where neither the format nor the field's name states it: s, ms, us or ns."""


COUNTED: Final = ReportOptions()


@dataclass(frozen=True, slots=True)
class PlainColumns:
    """Where plain lines have what is counted: positions in a tuple of their scanner."""

    tops: tuple[int, int, int]
    """The request, the host and the agent."""
    status: str | None
    """The status by its name; None: lines have none."""
    bytes: int | None = None
    referer: int | None = None
    vhost: int | None = None


class ReportCounts(NamedTuple):
    """What was counted of some lines."""

    tops: Tops
    panels: Panels

    def merge(self, other: ReportCounts) -> None:
        """Take in what was counted of other lines."""
        self.tops.merge(other.tops)
        self.panels.merge(other.panels)

    def report_fields(self) -> dict[str, Any]:
        """The fields of the report's data."""
        return {**self.tops.report_fields(TOP_ENTRIES), **self.panels.report_fields(TOP_ENTRIES)}


class ReportCounter:
    """Counts rows for the report."""

    def __init__(self, source: Source, options: ReportOptions) -> None:
        self._source, self._options = source, options
        # Reading a column makes the source add it to rows whose format calls it otherwise.
        self._top_fields = {column: source.column(column)[0] for column in _TOP_COLUMNS}
        self._readers: dict[str, tuple[Get, ...]] = {}
        self._panel_fields: dict[str, PanelFields] = {}
        self._sizes = _Sizes()
        self.counts = ReportCounts(Tops(), Panels())

    def take(self) -> ReportCounts:
        """What was counted since the last time; counting begins again."""
        counts, self.counts = self.counts, ReportCounts(Tops(), Panels())
        counts.panels.close()
        return counts

    def add(self, row: Row, log_format: Format | None, status: int | None, minute: int) -> None:
        """Count a row. Args: minute: since the epoch."""
        if not self._options.is_wanted:
            return
        request, host, agent = (read(row) for read in self._top_readers(log_format))
        self.counts.tops.add(request, host, agent, status)
        fields = self._fields(log_format)
        panels, path = self.counts.panels, None if request is None else split_request(shown(request)).path
        if (size := to_size(fields.bytes(row))) > 0:
            panels.add_bytes((minute,), (path,), (size,))
        if status is not None and host is not None:
            panels.add_visitors((minute,), ((shown(host), _NONE if agent is None else shown(agent)),))
        if (referer := fields.referer(row)) is not None:
            panels.add_referers({shown(referer): 1})
        if (vhost := fields.vhost(row)) is not None:
            panels.add_vhosts({shown(vhost): 1})
        if (duration := fields.duration(row)) is not None:
            panels.add_time(minute, path, *duration)

    def plain_columns(self, scanner: Scanner, log_format: Format, status_field: str) -> PlainColumns | None:
        """Where the plain lines of a format have what is counted; None if that is not one field for each."""
        positions = scanner.positions
        tops: list[int] = []
        for read in self._top_readers(log_format):
            named = [position for name, position in positions.items() if read({name: "x"}) == "x"]
            if len(named) != 1:
                return None
            tops += named
        fields = self._fields(log_format)
        others = (
            next((position for name, position in positions.items() if read({name: "7"}) == "7"), None)
            for read in (fields.bytes, fields.referer, fields.vhost)
        )
        status = status_field if status_field in positions else None
        return PlainColumns((tops[0], tops[1], tops[2]), status, *others)

    def add_plain(
        self, scanner: Scanner, columns: PlainColumns, lines: Sequence[Plain], minutes: Sequence[int], status_of: Any
    ) -> None:
        """Count plain lines. Args: minutes: since the epoch; status_of: a status's text → its code."""
        if not self._options.is_wanted:
            return
        panels, (request, host, agent) = self.counts.panels, columns.tops
        for counter, position in zip(self.counts.tops.counters[1:], (host, agent), strict=True):
            counts = Counter(map(itemgetter(position), lines))
            del counts[_NONE]
            counter.add_all(counts)
        requests = list(map(itemgetter(request), lines))
        parts = split_requests(requests)
        self._add_requests(scanner, columns, lines, requests, parts, status_of)
        if columns.bytes is not None:
            sizes = map(self._sizes.__getitem__, map(itemgetter(columns.bytes), lines))
            panels.add_bytes(minutes, parts.paths, sizes)
        if columns.status is not None:
            self._add_visitors(scanner.positions[columns.status], (host, agent), lines, minutes)
        if columns.referer is not None:
            panels.add_referers(Counter(map(itemgetter(columns.referer), lines)))
        if columns.vhost is not None:
            panels.add_vhosts(Counter(map(itemgetter(columns.vhost), lines)))

    def _add_visitors(
        self, status: int, visitor: tuple[int, int], lines: Sequence[Plain], minutes: Sequence[int]
    ) -> None:
        if _NONE in set(map(itemgetter(status), lines)):
            known = [index for index, line in enumerate(lines) if line[status] != _NONE]
            lines, minutes = [lines[index] for index in known], [minutes[index] for index in known]
        if lines:
            self.counts.panels.add_visitors(minutes, map(itemgetter(*visitor), lines))

    def _add_requests(
        self,
        scanner: Scanner,
        columns: PlainColumns,
        lines: Sequence[Plain],
        requests: list[str],
        parts: RequestColumns,
        status_of: Any,
    ) -> None:
        statuses: dict[int, int] = {}
        if columns.status is not None:
            texts = list(map(itemgetter(scanner.positions[columns.status]), lines))
            failed = {
                text: code for text in set(texts) if (code := status_of(text)) is not None and code >= FIRST_ERROR
            }
            statuses = {index: failed[text] for index, text in enumerate(texts) if text in failed}
        if _NONE in requests:
            kept = [index for index, request in enumerate(requests) if request != _NONE]
            statuses = {place: statuses[index] for place, index in enumerate(kept) if index in statuses}
            requests = [requests[index] for index in kept]
            parts = RequestColumns(*([column[index] for index in kept] for column in parts))
        self.counts.tops.add_requests(requests, parts, statuses)

    def _fields(self, log_format: Format | None) -> PanelFields:
        name = log_format.name if log_format is not None else ""
        fields = self._panel_fields.get(name)
        if fields is None:
            fields = self._panel_fields[name] = PanelFields(self._source, log_format, self._options.duration_unit)
        return fields

    def _top_readers(self, log_format: Format | None) -> tuple[Get, ...]:
        name = log_format.name if log_format is not None else ""
        readers = self._readers.get(name)
        if readers is None:
            readers = self._readers[name] = tuple(self._top_reader(log_format, column) for column in _TOP_COLUMNS)
        return readers

    def _top_reader(self, log_format: Format | None, column: str) -> Get:
        field_name = self._top_fields[column]
        if log_format is not None and field_name == column:
            return role_reader(log_format, column)
        return lambda row: row.get(field_name)  # the pipeline itself says which field it is


class _Sizes(dict[str, int]):
    """The texts of plain lines' sizes → bytes."""

    def __missing__(self, text: str) -> int:
        if len(self) > _SIZES_KEPT:
            self.clear()
        size = self[text] = to_size(text)
        return size
