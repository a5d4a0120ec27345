"""Rows by weekday and hour."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from streamtally.report.hours import hours_chart, to_grid
from streamtally.report.rendering import render_parts

minutes = st.integers(min_value=-1_000_000_000, max_value=1_000_000_000)


# A minute is in the cell that the calendar says, before 1970 too.
@given(minutes)
def test_cell_of_a_minute(minute: int) -> None:
    grid = to_grid([(minute * 60_000, 200, 3), (minute * 60_000, None, 4)])
    time = datetime.fromtimestamp(minute * 60, UTC)
    assert grid[time.weekday()][time.hour] == 7
    assert sum(map(sum, grid)) == 7


# The fullest cell is opaque, a cell with few rows differs from an empty one, and a grid of nothing is drawn.
def test_opacity() -> None:
    chart = render_parts([hours_chart(to_grid([(0, 200, 1_000_000), (3_600_000, 200, 1)]), "rows")])
    assert chart.count('fill-opacity="1.00"') == 1
    assert chart.count('fill-opacity="0.10"') == 1
    assert chart.count('fill-opacity="0.03"') == 7 * 24 - 2
    assert 'fill-opacity="0.03"' in render_parts([hours_chart(to_grid([(0, 200, 0)]), "rows")])
