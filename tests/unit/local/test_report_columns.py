"""Whole columns for the report give what their rows give one at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.local import report_columns
from streamtally.local.panel_fields import to_size
from streamtally.local.report_columns import NewVisitors, to_sizes
from streamtally.report.panels import MINUTES_A_DAY, Panels

sizes = st.sampled_from(["0", "17", "007", "-", "", "x", "1.5", "+3", "1_0", "٣", "²", " 4", "9" * 18, "9" * 19])
visitors = st.tuples(st.integers(0, 4000), st.sampled_from(["192.0.2.1", "192.0.2.2", "-"]), st.sampled_from("ab-"))


@given(st.lists(sizes | st.integers(0, 10**6).map(str), max_size=8))
def test_sizes(texts: list[str]) -> None:
    assert to_sizes(texts) == [to_size(text) for text in texts]


# Visitors of several days, again and again, and more than are remembered.
@given(st.lists(st.lists(visitors, min_size=1, max_size=4), max_size=8))
def test_new_visitors(batches: list[list[tuple[int, str, str]]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_columns, "VISITORS_KEPT", 3)
        new, together, singly = NewVisitors(), Panels(), Panels()
        for batch in batches:
            part = Panels()
            new.add(part, *([row[column] for row in batch] for column in range(3)))  # type: ignore[arg-type]
            part.close()
            together.merge(part)
            for minute, host, agent in batch:
                singly.add_visitors((minute,), ((host, agent),))
        assert together.report_fields(9) == singly.report_fields(9)


# A visitor of a day who comes again the next day is one of that day too.
def test_a_visitor_of_two_days() -> None:
    new, panels = NewVisitors(), Panels()
    for day in (0, 1, 1):
        new.add(panels, [day * MINUTES_A_DAY], ["192.0.2.1"], ["a"])
    assert [day.visitors for day in panels.report_fields(9)["visitors"]] == [1, 1]
