"""Minutes to steps: nothing is lost, few enough to draw."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.report.steps import MINUTE_MS, status_class, step_name, time_label, to_steps

minutes = st.tuples(
    st.integers(min_value=-(10**7), max_value=10**9).map(lambda minute: minute * MINUTE_MS),
    st.one_of(st.none(), st.integers(min_value=-5, max_value=1200)),
    st.integers(min_value=0, max_value=1000),
)


# Whatever the times, there are at most so many steps from first to last, and every row is in one of them.
@given(st.lists(minutes, max_size=50), st.integers(min_value=2, max_value=1500))
def test_few_enough_and_nothing_lost(given_minutes: list[tuple[int, int | None, int]], max_steps: int) -> None:
    steps = to_steps(given_minutes, max_steps)
    assert sum(map(sum, steps.counts.values())) == sum(count for _, _, count in given_minutes)
    if given_minutes:
        assert (steps.starts[-1] - steps.starts[0]) // steps.step_ms < max_steps
        assert steps.starts[0] <= min(start for start, _, _ in given_minutes)
        assert all(start % steps.step_ms == 0 for start in steps.starts)


# A day's minutes stay minutes; longer times are thinned to steps that can be read.
@pytest.mark.parametrize(
    "span_minutes, name",
    [
        (1, "minute"),
        (1440, "minute"),
        (1500, "minute"),
        (1501, "2 minutes"),
        (20_000, "15 minutes"),
        (10**6, "12 hours"),
    ],
)
def test_step_names(span_minutes: int, name: str) -> None:
    steps = to_steps([(0, 200, 1), ((span_minutes - 1) * MINUTE_MS, 200, 1)], 1500)
    assert step_name(steps.step_ms) == name


# Status codes fall in their classes; anything else is "other".
@pytest.mark.parametrize(
    "status, kind",
    [
        (100, "1xx"),
        (200, "2xx"),
        (304, "3xx"),
        (404, "4xx"),
        (599, "5xx"),
        (600, "other"),
        (0, "other"),
        (None, "other"),
    ],
)
def test_status_class(status: int | None, kind: str) -> None:
    assert status_class(status) == kind


# Times are shown in UTC, and an absurd one as what it is.
def test_time_label() -> None:
    assert time_label(1_504_860_420_000) == "2017-09-08 08:47"
    assert time_label(10**18) == f"{10**18} ms"


# Where there is no status, levels are drawn: the names of syslog, servers and loggers, in whatever case, by severity.
@pytest.mark.parametrize(
    ("level", "kind"),
    [
        ("emerg", "error"),
        ("CRITICAL", "error"),
        ("err", "error"),
        ("warn", "warning"),
        ("Notice", "info"),
        ("trace8", "debug"),
        ("2xx", "other"),
        ("", "other"),
        ("audit", "other"),
    ],
)
def test_levels(level: str, kind: str) -> None:
    assert status_class(level) == kind
    assert to_steps([(0, level, 2)], 5).counts == {kind: (2,)}
