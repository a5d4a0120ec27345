"""What a local run counts for its report alone: the top lists, and the panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import itemgetter
from typing import Any, Final, NamedTuple

from streamtally.formats.base import Format, Plain, Row, Scanner
from streamtally.formats.field_readers import Get
from streamtally.formats.roles import role_reader
from streamtally.local.counted_columns import NONE, Columns, count_columns
from streamtally.local.panel_fields import PanelFields, to_size
from streamtally.local.report_columns import NewVisitors, to_sizes
from streamtally.report.agents import Members
from streamtally.report.data import MinuteCount, Selection
from streamtally.report.minute_counts import MOST
from streamtally.report.panels import Panels
from streamtally.report.selection import ENTRIES, Cells
from streamtally.report.steps import OTHER, status_class
from streamtally.report.tops import Tops, shown
from streamtally.transform.source import Source

TOP_ENTRIES: Final = 20
_TOP_COLUMNS: Final = ("request", "host", "agent")
_ROWS_AT_ONCE: Final = 5_000
_FINE_BATCHES: Final = 8


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

    def selection(
        self, minutes: Sequence[MinuteCount], minutes_width: int, grouped: Mapping[str, Any], members: Members
    ) -> Selection:
        """What the page needs to follow a selection.

        Args:
            minutes_width: the length of the steps of ``minutes``, in minutes.
            grouped, members: see :meth:`streamtally.local.summary.Summary.selection`.
        """
        named = {**self.tops.named, **self.panels.named}
        width = max([self.panels.cell_width, *(counter.cells.width for counter in named.values())])
        cells = Cells(minutes, width, minutes_width)
        lists = {name: cells.of_list(counter.top(ENTRIES), counter.cells) for name, counter in named.items()}
        for name, groups in members.items():
            counter = self.tops.hosts if name == "countries" else self.tops.agents
            lists[name] = cells.of_groups(grouped[name], counter.cells, groups)
        return cells.selection(minutes, self.panels.cell_bytes, self.panels.cell_times, lists)

    def report_fields(self) -> dict[str, Any]:
        """The fields of the report's data."""
        return {**self.tops.report_fields(TOP_ENTRIES), **self.panels.report_fields(TOP_ENTRIES)}


class ReportCounter:
    """Counts rows for the report."""

    def __init__(self, source: Source, options: ReportOptions, most_minutes: int | None = MOST) -> None:
        self._source, self._options, self._most_minutes = source, options, most_minutes
        # Reading a column makes the source add it to rows whose format calls it otherwise.
        self._top_fields = {column: source.column(column)[0] for column in _TOP_COLUMNS}
        self._readers: dict[str, tuple[Get, ...]] = {}
        self._panel_fields: dict[str, PanelFields] = {}
        self._visitors = NewVisitors()
        self._counts = ReportCounts(Tops(), Panels(self._most_minutes))
        self._rows: list[tuple[Any, ...]] = []
        self._is_fine = True

    @property
    def counts(self) -> ReportCounts:
        """What was counted so far."""
        self._count_rows()
        return self._counts

    def take(self) -> ReportCounts:
        """What was counted since the last time; counting begins again."""
        counts = self.counts
        self._counts = ReportCounts(Tops(), Panels(self._most_minutes))
        counts.panels.close()
        return counts

    def begin(self, batch: int) -> None:
        """Note the number of the batch that the next lines are of."""
        self._is_fine = batch < _FINE_BATCHES

    def add(self, row: Row, log_format: Format | None, status: int | None, kind: str, minute: int) -> None:
        """Count a row. Args: kind: the class of its status or level; minute: since the epoch."""
        if not self._options.is_wanted:
            return
        fields = self._fields(log_format)
        request, host, agent = (_text(read(row)) for read in self._top_readers(log_format))
        referer, vhost, size = _text(fields.referer(row)), _text(fields.vhost(row)), to_size(fields.bytes(row))
        duration = fields.duration(row)
        self._rows.append((minute, kind, status, request, host, agent, size, referer, vhost, duration))
        if len(self._rows) >= _ROWS_AT_ONCE:
            self._count_rows()

    def _count_rows(self) -> None:
        rows, self._rows = self._rows, []
        if not rows:
            return
        columns = Columns(*map(list, zip(*rows, strict=True)))
        count_columns(columns, *self._counts, None, self._is_fine)
        minutes, hosts, agents = [], [], []
        for minute, status, host, agent in zip(
            columns.minutes, columns.statuses, columns.hosts, columns.agents, strict=True
        ):
            if status is not None and host is not None:
                minutes.append(minute)
                hosts.append(host)
                agents.append(NONE if agent is None else agent)
        if minutes:
            self._visitors.add(self._counts.panels, minutes, hosts, agents)

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
        if not self._options.is_wanted or not lines:
            return
        texts = [map(itemgetter(position), lines) for position in columns.tops]
        codes: list[int | None] = [None] * len(lines)
        kinds = [OTHER] * len(lines)
        if columns.status is not None:
            statuses = list(map(itemgetter(scanner.positions[columns.status]), lines))
            code_of = {text: status_of(text) for text in set(statuses)}
            kind_of = {text: status_class(code) for text, code in code_of.items()}
            codes, kinds = list(map(code_of.__getitem__, statuses)), list(map(kind_of.__getitem__, statuses))
        sizes = [] if columns.bytes is None else to_sizes(list(map(itemgetter(columns.bytes), lines)))
        referers, vhosts = (
            () if position is None else list(map(itemgetter(position), lines))
            for position in (columns.referer, columns.vhost)
        )
        requests, hosts, agents = map(list, texts)
        counted = Columns(minutes, kinds, codes, requests, hosts, agents, sizes, referers, vhosts)
        count_columns(counted, *self._counts, NONE, self._is_fine)
        if columns.status is not None:
            self._add_visitors(statuses, minutes, hosts, agents)

    def _add_visitors(
        self, statuses: Sequence[str], minutes: Sequence[int], hosts: Sequence[str], agents: Sequence[str]
    ) -> None:
        """Take in who asked, where a status says that there was an answer."""
        if NONE in statuses:
            is_known = [text != NONE for text in statuses]
            minutes = list(compress(minutes, is_known))
            hosts, agents = list(compress(hosts, is_known)), list(compress(agents, is_known))
        if minutes:
            self._visitors.add(self._counts.panels, minutes, hosts, agents)

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


def _text(value: Any) -> str | None:
    return None if value is None else shown(value)
