"""One self-contained HTML page: it opens offline and loads nothing. It can be read without its script.

What it shows is put together here; ``templates/report.html`` makes the page of it.
"""

from __future__ import annotations

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
from streamtally.report.rendering import render_page
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
from streamtally.report.view import Section, Tile, Tiles
from streamtally.text import visible

_DAY_MS: Final = 86_400_000


def render_report(data: ReportData, language: str = "en") -> str:
    """The page of a run. Args: language: one of :data:`streamtally.report.texts.LANGUAGES`.

    Returns: HTML of less than 700 kB, whatever the number of lines.

    Raises: SettingsError: the language is not one of them.
    """
    with speaking(language):
        return render_page(
            "report.html",
            title=say("title", subject=subject(data)),
            about=_about(data),
            tiles=report_tiles(data),
            sections=report_sections(data),
            counts=counts_block(data),
            footer=say("footer"),
            style=style(),
            script=script(),
        )


def style() -> str:
    """The sheet of the report, which is also that of the live pages."""
    return files("streamtally.report").joinpath("page.css").read_text("utf-8")


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


def report_sections(data: ReportData) -> list[Section]:
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
    return made + say("pipeline", name=visible(data.pipeline, 200))


def report_tiles(data: ReportData) -> Tiles:
    """The totals."""
    tiles = [_tile("lines", f"{data.lines:,}"), _tile("rows", f"{data.rows:,}")]
    if data.visitors:
        tiles.append(_tile("visitors", f"{sum(day.visitors for day in data.visitors):,}"))
    if size := sum(size for _, size in data.bytes_by_minute):
        tiles.append(_tile("bytes", size_text(size)))
    if (times := data.response_times.all) is not None:
        tiles += [_tile("p50", time_text(times.p50_us)), _tile("p99", time_text(times.p99_us))]
    tiles += [_tile("unparsed", f"{data.unparsed:,}", data.unparsed > 0), _tile("empty", f"{data.empty:,}")]
    tiles.append(_tile("failed", f"{data.failed:,}", data.failed > 0))
    if data.reingested:
        tiles.append(_tile("reingested", f"{data.reingested:,}"))
    return Tiles(tiles)


def _tile(name: str, number: str, is_bad: bool = False) -> Tile:
    return Tile(number, say(f"tile.{name}"), name, is_bad)
