"""When the lines of a log arrived: the time they were logged, so that a replay gives what the stream gave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from streamtally.errors import read_failure
from streamtally.formats.base import Row
from streamtally.local.logs import LogLine
from streamtally.times.iso import from_iso
from streamtally.transform.records import to_text
from streamtally.transform.source import Source

MAX_WAITING_LINES = 10_000
"""So many lines without a time are held back at the beginning until one has a time; then the file's time is taken."""

EARLIEST_MS, LATEST_MS = from_iso("0001-01-02"), from_iso("9999-12-30")
"""No record arrives at a time that has no name: a day within what has one, whatever the zone and the window."""


@dataclass(slots=True)
class ReadLine:
    """A line as its source reads it.

    Attributes:
        row: None if the line is empty or does not parse; reason: why it does not.
        time: when it was logged, ms since the epoch; None if it does not say so in a way that its source reads.
        arrival: ms since the epoch.
    """

    line: LogLine
    row: Row | None
    reason: str
    time: int | None
    arrival: int = 0


def read_lines(lines: Iterable[LogLine], source: Source, file_ms: int) -> Iterator[ReadLine]:
    """Every line, read by the source. ``file_ms``: when the file was last written, which gives times their year."""
    parse = source.parser_for_record(file_ms)
    for line in lines:
        text = to_text(line.data.rstrip(b"\r\n"))
        try:
            row = parse(text) if text and not line.is_too_long else None
        except Exception as error:  # a hostile line may make a parser raise anything: it stops no other line
            yield ReadLine(line, None, read_failure(error), None)
            continue
        yield ReadLine(line, row, "", None if row is None else _logged_time(source, row, file_ms))


def _logged_time(source: Source, row: Row, file_ms: int) -> int | None:
    try:
        time = source.event_time(row, file_ms)
    except Exception:  # whatever a hostile value makes it raise: then the line does not say when
        return None
    return time if time is not None and EARLIEST_MS <= time <= LATEST_MS else None


def arrive_when_logged(lines: Iterable[ReadLine], file_ms: int) -> Iterator[ReadLine]:
    """Lines with their arrival: the time they were logged.

    A line without a time has that of the line before it; the first ones that of the first line with a time, or
    ``file_ms`` if there is none.
    """
    waiting: list[ReadLine] = []
    last: int | None = None
    for line in lines:
        waiting.append(line)
        if line.time is None and last is None and len(waiting) < MAX_WAITING_LINES:
            continue
        if line.time is not None:
            last = line.time
        elif last is None:
            last = file_ms
        yield from _arrived(waiting, last)
        waiting.clear()
    yield from _arrived(waiting, file_ms)


def _arrived(lines: list[ReadLine], arrival: int) -> Iterator[ReadLine]:
    for line in lines:
        line.arrival = arrival
        yield line
