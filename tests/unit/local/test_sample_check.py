"""compile --sample: what of a pipeline fits no line of a log."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.cli.in_process import call_main

PROGRAM = """
CREATE STREAM "COUNTS" ("minute" TIMESTAMP, "n" BIGINT);
CREATE PUMP "P" AS INSERT INTO "COUNTS" SELECT STREAM FLOOR(s.ROWTIME TO MINUTE), COUNT(*)
  FROM "SOURCE_SQL_STREAM_001" AS s GROUP BY FLOOR(s.ROWTIME TO MINUTE);
"""
OFFSET = '192.0.2.1 - - [08/Nov/2026:08:47:00 +0900] "GET / HTTP/1.1" 200 5\n'
PLAIN = "2026-11-08 08:47:00 192.0.2.1 ok\n"
PLAIN_SOURCE = r"""format = "regex"
pattern = '(\S+ \S+) (\S+) (\S+)'
fields = ["when", "host", "state"]
time_field = "when"
time_format = "yyyy-MM-dd HH:mm:ss"
"""


def check(folder: Path, source: str, log: str, written: str = "2026-11-09T00:00:00") -> tuple[int, str]:
    """Exit status and standard error of compile --sample; the log was last written at this time (UTC)."""
    (folder / "pipeline.toml").write_text(f'[source]\n{source}\n[outputs.COUNTS]\nindex = "counts"\n')
    (folder / "counts.sql").write_text(PROGRAM)
    path = folder / "a.log"
    path.write_text(log)
    at = datetime.fromisoformat(written).replace(tzinfo=UTC).timestamp()
    os.utime(path, (at, at))
    done = call_main("compile", folder, "--sample", path)
    assert (folder / "pipeline.json").exists() == (done.returncode < 2)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(
    ("source", "log", "text"),
    [
        ('format = "apache_common"', PLAIN, 'format = "apache_common" fits none of 1 lines: line 1: '),
        ('format = "squid"', OFFSET, 'set format = "apache_common"'),
        (r"""format = "regex"
pattern = '(\d+) (\S+)'
fields = ["a", "b"]""", OFFSET, "the pattern fits none of 1 lines"),
        ('format = "auto"\ntime_zone = "Asia/Tokyo"', OFFSET, 'time_zone = "Asia/Tokyo" fits no line: every time has'),
        (PLAIN_SOURCE.replace("HH:mm:ss", "HH.mm"), PLAIN, "no time in any of 1 rows: time_field when, time_format"),
        (PLAIN_SOURCE.replace('"when"\ntime_f', '"since"\ntime_f'), PLAIN, "time_field since"),
    ],
)  # fmt: skip
def test_what_fits_no_line_is_a_warning(tmp_path: Path, source: str, log: str, text: str) -> None:
    status, error = check(tmp_path, source, log)
    assert status == 1
    assert error.count("warning: ") == 1
    assert text in error


# 08:47 in New York is 13:47 UTC: not before the file was written at 00:00 UTC of the same day.
def test_a_zone_that_puts_lines_into_the_future(tmp_path: Path) -> None:
    source = PLAIN_SOURCE + 'time_zone = "America/New_York"\n'
    status, error = check(tmp_path, source, PLAIN, "2026-11-08T00:00:00")
    assert status == 1
    assert 'time_zone = "America/New_York" puts the latest line 13.8 hours after the file was written' in error
    assert check(tmp_path, source, PLAIN, "2026-11-08T13:47:01") == (0, "")


@pytest.mark.parametrize("zone", ["", 'time_zone = "Asia/Tokyo"\n'])
def test_a_source_that_fits_is_no_warning(tmp_path: Path, zone: str) -> None:
    assert check(tmp_path, PLAIN_SOURCE + zone, PLAIN) == (0, "")
    assert check(tmp_path, 'format = "auto"', OFFSET) == (0, "")


# Some lines are always odd: the warning is for settings that fit none.
def test_one_line_that_fits_is_enough(tmp_path: Path) -> None:
    assert check(tmp_path, 'format = "apache_common"', OFFSET + PLAIN) == (0, "")


def test_a_missing_sample_is_one_line_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text('[source]\nformat = "auto"\n[outputs.COUNTS]\nindex = "counts"\n')
    (tmp_path / "counts.sql").write_text(PROGRAM)
    done = call_main("compile", tmp_path, "--sample", tmp_path / "none.log")
    assert done.returncode == 2
    assert not (tmp_path / "pipeline.json").exists()
    done = call_main("compile", tmp_path / "counts.sql", "--sample", "a.log")
    assert done.returncode == 2
    assert b"--sample is only for a folder" in done.stderr


def test_a_clock_behind_by_minutes_is_no_finding(tmp_path: Path) -> None:
    soon = datetime(2026, 11, 8, 8, 47, tzinfo=UTC) - timedelta(minutes=10)
    assert check(tmp_path, PLAIN_SOURCE, PLAIN, f"{soon:%Y-%m-%dT%H:%M:%S}") == (0, "")
