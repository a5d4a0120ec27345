"""What a report shows: plain numbers and texts, given by whoever ran the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

MinuteCount = tuple[int, int | None, int]
"""Start of the minute in ms since the epoch (UTC), status code (None: the row has none), rows."""


@dataclass(frozen=True, slots=True)
class OutputLedger:
    """One output's ledger: ``rows = emitted + filtered + eval_failed + out_of_range``."""

    name: str
    emitted: int
    filtered: int = 0
    eval_failed: int = 0
    out_of_range: int = 0

    @property
    def rows(self) -> int:
        """Every row that came to the output."""
        return self.emitted + self.filtered + self.eval_failed + self.out_of_range


@dataclass(frozen=True, slots=True)
class TopList:
    """The most frequent texts of a field, most frequent first.

    Attributes:
        entries: (text, rows). total: rows that had a text at all, so that shares can be shown.
        error: by how much a count may be too high, and how often a text that is missing here may have come; 0: exact.
    """

    entries: Sequence[tuple[str, int]] = ()
    total: int = 0
    error: int = 0


@dataclass(frozen=True, slots=True)
class UnparsedLine:
    """A line that did not parse: where it stands (``line_number`` from 1), why, and its text (or its beginning)."""

    file: str
    line_number: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Everything that a report shows.

    Attributes:
        pipeline: its name. inputs: the logs that were read. generated_at: when, as text to show.
        lines, rows, unparsed, empty, failed, reingested: the ledger, in lines; the first is the others' sum.
        status_by_minute: in any order; several entries of one minute and status are added up.
        unparsed_lines: examples; there may be fewer than ``unparsed``.
    """

    pipeline: str
    generated_at: str
    lines: int
    rows: int
    unparsed: int = 0
    empty: int = 0
    failed: int = 0
    reingested: int = 0
    inputs: Sequence[str] = ()
    outputs: Sequence[OutputLedger] = ()
    status_by_minute: Sequence[MinuteCount] = ()
    top_requests: TopList = field(default_factory=TopList)
    top_hosts: TopList = field(default_factory=TopList)
    top_agents: TopList = field(default_factory=TopList)
    unparsed_lines: Sequence[UnparsedLine] = ()

    @property
    def balances(self) -> bool:
        """Whether each line is in exactly one class."""
        return self.lines == self.rows + self.unparsed + self.empty + self.failed + self.reingested
