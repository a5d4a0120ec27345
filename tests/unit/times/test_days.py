"""Hours and minutes are added to a day that was parsed once, with the result that parsing gives."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamtally.errors import EvaluationError
from streamtally.times.days import parse_by_day
from streamtally.times.java_patterns import parse_pattern
from streamtally.times.parsing import compile_time_parser
from tests.examples import examples

CLF = "dd/MMM/yyyy:HH:mm:ss Z"
MS_PER_MINUTE = 60_000


def parse_one(text: str, time_format: str = CLF) -> int | None:
    """A time by a parser that has seen no other; None: it is no time."""
    try:
        return compile_time_parser(time_format)(text)
    except EvaluationError:
        return None


@pytest.mark.parametrize("offset", [0, 570, -210])
def test_minutes_of_a_day(offset: int) -> None:
    parse = compile_time_parser(CLF)
    zone = timezone(timedelta(minutes=offset))
    first = datetime(2024, 2, 28, 23, 0, 7, tzinfo=zone)
    for minutes in range(0, 3 * 1440, 7):
        moment = first + timedelta(minutes=minutes)
        assert parse(moment.strftime("%d/%b/%Y:%H:%M:%S %z")) == moment.timestamp() * 1000


@pytest.mark.parametrize(
    ("time_format", "zone", "can"),
    [
        (CLF, ZoneInfo("Europe/Berlin"), True),
        ("yyyyMMddHHmmss", UTC, True),
        ("mm:HH yyyy-MM-dd ss", UTC, True),
        ("yyyy-MM-dd HH:mm:ss", ZoneInfo("Europe/Berlin"), False),  # a day of 23 hours
        ("yyyy-MM-dd HH'1'mm:ss", UTC, False),
        ("yyyy-MM-dd HH:ss", UTC, False),
        ("HH HH:mm:ss", UTC, False),
        ("d/MMM/yyyy:HH:mm:ss", UTC, False),
    ],
)
def test_which_formats_are_parsed_by_the_day(time_format: str, zone: tzinfo, can: bool) -> None:
    parse = compile_time_parser(time_format, zone)
    assert (parse_by_day(parse, parse_pattern(time_format), zone) is not None) is can


def test_a_day_of_a_zone_keeps_its_length() -> None:
    parse = compile_time_parser("yyyy-MM-dd HH:mm:ss", ZoneInfo("Europe/Berlin"))
    texts = ("2024-03-31 00:30:00", "2024-03-31 04:30:00")
    assert parse(texts[1]) - parse(texts[0]) == 180 * MS_PER_MINUTE


def test_the_hour_may_follow_the_minute() -> None:
    parse = compile_time_parser("mm:HH yyyy-MM-dd ss", UTC)
    assert [parse(f"{minute}:{hour} 1970-01-02 03") for minute, hour in (("00", "00"), ("59", "23"))] == [
        86_403_000,
        86_403_000 + 1439 * MS_PER_MINUTE,
    ]


@given(st.text(alphabet="0123456789/:JanFeb +-Z", min_size=20, max_size=26))
@example("01/Jan/2024:24:00:00 +0000")
@example("01/Jan/2024:23:60:00 +0000")
@example("01/Jan/202:012:00:00 +0000")
@example("001/Jan/202:12:00:00 +0000")
@example("1/Jan/2024:112:00:00 +0000")
@example("01/Jan/2024:12:00:60 +0000")
@example("31/Feb/2024:12:00:00 +0000")
@example("01/jan/2024:12:00:00 -1200")
@example("01/Jan/9999:23:59:59 -2359")
@settings(max_examples=examples(300))
def test_a_day_that_is_known_changes_no_time(text: str) -> None:
    parse = compile_time_parser(CLF)
    for known in ("00:00", "13:45"):
        with suppress(EvaluationError):
            parse(f"{text[:12]}{known}{text[17:]}")
    try:
        time: int | None = parse(text)
    except EvaluationError:
        time = None
    assert time == parse_one(text)
