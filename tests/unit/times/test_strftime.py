"""Times by strftime's formats: what cannot be read or does not exist says so, in bounded time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamtally.config.source import source_settings
from streamtally.errors import EvaluationError, SettingsError
from streamtally.times.iso import from_iso
from streamtally.times.log_times import compile_log_time, needs_arrival
from streamtally.times.strftime import compile_strftime, pattern_of
from streamtally.transform.source import Source

FORMATS = (
    "%Y-%m-%d %H:%M:%S", "%d/%b/%Y:%H:%M:%S %z", "%F %T", "%c", "%a, %d %B %Y %I:%M:%S %p", "%y%m%d%H%M%S", "%j %Y %T",
    "%G-%V-%u %R:%S", "%s", "%C%y-%m-%d %T", "%x %X", "%e %h %Y %k:%M:%S", "%%%n%Y%t%m %d %T",
)  # fmt: skip


# Whatever the C library writes is read back, to the second.
@pytest.mark.parametrize("text", FORMATS)
@settings(max_examples=60, deadline=None)
@given(seconds=st.integers(86_400, 3_124_137_600))
def test_as_the_c_library_writes(text: str, seconds: int) -> None:
    written = datetime.fromtimestamp(seconds, UTC).strftime(text)
    assert compile_strftime(f"strftime:{text}")(written, None) == seconds * 1000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("%F %T", "2025-02-30 00:00:00"), ("%F %T", "2025-06-15 24:00:00"), ("%F %T", "2025-06-15 12:00:60"),
        ("%F %T", "x"), ("%F %T", ""), ("%Y %j %T", "2025 366 00:00:00"), ("%Y %j %T", "2025 000 00:00:00"),
        ("%F %I:%M %p", "2025-06-15 13:00 PM"), ("%F %I:%M %p", "2025-06-15 00:00 AM"),
        ("%F %T %z", "2025-06-15 00:00:00 +2560"),
        ("%G-%V-%u %T", "2025-54-1 00:00:00"), ("%F %T", "0000-01-01 00:00:00"), ("%b %d %H:%M", "Foo 01 00:00"),
        ("%F %T", None), ("%s", "a"),
    ],
)  # fmt: skip
def test_no_time(text: str, value: Any) -> None:
    with pytest.raises(EvaluationError):
        compile_log_time(f"strftime:{text}")(value, from_iso("2025-12-01"))


@pytest.mark.parametrize("text", ["%T", "%F", "", "%Q %F %T", "%{x} %F %T", "%F %I:%M", "%", "%{sec"])
def test_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        compile_log_time(f"strftime:{text}")
    with pytest.raises(SettingsError):
        Source(source_settings({"format": "csv", "time_field": "t", "time_format": f"strftime:{text}"}), ZoneInfo)


# pipeline.toml's time_format takes one too, also for numbers.
def test_in_a_pipeline() -> None:
    source = Source(source_settings({"format": "json", "time_field": "t", "time_format": "strftime:%{usec}"}), ZoneInfo)
    assert source.event_time({"t": 1749970813042999}, 0) == from_iso("2025-06-15T07:00:13.042")
    assert source.event_time({"t": "1749970813042999"}, 0) == from_iso("2025-06-15T07:00:13.042")
    assert needs_arrival("strftime:%b %d %T")
    assert not needs_arrival("strftime:%c")


@pytest.mark.parametrize("text", ["%Y-%m-%d %T", "%A %B %d %Y %T", "%_H%_H%_H %F %M", "%n%n%n%F %T"])
@pytest.mark.parametrize("value", ["1" * 100_000, " " * 100_000, "Monday " * 20_000])
def test_hostile(text: str, value: str) -> None:
    parse = compile_log_time(f"strftime:{text}")
    started = time.process_time()
    with pytest.raises(EvaluationError):
        parse(value, 0)
    assert time.process_time() - started < 1
    assert pattern_of(text)
