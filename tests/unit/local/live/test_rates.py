"""Rates over the last seconds: none while nothing arrives, and few counts are kept."""

from __future__ import annotations

import pytest

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


def test_few_are_kept() -> None:
    now = Now()
    rate = RecentRate(now)
    for count in range(10_000):
        now.now += 0.01
        rate.note(count)
    assert len(rate._noted) <= 2 * 60 + 3
    assert rate.over(5) == pytest.approx(100, rel=0.02)
