"""Times that do not say all: zones from the pipeline, years from the arrival, right over New Year."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.source import source_settings
from streamtally.errors import EvaluationError
from streamtally.formats import REGISTRY, FormatOptions
from streamtally.times.log_times import compile_log_time
from streamtally.transform.source import Source


def ms(text: str) -> int:
    """An ISO time in UTC as ms since the epoch."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


# A syslog time is of the year in which it came, whichever side of New Year its record arrives on.
@pytest.mark.parametrize(
    ("text", "arrival", "expected"),
    [
        ("Oct 11 22:14:15", "2025-10-11T22:14:20", "2025-10-11T22:14:15"),
        ("Dec 31 23:59:59", "2026-01-01T00:00:02", "2025-12-31T23:59:59"),
        ("Jan  1 00:00:01", "2025-12-31T23:59:58", "2026-01-01T00:00:01"),  # a clock that runs ahead
        ("Jan  1 00:00:01", "2026-01-01T00:00:01", "2026-01-01T00:00:01"),
        ("Mar  7 04:22:00", "2025-11-22T00:00:00", "2025-03-07T04:22:00"),  # late by eight months, not early by four
        ("Nov 23 12:00:00", "2025-11-22T13:00:00", "2025-11-23T12:00:00"),
        ("Nov 25 12:00:00", "2025-11-22T13:00:00", "2024-11-25T12:00:00"),
        ("Feb 29 12:00:00", "2025-03-01T00:00:00", "2024-02-29T12:00:00"),
        ("Feb 29 12:00:00", "2024-02-29T12:00:01", "2024-02-29T12:00:00"),
        ("Mar 12 12:00:08.123456", "2025-03-12T12:00:09", "2025-03-12T12:00:08.123"),
        ("Mar 12 2019 12:00:08", "2025-03-12T12:00:09", "2019-03-12T12:00:08"),
    ],
)
def test_syslog_years(text: str, arrival: str, expected: str) -> None:
    assert compile_log_time("syslog")(text, ms(arrival)) == ms(expected)


# The zone decides which year it is there: midnight in Tokyo comes nine hours before midnight in UTC.
def test_year_in_a_zone() -> None:
    parse = compile_log_time("syslog", ZoneInfo("Asia/Tokyo"))
    assert parse("Jan  1 00:00:01", ms("2025-12-31T15:00:02")) == ms("2025-12-31T15:00:01")
    assert parse("Dec 31 23:59:59", ms("2025-12-31T15:00:02")) == ms("2025-12-31T14:59:59")
    west = compile_log_time("syslog", ZoneInfo("America/Los_Angeles"))
    assert west("Dec 31 23:59:59", ms("2026-01-01T08:00:02")) == ms("2026-01-01T07:59:59")


# Any pattern of one's own without a year is treated so, and one with a year is not.
def test_own_patterns() -> None:
    assert compile_log_time("MMM d HH:mm:ss")("Dec 31  23:59:59", ms("2026-01-01T00:00:02")) == ms(
        "2025-12-31T23:59:59"
    )
    assert compile_log_time("dd.MM. HH:mm")("31.12. 23:59", ms("2026-01-01T00:00:02")) == ms("2025-12-31T23:59:00")
    assert compile_log_time("yyyy-MM-dd")("1999-05-06", ms("2026-01-01T00:00:02")) == ms("1999-05-06T00:00:00")


# A log without an offset is of the pipeline's zone, also over a change of the clock; with an offset it is not.
@pytest.mark.parametrize(
    ("how", "text", "expected"),
    [
        ("apache_error", "Fri Sep 09 10:42:29.902022 2011", "2011-09-09T08:42:29.902"),
        ("apache_error", "Wed Jan  5 10:42:29 2011", "2011-01-05T09:42:29"),
        ("yyyy/MM/dd HH:mm:ss", "2025/07/22 21:21:41", "2025-07-22T19:21:41"),
        ("auto", "1728568536", "2024-10-10T13:55:36"),
        ("auto", "1728568536.123", "2024-10-10T13:55:36.123"),
        ("auto", "1728568536123", "2024-10-10T13:55:36.123"),
        ("auto", "1728568536123456", "2024-10-10T13:55:36.123"),  # the journal's __REALTIME_TIMESTAMP
        ("auto", "1728568536123456789", "2024-10-10T13:55:36.123"),  # Cloudflare's unixnano
        ("auto", "99999999999999", "5138-11-16T09:46:39.999"),
        ("auto", "100000000000000", "1973-03-03T09:46:40"),
        ("auto", "100000000000000000", "1973-03-03T09:46:40"),
        ("auto", "2025/11/22 21:21:41", "2025-11-22T20:21:41"),
        ("auto", "Fri Sep 09 10:42:29.902022 2011", "2011-09-09T08:42:29.902"),
        ("auto", "06/Feb/2025:12:14:14.655", "2025-02-06T11:14:14.655"),
        ("auto", "06/Feb/2025:12:14:14 +0000", "2025-02-06T12:14:14"),
        ("auto", "[06/Feb/2025:12:14:14 +0000]", "2025-02-06T12:14:14"),
        ("auto", "2025-02-06T12:14:14.000003Z", "2025-02-06T12:14:14"),
        ("auto", 1738844054, "2025-02-06T12:14:14"),
        ("auto", "1738844054655", "2025-02-06T12:14:14.655"),
    ],
)
def test_zones(how: str, text: Any, expected: str) -> None:
    assert compile_log_time(how, ZoneInfo("Europe/Berlin"))(text, ms("2025-12-01T00:00:00")) == ms(expected)


# What is no time says so, and nothing else is raised.
@pytest.mark.parametrize("how", ["syslog", "apache_error", "auto"])
@pytest.mark.parametrize("text", ["", "x", "Foo 11 22:14:15", "Oct 41 22:14:15", "Fri Foo 09 10:42:29 2011", None, []])
def test_no_time(how: str, text: Any) -> None:
    with pytest.raises(EvaluationError):
        compile_log_time(how)(text, ms("2025-12-01T00:00:00"))


# Every format with a time field has a time in its example that can be parsed.
@pytest.mark.parametrize("name", [name for name, known in REGISTRY.items() if known.time_field])
def test_each_format_has_its_time(name: str) -> None:
    source = Source(source_settings({"format": name}), ZoneInfo)
    for example in REGISTRY[name].examples:
        row = REGISTRY[name].compile(FormatOptions())(example.line)
        time = source.event_time(row, ms("2025-12-01T00:00:00"))
        assert time is not None
        assert ms("2010-01-01T00:00:00") <= time < ms("2026-01-01T00:00:00")


# IIS and CloudFront write UTC whatever the pipeline's zone; a time field that is configured is in the zone.
@pytest.mark.parametrize("name", ["w3c", "cloudfront"])
def test_formats_of_utc(name: str) -> None:
    example = REGISTRY[name].examples[0]
    text = f"{example.row['date']}T{example.row['time']}"
    arrival, there = ms("2025-12-31T00:00:00"), {"time_zone": "Europe/Berlin"}
    for settings in (
        {"format": name},
        {"format": name, "time_field": "auto"},
        {"format": "auto", "time_field": "auto"},
    ):
        source = Source(source_settings({**settings, **there}), ZoneInfo)
        assert source.event_time(source.parse(example.line), arrival) == ms(text), settings
    by_hand = {"format": name, "time_field": "time", "time_format": "HH:mm:ss", **there}
    assert Source(source_settings({"format": "nginx_error", **there}), ZoneInfo).event_time(
        {"datetime": "2025/07/22 21:21:41"}, arrival
    ) == ms("2025-07-22T19:21:41")
    assert Source(source_settings(by_hand), ZoneInfo).time_field == "time"


# In auto with time_field = auto each line's own time counts, whatever its field is called.
def test_auto_takes_the_usual_fields() -> None:
    source = Source(source_settings({"format": "auto", "time_field": "auto"}), ZoneInfo)
    for name in ("apache_combined", "syslog", "nginx_error", "alb", "w3c", "cloudfront", "haproxy"):
        row = source.parse(REGISTRY[name].examples[0].line)
        assert source.event_time(row, ms("2025-12-01T00:00:00")) is not None, name
