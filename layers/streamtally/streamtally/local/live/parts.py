"""Sections that only the live pages have: rates, the last hour, the newest lines that did not parse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from streamtally.local.live.rate_chart import rate_section, rate_text
from streamtally.local.live.rates import RecentRate
from streamtally.local.live.texts import say_live
from streamtally.report.data import MinuteCount, ReportData, UnparsedLine
from streamtally.report.figures import time_chart
from streamtally.report.page import report_sections, report_tiles
from streamtally.report.steps import MINUTE_MS, Steps, time_label, to_steps
from streamtally.report.texts import say
from streamtally.report.view import (
    Component,
    Paragraph,
    Section,
    Tile,
    Tiles,
    Value,
    details,
    note,
    section,
    table,
)

NOW_SECONDS: Final = 5.0
"""A rate is one of now if it is over so many seconds."""
_MINUTE_SECONDS: Final = 60.0
_HOUR_MS: Final = 60 * MINUTE_MS
_MINUTES: Final = 60
MAX_NOTICES: Final = 20


def follow_parts(
    data: ReportData, rate: RecentRate, newest: Sequence[UnparsedLine], notices: Sequence[str], now_ms: int
) -> list[Component]:
    """The parts of ``run --follow``'s page.

    Args:
        newest: the newest lines that did not parse, the newest last.
        notices: what happened to the logs, the newest last.
    """
    happened = [section(say_live("notices"), *map(Paragraph, notices[-MAX_NOTICES:][::-1]))] if notices else []
    return [
        rate_tiles(rate, data.status_by_minute),
        report_tiles(data),
        *rate_section(rate, now_ms),
        *hour_section(data.status_by_minute, now_ms),
        *happened,
        *newest_section(newest, data.unparsed + data.failed, say("column.file")),
        *report_sections(replace(data, unparsed_lines=())),
    ]


def rate_tiles(rate: RecentRate, minutes: Sequence[MinuteCount]) -> Tiles:
    """Lines a second, and the minute of the newest row."""
    tiles = [
        Tile(rate_text(rate.over(NOW_SECONDS)), say_live("tile.now")),
        Tile(rate_text(rate.over(_MINUTE_SECONDS)), say_live("tile.minute")),
    ]
    if minutes:
        tiles.append(Tile(time_label(max(start for start, _, _ in minutes)), say_live("tile.newest")))
    return Tiles(tiles)


def hour_section(minutes: Sequence[MinuteCount], now_ms: int) -> list[Section]:
    """Rows of the last hour by minute; none if there are no rows.

    The hour ends now or, where the log is old or its clock is ahead, with its newest row.
    """
    newest = max((start for start, _, _ in minutes), default=0)
    last = now_ms - now_ms % MINUTE_MS if newest <= now_ms < newest + _HOUR_MS else newest
    first = last - _HOUR_MS + MINUTE_MS
    shown = [entry for entry in minutes if first <= entry[0] <= last]
    if not shown:
        return []
    steps = _whole_hour(to_steps(shown, _MINUTES), first)
    summary = ", ".join(f"{kind}: {sum(counts):,}" for kind, counts in steps.counts.items())
    rows: list[tuple[Value, ...]] = [
        (time_label(start), *(counts[index] for counts in steps.counts.values()))
        for index, start in enumerate(steps.starts)
        if steps.total(index)
    ]
    numbers = table(say_live("hour.note"), (say("column.from"), *steps.counts), rows, say_live("hour"))
    chart = time_chart(steps, say_live("hour.label", summary=summary))
    return [section(say_live("hour"), note(say_live("hour.note")), chart, details(say("table"), numbers))]


def _whole_hour(steps: Steps, first: int) -> Steps:
    """The same steps with those without rows, so that the chart is an hour wide."""
    places = {start: index for index, start in enumerate(steps.starts)}
    starts = tuple(first + minute * MINUTE_MS for minute in range(_MINUTES))
    counts = {
        kind: tuple(known[places[start]] if start in places else 0 for start in starts)
        for kind, known in steps.counts.items()
    }
    return Steps(MINUTE_MS, starts, counts)


def newest_section(lines: Sequence[UnparsedLine], total: int, file_column: str) -> list[Section]:
    """The newest lines that did not parse; none if there are no such lines.

    Args: lines: the newest last; total: of all; file_column: what a line's file is called.
    """
    if not lines:
        return []
    rows = [(line.file, line.line_number, line.reason, line.text) for line in reversed(lines)]
    columns = (file_column, *(say(f"column.{name}") for name in ("line", "reason", "text")))
    caption = say_live("newest.caption", count=len(rows), total=total)
    return [section(say_live("newest"), table(caption, columns, rows))]
