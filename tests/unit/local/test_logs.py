"""Logs that can be read only once, and times that no clock shows."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.source import source_settings
from streamtally.local.arrival import arrive_when_logged, read_lines
from streamtally.local.logs import LogLine, check_logs, is_read_once, read_log
from streamtally.times.iso import from_iso, to_iso
from streamtally.transform.source import Source
from tests.unit.events import combined


@contextmanager
def pipe(data: bytes) -> Iterator[str]:
    """A name that gives the data once, as a shell's <(…) does."""
    reader, writer = os.pipe()

    def write() -> None:
        with os.fdopen(writer, "wb") as out:
            out.write(data)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield f"/dev/fd/{reader}"
    finally:
        os.close(reader)
        thread.join(60)


# What is read to check whether it can be read would be missing in the run.
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_pipe_is_read_once(pack: type[bytes]) -> None:
    data = combined() * 5_000
    with pipe(pack(data)) as name:
        assert is_read_once(name)
        check_logs([name])
        assert b"".join(line.data for line in read_log(name)) == data


def test_a_file_is_read_as_often_as_asked(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(combined())
    assert not is_read_once(str(log))
    assert not is_read_once(str(tmp_path / "none.log"))
    assert not is_read_once(str(tmp_path))


def arrivals(*lines: bytes, file_ms: int = 7) -> list[int]:
    source = Source(source_settings({}), ZoneInfo)
    read = [LogLine("a.log", number, line, len(line)) for number, line in enumerate(lines, 1)]
    return [line.arrival for line in arrive_when_logged(read_lines(read, source, file_ms), file_ms)]


# A line without a time has that of the line before, the first ones that of the first timed line, or the file's.
@pytest.mark.parametrize(
    "hours, expected",
    [
        ((8, 9), (8, 9)),
        ((None, 9, None), (9, 9, 9)),
        ((None, None, 9, 8, None), (9, 9, 9, 8, 8)),
        ((None, None), (None, None)),
        ((), ()),
    ],
)
def test_arrivals(hours: tuple[int | None, ...], expected: tuple[int | None, ...]) -> None:
    lines = [b"?\n" if hour is None else combined(time=f"08/Sep/2017:{hour:02}:00:00 +0000") for hour in hours]
    named = [7 if hour is None else from_iso(f"2017-09-08T{hour:02}:00:00Z") for hour in expected]
    assert arrivals(*lines) == named


# A line whose time is beyond what calendars name does not say when it was logged: one such line ends no run.
@pytest.mark.parametrize(
    "time",
    [
        "01/Jan/0001:00:00:00 +2300",
        "01/Jan/0000:00:00:00 +0000",
        "31/Dec/9999:23:59:59 -2300",
        "31/Feb/2017:00:00:00 +0000",
        "08/Sep/2017:08:47:00 +9900",
    ],
)
def test_times_that_no_record_arrives_at(time: str) -> None:
    good = from_iso("2017-09-08T08:47:00Z")
    assert arrivals(combined(time=time), combined(), combined(time=time)) == [good] * 3


@pytest.mark.parametrize("text", ["0001-01-02T00:00:00.001Z", "0008-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_years_have_four_digits(text: str) -> None:
    assert to_iso(from_iso(text)) == text
