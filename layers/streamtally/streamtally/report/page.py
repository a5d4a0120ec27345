"""One self-contained HTML page: it opens offline and loads nothing. It can be read without its script.

Log lines are hostile, so there are two defences: every text is made visible and escaped where it is inserted, and a
Content-Security-Policy allows no network, and of scripts and styles only the page's own, by their hashes. The script
reads numbers from a block that has no text of a log, and inserts texts as texts.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Final

from streamtally.report.chart_sections import (
    bytes_section,
    hours_section,
    path_bytes_section,
    path_times_section,
    status_section,
    times_section,
    visitors_section,
)
from streamtally.report.comparison import comparison_section
from streamtally.report.counts_block import counts_block, script
from streamtally.report.data import ReportData
from streamtally.report.markup import text
from streamtally.report.steps import subject
from streamtally.report.table_sections import (
    agent_sections,
    country_section,
    errors_section,
    ledger_section,
    output_section,
    top_section,
    unparsed_section,
)
from streamtally.report.texts import say, speaking
from streamtally.report.units import size_text, time_text
from streamtally.text import visible

_DAY_MS: Final = 86_400_000


def render_report(data: ReportData, language: str = "en") -> str:
    """The page of a run. Args: language: one of :data:`streamtally.report.texts.LANGUAGES`.

    Returns: HTML of less than 700 kB, whatever the number of lines.

    Raises: SettingsError: the language is not one of them.
    """
    with speaking(language):
        return _page(data, language)


def _page(data: ReportData, language: str) -> str:
    style = files("streamtally.report").joinpath("page.css").read_text("utf-8")
    run = script() if data.selection is not None else ""
    title = text(say("title", subject=subject(data)), 300)
    return "\n".join(
        (
            "<!DOCTYPE html>",
            f'<html lang="{language}"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, run)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,">',
            f"<title>{title}</title>",
            f"<style>{style}</style></head><body>",
            f"<header><h1>{title}</h1>{_about(data)}{_tiles(data)}</header>",
            f"<main>{''.join(_sections(data))}</main>",
            f'<footer class="soft"><p>{text(say("footer"))}</p></footer>',
            counts_block(data),
            f"<script>{run}</script></body></html>\n" if run else "</body></html>\n",
        )
    )


def render_parts(data: ReportData) -> str:
    """The page's tiles and sections as HTML, for a page that is renewed."""
    return _tiles(data) + "".join(_sections(data))


def render_tiles(data: ReportData) -> str:
    """The page's tiles alone."""
    return _tiles(data)


def render_sections(data: ReportData) -> str:
    """The page's sections alone."""
    return "".join(_sections(data))


def _policy(style: str, run: str) -> str:
    scripts = f"script-src {_source(run)}; " if run else ""
    return (
        f"default-src 'none'; {scripts}style-src {_source(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _source(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


_TOPS: Final = (
    ("path", "paths", "top_paths"),
    ("file", "static_files", "static_files"),
    ("query", "queries", "top_queries"),
    ("path", "not_found", "not_found"),
    ("path", "client_errors", "client_errors"),
    ("path", "server_errors", "server_errors"),
    ("site", "sites", "referring_sites"),
    ("vhost", "vhosts", "virtual_hosts"),
    ("request", "requests", "top_requests"),
    ("method", "methods", "top_methods"),
    ("protocol", "protocols", "top_protocols"),
    ("host", "hosts", "top_hosts"),
    ("agent", "agents", "top_agents"),
)
"""The top lists in order: the keys of their column and heading, and the field of the data."""


def _sections(data: ReportData) -> list[str]:
    """The sections in order: the charts first, the ledger last."""
    sections = [status_section(data)] if data.status_by_minute else []
    if any(size for _, size in data.bytes_by_minute):
        sections.append(bytes_section(data))
    if data.response_times.all is not None or data.unknown_units:
        sections.append(times_section(data))
    if data.visitors:
        sections.append(visitors_section(data))
    sections += [
        top_section(data, name, column, heading) for column, heading, name in _TOPS if getattr(data, name).entries
    ]
    if data.path_errors:
        sections.append(errors_section(data))
    sections += agent_sections(data)
    if data.countries.entries or data.unknown_countries:
        sections.append(country_section(data))
    if data.path_bytes.entries:
        cells = data.selection.lists.get("path_bytes") if data.selection is not None else None
        sections.append(path_bytes_section(data.path_bytes, cells))
    if data.path_times:
        sections.append(path_times_section(data.path_times, data.leaves_path_times_out))
    if _spans_a_day(data):
        sections.append(hours_section(data))
    if data.compared is not None:
        sections.append(comparison_section(data, data.compared))
    outputs = (output for output in data.last_documents if output.total)
    sections += [output_section(number, output) for number, output in enumerate(outputs, 1)]
    return [*sections, unparsed_section(data), ledger_section(data)]


def _spans_a_day(data: ReportData) -> bool:
    starts = [start for start, _, _ in data.status_by_minute]
    return bool(starts) and max(starts) - min(starts) >= _DAY_MS


def _about(data: ReportData) -> str:
    read = ", ".join(visible(name, 200) for name in data.inputs)
    made = say("generated", time=visible(data.generated_at, 100)) + (say("from", logs=read) if read else "")
    return f'<p class="soft">{text(made + say("pipeline", name=visible(data.pipeline, 200)), 4000)}</p>'


def _tiles(data: ReportData) -> str:
    tiles = [("lines", f"{data.lines:,}", False), ("rows", f"{data.rows:,}", False)]
    if data.visitors:
        tiles.append(("visitors", f"{sum(day.visitors for day in data.visitors):,}", False))
    if size := sum(size for _, size in data.bytes_by_minute):
        tiles.append(("bytes", size_text(size), False))
    if (times := data.response_times.all) is not None:
        tiles += [("p50", time_text(times.p50_us), False), ("p99", time_text(times.p99_us), False)]
    tiles += [("unparsed", f"{data.unparsed:,}", data.unparsed > 0), ("empty", f"{data.empty:,}", False)]
    tiles.append(("failed", f"{data.failed:,}", data.failed > 0))
    if data.reingested:
        tiles.append(("reingested", f"{data.reingested:,}", False))
    items = (
        f"<li{' class=bad' if is_bad else ''} data-tile={name}><b>{text(number)}</b>{text(say(f'tile.{name}'))}</li>"
        for name, number, is_bad in tiles
    )
    return f'<ul class="tiles">{"".join(items)}</ul>'
