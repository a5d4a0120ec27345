"""The sections of the page with a chart: statuses, visitors, bytes and response times over time, hours and weekdays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from streamtally.report.data import CellsOfList, PathTimes, ReportData, TopList
from streamtally.report.figures import MAX_STEPS, Chart, curves_chart, time_chart
from streamtally.report.hours import hours_chart, to_grid, weekdays
from streamtally.report.steps import MAX_TABLE_STEPS, Steps, day_label, step_name, sum_steps, time_label, to_steps
from streamtally.report.texts import say
from streamtally.report.units import size_text, time_text
from streamtally.report.view import Digits, Section, Value, bar_table, details, note, section, table

_MAX_DAYS_AS_BARS: Final = 31
_MINUTES_A_DAY: Final = 1440
_PERCENTILES: Final = ("p50", "p90", "p99")


def status_section(data: ReportData) -> Section:
    """Rows over time by class of status, or by level."""
    steps = to_steps(data.status_by_minute, MAX_STEPS, data.status_width)
    coarse = to_steps(data.status_by_minute, MAX_TABLE_STEPS, data.status_width)
    rows: list[tuple[Value, ...]] = [
        (time_label(start), *(counts[index] for counts in coarse.counts.values()))
        for index, start in enumerate(coarse.starts)
    ]
    caption = say("rows_per", step=step_name(coarse.step_ms))
    numbers = table(caption, (say("column.from"), *coarse.counts), rows)
    return section(
        say(_status_key(data)),
        note(say("rows_per.note", step=step_name(steps.step_ms))),
        _status_chart(data, steps),
        details(say("table"), numbers),
        follows="status",
    )


def status_chart(data: ReportData) -> Chart:
    """The chart of that section."""
    return _status_chart(data, to_steps(data.status_by_minute, MAX_STEPS, data.status_width))


def _status_chart(data: ReportData, steps: Steps) -> Chart:
    summary = ", ".join(f"{kind}: {sum(counts):,}" for kind, counts in steps.counts.items())
    return time_chart(steps, say(f"{_status_key(data)}.label", summary=summary))


def _status_key(data: ReportData) -> str:
    return "status" if any(isinstance(status, int) for _, status, _ in data.status_by_minute) else "level"


def visitors_section(data: ReportData) -> Section:
    """Unique visitors by day: a table with bars for a month, a chart with its table for longer logs."""
    words = say("visitors.note")
    if not all(day.is_exact for day in data.visitors):
        words += " " + say("visitors.about")
    columns = [say(f"column.{name}") for name in ("day", "visitors", "counted")]
    rows: list[tuple[Value, ...]] = [
        (
            day_label(day.start_ms),
            day.visitors,
            say("visitors.exact" if day.is_exact else "visitors.estimated"),
        )
        for day in data.visitors
    ]
    caption = say("visitors.caption")
    if len(rows) <= _MAX_DAYS_AS_BARS:
        bars = bar_table(caption, columns, rows, [day.visitors for day in data.visitors])
        return section(say("visitors"), note(words), bars)
    total = sum(day.visitors for day in data.visitors)
    days = [(day.start_ms, day.visitors) for day in data.visitors]
    steps = sum_steps(days, "visitors", MAX_STEPS, _MINUTES_A_DAY)
    chart = time_chart(steps, say("visitors.label", count=total))
    return section(
        say("visitors"), note(words), chart, details(say("table"), table(caption, columns, rows[-MAX_STEPS:]))
    )


def bytes_section(data: ReportData) -> Section:
    """Bytes of the responses over time."""
    steps = sum_steps(data.bytes_by_minute, "bytes", MAX_STEPS, data.bytes_width)
    coarse = sum_steps(data.bytes_by_minute, "bytes", MAX_TABLE_STEPS, data.bytes_width)
    rows: list[tuple[Value, ...]] = [
        (time_label(start), Digits(size_text(size)), size)
        for start, size in zip(coarse.starts, coarse.counts["bytes"], strict=True)
    ]
    columns = [say(f"column.{name}") for name in ("from", "size", "bytes")]
    numbers = table(say("bytes.caption", step=step_name(coarse.step_ms)), columns, rows)
    total = size_text(sum(steps.counts["bytes"]))
    return section(
        say("bytes"),
        note(say("bytes.note", step=step_name(steps.step_ms))),
        time_chart(steps, say("bytes.label", size=total), size_text),
        details(say("table"), numbers),
        follows="bytes",
    )


def path_bytes_section(top: TopList, cells: CellsOfList | None = None) -> Section:
    """The paths with the most bytes."""
    entries = cells.entries if cells is not None else top.entries
    words = say("path_bytes.inexact", size=size_text(top.error)) if top.error else say("exact")
    rows = [(path, Digits(size_text(size)), size, 100 * size / max(top.total, 1)) for path, size in entries]
    columns = [say(f"column.{name}") for name in ("path", "size", "bytes", "share")]
    caption = say("path_bytes.caption", size=size_text(top.total))
    bars = bar_table(caption, columns, rows, [size for _, size in entries], len(top.entries))
    return section(say("path_bytes"), note(words), bars, follows="list:path_bytes")


def times_section(data: ReportData) -> Section:
    """Percentiles of the response times over time."""
    notes = [note(say("unknown_units", fields=", ".join(data.unknown_units)))] if data.unknown_units else []
    over_time = data.response_times
    if over_time.all is None:
        return section(say("times"), *notes)
    rows: list[tuple[Value, ...]] = [
        (time_label(point.start_ms), point.rows, *_times(point.p50_us, point.p90_us, point.p99_us))
        for point in over_time.steps
    ]
    step = step_name(over_time.step_ms)
    columns = (say("column.from"), say("column.rows"), *_PERCENTILES)
    numbers = table(say("times.caption", step=step), columns, rows)
    p50, p90, p99 = _times(over_time.all.p50_us, over_time.all.p90_us, over_time.all.p99_us)
    chart = curves_chart(over_time.step_ms, over_time.steps, say("times.label", p50=p50, p90=p90, p99=p99))
    notes.append(note(say("times.note", step=step)))
    return section(say("times"), *notes, chart, details(say("table"), numbers), follows="times")


def path_times_section(paths: Sequence[PathTimes], is_cut: bool) -> Section:
    """The paths that took the most time."""
    words = say("path_times.note") + (" " + say("path_times.left_out") if is_cut else "")
    rows: list[tuple[Value, ...]] = [
        (path.path, path.rows, Digits(time_text(path.total_us)), *_times(path.p50_us, path.p90_us, path.p99_us))
        for path in paths
    ]
    columns = (*(say(f"column.{name}") for name in ("path", "rows", "total")), *_PERCENTILES)
    bars = bar_table(say("path_times.caption"), columns, rows, [path.total_us for path in paths])
    return section(say("path_times"), note(words), bars)


def _times(*microseconds: int) -> tuple[Digits, ...]:
    return tuple(Digits(time_text(time)) for time in microseconds)


def hours_section(data: ReportData) -> Section:
    """Rows by hour and weekday."""
    grid = to_grid(data.status_by_minute)
    rows: list[tuple[Value, ...]] = [(f"{hour:02}:00", *(counts[hour] for counts in grid)) for hour in range(24)]
    numbers = table(say("hours_grid.caption"), (say("column.hour"), *weekdays()), rows)
    chart = hours_chart(grid, say("hours_grid.label"))
    parts = (note(say("hours_grid.note")), chart, details(say("table"), numbers))
    return section(say("hours_grid"), *parts, follows="hours")
