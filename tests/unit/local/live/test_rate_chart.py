"""Lines a second over the last minutes: the chart has the numbers of its table, at the times of a clock."""

from __future__ import annotations

import re

from streamtally.local.live.rate_chart import rate_section
from streamtally.local.live.rates import RecentRate
from streamtally.report.rendering import render_parts
from streamtally.report.texts import speaking

NOON = 1_740_830_400_000  # 2025-03-01 12:00 UTC


class Now:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def noted(*counts: int) -> RecentRate:
    """Lines of each second."""
    now, lines = Now(), 0
    rate = RecentRate(now)
    for count in counts:
        now.now += 1
        lines += count
        rate.note(lines)
    return rate


def test_nothing_before_the_first_step_is_over() -> None:
    assert rate_section(noted(5, 5), NOON) == []


# 12 lines in five seconds, then 100, and two seconds of the next step; it is 12:00:00.
def test_the_chart_and_its_table() -> None:
    html = render_parts(rate_section(noted(2, 2, 2, 3, 3, *[20] * 5, 7, 7), NOON))
    titles = re.findall("<title>(.*?)</title>", html)
    assert len(titles) == 60
    assert (titles[0], titles[-3:]) == ("11:54:58: 0", ["11:59:43: 0", "11:59:48: 2.4", "11:59:53: 20"])
    cells = re.findall('<td class="(text|number)">(.*?)</td>', html)
    assert cells == [("text", "11:59:53"), ("number", "20"), ("text", "11:59:48"), ("number", "2.4")]
    assert "Most: 20. Last: 20." in html
    assert re.findall('<path class="(.*?)" d="(.*?)"/>', html) == [
        ("c2", "M58.05 880h.9v120h-.9zM59.05 0h.9v1000h-.9z")
    ]


# A page on which nothing happens does not change, so that nothing is sent.
def test_silence_does_not_change() -> None:
    rate = noted(*[0] * 30)
    assert render_parts(rate_section(rate, NOON)) == render_parts(rate_section(rate, NOON + 60_000))
    assert "No line in the last 5 minutes." in render_parts(rate_section(rate, NOON))
    with speaking("ja"):
        assert "直近 5 分間に行はありません。" in render_parts(rate_section(rate, NOON))


def test_five_minutes_are_shown() -> None:
    html = render_parts(rate_section(noted(*[3] * 1000), NOON))
    assert len(re.findall("<title>", html)) == 60
    assert "11:55:00: 3.0" in html
