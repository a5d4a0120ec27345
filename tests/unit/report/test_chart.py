"""The terminal's chart and tables: readable, within the width, and deaf to what log lines say to terminals."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from streamtally.report.chart import (
    counts_table,
    ledger_table,
    minutes_chart,
    outputs_table,
    unparsed_table,
)  # fmt: skip
from streamtally.report.data import ReportData
from tests.unit.report.hostile import TEXTS, hostile_report


def printed(*parts: object, width: int = 100, color: bool = False) -> str:
    """What a terminal of that width is sent."""
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=color, color_system="truecolor" if color else None)
    for part in parts:
        console.print(part)
    return out.getvalue()


MINUTES = [
    (60_000 * minute, status, count)
    for minute in range(10)
    for status, count in ((200, 100), (304, 20), (404, 10 + 40 * (minute == 4)), (503, 1))
]


# A bar for each step: times, counts, one glyph a class; the burst is the longest bar; one 5xx is seen.
def test_chart() -> None:
    lines = printed(minutes_chart(MINUTES, 60), width=60).splitlines()
    assert lines[0].strip() == "rows per minute (UTC)  █ 2xx  ▓ 3xx  ▒ 4xx  ▚ 5xx"
    assert len(lines) == 11
    assert lines[1].startswith("1970-01-01 00:00  131  █")
    assert lines[1].rstrip().endswith("▚")
    bars = [len(line.split("  ", 2)[2].rstrip()) for line in lines[1:]]
    assert bars.index(max(bars)) == 4
    assert max(map(len, lines)) <= 60


# However long the time, there are at most twenty bars; however narrow the terminal, the chart is drawn.
@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("span", [1, 20, 21, 5000, 10**7])
def test_chart_sizes(width: int, span: int) -> None:
    minutes = [(60_000 * minute, 200 + minute % 400, 5) for minute in range(0, span, max(span // 300, 1))]
    chart = minutes_chart(minutes, width)
    assert len(chart.plain.splitlines()) <= 21
    assert all(len(line) <= max(width, 50) for line in printed(chart, width=width).splitlines())
    assert minutes_chart([], width).plain == "no rows to draw"


# Where a terminal has ASCII alone, everything that is printed is ASCII, whatever the log lines hold.
def test_ascii() -> None:
    data = hostile_report()
    text = printed(
        ledger_table(data, ascii_only=True),
        outputs_table(data.outputs, ascii_only=True),
        minutes_chart(data.status_by_minute, 80, ascii_only=True),
        counts_table("counts", TEXTS[:3], [TEXTS[3:6], TEXTS[13:16]], ascii_only=True),
        unparsed_table(data.unparsed_lines, 50, 80, ascii_only=True),
        width=80,
    )
    assert text.isascii()
    assert "# 2xx  = 3xx  + 4xx  ! 5xx  ? other" in text


# No control character, escape sequence, direction override or markup of a log line reaches the terminal.
@pytest.mark.parametrize("color", [False, True])
def test_hostile_lines_reach_no_terminal(color: bool) -> None:
    data = hostile_report()
    text = printed(
        ledger_table(data),
        outputs_table(data.outputs),
        counts_table(
            "counts", ("datetime", "status", "statusCount"), [(text, index, None) for index, text in enumerate(TEXTS)]
        ),
        unparsed_table(data.unparsed_lines, 50, 100),
        color=color,
    )
    without_styles = re.sub(r"\x1b\[[0-9;]*m", "", text) if color else text
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800]", without_styles
    )
    assert r"\x1b[31mred" in without_styles
    assert "[bold red]markup[/bold red]" in without_styles
    assert not re.search(r"\x1b\[31mred|\x1b\]8;", text)


# Numbers stand at the right, null is told from an empty text, and of many rows the last are shown.
def test_counts_table() -> None:
    rows = [("2025-03-01T00:00:00.000", 200, number) for number in range(100)]
    text = printed(counts_table("counts", ("datetime", "status", "statusCount"), rows, max_rows=5))
    assert "the last 5 of 100" in text
    assert "95" in text
    assert " 94 " not in text
    assert "null" in printed(counts_table("x", ("a", "b"), [(None, "")]))


# A ledger that does not add up says so.
def test_ledger_table() -> None:
    data = ReportData(pipeline="p", generated_at="", lines=1234, rows=1000, unparsed=200, empty=30, failed=4)
    assert "1,234" in printed(ledger_table(data))
    assert "does not balance" not in printed(ledger_table(data))
    wrong = ReportData(pipeline="p", generated_at="", lines=1, rows=0)
    assert "does not balance" in printed(ledger_table(wrong))
