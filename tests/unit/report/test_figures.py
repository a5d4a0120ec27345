"""The chart over time: its axis, and that its bars are where their rows are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.report.figures import axis_end, time_chart
from streamtally.report.rendering import render_parts
from streamtally.report.steps import to_steps

START = 1_740_787_200_000  # 2025-03-01 00:00
MINUTE = 60_000


# The axis ends at a number that can be halved, at most twice as great as it has to be (or 2).
@given(st.integers(min_value=0, max_value=10**18))
def test_axis_end(greatest: int) -> None:
    end = axis_end(greatest)
    assert greatest <= end <= max(2 * greatest, 2)
    assert end % 2 == 0


@pytest.mark.parametrize("greatest, end", [(0, 2), (1, 2), (3, 4), (7, 8), (10, 10), (11, 20), (99, 100), (401, 600)])
def test_axis_ends(greatest: int, end: int) -> None:
    assert axis_end(greatest) == end


# A bar stands at its minute, on the bar of the class below it; a minute without rows is a gap.
def test_bars() -> None:
    steps = to_steps([(START, 200, 5), (START, 500, 5), (START + 3 * MINUTE, 200, 10)], 100)
    paths = dict(re.findall(r'<path class="(..)" d="(.*?)"/>', render_parts([time_chart(steps, "rows")])))
    assert paths == {"c2": "M0.05 500h.9v500h-.9zM3.05 0h.9v1000h-.9z", "c5": "M0.05 0h.9v500h-.9z"}


# One error among a million rows is still a bar.
def test_small_counts_are_visible() -> None:
    steps = to_steps([(START, 200, 10**6), (START, 500, 1)], 100)
    assert re.search(r'class="c5" d="M0.05 -?\d+h.9v1h-.9z"', render_parts([time_chart(steps, "rows")]))


# Times outside the calendar and a single row have a chart too.
@pytest.mark.parametrize("start", [-(10**17) // MINUTE * MINUTE, 0, 10**17 // MINUTE * MINUTE])
def test_any_time(start: int) -> None:
    assert "<path" in render_parts([time_chart(to_steps([(start, 200, 1)], 100), "rows")])


# The label is a text of an attribute.
def test_label_is_escaped() -> None:
    chart = render_parts([time_chart(to_steps([(START, 200, 1)], 100), '"><b>')])
    assert 'aria-label="&#34;&gt;&lt;b&gt;"' in chart
