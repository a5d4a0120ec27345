"""Sections of the live pages alone: the last hour, the newest lines, and every text in both languages."""

from __future__ import annotations

import re
import string

import pytest

from streamtally.local.live.parts import follow_parts, hour_section, newest_section
from streamtally.local.live.rates import RecentRate
from streamtally.local.live.texts import ENGLISH, JAPANESE, say_live
from streamtally.report.data import MinuteCount, ReportData, UnparsedLine
from streamtally.report.rendering import render_parts
from streamtally.report.texts import speaking
from streamtally.report.view import Section

MINUTE = 60_000
NOON = 1_740_830_400_000  # 2025-03-01 12:00 UTC
HOSTILE = '"><img src=x onerror=alert(1)>\u202e\x1b[2J'


def titles(sections: list[Section]) -> list[str]:
    """What the bars say when they are hovered."""
    return re.findall(r"<title>(.*?)</title>", render_parts(sections))


# A day of one row a minute: the hour that ends now, with 200 at 12:00 as its last minute.
def test_the_hour_ends_now() -> None:
    minutes: list[MinuteCount] = [(NOON - ago * MINUTE, 200, 1) for ago in range(1440)]
    shown = titles(hour_section(minutes, NOON + 59_999))
    assert len(shown) == 60
    assert shown[0] == "2025-03-01 11:01: 2xx 1"
    assert shown[-1] == "2025-03-01 12:00: 2xx 1"


# Nothing for ten minutes: the chart shows them as empty.
def test_silence_is_shown() -> None:
    minutes: list[MinuteCount] = [(NOON - 10 * MINUTE, 404, 3), (NOON - 90 * MINUTE, 200, 5)]
    shown = titles(hour_section(minutes, NOON))
    assert (shown[0], shown[-1]) == ("2025-03-01 11:01: 0", "2025-03-01 12:00: 0")
    assert [words for words in shown if not words.endswith(": 0")] == ["2025-03-01 11:50: 4xx 3"]


# An old log, and one whose clock is hours ahead (times without a zone): the hour ends with the newest row.
@pytest.mark.parametrize("now", [NOON + 30 * 86_400_000, NOON - 9 * 3_600_000, NOON + 60 * MINUTE])
def test_another_time(now: int) -> None:
    minutes: list[MinuteCount] = [(NOON, 200, 7), (NOON - 60 * MINUTE, 200, 1)]
    shown = titles(hour_section(minutes, now))
    assert shown[-1] == "2025-03-01 12:00: 2xx 7"
    assert len(shown) == 60


def test_no_rows_no_chart() -> None:
    assert hour_section([], NOON) == []


def test_the_newest_lines_come_first() -> None:
    lines = [UnparsedLine("access.log", number, "of no known format", f"text {number}") for number in (7, 8)]
    html = render_parts(newest_section(lines, 1_234, "file"))
    assert html.index("text 8") < html.index("text 7")
    assert "The newest first: 2 of 1,234 lines" in html
    assert newest_section([], 0, "file") == []


def test_hostile_texts_stay_texts() -> None:
    data = ReportData(pipeline="", generated_at="", lines=2, rows=1, unparsed=1)
    newest = [UnparsedLine(HOSTILE, 1, HOSTILE, HOSTILE)]
    html = render_parts(follow_parts(data, RecentRate(), newest, [HOSTILE] * 30, NOON))
    assert "<img" not in html
    assert not re.search("[\u202e\x1b]", html)
    assert html.count(r"&lt;img src=x onerror=alert(1)&gt;\u202e\x1b[2J") == 23


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_all() -> None:
    assert ENGLISH.keys() == JAPANESE.keys()
    assert {key: fields(text) for key, text in ENGLISH.items()} == {key: fields(text) for key, text in JAPANESE.items()}
    assert say_live("pause") == "Pause"
    with speaking("ja"):
        assert say_live("pause") == "一時停止"
