"""The sections of ``streamtally local``'s page: rates, what came, the counts, the tap, the delivery streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from streamtally.local.destinations import Settled
from streamtally.local.live.parts import hour_section, newest_section, rate_tiles
from streamtally.local.live.rate_chart import rate_section
from streamtally.local.live.rates import RecentRate
from streamtally.local.live.tap import Tap
from streamtally.local.live.texts import say_live
from streamtally.report.data import LastDocuments, ReportData, UnparsedLine
from streamtally.report.page import report_sections, report_tiles
from streamtally.report.table_sections import output_section
from streamtally.report.texts import say
from streamtally.report.view import Component, Section, Value, note, section, table
from streamtally.text import visible
from streamtally.transform.ledger import Ledger

MAX_ROWS = 60
MAX_REASONS = 10
SHOWN_COUNTERS = (
    "IncomingRecords",
    "IncomingBytes",
    "SucceedProcessing.Records",
    "DeliveryToS3.Records",
    "DeliveryToAmazonOpenSearchService.Records",
    "BackupToS3.Records",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the page shows at one moment."""

    counters: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By stream."""
    settled: Mapping[str, Settled] = field(default_factory=dict)
    """By output."""
    ledger: Ledger | None = None
    """None if it is not known."""
    data: ReportData | None = None
    """What is known of the lines; None: nothing is."""
    newest: Sequence[UnparsedLine] = ()
    """The newest lines that did not parse, the newest last."""
    rate: RecentRate | None = None
    now_ms: int = 0


def status_parts(status: Status) -> tuple[list[Component], list[Component]]:
    """The page's parts: those before the tap, and those after it."""
    data = status.data
    before = [] if data is None else _lines(status, data)
    before += _counts(status.settled)
    after: list[Component] = [] if data is None else [*report_sections(replace(data, unparsed_lines=()))]
    if status.ledger is not None:
        after += _reasons(status.ledger)
    return before, [*after, _streams(status.counters)]


def _lines(status: Status, data: ReportData) -> list[Component]:
    minutes = data.status_by_minute
    rates = [] if status.rate is None else [rate_tiles(status.rate, minutes)]
    chart = [] if status.rate is None else rate_section(status.rate, status.now_ms)
    unread = newest_section(status.newest, data.unparsed, say_live("column.stream"))
    return [*rates, report_tiles(data), *chart, *hour_section(minutes, status.now_ms), *unread]


def tap_sections(tap: Tap, filter_text: str = "") -> list[Section]:
    """The last lines in and documents out. Args: filter_text: what they contain."""
    return [
        _tapped("lines", "line", tap.lines(filter_text), filter_text),
        _tapped("documents", "document", tap.documents(filter_text), filter_text),
    ]


def _counts(settled: Mapping[str, Settled]) -> list[Section]:
    shown = [(name, output) for name, output in settled.items() if output.total]
    if not shown:
        return [section(say_live("counts"), note(say_live("counts.none")))]
    return [output_section(number, _last(name, output)) for number, (name, output) in enumerate(shown, 1)]


def _last(name: str, output: Settled) -> LastDocuments:
    documents = output.newest[-MAX_ROWS:]
    columns = list(dict.fromkeys(column for document in documents for column in document))
    rows: list[list[Any]] = [[document.get(column) for column in columns] for document in documents]
    return LastDocuments(name, columns, rows, output.total)


def _reasons(ledger: Ledger) -> list[Section]:
    reasons: Counter[str] = sum((output.reasons for output in ledger.outputs.values()), start=Counter(ledger.reasons))
    if not reasons:
        return []
    columns = (say("column.reason"), say_live("column.lines"))
    return [section(say_live("reasons"), table(say_live("reasons.caption"), columns, reasons.most_common(MAX_REASONS)))]


def _tapped(kind: str, column: str, entries: Sequence[tuple[str, str]], filter_text: str) -> Section:
    heading = say_live(f"tap.{kind}")
    if filter_text:
        heading = say_live("tap.with", heading=heading, filter=visible(filter_text, 60))
    if not entries:
        return section(heading, note(say_live("tap.none")))
    columns = (say_live("column.stream"), say_live(f"column.{column}"))
    return section(heading, table(say_live("tap.caption"), columns, entries, say_live("tap.label", heading=heading)))


def _streams(counters: Mapping[str, Mapping[str, float]]) -> Section:
    # One column per stream: the counters' names are too long for column heads.
    names = [name for name in SHOWN_COUNTERS if any(name in counter for counter in counters.values())]
    rows: list[list[Value]] = [[name, *(int(counter.get(name, 0)) for counter in counters.values())] for name in names]
    return section(
        say_live("streams"), table(say_live("streams.caption"), [say_live("column.counter"), *counters], rows)
    )
