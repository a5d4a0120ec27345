"""What a report shows, as plain numbers and texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MinuteCount = tuple[int, int | str | None, int]
"""(start of the minute in ms since the epoch, status code or level or None for rows with neither, rows)."""


@dataclass(frozen=True, slots=True)
class OutputCounts:
    """One output's rows by class: ``rows = emitted + filtered + eval_failed + out_of_range``."""

    name: str
    emitted: int
    filtered: int = 0
    eval_failed: int = 0
    out_of_range: int = 0
    reasons: Sequence[tuple[str, int]] = ()
    """(why rows could not be evaluated, rows), most frequent first."""

    @property
    def rows(self) -> int:
        """All rows of the output."""
        return self.emitted + self.filtered + self.eval_failed + self.out_of_range


@dataclass(frozen=True, slots=True)
class TopList:
    """The most frequent texts of a field, most frequent first."""

    entries: Sequence[tuple[str, int]] = ()
    """(text, rows)."""
    total: int = 0
    """Rows that have the field, to compute shares from."""
    error: int = 0
    """How much too high a count may be, and how often a text that is not listed may have occurred; 0: exact."""


@dataclass(frozen=True, slots=True)
class DayVisitors:
    """The visitors of one day of UTC."""

    start_ms: int
    """Its start, in ms since the epoch."""
    visitors: int
    is_exact: bool = True
    """False: an estimate, with a standard error of 0.81 %."""


@dataclass(frozen=True, slots=True)
class TimesAt:
    """Response times of some rows, exact to three significant digits."""

    start_ms: int
    """The start of the step, in ms since the epoch."""
    rows: int
    p50_us: int
    p90_us: int
    p99_us: int
    """Percentiles by nearest rank, in microseconds."""


@dataclass(frozen=True, slots=True)
class TimesOverTime:
    """Response times by step."""

    step_ms: int = 60_000
    steps: Sequence[TimesAt] = ()
    """Those with rows, in order."""
    all: TimesAt | None = None
    """Of all rows; None: there are none."""


@dataclass(frozen=True, slots=True)
class PathTimes:
    """Response times of a path, exact to three significant digits."""

    path: str
    rows: int
    total_us: int
    """All times together, in microseconds."""
    p50_us: int
    p90_us: int
    p99_us: int


@dataclass(frozen=True, slots=True)
class PathErrors:
    """Requests of a path that failed."""

    path: str
    client: int
    """Those with a status from 400 to 499."""
    server: int
    """Those with a status from 500 to 599."""
    rows: int
    """All of the path."""


@dataclass(frozen=True, slots=True)
class UnparsedLine:
    """A line that did not parse."""

    file: str
    line_number: int
    """From 1."""
    reason: str
    text: str
    """The line, or its beginning."""


@dataclass(frozen=True, slots=True)
class LastDocuments:
    """The last documents of an output."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    """For each document its values, in the order of the columns."""
    total: int
    """All documents of the output."""


@dataclass(frozen=True, slots=True)
class ComparedList:
    """The most frequent texts of either of two periods."""

    kind: str
    """The list's key among the texts, such as ``paths``."""
    entries: Sequence[tuple[str, int, int]] = ()
    """(text, rows in this period, rows in the other), by how much they differ."""
    error: int = 0
    """How much too high a count may be; 0: exact."""


@dataclass(frozen=True, slots=True)
class CellsOfList:
    """Where the entries of a list are."""

    entries: Sequence[tuple[str, int]]
    """(text, rows): those of the list, and the next ones."""
    cells: Sequence[Sequence[int]]
    """For each entry the numbers of its cells, ascending, each followed by its rows there. Where their sum is less than
    the entry's rows, the rest is in cells that are not known."""
    totals: Sequence[int] = ()
    """The same of all rows that have the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the page needs to follow a selection: rows by cell, which is a step of time and a class of status or level.

    The number of a cell is that of its step, times the number of classes, plus the place of its class.
    """

    start_ms: int
    """The start of the first step, in ms since the epoch."""
    step_ms: int
    classes: Sequence[str]
    rows: Sequence[int]
    """The cells with rows, ascending, each followed by them."""
    bytes: Sequence[int] = ()
    """The same of the bytes of responses."""
    hours: Sequence[int] = ()
    """Rows by hour: the number of the hour from the first step on, times the number of classes, plus the place of the
    class, ascending, each followed by its rows. Empty: there are too many hours."""
    times: Sequence[tuple[int, Sequence[int]]] = ()
    """(cell, response times in microseconds to two digits, ascending, each followed by its rows)."""
    lists: Mapping[str, CellsOfList] = field(default_factory=dict)
    """By the name of the list's field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Everything that a report shows. The ledger is in lines: ``lines`` is the sum of the classes after it."""

    pipeline: str
    """Its name."""
    generated_at: str
    """When the report was made, as text."""
    lines: int
    rows: int
    unparsed: int = 0
    empty: int = 0
    failed: int = 0
    reingested: int = 0
    inputs: Sequence[str] = ()
    """The logs that were read."""
    outputs: Sequence[OutputCounts] = ()
    last_documents: Sequence[LastDocuments] = ()
    """Those of each output."""
    status_by_minute: Sequence[MinuteCount] = ()
    """In any order; entries with the same minute and status are added."""
    status_width: int = 1
    """The length of its steps, in minutes: longer in a log of very many minutes."""
    top_requests: TopList = field(default_factory=TopList)
    top_hosts: TopList = field(default_factory=TopList)
    top_agents: TopList = field(default_factory=TopList)
    top_paths: TopList = field(default_factory=TopList)
    """Without their queries, and without static files."""
    static_files: TopList = field(default_factory=TopList)
    """The paths of images, style sheets, scripts, fonts and other files."""
    top_queries: TopList = field(default_factory=TopList)
    """The queries apart from their paths."""
    top_methods: TopList = field(default_factory=TopList)
    top_protocols: TopList = field(default_factory=TopList)
    not_found: TopList = field(default_factory=TopList)
    """Paths of requests with status 404."""
    client_errors: TopList = field(default_factory=TopList)
    """Paths of requests with a status from 400 to 499 other than 404."""
    server_errors: TopList = field(default_factory=TopList)
    """Paths of requests with a status from 500 to 599."""
    path_errors: Sequence[PathErrors] = ()
    """The paths with the most errors, most first. Exact unless one of the lists of errors and paths is not."""
    visitors: Sequence[DayVisitors] = ()
    """Those of each day with any, in order."""
    bytes_by_minute: Sequence[tuple[int, int]] = ()
    """(start of the minute in ms since the epoch, bytes of the responses)."""
    bytes_width: int = 1
    """The length of its steps, in minutes."""
    path_bytes: TopList = field(default_factory=TopList)
    """Bytes instead of rows."""
    referring_sites: TopList = field(default_factory=TopList)
    virtual_hosts: TopList = field(default_factory=TopList)
    response_times: TimesOverTime = field(default_factory=TimesOverTime)
    path_times: Sequence[PathTimes] = ()
    """Of the paths that took the most time in all, most first."""
    leaves_path_times_out: bool = False
    """Whether there were too many paths, so that rare ones are left out of ``path_times``."""
    unknown_units: Sequence[str] = ()
    """Fields with response times in a unit that is not known, which are left out."""
    browsers: TopList = field(default_factory=TopList)
    """Browsers and tools, by their name; bots are apart."""
    systems: TopList = field(default_factory=TopList)
    bots: TopList = field(default_factory=TopList)
    unknown_agents: int = 0
    """Rows with an agent that has no known name."""
    unseen_agents: int = 0
    """Rows with an agent that is so rare that it was not looked at."""
    countries: TopList = field(default_factory=TopList)
    """By the addresses of the clients, with ``--geoip``."""
    unknown_countries: int = 0
    """Rows whose client is in no country of the file, or so rare that it was not looked up."""
    compared: ReportData | None = None
    """The other period."""
    compared_lists: Sequence[ComparedList] = ()
    selection: Selection | None = None
    """None: the page does not follow a selection."""
    unparsed_lines: Sequence[UnparsedLine] = ()
    """Examples; there may be fewer than ``unparsed``."""

    @property
    def balances(self) -> bool:
        """Whether each line is in exactly one class."""
        return self.lines == self.rows + self.unparsed + self.empty + self.failed + self.reingested
