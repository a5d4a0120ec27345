"""What a local run remembers about the lines for its table, chart and report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from operator import itemgetter
from typing import Any, TypeAlias

from streamtally.config.source import AUTO
from streamtally.formats.base import Format, Plain, Row, Scanner
from streamtally.formats.w3c_header import HEADER
from streamtally.local.arrival import ReadLine
from streamtally.local.logs import STANDARD_INPUT, shown_name
from streamtally.local.report_counts import COUNTED, PlainColumns, ReportCounter, ReportCounts, ReportOptions
from streamtally.report.agents import Members
from streamtally.report.data import MinuteCount, OutputCounts, ReportData, Selection, TopList, UnparsedLine
from streamtally.report.minute_counts import MOST, MinuteCounts
from streamtally.report.steps import status_class
from streamtally.report.tops import CAPACITY
from streamtally.report.uncounted import ReadAs
from streamtally.text import visible
from streamtally.transform.ledger import Ledger
from streamtally.transform.payload_lines import to_text
from streamtally.transform.role_columns import EVENT_TIME
from streamtally.transform.source import Source

MAX_EXAMPLES = 100
MAX_EXAMPLE_CHARS = 500
MAX_REASONS = 5
_MINUTE_MS = 60_000

StatusMinute: TypeAlias = tuple[int, int | str | None]
"""(start of the minute in ms since the epoch, status or class of level)."""


def read_as_settings(logs: Sequence[str], source: Source) -> ReadAs:
    """How logs that are no files were read, by the pipeline's settings alone."""
    name, fields = source.settings.format, source.time_field or ()
    return ReadAs(
        logs=logs,
        is_file=False,
        has_options=False,
        formats=() if name == AUTO else (name.partition(":")[0],),
        time_field=fields if isinstance(fields, str) else " and ".join(fields),
        time_format=source.time_format,
    )


@dataclass(slots=True)
class SummaryPart:
    """What a summary has taken in of some lines, for that of all lines."""

    minutes: MinuteCounts[StatusMinute]
    counts: ReportCounts
    examples: list[UnparsedLine]
    fields: list[str]
    missing: dict[str, tuple[str, ...]]


class Summary:
    """Statuses or levels by minute, the most frequent requests, hosts and agents, examples of what did not parse.

    Args: keeps_minutes: whether no minutes are added up to longer steps, as pages that show the last hour need it.
    """

    def __init__(self, source: Source, options: ReportOptions = COUNTED, *, keeps_minutes: bool = False) -> None:
        self._most_minutes = None if keeps_minutes else MOST
        self._minutes = MinuteCounts(_floor, self._most_minutes)
        self._examples: list[UnparsedLine] = []
        # Reading a column makes the source add it to rows whose format calls it otherwise.
        self._status_field, _ = source.column("response")
        self._level_field, _ = source.column("level")
        self._counter = ReportCounter(source, options, self._most_minutes)
        self._source = source
        self._fields: list[str] = []
        self._missing: dict[str, tuple[str, ...]] = {}

    def begin(self, batch: int) -> None:
        """Note the number of the batch that the next lines are of."""
        self._counter.begin(batch)

    def watch(self, fields: Mapping[str, tuple[str, ...]]) -> None:
        """Note which of these fields no row has. Args: fields: a field's name → the columns that it is read from."""
        self._missing.update(fields)

    def add(self, line: ReadLine) -> None:
        """Take in a line as its source reads it."""
        if line.row is None:
            if line.reason:
                self.add_failed(line, line.reason)
            return
        code = _status(line.row.get(self._status_field))
        if not self._fields:
            self._fields = [name for name in line.row if name != EVENT_TIME]
        if self._missing:
            self._note_fields(line.row)
        time = line.arrival if line.time is None else line.time
        status: int | str | None = code
        if status is None:
            status = _level(line.row.get(self._level_field))
        self._minutes.counts[time - time % _MINUTE_MS, status] += 1
        self._counter.add(line.row, line.format, code, status_class(status), time // _MINUTE_MS)

    def plain_columns(self, scanner: Scanner, log_format: Format) -> PlainColumns | None:
        """Where the plain lines of a format have what is taken in; None if that is not one field for each."""
        if self._level_field in scanner.positions:
            return None
        return self._counter.plain_columns(scanner, log_format, self._status_field)

    def add_plain(self, scanner: Scanner, columns: PlainColumns, lines: Sequence[Plain], times: Sequence[int]) -> None:
        """Take in plain lines. Args: times: when each was logged, in ms since the epoch."""
        if not lines:
            return
        self.note_fields(list(scanner.positions))
        if self._missing:
            self._note_fields(scanner.row(lines[0]))
        if columns.status is None:
            statuses: Iterable[str] = repeat("-", len(lines))
        else:
            statuses = map(itemgetter(scanner.positions[columns.status]), lines)
        minutes = [time // _MINUTE_MS for time in times]
        status_of = partial(_plain_status, scanner, columns.status)
        for (text, minute), count in Counter(zip(statuses, minutes, strict=True)).items():
            self._minutes.counts[minute * _MINUTE_MS, status_of(text)] += count
        self._counter.add_plain(scanner, columns, lines, minutes, status_of)

    def take(self) -> SummaryPart:
        """What was taken in since the last time; the summary begins again."""
        part = SummaryPart(self._minutes, self._counter.take(), self._examples, self._fields, self._missing)
        self._minutes, self._examples = MinuteCounts(_floor, self._most_minutes), []
        self._fields, self._missing = [], {}
        return part

    def merge(self, part: SummaryPart) -> None:
        """Take in a part of the lines after all before."""
        self._minutes.update(part.minutes)
        self._counter.counts.merge(part.counts)
        self._examples += part.examples[: MAX_EXAMPLES - len(self._examples)]
        self._fields = self._fields or part.fields
        self._missing = {name: columns for name, columns in self._missing.items() if name in part.missing}

    def note_fields(self, fields: list[str]) -> None:
        """Keep the names of a row's fields, if it is the first row."""
        self._fields = self._fields or fields

    def _note_fields(self, row: Row) -> None:
        present = [name for name, columns in self._missing.items() if any(column in row for column in columns)]
        for name in present:
            del self._missing[name]

    def add_failed(self, line: ReadLine, reason: str) -> None:
        """Keep a line that did not become a row as an example, unless there are enough."""
        if len(self._examples) < MAX_EXAMPLES:
            text = to_text(line.line.data[: 4 * MAX_EXAMPLE_CHARS].rstrip(b"\r\n"))
            shown = self._source.hide(text)[:MAX_EXAMPLE_CHARS]
            self._examples.append(UnparsedLine(line.line.file, line.line.number, reason, shown))

    def read_as(self, logs: Sequence[str]) -> ReadAs:
        """How the lines of these logs were read, for advice on those that were not counted."""
        return replace(
            read_as_settings([shown_name(log) for log in logs], self._source),
            first_unread=self._first_unread(len(logs)),
            is_file=list(logs) != [STANDARD_INPUT],
            has_options=True,
            fields=self._fields,
            missing=list(self._missing),
        )

    def unread_texts(self) -> list[str]:
        """The beginnings of the first lines that did not become rows."""
        return [example.text for example in self._examples]

    def _first_unread(self, logs: int) -> str:
        first = next((example for example in self._examples if example.reason != HEADER), None)
        if first is None:
            return ""
        return f"line {first.line_number}" + (f" of {visible(first.file, 60)}" if logs > 1 else "")

    def report_data(self, ledger: Ledger, pipeline: str, inputs: Sequence[str], generated_at: str) -> ReportData:
        """Everything that the report shows."""
        return ReportData(
            pipeline=pipeline,
            generated_at=generated_at,
            inputs=inputs,
            lines=ledger.lines,
            rows=ledger.rows,
            unparsed=ledger.unparsed,
            empty=ledger.empty,
            failed=ledger.failed,
            reingested=ledger.reingested,
            outputs=[_output_counts(name, ledger) for name in ledger.outputs],
            status_by_minute=self.minutes(),
            status_width=self._minutes.width,
            **self._counter.counts.report_fields(),
            unparsed_lines=self._examples,
        )

    def selection(self, grouped: Mapping[str, Any], members: Members) -> Selection | None:
        """What the page needs to follow a selection; None: no row has a minute.

        Args:
            grouped: lists of entries that stand for several texts, by the names of their fields.
            members: the texts of each of their entries: clients of countries, otherwise agents.
        """
        minutes = self.minutes()
        return self._counter.counts.selection(minutes, self._minutes.width, grouped, members) if minutes else None

    def top_paths(self, limit: int) -> list[tuple[str, int]]:
        """The most frequent paths and their rows; requests, if no row has a path. The most frequent first."""
        tops = self._counter.counts.tops
        paths = [*tops.paths.top(limit).entries, *tops.static_files.top(limit).entries]
        return sorted(paths, key=lambda entry: (-entry[1], entry[0]))[:limit] or list(tops.requests.top(limit).entries)

    def lists(self, names: Sequence[str]) -> dict[str, TopList]:
        """All known entries of top lists. Args: names: attributes of :class:`~streamtally.report.tops.Tops`."""
        return {name: getattr(self._counter.counts.tops, name).top(CAPACITY) for name in names}

    def agents(self, limit: int) -> TopList:
        """The most frequent user agents."""
        return self._counter.counts.tops.agents.top(limit)

    def hosts(self, limit: int) -> TopList:
        """The most frequent clients."""
        return self._counter.counts.tops.hosts.top(limit)

    def minutes(self) -> list[MinuteCount]:
        """Rows by minute and status, or class of level where there is no status; in no order."""
        return [(minute, status, count) for (minute, status), count in self._minutes.counts.items()]


def _floor(key: StatusMinute, width: int) -> StatusMinute:
    start, status = key
    return start - start % (width * _MINUTE_MS), status


def _plain_status(scanner: Scanner, field_name: str | None, text: str) -> int | None:
    return _status(scanner.value(field_name, text)) if field_name is not None else None


def _status(value: Any) -> int | None:
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        return int(value)
    return value if type(value) is int else None


def _level(value: Any) -> str | None:
    return status_class(value) if isinstance(value, str) else None


def _output_counts(name: str, ledger: Ledger) -> OutputCounts:
    output = ledger.outputs[name]
    reasons = output.reasons.most_common(MAX_REASONS)
    return OutputCounts(name, output.emitted, output.filtered, output.eval_failed, output.out_of_range, reasons)
