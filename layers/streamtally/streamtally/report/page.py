"""One self-contained HTML page: it opens offline, loads nothing, and has no script.

Log lines are hostile, so there are two defences: every text is made visible and escaped where it is inserted, and a
Content-Security-Policy allows no script and no network, and of styles only the page's own sheet, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

from streamtally.report.data import LastDocuments, OutputCounts, ReportData, TopList
from streamtally.report.figures import MAX_STEPS, time_chart
from streamtally.report.hours import DAYS, hours_chart, to_grid
from streamtally.report.markup import Cell, Digits, bar_table, details, note, section, table, text
from streamtally.report.steps import step_name, time_label, to_steps
from streamtally.text import visible

_MAX_TABLE_STEPS: Final = 240
_DAY_MS: Final = 86_400_000


def render_report(data: ReportData) -> str:
    """The page of a run.

    Returns: HTML of less than 700 kB, whatever the number of lines.
    """
    style = files("streamtally.report").joinpath("page.css").read_text("utf-8")
    title = text(f"Streamtally: {_subject(data)}", 300)
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(style)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,">',
            f"<title>{title}</title>",
            f"<style>{style}</style></head><body>",
            f"<header><h1>{title}</h1>{_about(data)}{_tiles(data)}</header>",
            f"<main>{''.join(_sections(data))}</main>",
            '<footer class="soft"><p>Times are in UTC. This page is self-contained and loads nothing.</p></footer>',
            "</body></html>\n",
        )
    )


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def _sections(data: ReportData) -> list[str]:
    """The sections in order: the charts first, the ledger last."""
    sections = [_status_section(data)] if data.status_by_minute else []
    tops = (
        ("path", "Paths, without the query", data.top_paths),
        ("path", "Not found (404)", data.not_found),
        ("path", "Server errors (5xx) by path", data.server_errors),
        ("request", "Top requests", data.top_requests),
        ("method", "Methods", data.top_methods),
        ("protocol", "Protocols", data.top_protocols),
        ("host", "Top hosts", data.top_hosts),
        ("agent", "Top agents", data.top_agents),
    )
    sections += [_top_section(name, heading, top) for name, heading, top in tops if top.entries]
    if _spans_a_day(data):
        sections.append(_hours_section(data))
    sections += [_output_section(output) for output in data.last_documents if output.total]
    return [*sections, _unparsed_section(data), _ledger(data)]


def _subject(data: ReportData) -> str:
    """The log and its period: ``access.log and 2 more, 2025-03-01 00:00 to 2025-03-02 08:47``."""
    subject = data.inputs[0].rpartition("/")[2] if data.inputs else data.pipeline
    subject = visible(subject, 200) + (f" and {len(data.inputs) - 1} more" if len(data.inputs) > 1 else "")
    if not data.status_by_minute:
        return subject
    starts = [start for start, _, _ in data.status_by_minute]
    first, last = time_label(min(starts)), time_label(max(starts))
    return f"{subject}, {first}" + (f" to {last}" if last != first else "")


def _about(data: ReportData) -> str:
    read = ", ".join(text(name, 200) for name in data.inputs)
    made = f"Generated {text(data.generated_at, 100)}" + (f" from {read}" if read else "")
    made += f"; pipeline: {text(data.pipeline, 200)}"
    return f'<p class="soft">{made}</p>'


def _tiles(data: ReportData) -> str:
    tiles = [("lines read", data.lines, False), ("rows", data.rows, False)]
    tiles += [("did not parse", data.unparsed, data.unparsed > 0), ("empty", data.empty, False)]
    tiles += [("failed", data.failed, data.failed > 0)]
    if data.reingested:
        tiles.append(("re-ingested", data.reingested, False))
    items = (f"<li{' class=bad' if bad else ''}><b>{count:,}</b>{name}</li>" for name, count, bad in tiles)
    return f'<ul class="tiles">{"".join(items)}</ul>'


def _ledger(data: ReportData) -> str:
    verdict = (
        '<p class="good">The ledger balances: each line is in exactly one class.</p>'
        if data.balances
        else '<p class="bad">The ledger does not balance: lines is not the sum of the other classes.</p>'
    )
    columns = ("lines", "rows", "unparsed", "empty", "failed", "re-ingested")
    row = (data.lines, data.rows, data.unparsed, data.empty, data.failed, data.reingested)
    parts = [table("lines = rows + unparsed + empty + failed + re-ingested", columns, [row])]
    if data.outputs:
        outputs = [
            (output.name, output.rows, output.emitted, output.filtered, output.eval_failed, output.out_of_range)
            for output in data.outputs
        ]
        columns = ("output", "rows", "emitted", "filtered", "eval failed", "out of range")
        parts.append(table("rows = emitted + filtered + eval failed + out of range", columns, outputs))
        parts += _reasons(data.outputs)
    return section("Ledger", verdict, *parts)


def _reasons(outputs: Sequence[OutputCounts]) -> list[str]:
    rows = [(output.name, reason, count) for output in outputs for reason, count in output.reasons]
    return [table("why rows were not evaluated", ("output", "reason", "rows"), rows)] if rows else []


def _status_section(data: ReportData) -> str:
    steps = to_steps(data.status_by_minute, MAX_STEPS)
    coarse = to_steps(data.status_by_minute, _MAX_TABLE_STEPS)
    rows: list[tuple[Cell, ...]] = [
        (time_label(start), *(counts[index] for counts in coarse.counts.values()))
        for index, start in enumerate(coarse.starts)
    ]
    numbers = table(f"Rows per {step_name(coarse.step_ms)} (UTC)", ("from", *coarse.counts), rows)
    shows_levels = not any(isinstance(status, int) for _, status, _ in data.status_by_minute)
    heading = "Levels" if shows_levels else "Status classes"
    summary = ", ".join(f"{kind}: {sum(counts):,}" for kind, counts in steps.counts.items())
    label = f"Rows over time, by {heading.lower()}. {summary}. The numbers are in the table below."
    return section(
        f"{heading} over time",
        note(f"Rows per {step_name(steps.step_ms)} (UTC)."),
        time_chart(steps, label),
        details("As a table", numbers),
    )


def _top_section(name: str, heading: str, top: TopList) -> str:
    exact = "Exact counts."
    if top.error:
        exact = f"Too many distinct values to count exactly: a count may be up to {top.error:,} too high."
    rows = [(entry, count, 100 * count / max(top.total, 1)) for entry, count in top.entries]
    counts = [count for _, count in top.entries]
    bars = bar_table(f"{heading}, of {top.total:,} rows", (name, "rows", "share"), rows, counts)
    return section(heading, note(exact), bars)


def _spans_a_day(data: ReportData) -> bool:
    starts = [start for start, _, _ in data.status_by_minute]
    return bool(starts) and max(starts) - min(starts) >= _DAY_MS


def _hours_section(data: ReportData) -> str:
    grid = to_grid(data.status_by_minute)
    rows: list[tuple[Cell, ...]] = [(f"{hour:02}:00", *(counts[hour] for counts in grid)) for hour in range(24)]
    numbers = table("Rows by hour and weekday (UTC)", ("hour", *DAYS), rows)
    label = "Rows by weekday and hour. The numbers are in the table below."
    words = "All rows of the period (UTC); a weekday that is in it more often has more."
    return section("Hours and weekdays", note(words), hours_chart(grid, label), details("As a table", numbers))


def _output_section(output: LastDocuments) -> str:
    rows = [tuple(map(_value, row)) for row in output.rows]
    caption = f"The last {len(rows):,} of {output.total:,} documents" if output.total > len(rows) else "All documents"
    return section(f"Output {output.name}", table(caption, output.columns, rows[::-1]))


def _value(value: Any) -> Cell:
    """A document's value as JSON has it. Numbers are not grouped: they may be codes, years or times."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Digits(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _unparsed_section(data: ReportData) -> str:
    if not data.unparsed_lines:
        words = "Every line parsed." if not data.unparsed else f"{data.unparsed:,} lines did not parse."
        return section("What did not parse", f"<p>{words}</p>")
    rows = [(line.file, line.line_number, line.reason, line.text) for line in data.unparsed_lines]
    caption = f"{len(rows):,} of {data.unparsed:,} lines"
    return section("What did not parse", table(caption, ("file", "line", "reason", "text"), rows))
