"""Texts that want to act: in a page, in a chart's labels, in a terminal. These tests' reports are full of them."""

from __future__ import annotations

from dataclasses import fields, replace

from streamtally.report.cells import to_cell
from streamtally.report.data import (
    CellsOfList,
    ComparedList,
    DayVisitors,
    LastDocuments,
    OutputCounts,
    PathErrors,
    PathTimes,
    ReportData,
    Selection,
    TimesAt,
    TimesOverTime,
    TopList,
    UnparsedLine,
)
from streamtally.report.selection import Cells

TEXTS = (
    '"><script>document.title="owned";document.documentElement.dataset.owned=1</script>',
    "</script><script>document.documentElement.dataset.owned=2</script>",
    "<!--<script>document.documentElement.dataset.owned=3</script>",
    "<img src=http://127.0.0.1:9/owned.png onerror='document.documentElement.dataset.owned=4'>",
    "<svg onload=document.documentElement.dataset.owned=5>",
    "' onmouseover=\"document.documentElement.dataset.owned=6\" x='",
    '<a href="javascript:document.documentElement.dataset.owned=7">click</a>',
    "<b>bold</b><br><sub>low</sub>",
    "&lt;script&gt;document.documentElement.dataset.owned=8&lt;/script&gt; &amp; &#60;",
    "%{x} %{customdata} <extra>window</extra> $\\href{javascript:1}{x}$",
    "</style><style>body{display:none}",
    "\x1b[31mred\x1b]0;title\x07\x1b[2J",
    "\u202egnp.exe \u2066isolated\u2069 \u200bzero \ufeffmark",
    "\u2028line\u2029paragraph\x85next\x00nul\x9b31m",
    "[bold red]markup[/bold red] [link=http://127.0.0.1:9/]x[/link]",
    "lone \ud800 surrogate, 日本語, Müller",
    "x" * 5000,
)


def hostile_report() -> ReportData:
    """A report whose every text is hostile."""
    other = ReportData(pipeline=TEXTS[0], generated_at=TEXTS[1], inputs=TEXTS, lines=5, rows=5)
    lists = [ComparedList("paths", [(text, 3, 4) for text in TEXTS]), ComparedList("not_found", [(TEXTS[0], 1, 0)], 7)]
    data = _hostile_report()
    return replace(data, compared=other, compared_lists=lists, selection=_selection(data))


def _selection(data: ReportData) -> Selection:
    """Where the rows of the lists are; some entries have rows of which that is not known."""
    minutes = data.status_by_minute
    cells = Cells(minutes, 1)
    some = cells.flat({to_cell(minutes[0][0] // 60_000 + step, "4xx"): 2 for step in range(40)})
    lists = {
        field.name: CellsOfList(top.entries, [some] * len(top.entries), some)
        for field in fields(data)
        if isinstance(top := getattr(data, field.name), TopList) and top.entries
    }
    return cells.selection(minutes, {to_cell(minutes[0][0] // 60_000, "2xx"): 75_000}, {}, lists)


def _hostile_report() -> ReportData:
    entries = tuple((text, 100 - index) for index, text in enumerate(TEXTS))
    return ReportData(
        pipeline=TEXTS[0],
        generated_at=TEXTS[1],
        inputs=TEXTS,
        lines=1000,
        rows=980,
        unparsed=len(TEXTS),
        empty=1000 - 980 - len(TEXTS),
        outputs=[OutputCounts(text, 970, 5, 3, 2) for text in TEXTS],
        last_documents=[LastDocuments(text, TEXTS[:3], [(text, 7, None), (text, 0.5, True)], 9) for text in TEXTS],
        status_by_minute=[
            (1_740_787_200_000 + 60_000 * minute, status, 1 + minute % 7)
            for minute in range(90)
            for status in (200, 304, 404, 503, None)
        ],
        top_requests=TopList(entries, 2000),
        top_hosts=TopList(entries, 2000, 7),
        top_agents=TopList(entries, 2000),
        top_paths=TopList(entries, 2000),
        top_methods=TopList(entries, 2000),
        top_protocols=TopList(entries, 2000),
        static_files=TopList(entries, 2000),
        top_queries=TopList(entries, 2000),
        client_errors=TopList(entries, 2000),
        referring_sites=TopList(entries, 2000),
        virtual_hosts=TopList(entries, 2000),
        path_bytes=TopList(entries, 2000),
        browsers=TopList(entries, 2000),
        systems=TopList(entries, 2000),
        bots=TopList(entries, 2000),
        countries=TopList(entries, 2000),
        unknown_agents=5,
        unseen_agents=6,
        unknown_countries=7,
        path_times=[PathTimes(text, 5, 5000, 900, 1000, 1100) for text in TEXTS],
        path_errors=[PathErrors(text, 3, 4, 9) for text in TEXTS],
        unknown_units=TEXTS,
        visitors=[DayVisitors(1_740_787_200_000, 1234), DayVisitors(1_740_873_600_000, 20_000, False)],
        bytes_by_minute=[(1_740_787_200_000, 5000), (1_740_787_260_000, 70_000)],
        response_times=TimesOverTime(
            60_000,
            [TimesAt(1_740_787_200_000 + 60_000 * minute, 9, 1000, 20_000, 3_000_000) for minute in (0, 1, 3)],
            TimesAt(1_740_787_200_000, 27, 1000, 20_000, 3_000_000),
        ),
        not_found=TopList(entries, 2000),
        server_errors=TopList(entries, 2000),
        unparsed_lines=[UnparsedLine(text, 7, text, text) for text in TEXTS],
    )
