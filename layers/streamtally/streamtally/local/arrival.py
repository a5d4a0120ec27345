"""Arrival times for the lines of a log: when they were logged, so that a replay gives what the stream gave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from streamtally.errors import read_failure
from streamtally.formats.base import Format, Row
from streamtally.formats.w3c_header import Header, is_header
from streamtally.local.logs import LogLine, join_log_parts
from streamtally.transform.event import EARLIEST_MS, LATEST_MS
from streamtally.transform.payload_lines import to_text
from streamtally.transform.source import Source

MAX_WAITING_LINES = 10_000
"""How many lines at the start of a log are held until one has a time; beyond that, the file's time is used."""


@dataclass(slots=True)
class ReadLine:
    """A line as its source reads it."""

    line: LogLine
    row: Row | None
    """None if the line is empty or does not parse."""
    reason: str
    """Why it does not parse."""
    time: int | None
    """When it was logged, in ms since the epoch; None if the source cannot read that from it."""
    arrival: int = 0
    """In ms since the epoch."""
    header: tuple[str, ...] = ()
    """The header lines of its file in force before it."""
    format: Format | None = None
    """The format of its row, where it is known."""


def read_lines(lines: Iterable[LogLine], source: Source, file_ms: int) -> Iterator[ReadLine]:
    """Every line, read by the source.

    Args: file_ms: when the file was last written, which gives a year to times without one.
    """
    parse, header = source.parser_for_record(file_ms), Header()
    carried: tuple[str, ...] = ()
    for line in join_log_parts(lines):
        text = to_text(line.data.rstrip(b"\r\n"))
        try:
            row = parse(text) if text and not line.is_too_long else None
            if row is not None:
                source.complete(parse, row, file_ms)
        except Exception as error:  # a hostile line may make a parser raise anything; the other lines go on
            yield ReadLine(line, None, read_failure(error), None, header=carried)
            if is_header(text):
                header = header.follow(text)
                carried = header.carried
            continue
        time = None if row is None else logged_time(source, row, file_ms)
        yield ReadLine(line, row, "", time, header=carried, format=source.format_of(parse))


def logged_time(source: Source, row: Row, file_ms: int) -> int | None:
    """When a row was logged, in ms since the epoch; None if the source cannot read that from it."""
    try:
        time = source.event_time(row, file_ms)
    except Exception:  # a hostile value may make it raise anything; then the line has no time
        return None
    return time if time is not None and EARLIEST_MS <= time <= LATEST_MS else None


def arrive_when_logged(lines: Iterable[ReadLine], file_ms: int) -> Iterator[ReadLine]:
    """Lines with their arrival: the time they were logged.

    A line without a time takes that of the line before it; the first lines take that of the first line with a time, or
    ``file_ms`` if no line has one.
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
