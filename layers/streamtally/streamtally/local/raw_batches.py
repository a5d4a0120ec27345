"""Logs → batches of lines that are not read yet, cut as Firehose cuts records: by number, bytes and lines alone.

So where a batch ends depends on nothing that is in its lines, and batches can be read beside each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple

from streamtally.formats.w3c_header import Header, is_header
from streamtally.local.arrival import MAX_WAITING_LINES, logged_time
from streamtally.local.line_lists import LineList
from streamtally.local.logs import MAX_LINE_BYTES
from streamtally.local.simulator.transformation import MAX_PAYLOAD_BYTES, event_bytes
from streamtally.transform.payload_lines import to_text
from streamtally.transform.source import Source

BUFFER_BYTES = 1_000_000
"""A batch is closed at this size (BufferSizeInMBs 1 of the Lambda processor), so that the response stays below 6 MB."""
BUFFER_LINES = 50_000
"""A batch is closed at this many lines: an invocation reads a limited number, and here nothing can be re-ingested."""


def is_full(size_bytes: int, records: int, lines: int) -> bool:
    """Whether records are more than a batch takes. Very short records are mostly JSON overhead."""
    return size_bytes > BUFFER_BYTES or lines > BUFFER_LINES or event_bytes(size_bytes, records) > MAX_PAYLOAD_BYTES


@dataclass(slots=True)
class Span:
    """Lines of one log in a batch, and what the lines before them say."""

    file: str
    file_ms: int
    """When the file was last written, which gives a year to times without one."""
    header: tuple[str, ...]
    """The header lines in force before its first line."""
    last: int | None
    """The time of its first lines if they have none, in ms since the epoch; None: that of the lines before it."""
    now: int | None = None
    """When all its lines arrive; None: when they were logged."""
    numbers: list[int] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    too_long: set[int] = field(default_factory=set)
    """The indices of lines that are longer than a record may be. They are in no record."""

    def add(self, lines: LineList, start: int, end: int) -> None:
        """Take lines of a list."""
        if lines.too_long:
            offset = len(self.lines) - start
            self.too_long.update(index + offset for index in lines.too_long if start <= index < end)
        self.numbers += lines.numbers[start:end]
        self.lines += lines.lines[start:end]


@dataclass(slots=True)
class RawBatch:
    """A batch.

    Attributes:
        number: from 1.
        first_record: the number of records before it.
        spans: its lines.
        record_lines: how many lines each record has; lines that are too long do not count.
    """

    number: int
    first_record: int
    spans: list[Span] = field(default_factory=list)
    record_lines: list[int] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """The batch in messages."""
        first, last = self.spans[0], self.spans[-1]
        if first.file == last.file:
            return f"lines {first.numbers[0]} to {last.numbers[-1]} of {first.file}"
        return f"line {first.numbers[0]} of {first.file} to line {last.numbers[-1]} of {last.file}"


@dataclass(frozen=True, slots=True)
class RawLog:
    """A log to be cut."""

    lists: Iterator[LineList]
    file_ms: int
    now: Callable[[], int] | None
    """Gives the lines' arrival; None: they arrive when they were logged."""


class CutLog:
    """A log that is being cut, as far as it is cut."""

    def __init__(self, log: RawLog, source: Source) -> None:
        self._log = log
        self._source = source
        self._parse = source.parser_for_record(log.file_ms)
        self._header = Header()
        self._is_begun = self._was_header = False
        self._first_time: int | None = None if log.now else log.file_ms

    def lists(self) -> Iterator[LineList]:
        """All its lines; reads ahead to the first line with a time, which those before it take."""
        ahead: list[LineList] = []
        if self._log.now is None:
            self._first_time = self._find_first_time(ahead)
        return chain(ahead, self._log.lists)

    def _find_first_time(self, ahead: list[LineList]) -> int:
        parse = self._source.parser_for_record(self._log.file_ms)
        seen = 0
        for lines in self._log.lists:
            ahead.append(lines)
            for index, line in enumerate(lines.lines):
                seen += 1
                time = None if index in lines.too_long else time_of(self._source, parse, line, self._log.file_ms)
                if time is not None:
                    return time
                if seen >= MAX_WAITING_LINES:
                    return self._log.file_ms
        return self._log.file_ms

    def touch(self, file_ms: int) -> None:
        """Note when the file was last written, in ms since the epoch."""
        self._log = replace(self._log, file_ms=file_ms)

    def new_span(self, file: str, header: tuple[str, ...]) -> Span:
        """A span that begins where the last one ended."""
        now = self._log.now() if self._log.now else None
        last = None if self._is_begun else self._first_time
        self._is_begun = True
        return Span(file, self._log.file_ms, header, last, now)

    @property
    def header(self) -> tuple[str, ...]:
        """The header lines in force after the lines that were passed by."""
        return self._header.lines

    @property
    def is_headed(self) -> bool:
        """Whether a header is in force that records carry, or the last line that was passed by is one."""
        return bool(self._header.carried) or self._was_header

    def pass_by(self, lines: Sequence[bytes]) -> None:
        """Follow the header lines among these."""
        for line in lines:
            if line[:1] == b"#" or (line[:1].islower() and is_header(to_text(line.rstrip(b"\r\n")))):
                self._follow(to_text(line.rstrip(b"\r\n")))
        self._was_header = is_header(to_text(lines[-1].rstrip()))

    def _follow(self, text: str) -> None:
        try:
            self._parse(text)
        except Exception:  # only a line that is no event is a header
            self._header = self._header.follow(text)


def time_of(source: Source, parse: Callable[[str], dict[str, object]], line: bytes, file_ms: int) -> int | None:
    """When a line was logged, in ms since the epoch; None if it does not parse or says no time."""
    text = to_text(line.rstrip(b"\r\n"))
    if not text:
        return None
    try:
        row = parse(text)
        source.complete(parse, row, file_ms)
    except Exception:  # a hostile line may make a parser raise anything
        return None
    return logged_time(source, row, file_ms)


class _Slice(NamedTuple):
    """Lines of a list, with the header in force before them."""

    file: CutLog
    lines: LineList
    start: int
    end: int
    header: tuple[str, ...]


class Cutter:
    """Cuts logs into records and batches. Args: lines_per_record: how many lines a record has."""

    def __init__(self, source: Source, lines_per_record: int) -> None:
        self._source = source
        self._per_record = lines_per_record
        self._batch = RawBatch(1, 0)
        self._size = self._lines = 0  # of the batch
        self._owner: CutLog | None = None  # of the batch's last span
        self._record: list[_Slice] = []  # the lines of the open record
        self._record_size = self._record_lines = 0

    def cut(self, logs: Iterable[RawLog]) -> Iterator[RawBatch]:
        """The batches, in order."""
        last: CutLog | None = None
        for log in logs:
            file = CutLog(log, self._source)
            if self._record_lines and last is not None and last.is_headed:
                yield from self._close_record()  # a file's header never describes another file's lines
            for lines in file.lists():
                yield from self.add(file, lines)
                last = file
        yield from self.close()

    def add(self, file: CutLog, lines: LineList) -> Iterator[RawBatch]:
        """Cut a list of a log. Returns: the batches that are full."""
        return self._cut_lines(file, lines) if self._per_record == 1 else self._cut_records(file, lines)

    def close(self) -> Iterator[RawBatch]:
        """Close the open record and the open batch. Returns: what is left, one batch or two."""
        yield from self._close_record()
        if self._batch.spans:
            yield self._next_batch()

    def _cut_lines(self, file: CutLog, lines: LineList) -> Iterator[RawBatch]:
        """Cut a list whose lines are records."""
        sizes = [0 if index in lines.too_long else len(line) for index, line in enumerate(lines.lines)]
        start, end = 0, len(sizes)
        while start < end:
            count = self._room(sizes[start:])
            if count:
                self._put([_Slice(file, lines, start, start + count, file.header)])
                file.pass_by(lines.lines[start : start + count])
                added = [size for size in sizes[start : start + count] if size]
                self._batch.record_lines += [1] * len(added)
                self._size += sum(added)
                self._lines += len(added)
                start += count
            if start < end:
                yield self._next_batch()

    def _room(self, sizes: list[int]) -> int:
        """How many of these lines the batch takes. Args: sizes: in bytes; 0: the line is in no record."""
        records = len(self._batch.record_lines)
        if not is_full(self._size + sum(sizes), records + len(sizes), self._lines + len(sizes)):
            return len(sizes)
        total, count = self._size, 0
        for index, size in enumerate(sizes):
            total, count = total + size, count + (size > 0)
            if size and records + count > 1 and is_full(total, records + count, self._lines + count):
                return index
        return len(sizes)

    def _cut_records(self, file: CutLog, lines: LineList) -> Iterator[RawBatch]:
        """Cut a list whose lines are records together."""
        start = 0
        for index, line in enumerate(lines.lines):
            if index in lines.too_long:
                continue
            # The limit of a line is also that of a record.
            if self._record_lines and self._record_size + len(line) > MAX_LINE_BYTES:
                self._take(file, lines, start, index)
                yield from self._close_record()
                start = index
            self._record_size += len(line)
            self._record_lines += 1
            # A last line without a line end closes its record, so that it is never joined to another file's first line.
            if self._record_lines >= self._per_record or line[-1:] != b"\n":
                self._take(file, lines, start, index + 1)
                yield from self._close_record()
                start = index + 1
        self._take(file, lines, start, len(lines.lines))

    def _take(self, file: CutLog, lines: LineList, start: int, end: int) -> None:
        if end > start:
            self._record.append(_Slice(file, lines, start, end, file.header))
            file.pass_by(lines.lines[start:end])

    def _close_record(self) -> Iterator[RawBatch]:
        """Put the open record into the batch, or into a new one if this one is full."""
        records, count = self._batch.record_lines, self._record_lines
        if count and records and is_full(self._size + self._record_size, len(records) + 1, self._lines + count):
            yield self._next_batch()
        self._put(self._record)
        if count:
            self._batch.record_lines.append(count)
        self._size += self._record_size
        self._lines += count
        self._record, self._record_size, self._record_lines = [], 0, 0

    def _next_batch(self) -> RawBatch:
        """Begin a new batch. Returns: the one that is full."""
        batch = self._batch
        self._batch = RawBatch(batch.number + 1, batch.first_record + len(batch.record_lines))
        self._size = self._lines = 0
        self._owner = None
        return batch

    def _put(self, slices: Iterable[_Slice]) -> None:
        for file, lines, start, end, header in slices:
            if self._owner is not file:
                self._batch.spans.append(file.new_span(lines.file, header))
                self._owner = file
            self._batch.spans[-1].add(lines, start, end)
