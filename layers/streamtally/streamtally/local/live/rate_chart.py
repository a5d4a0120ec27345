"""Lines a second over the last minutes, as a chart of the live pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from streamtally.local.live.rates import MOST_STEPS, STEP_SECONDS, RecentRate
from streamtally.local.live.texts import say_live
from streamtally.report.figures import time_chart
from streamtally.report.steps import Steps
from streamtally.report.texts import say
from streamtally.report.view import Digits, Section, details, note, section, table

_STEP_MS = 1000 * STEP_SECONDS
_PLOT_PX = 70


def rate_text(rate: float) -> str:
    """Lines a second as they are shown: ``1,234``, ``5.2``."""
    return f"{rate:,.0f}" if rate >= 10 or not rate else f"{rate:.1f}"


def rate_section(rate: RecentRate, now_ms: int) -> list[Section]:
    """Lines a second by step; none before the first step is over. Without lines it is a sentence that stays the same.

    Args: now_ms: the time in ms since the epoch.
    """
    lines, seconds_ago = rate.by_step()
    if not lines:
        return []
    minutes = MOST_STEPS * STEP_SECONDS // 60
    if not any(lines):
        return [section(say_live("rate"), note(say_live("rate.none", minutes=minutes)))]
    end_ms = round(now_ms / 1000 - seconds_ago) * 1000
    starts = range(end_ms - _STEP_MS * len(lines), end_ms, _STEP_MS)
    rates = [_step_text(count) for count in lines]
    rows = [(_clock(start), Digits(rate)) for start, rate in zip(starts, rates, strict=True)]
    words = say_live("rate.note", seconds=STEP_SECONDS)
    numbers = table(words, (say("column.from"), say_live("column.rate")), rows[::-1], say_live("rate"))
    label = say_live("rate.label", most=_step_text(max(lines)), last=rates[-1])
    chart = replace(time_chart(_all_steps(lines, end_ms), label, _step_text, _clock), plot=_PLOT_PX)
    return [section(say_live("rate"), note(words), chart, details(say("table"), numbers))]


def _all_steps(lines: Sequence[int], end_ms: int) -> Steps:
    """The chart's steps, with those before the start, so that it is five minutes wide."""
    counts = (0,) * (MOST_STEPS - len(lines)) + tuple(lines)
    return Steps(_STEP_MS, tuple(range(end_ms - _STEP_MS * MOST_STEPS, end_ms, _STEP_MS)), {"lines": counts})


def _step_text(lines: int) -> str:
    return rate_text(lines / STEP_SECONDS)


def _clock(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%H:%M:%S}"
