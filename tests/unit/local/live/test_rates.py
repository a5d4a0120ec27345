"""Rates over the last seconds: none while nothing arrives, and few counts are kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.local.live.rates import RecentRate


class Now:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_steady_rate_then_silence() -> None:
    now = Now()
    rate = RecentRate(now)
    assert rate.over(5) == 0
    for second in range(1, 31):
        now.now += 1
        rate.note(20 * second)
    assert rate.over(5) == pytest.approx(20)
    assert rate.over(60) == pytest.approx(20)
    for _ in range(30):
        now.now += 1
        rate.note(600)
    assert rate.over(5) == 0
    assert rate.over(60) == pytest.approx(10)


# A burst: 600 lines within one second are 600/5 a second over five seconds and 600/60 over a minute.
def test_a_burst() -> None:
    now = Now()
    rate = RecentRate(now)
    for second in range(120):
        now.now += 1
        rate.note(600 if second >= 117 else 0)
    assert rate.over(5) == pytest.approx(120)
    assert rate.over(60) == pytest.approx(10)


# 10 a second for eight seconds, then none until second 14: three steps are not over before second 15.
def test_lines_by_step() -> None:
    now = Now()
    rate = RecentRate(now)
    assert rate.by_step() == ([], 0.0)
    for second in range(1, 15):
        now.now += 1
        rate.note(10 * min(second, 8))
    assert rate.by_step() == ([50, 30], 4.0)
    now.now += 1.5
    rate.note(80)
    assert rate.by_step() == ([50, 30, 0], 0.5)


# Nothing was noted for 20 seconds, in which 400 lines came: they are spread over them.
def test_steps_without_a_note() -> None:
    now = Now()
    rate = RecentRate(now)
    now.now += 20
    rate.note(400)
    assert rate.by_step() == ([100] * 4, 0.0)


# Whatever the times of the notes, no line is lost or counted twice, and what is older than five minutes is gone.
@given(st.lists(st.tuples(st.floats(0.01, 40), st.integers(0, 500)), min_size=1, max_size=80))
def test_steps_add_up(notes: list[tuple[float, int]]) -> None:
    now, lines = Now(), 0
    rate = RecentRate(now)
    for seconds, more in notes:
        now.now += seconds
        lines += more
        rate.note(lines)
    steps, ago = rate.by_step()
    assert 0 <= ago < 5.001
    assert len(steps) == min(int((now.now - 100) // 5), 60)
    assert all(step >= 0 for step in steps)
    if len(steps) < 60:
        assert sum(steps) <= lines
    if ago == 0 and len(steps) < 60:
        assert sum(steps) == lines


def test_few_are_kept() -> None:
    now = Now()
    rate = RecentRate(now)
    for count in range(60_000):
        now.now += 0.01
        rate.note(count)
    assert len(rate._noted) <= 2 * 305 + 3
    assert rate.over(5) == pytest.approx(100, rel=0.02)
