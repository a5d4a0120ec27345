"""The event time of Apache's time tokens: exact to the millisecond, with its offset, from one token or several."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.source import FORMATS_OWN, source_settings
from streamtally.errors import EvaluationError, FormatError, SettingsError
from streamtally.formats import find_format
from streamtally.times.iso import from_iso
from streamtally.transform.source import Source

ARRIVAL = from_iso("2025-06-20T00:00:00")


def event_time(directive: str, line: str, zone: str = "UTC") -> int | None:
    """When a line happened; its other fields are left to other tests."""
    source = Source(source_settings({"format": directive, "time_field": FORMATS_OWN, "time_zone": zone}), ZoneInfo)
    return source.event_time(source.parse(line), ARRIVAL)


@pytest.mark.parametrize(
    ("tokens", "written", "expected"),
    [
        # %t, alone and with a fraction in a token of its own
        ("%t", "[15/Jun/2025:00:00:13 -0700]", "2025-06-15T07:00:13"),
        ("%t %{msec_frac}t", "[15/Jun/2025:00:00:13 -0700] 042", "2025-06-15T07:00:13.042"),
        ("%{usec_frac}t %t", "042999 [15/Jun/2025:00:00:13 -0700]", "2025-06-15T07:00:13.042"),
        ("%{begin}t", "[15/Jun/2025:00:00:13 -0700]", "2025-06-15T07:00:13"),
        # seconds, milliseconds, microseconds since 1970
        ("%{sec}t", "1749970813", "2025-06-15T07:00:13"),
        ("%{msec}t", "1749970813042", "2025-06-15T07:00:13.042"),
        ("%{usec}t", "1749970813042999", "2025-06-15T07:00:13.042"),
        ("%{sec}t.%{msec_frac}t", "1749970813.042", "2025-06-15T07:00:13.042"),
        ("%{sec}t%{usec_frac}t", "1749970813042999", "2025-06-15T07:00:13.042"),
        ("%{begin:msec}t %{end:msec}t", "1749970813042 1749970814000", "2025-06-15T07:00:13.042"),
        ("%{end:msec}t", "1749970814001", "2025-06-15T07:00:14.001"),
        # strftime(3), with the offset in the format, in a token of its own, or not at all
        ("[%{%d/%b/%Y:%H:%M:%S}t.%{msec_frac}t %{%z}t]", "[15/Jun/2025:00:00:13.042 -0700]", "2025-06-15T07:00:13.042"),
        ("[%{%d/%b/%Y:%T}t.%{usec_frac}t %{%z}t]", "[15/Jun/2025:00:00:13.042999 +0530]", "2025-06-14T18:30:13.042"),
        ("%{%Y-%m-%d %T}t.%{msec_frac}t %{%z}t", "2025-01-27 00:00:06.929 +0300", "2025-01-26T21:00:06.929"),
        ("%{%FT%T%z}t", "2025-06-15T00:00:13-0700", "2025-06-15T07:00:13"),
        ("%{%FT%T}t.%{msec_frac}t%{%z}t", "2025-06-15T00:00:13.007-0700", "2025-06-15T07:00:13.007"),
        ("%{%Y%m%d}t%{%H%M%S}t", "20250615000013", "2025-06-15T00:00:13"),
        ("[%{%d/%m/%Y %H:%M:%S}t]", "[15/06/2025 00:00:13]", "2025-06-15T00:00:13"),
        ("%{%d %B %Y %r}t|", "05 June 2025 11:59:01 PM|", "2025-06-05T23:59:01"),
        ("%{%A %e %b %Y %I:%M %p}t|", "Sunday  5 Jan 2025 12:03 AM|", "2025-01-05T00:03:00"),
        ("%{%c}t|", "Sun Jun 15 00:00:13 2025|", "2025-06-15T00:00:13"),
        ("%{%D %R}t|", "06/15/25 00:01|", "2025-06-15T00:01:00"),
        ("%{%y%m%d %k:%M}t|", "690615  7:05|", "1969-06-15T07:05:00"),
        ("%{%Y.%j %T}t|", "2024.366 00:00:13|", "2024-12-31T00:00:13"),
        ("%{%G-W%V-%u %T}t|", "2026-W01-4 00:00:13|", "2026-01-01T00:00:13"),
        ("%{%s}t", "1749970813", "2025-06-15T07:00:13"),
        ("%{%s}t.%{msec_frac}t", "1749970813.042", "2025-06-15T07:00:13.042"),
        ("%{%-d/%-m/%Y %-H:%M}t|", "5/6/2025 7:05|", "2025-06-05T07:05:00"),
        ("%{%F}t x %{%T}t %{%z}t", "2025-06-15 x 00:00:13 -0700", "2025-06-15T07:00:13"),
        ("%{%T}t x %{%F}t", "00:00:13 x 2025-06-15", "2025-06-15T00:00:13"),
        ("%{%F %T %Z}t|", "2025-06-15 00:00:13 GMT|", "2025-06-15T00:00:13"),
        ("%{begin:%F %T}t %{end:%F %T}t", "2025-06-15 00:00:13 2025-06-15 00:00:59", "2025-06-15T00:00:13"),
        ("%{end:%F %T}t %{begin:%T}t", "2025-06-15 00:00:59 00:00:13", "2025-06-15T00:00:59"),
        ("%{%F %T}t", "2025-06-15 00:00:13", "2025-06-15T00:00:13"),
        ("[%{%F}t %{%T}t]", "[2025-06-15 00:00:13]", "2025-06-15T00:00:13"),
        ("%{%b %d %T}t|", "Jun 19 23:59:00|", "2025-06-19T23:59:00"),  # without a year: the arrival's
        ("%{%b %d %T}t|", "Dec 19 23:59:00|", "2024-12-19T23:59:00"),
        # a token with an offset outweighs one without; %t is exact enough if a time of the day is beside it
        ("%{%T}t %t", "00:00:59 [15/Jun/2025:00:00:13 -0700]", "2025-06-15T07:00:13"),
        ("%{%F %T}t %{%F %T %z}t|", "2025-06-15 07:00:13 2025-06-15 00:00:13 -0700|", "2025-06-15T07:00:13"),
        # a leap second counts in its minute
        ("%t", "[31/Dec/2016:23:59:60 +0000]", "2016-12-31T23:59:59.999"),
        ("%{%F %T %z}t|", "2017-01-01 08:59:60 +0900|", "2016-12-31T23:59:59.999"),
        # Tomcat's own patterns are SimpleDateFormat's
        ("[%{yyyy-MM-dd HH:mm:ss.SSS Z}t]", "[2025-06-15 00:00:13.042 -0700]", "2025-06-15T07:00:13.042"),
        ("[%{dd/MMM/yyyy HH:mm:ss.SSS Z}t]", "[14/Feb/2023 14:30:21.044 +0000]", "2023-02-14T14:30:21.044"),
    ],
)  # fmt: skip
def test_apache(tokens: str, written: str, expected: str) -> None:
    assert event_time(f'apache:%h {tokens} "%r" %>s', f'192.0.2.1 {written} "GET / HTTP/1.1" 200') == from_iso(expected)


# A time without an offset is in the pipeline's zone; a zone's name must be UTC's or that zone's at that time.
def test_zones() -> None:
    directive = "apache:%{%F %T}t|%h"
    assert event_time(directive, "2025-06-15 02:00:13|h", "Europe/Berlin") == from_iso("2025-06-15T00:00:13")
    named = "apache:%{%F %T %Z}t|%h"
    assert event_time(named, "2025-06-15 02:00:13 CEST|h", "Europe/Berlin") == from_iso("2025-06-15T00:00:13")
    for text in ("2025-06-15 02:00:13 CET|h", "2025-06-15 02:00:13 CST|h"):
        with pytest.raises(EvaluationError):
            event_time(named, text, "Europe/Berlin")


# Tokens that give no moment give no event time; what cannot be read is left as it was.
@pytest.mark.parametrize(
    ("tokens", "field", "time_format"),
    [
        ("%{%T}t", "time", "auto"),
        ("%{msec_frac}t", None, None),
        ("%{%Q %d}t", "time", "auto"),
        ("%t", "datetime", "dd/MMM/yyyy:HH:mm:ss Z"),
        ("%{msec}t", "time_ms", "unix_ms"),
        ("%{sec}t", "time_s", "unix"),
        ("%t %{msec}t", "time_ms", "unix_ms"),
        ("%{%F %T}t %{msec_frac}t", ("time", "time_ms_fraction"), "strftime:%F %T %{msec_frac}"),
    ],
)
def test_fields(tokens: str, field: Any, time_format: Any) -> None:
    log_format = find_format(f"apache:%h {tokens}|%s")
    assert (log_format.time_field, log_format.time_format) == (field, time_format)


# Fields keep their names and texts, and a line that does not fit is refused.
def test_rows() -> None:
    source = Source(source_settings({"format": "apache:[%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t] %s %{end}t"}), ZoneInfo)
    assert source.parse("[15/Jun/2025:00:00:13.042 -0700] 200 [15/Jun/2025:00:00:14 -0700]") == {
        "time": "15/Jun/2025:00:00:13", "time_ms_fraction": 42, "time_2": "-0700", "response": 200,
        "time_3": "[15/Jun/2025:00:00:14 -0700]",
    }  # fmt: skip
    with pytest.raises(FormatError):
        source.parse("[15/Jun/2025:00:00:13.42 -0700] 200 [15/Jun/2025:00:00:14 -0700]")
    with pytest.raises(SettingsError):
        find_format("apache:%{%Q}t%{msec_frac}t")


@pytest.mark.parametrize(
    ("variables", "written", "expected"),
    [
        ("$msec", "1763846501.123", "2025-11-22T21:21:41.123"),
        ("$msec", "1763846501.999", "2025-11-22T21:21:41.999"),
        ("$time_iso8601", "2025-11-22T22:21:41+01:00", "2025-11-22T21:21:41"),
        ("[$time_local]", "[22/Nov/2025:22:21:41 +0100]", "2025-11-22T21:21:41"),
        ("[$date_gmt]", "[Saturday, 22-Nov-2025 21:21:41 GMT]", "2025-11-22T21:21:41"),
        ("[$date_local]", "[Saturday, 22-Nov-2025 21:21:41 UTC]", "2025-11-22T21:21:41"),
    ],
)
def test_nginx(variables: str, written: str, expected: str) -> None:
    assert event_time(f"nginx:$remote_addr {variables} $status", f"192.0.2.1 {written} 200") == from_iso(expected)
