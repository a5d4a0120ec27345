"""What is done for one batch of a local run: its lines' arrivals, its summary, and the transform.

It depends on the batch alone, so that it can be done in another process.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from operator import itemgetter
from typing import Any

from streamtally.errors import read_failure
from streamtally.formats.base import Plain, Scanner
from streamtally.formats.role_names import COMBINED_ROLES
from streamtally.formats.w3c_header import Header, is_header
from streamtally.local.arrival import ReadLine, logged_time
from streamtally.local.kernel_lines import LogLines, LogReader, time_fields
from streamtally.local.logs import MAX_LINE_BYTES, LogLine
from streamtally.local.raw_batches import RawBatch, Span
from streamtally.local.remembered import Remembering
from streamtally.local.report_counts import COUNTED, PlainColumns, ReportOptions
from streamtally.local.simulator.parts import ForS3
from streamtally.local.simulator.s3_side import PROCESSING_FAILED, STATUS_FAILED, processing_failed_line
from streamtally.local.summary import Summary, SummaryPart
from streamtally.times.iso import MS_PER_MINUTE, MS_PER_SECOND
from streamtally.transform.bounds import NO_BOUNDS
from streamtally.transform.event import EARLIEST_MS, LATEST_MS
from streamtally.transform.kernel.log_batch import LogAnswer
from streamtally.transform.kernel.protocol import Kernel
from streamtally.transform.ledger import PYTHON, Ledger
from streamtally.transform.payload_lines import to_text
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.record import Record
from streamtally.transform.records import decode_records, is_packed
from streamtally.transform.response import FAILED, OK
from streamtally.transform.source import Source
from streamtally.transform.transform import iter_documents, transform

TOO_LONG = "the line is longer than a record may be"
_TIMES_KEPT = 10_000


@dataclass(slots=True)
class Transformed:
    """What the transform makes of a batch."""

    ledger: Ledger
    documents: list[bytes]
    """Each one line of JSON."""
    parts: list[ForS3]
    """What goes to the S3 side."""


@dataclass(slots=True)
class BatchResult:
    """What a batch comes to."""

    number: int
    transformed: Transformed | None
    """None: all its lines are too long to be in a record."""
    first: int
    """When its first line arrives, in ms since the epoch."""
    reach: tuple[int, int]
    """The earliest and the latest arrival of its lines, in ms since the epoch."""
    last: int
    """The time that the line after it takes if it has none, in ms since the epoch."""
    too_long: int
    """How many lines are longer than a record may be."""
    summary: SummaryPart


def transform_records(pipeline: Pipeline, records: Sequence[Record], now_ms: int) -> Transformed:
    """Answer a batch as the function does. Args: now_ms: when its failed records were answered."""
    outcome = transform(pipeline, records, bounds=NO_BOUNDS)
    delivered = [response.data for response in outcome.responses if response.result == OK]
    failed = [
        processing_failed_line(record.received, record.raw, 1, STATUS_FAILED, now_ms)
        for record, response in zip(records, outcome.responses, strict=True)
        if response.result == FAILED
    ]
    parts = _parts(len(delivered), b"".join(delivered), failed)
    return Transformed(outcome.ledger, list(iter_documents(outcome.deliveries)), parts)


def _parts(records: int, delivered: bytes, failed: Sequence[bytes]) -> list[ForS3]:
    """What goes to the S3 side. Args: records: how many are delivered."""
    parts = [ForS3("", records, delivered)] if records else []
    return [*parts, ForS3(PROCESSING_FAILED, len(failed), b"".join(failed))] if failed else parts


def _transformed(answer: LogAnswer, data: Sequence[bytes], arrivals: Sequence[int]) -> Transformed:
    """The same as :func:`transform_records`, of what the kernel has read."""
    failed = [
        processing_failed_line(arrivals[index], _encoded(data[index]), 1, STATUS_FAILED, arrivals[-1])
        for index in answer.failed
    ]
    parts = _parts(answer.ledger.ok, answer.delivered, failed)
    return Transformed(answer.ledger, list(iter_documents(answer.deliveries)), parts)


def _encoded(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode("ascii")


def make_records(
    names: Sequence[str], arrivals: Sequence[int], data: Sequence[bytes], headers: Sequence[tuple[str, ...]]
) -> list[Record]:
    """Records as the function decodes them from an event."""
    raw = list(map(_encoded, data))
    if not any(map(is_packed, data)):
        return [
            Record(name, name, arrival, arrival, text, content, content, header=header)
            for name, arrival, text, content, header in zip(names, arrivals, raw, data, headers, strict=True)
        ]
    event = [
        {"recordId": name, "approximateArrivalTimestamp": arrival, "data": text}
        for name, arrival, text in zip(names, arrivals, raw, strict=True)
    ]
    decoded = decode_records(event, arrivals[-1])
    return [record._replace(header=header or record.header) for record, header in zip(decoded, headers, strict=True)]


def record_name(run_id: str, number: int) -> str:
    """The recordId of a run's record. Args: number: from 1."""
    return f"{run_id}{number:0{56 - len(run_id)}d}"


class _PlainTimes(dict[Any, int | None]):
    """The texts of a plain line's time → when it was logged, in ms since the epoch; None if that cannot be read."""

    def __init__(self, source: Source, scanner: Scanner, file_ms: int) -> None:
        super().__init__()
        self._names = time_fields(source, scanner)
        self.pick = itemgetter(*[scanner.positions[name] for name in self._names]) if self._names else _nothing
        self._source, self._scanner, self._file_ms = source, scanner, file_ms
        seconds = source.event_time_seconds
        # Of ISO 8601 the fraction is not in what a text is split into.
        self._seconds = seconds if seconds is not None and seconds.length and len(self._names) == 1 else None
        self._minutes: dict[str, int] = {}

    def __missing__(self, texts: Any) -> int | None:
        if len(self) > _TIMES_KEPT:
            self.clear()
        split = self._seconds.split(texts) if self._seconds is not None else None
        if split is not None and (minute := self._minutes.get(split[0])) is not None:
            known = self[texts] = minute + split[1] * MS_PER_SECOND
            return known
        time = self._read(texts)
        if split is not None and time is not None and _is_in_minute(time, split[1]):
            if len(self._minutes) > _TIMES_KEPT:
                self._minutes.clear()
            self._minutes[split[0]] = time - time % MS_PER_MINUTE
        return time

    def _read(self, texts: Any) -> int | None:
        values = (texts,) if len(self._names) == 1 else texts
        row = {name: self._scanner.value(name, text) for name, text in zip(self._names, values, strict=True)}
        time = self[texts] = logged_time(self._source, row, self._file_ms)
        return time


def _is_in_minute(time: int, seconds: int) -> bool:
    """Whether a time has these seconds, so that its minute is one of UTC, and all of that minute is believed."""
    first = time - time % MS_PER_MINUTE
    return time == first + seconds * MS_PER_SECOND and EARLIEST_MS <= first <= LATEST_MS - MS_PER_MINUTE


def _nothing(_: Plain) -> tuple[()]:
    return ()


class _Columns:
    """What is read of plain lines at once."""

    def __init__(self, source: Source, summary: Summary) -> None:
        self.scanner, self.format = source.scanner, source.scanned_format
        self.columns: PlainColumns | None = None
        if self.scanner is not None and self.format is not None and self.format.roles is COMBINED_ROLES:
            self.columns = summary.plain_columns(self.scanner, self.format)
        self._source = source
        self._times: tuple[int, _PlainTimes] | None = None

    def times(self, lines: Sequence[Plain | None], file_ms: int) -> list[int | None]:
        """When plain lines were logged, in ms since the epoch; None: that must be read line by line."""
        if self.scanner is None or self.columns is None:
            return [None] * len(lines)
        if self._times is None or self._times[0] != file_ms:
            self._times = file_ms, _PlainTimes(self._source, self.scanner, file_ms)
        times = self._times[1]
        if None in lines:
            return [None if line is None else times[times.pick(line)] for line in lines]
        return [times[texts] for texts in map(times.pick, lines)]  # type: ignore[arg-type]


class _SpanReader:
    """Reads the lines of one span that are not plain."""

    def __init__(self, span: Span, source: Source, remembering: Remembering) -> None:
        self._span, self._source, self._remembering = span, source, remembering
        self._parse = source.parser_for_record(span.file_ms, span.header)
        self._header = Header().follow_all(span.header)
        self.carried = self._header.carried

    def read(self, index: int) -> ReadLine:
        """A line that is in a record, as its source reads it."""
        span = self._span
        data = span.lines[index]
        line = LogLine(span.file, span.numbers[index], data, len(data))
        text = to_text(data.rstrip(b"\r\n"))
        carried = self.carried
        if not text:
            return ReadLine(line, None, "", None, header=carried)
        try:
            row = self._row(text)
        except Exception as error:  # a hostile line may make a parser raise anything; the other lines go on
            if is_header(text):
                self._header = self._header.follow(text)
                self.carried = self._header.carried
            return ReadLine(line, None, read_failure(error), None, header=carried)
        time = logged_time(self._source, row, span.file_ms)
        return ReadLine(line, row, "", time, header=carried, format=self._source.format_of(self._parse))

    def _row(self, text: str) -> dict[str, Any]:
        keeps = not self._header.lines
        try:
            row = self._parse(text)
        except Exception as error:
            if keeps and not is_header(text):
                self._remembering.keep(self._parse, text, None, error)
            raise
        if keeps:
            self._remembering.keep(self._parse, text, row, None)
        self._source.complete(self._parse, row, self._span.file_ms)
        return row


class BatchWorker:
    """Works on batches of one run.

    Args:
        run_id: part of all record ids.
        watched: the fields of which the summary notes which no row has.
        report: what is counted for the report.
        kernel: reads what it can of batches, with the same result; None: Python reads them.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        run_id: str,
        watched: Mapping[str, tuple[str, ...]],
        report: ReportOptions = COUNTED,
        kernel: Kernel | None = None,
    ) -> None:
        self._remembering = Remembering(pipeline)
        self._source = pipeline.source
        self._summary = Summary(pipeline.source, report)
        self._plain = _Columns(pipeline.source, self._summary)
        self._watched = watched
        self._run_id = run_id
        columns = self._plain.columns
        self._kernel = LogReader(kernel, pipeline, columns, report) if kernel and columns else None

    def work(self, batch: RawBatch, last: int) -> BatchResult:
        """Do all that a batch needs. Args: last: the time of the line before it, in ms since the epoch."""
        self._summary.watch(self._watched)
        self._summary.begin(batch.number)
        data = _data_of(batch)
        names = [record_name(self._run_id, batch.first_record + number) for number in range(1, len(data) + 1)]
        by_kernel = self._kernel.read(names, data) if self._kernel else None
        scanned = by_kernel.rows if by_kernel else self._remembering.scan(data, batch.record_lines)
        arrivals: list[int] = []
        headers: list[tuple[str, ...]] = []
        for span in batch.spans:
            count = len(span.lines) - len(span.too_long)
            lines, scanned = scanned[:count], scanned[count:]
            last = self._read_span(span, lines, last if span.last is None else span.last, arrivals, headers)
        transformed = self._transform(batch, names, data, arrivals, headers, by_kernel) if data else None
        self._remembering.forget()
        reach = (min(arrivals), max(arrivals)) if arrivals else (last, last)
        too_long = sum(len(span.too_long) for span in batch.spans)
        first = arrivals[0] if arrivals else last
        return BatchResult(batch.number, transformed, first, reach, last, too_long, self._summary.take())

    def _transform(
        self,
        batch: RawBatch,
        names: Sequence[str],
        data: Sequence[bytes],
        arrivals: Sequence[int],
        headers: Sequence[tuple[str, ...]],
        by_kernel: LogLines | None,
    ) -> Transformed:
        if len(data) < len(arrivals):  # a record arrives with its last line
            ends = list(accumulate(batch.record_lines))
            headers = [headers[end - count] for end, count in zip(ends, batch.record_lines, strict=True)]
            arrivals = [arrivals[end - 1] for end in ends]
        pipeline = self._remembering.pipeline
        if by_kernel and not any(headers):
            answer = by_kernel.answer(pipeline, arrivals)
            if answer is not None:
                return _transformed(answer, data, arrivals)
        transformed = transform_records(pipeline, make_records(names, arrivals, data, headers), arrivals[-1])
        transformed.ledger.way = PYTHON
        return transformed

    def _read_span(
        self,
        span: Span,
        lines: Sequence[Plain | None],
        last: int,
        arrivals: list[int],
        headers: list[tuple[str, ...]],
    ) -> int:
        """Give a span's lines their arrivals and headers, and take them into the summary. Returns: the last time."""
        times = self._plain.times(lines, span.file_ms)
        if None not in times and not span.too_long and span.now is None:
            known: list[int] = times  # type: ignore[assignment]
            self._add_plain(lines, known)
            arrivals += known
            headers += [Header().follow_all(span.header).carried] * len(known)
            return known[-1] if known else last
        return self._read_lines(span, lines, times, last, arrivals, headers)

    def _read_lines(
        self,
        span: Span,
        lines: Sequence[Plain | None],
        times: Sequence[int | None],
        last: int,
        arrivals: list[int],
        headers: list[tuple[str, ...]],
    ) -> int:
        reader = _SpanReader(span, self._source, self._remembering)
        plain: list[Plain] = []
        plain_times: list[int] = []
        accepted = zip(lines, times, strict=True)
        for index in range(len(span.lines)):
            if index in span.too_long:
                line = LogLine(span.file, span.numbers[index], span.lines[index], MAX_LINE_BYTES + 1)
                self._summary.add_failed(ReadLine(line, None, "", None), TOO_LONG)
                continue
            fields, time = next(accepted)
            headers.append(reader.carried)
            if time is None:
                read = reader.read(index)
                last = last if read.time is None else read.time
                read.arrival = last if span.now is None else span.now
                self._summary.add(read)
            elif fields is not None:
                last = time
                if not plain and self._plain.scanner is not None:
                    self._summary.note_fields(list(self._plain.scanner.positions))
                plain.append(fields)
                plain_times.append(time)
            arrivals.append(last if span.now is None else span.now)
        self._add_plain(plain, plain_times)
        return last

    def _add_plain(self, lines: Sequence[Plain | None], times: Sequence[int]) -> None:
        scanner, columns = self._plain.scanner, self._plain.columns
        if scanner is not None and columns is not None:
            self._summary.add_plain(scanner, columns, lines, times)  # type: ignore[arg-type]


def _accepted(span: Span) -> list[int]:
    """The indices of the lines that are in records."""
    return [index for index in range(len(span.lines)) if index not in span.too_long]


def _data_of(batch: RawBatch) -> list[bytes]:
    """The data of a batch's records."""
    lines: list[bytes] = []
    for span in batch.spans:
        is_whole = not span.too_long
        lines += span.lines if is_whole else [span.lines[index] for index in _accepted(span)]
    if len(lines) == len(batch.record_lines):
        return lines
    remaining = iter(lines)
    return [b"".join(islice(remaining, count)) for count in batch.record_lines]
