"""One self-contained HTML page: it opens offline, loads nothing, and runs only its own two scripts.

Log lines are hostile, so there are three defences: every text is made visible and escaped where it is inserted; the
data of the charts is in a block that is not a script; and a Content-Security-Policy allows only the page's two scripts,
by their hashes, and no network.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from streamtally.report.data import OutputCounts, ReportData, TopList
from streamtally.report.figures import MAX_STEPS, status_figure, top_figure
from streamtally.report.steps import Steps, step_name, time_label, to_steps
from streamtally.text import visible

_MAX_TABLE_STEPS = 240
_MAX_TEXT_CHARS = 1000


def render_report(data: ReportData) -> str:
    """The page of a run.

    Returns: HTML of about 5 MB, nearly all of it the inlined plotting library.
    """
    resources = files("streamtally.report")
    style = resources.joinpath("page.css").read_text("utf-8")
    script = resources.joinpath("page.js").read_text("utf-8")
    library = _library()
    charts, sections = _sections(data)
    title = escape(f"Streamtally: {visible(data.pipeline, 200)}")
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(library, script)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,">',
            f"<title>{title}</title>",
            f"<style>{style}</style></head><body>",
            f"<header><h1>{title}</h1>{_about(data)}{_tiles(data)}</header>",
            f"<main>{''.join(sections)}</main>",
            '<footer class="soft"><p>Times are in UTC. This page is self-contained and loads nothing.</p></footer>',
            f'<script type="application/json" id="charts">{_json_block(charts)}</script>',
            f"<script>{library}</script>",
            f"<script>{script}</script>",
            "</body></html>\n",
        )
    )


@cache
def _library() -> str:
    """plotly.js, as plotly ships it; its Python modules, which take half a second to import, are not needed."""
    return files("plotly").joinpath("package_data/plotly.min.js").read_text("utf-8")


@cache
def _hash_of(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _policy(*scripts: str) -> str:
    hashes = " ".join(f"'sha256-{_hash_of(script)}'" for script in scripts)
    # The library writes style attributes and creates images ("download as PNG") from its own data.
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _json_block(value: Any) -> str:
    """JSON that cannot end the block that contains it, nor begin a comment in it."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _sections(data: ReportData) -> tuple[dict[str, Any], list[str]]:
    """The charts by element id, and the sections in order."""
    charts: dict[str, Any] = {}
    sections = [_ledger(data)]
    steps = to_steps(data.status_by_minute, MAX_STEPS)
    if steps.starts:
        charts["chart-status"] = status_figure(steps)
        sections.append(_status_section(data, steps))
    tops = (
        ("requests", "Top requests", data.top_requests),
        ("hosts", "Top hosts", data.top_hosts),
        ("agents", "Top agents", data.top_agents),
    )
    for name, heading, top in tops:
        if top.entries:
            charts[f"chart-{name}"] = top_figure(top)
            sections.append(_top_section(name, heading, top))
    sections.append(_unparsed_section(data))
    return charts, sections


def _about(data: ReportData) -> str:
    read = ", ".join(visible(name, 200) for name in data.inputs)
    made = f"Generated {visible(data.generated_at, 100)}" + (f" from {read}" if read else "")
    return f'<p class="soft">{escape(made)}</p>'


def _tiles(data: ReportData) -> str:
    tiles = [("lines read", data.lines, False), ("rows", data.rows, False)]
    tiles += [("did not parse", data.unparsed, data.unparsed > 0), ("empty", data.empty, False)]
    tiles += [("failed", data.failed, data.failed > 0)]
    if data.reingested:
        tiles.append(("re-ingested", data.reingested, False))
    items = (f"<li{' class=bad' if bad else ''}><b>{count:,}</b>{name}</li>" for name, count, bad in tiles)
    return f'<ul class="tiles">{"".join(items)}</ul>'


def _table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str | int]]) -> str:
    """A table with integers right-aligned and texts escaped. A column's class is that of its first cell."""
    kinds = ["number" if rows and isinstance(cell, int) else "text" for cell in (rows[0] if rows else columns)]
    head = "".join(
        f'<th scope="col"{" class=number" if kind == "number" else ""}>{escape(name)}</th>'
        for name, kind in zip(columns, kinds, strict=True)
    )
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(value: str | int) -> str:
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    return f'<td class="text">{escape(visible(value, _MAX_TEXT_CHARS))}</td>'


def _ledger(data: ReportData) -> str:
    verdict = (
        '<p class="good">The ledger balances: each line is in exactly one class.</p>'
        if data.balances
        else '<p class="bad">The ledger does not balance: lines is not the sum of the other classes.</p>'
    )
    columns = ("lines", "rows", "unparsed", "empty", "failed", "re-ingested")
    row = (data.lines, data.rows, data.unparsed, data.empty, data.failed, data.reingested)
    parts = [_table("lines = rows + unparsed + empty + failed + re-ingested", columns, [row])]
    if data.outputs:
        outputs = [
            (output.name, output.rows, output.emitted, output.filtered, output.eval_failed, output.out_of_range)
            for output in data.outputs
        ]
        columns = ("output", "rows", "emitted", "filtered", "eval failed", "out of range")
        parts.append(_table("rows = emitted + filtered + eval failed + out of range", columns, outputs))
        parts += _reasons(data.outputs)
    return f"<section><h2>Ledger</h2>{verdict}{''.join(parts)}</section>"


def _reasons(outputs: Sequence[OutputCounts]) -> list[str]:
    rows = [(output.name, reason, count) for output in outputs for reason, count in output.reasons]
    return [_table("why rows were not evaluated", ("output", "reason", "rows"), rows)] if rows else []


def _status_section(data: ReportData, steps: Steps) -> str:
    summary = ", ".join(f"{kind}: {sum(counts):,}" for kind, counts in steps.counts.items())
    coarse = to_steps(data.status_by_minute, _MAX_TABLE_STEPS)
    rows: list[tuple[str | int, ...]] = [
        (time_label(start), *(counts[index] for counts in coarse.counts.values()))
        for index, start in enumerate(coarse.starts)
    ]
    table = _table(f"Rows per {step_name(coarse.step_ms)} (UTC)", ("from", *coarse.counts), rows)
    shows_levels = not any(isinstance(status, int) for _, status, _ in data.status_by_minute)
    heading = "Levels" if shows_levels and data.status_by_minute else "Status classes"
    return (
        f'<section><h2>{heading} over time</h2><p class="soft">Rows per {step_name(steps.step_ms)}. '
        f"Total: {summary}.</p>"
        f'<div class="chart" id="chart-status" role="img" aria-label="Rows over time, by {heading.lower()}. {summary}. '
        f'The numbers are in the table below."></div>'
        f"<details><summary>As a table</summary>{table}</details></section>"
    )


def _top_section(name: str, heading: str, top: TopList) -> str:
    exact = "Exact counts."
    if top.error:
        exact = f"Too many distinct values to count exactly: a count may be up to {top.error:,} too high."
    rows = [(text, count, f"{100 * count / max(top.total, 1):.1f} %") for text, count in top.entries]
    table = _table(f"{heading}, of {top.total:,} rows", (name, "rows", "share"), rows)
    return (
        f'<section><h2>{heading}</h2><p class="soft">{exact}</p>'
        f'<div class="chart" id="chart-{name}" role="img" '
        f'aria-label="{heading}, as bars; the numbers are in the table below."></div>'
        f"<details><summary>As a table, with full texts</summary>{table}</details></section>"
    )


def _unparsed_section(data: ReportData) -> str:
    if not data.unparsed_lines:
        text = "Every line parsed." if not data.unparsed else f"{data.unparsed:,} lines did not parse."
        return f"<section><h2>What did not parse</h2><p>{text}</p></section>"
    rows = [(line.file, line.line_number, line.reason, line.text) for line in data.unparsed_lines]
    caption = f"{len(rows):,} of {data.unparsed:,} lines"
    table = _table(caption, ("file", "line", "reason", "text"), rows)
    return f"<section><h2>What did not parse</h2>{table}</section>"
