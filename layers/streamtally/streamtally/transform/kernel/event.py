"""An event read by the kernel: what ``records``, ``transform`` and ``response`` come to, byte for byte.

Whatever is not as in most events makes the whole event go Python's way, which is the definition: envelopes, records
that cannot be decoded, an answer that would be too large, an event time that is believed for some arrivals only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from streamtally.config.outputs import ERROR_STREAM
from streamtally.config.source import SINGLE, STREAM
from streamtally.plan.rows import RowOutput
from streamtally.plan.windowed import WindowedOutput
from streamtally.transform.batch import Batch
from streamtally.transform.bounds import Bounds
from streamtally.transform.documents import batch_info
from streamtally.transform.envelope import UNSEALED, Seal
from streamtally.transform.event import DATA, RECORD_ID
from streamtally.transform.kernel.completion import RoleCompletion
from streamtally.transform.kernel.layouts import PlainLines, find_layout, plain_lines
from streamtally.transform.kernel.named_columns import named_columns
from streamtally.transform.kernel.other_lines import OtherLines
from streamtally.transform.kernel.plain_rows import PlainRows
from streamtally.transform.kernel.protocol import Kernel, KernelBatch, Pending
from streamtally.transform.ledger import KERNEL, Ledger
from streamtally.transform.lines import LineReader
from streamtally.transform.outputs import make_writers
from streamtally.transform.payload_lines import line_bound
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.record import Record
from streamtally.transform.record_lines import begins_as_json
from streamtally.transform.records import decode_records
from streamtally.transform.response import DROPPED, FAILED, MAX_RESPONSE_BYTES, OK, Response
from streamtally.transform.source import Source
from streamtally.transform.transform import Delivery, empty_ledger
from streamtally.transform.window_writer import WindowWriter

ENVELOPE_BYTES = len(json.dumps({"records": []}))
MAX_SPANS = 2_000
"""A batch whose arrivals fall into more spans of what one arrival can speak for is read by Python."""
_OK, _DROPPED, _FAILED = (Response("", result, b"", "").size_bytes() for result in (OK, DROPPED, FAILED))
FIXED_BYTES = (_OK, _DROPPED, _FAILED)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an event comes to."""

    response: dict[str, Any]
    """The handler's return value."""
    deliveries: list[Delivery]
    """Documents to be sent before it is returned."""
    ledger: Ledger


def can_read(pipeline: Pipeline, records: Sequence[Mapping[str, Any]] = ()) -> PlainLines | None:
    """The plain lines of a pipeline whose events the kernel can read; None: they go Python's way.

    Args: records: the event's, whose lines may name their columns.

    It reads no pipelines whose rows are passed on one by one: those with partition keys or line ids, nor row outputs of
    formats without a scanner, whose lines Python reads in another order.
    """
    settings = pipeline.source.settings
    is_by_row = settings.framing == SINGLE or settings.json == STREAM or settings.partition_keys or settings.line_id
    if is_by_row or ERROR_STREAM in pipeline.outputs or pipeline.missing_tables:  # Python's way says which
        return None
    outputs = pipeline.outputs.values()
    if any(isinstance(output, WindowedOutput) and output.reads.arrival for output in outputs):
        return None
    if has_rows(pipeline):
        plain = _plain_lines(pipeline.source) if records and pipeline.source.scanner is not None else None
        # Python's scanner takes no line with a backslash, so its row precedes those of plain lines.
        return plain and replace(plain, has_escapes=False)
    plain = _plain_lines(pipeline.source)
    return named_columns(pipeline.source, records) if plain is None and records else plain


def has_rows(pipeline: Pipeline) -> bool:
    """Whether there are row outputs."""
    return any(isinstance(output, RowOutput) for output in pipeline.outputs.values())


def read_by_kernel(
    kernel: Kernel,
    pipeline: Pipeline,
    records: Sequence[Mapping[str, Any]],
    now_ms: int,
    seal: Seal = UNSEALED,
    bounds: Bounds | None = None,
    max_response_bytes: int = MAX_RESPONSE_BYTES,
) -> Answer | None:
    """An event's records read by the kernel; None: they go Python's way.

    Args: as in ``transform`` and ``decode_records``.
    """
    plain = can_read(pipeline, records) if records else None
    layout = find_layout(kernel, plain, has_rows(pipeline)) if plain is not None else None
    if plain is None or layout is None:
        return None
    batch = kernel.read(layout, records)
    if batch is None:
        return None
    specials = _put_specials(batch, pipeline, records, now_ms, seal)
    if specials is None or not _is_within(batch, specials, bounds or pipeline.bounds):
        return None
    identity, arrivals = batch.identify(), batch.arrivals
    if identity is None or arrivals is None:
        return None
    digest, batch_id = identity
    info = batch_info(Batch(digest, len(records), *arrivals), batch_id, pipeline.plan_id)
    reading = Reading(pipeline, plain, batch, lambda index: records[index][RECORD_ID], specials, info)
    return reading.answer(max_response_bytes - ENVELOPE_BYTES)


@lru_cache(maxsize=16)
def _plain_lines(source: Source) -> PlainLines | None:
    return plain_lines(source)


def _put_specials(
    batch: KernelBatch, pipeline: Pipeline, records: Sequence[Mapping[str, Any]], now_ms: int, seal: Seal
) -> dict[int, Record] | None:
    """Decode the records that the kernel does not; None: there are many, or one of them is not simply read."""
    indices = batch.specials
    if 2 * len(indices) > len(records):
        return None
    decoded = decode_records([records[index] for index in indices], now_ms, seal, pipeline.max_age_ms)
    for index, record in zip(indices, decoded, strict=True):
        data, payload = record.data, record.payload
        if data is None or payload is None or record.envelope is not None or record.data_name != DATA:
            return None
        is_unpacked = payload is not data
        batch.put_special(
            index,
            record.identity,
            record.arrival,
            data,
            payload if is_unpacked else None,
            not payload or begins_as_json(payload),
        )
    return dict(zip(indices, decoded, strict=True))


def _is_within(batch: KernelBatch, specials: Mapping[int, Record], bounds: Bounds) -> bool:
    """Whether one invocation certainly reads all of it."""
    size_bytes, lines = batch.size()
    lines += sum(line_bound(record.payload or b"") for record in specials.values())
    return size_bytes <= bounds.size_bytes and lines <= bounds.lines


class _Records:
    """The records of an event, as far as their lines need them: what one is, and when it arrived.

    A class of its own: a method of the reading would hold the reading, which holds the whole event.
    """

    def __init__(self, batch: KernelBatch, id_of: Callable[[int], str], decoded: dict[int, Record]) -> None:
        self._batch, self._id_of, self._decoded = batch, id_of, decoded

    def __call__(self, index: int) -> Record:
        record = self._decoded.get(index)
        if record is None:
            id_, arrival = self._id_of(index), self._batch.arrival(index)
            record = self._decoded[index] = Record(id_, id_, arrival, arrival, "", b"", b"")
        return record


class Reading:
    """An event that is read by both.

    Args:
        id_of: the id of a record by its index.
        specials: those that Python has decoded, by index.
        info: the members of ``tally`` that all documents share.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        plain: PlainLines,
        batch: KernelBatch,
        id_of: Callable[[int], str],
        specials: dict[int, Record],
        info: dict[str, Any],
    ) -> None:
        self._batch = batch
        self._scanner = plain.scanner
        completes = plain.log_format is not None and pipeline.source.completes
        self._completion = RoleCompletion(pipeline.source, plain.log_format) if completes else None
        self._record = _Records(batch, id_of, specials)
        self.ledger = empty_ledger(pipeline, info["batch_records"])
        self.ledger.way = KERNEL
        self._writers = make_writers(pipeline.outputs, self.ledger.outputs, info)
        self._counts: dict[tuple[Any, ...], dict[Any, int]] = {}
        self._reader = LineReader(pipeline.source, self.ledger, self._writers, by_row=False)
        self.others = OtherLines(plain.scanner, batch, self._reader, self.ledger, self._record)
        self._rows = PlainRows(plain.scanner, batch, self._writers, self._record)

    def answer(self, limit_bytes: int) -> Answer | None:
        """Everything that the event comes to. Args: limit_bytes: of the answer's records."""
        pending = self._batch.scan()
        if pending is None or (self._rows and any(item[0] == "parts" for item in pending)):
            return None  # Python reads parts of lines in another order than rows would be in
        for item in pending:
            self._read(item)
        answered = self._batch.answer(limit_bytes, FIXED_BYTES)
        if answered is None:
            return None
        deliveries = self.count(answered[1:])
        return None if deliveries is None else Answer({"records": answered[0]}, deliveries, self.ledger)

    def count(self, results: tuple[int, int, int]) -> list[Delivery] | None:
        """The documents; None: an event time is believed for some arrivals only.

        Args: results: how many records are Ok, Dropped and ProcessingFailed.
        """
        ledger = self.ledger
        ledger.ok, ledger.dropped, ledger.processing_failed = results
        ledger.rows += self._batch.plain_lines
        ledger.empty += self._batch.empty_lines
        deliveries: dict[str | None, Delivery] = {}
        first, last = self._batch.arrivals or (0, 0)
        for writer in self._writers:
            if isinstance(writer, WindowWriter):
                if not self._count_for(writer):
                    return None
                documents = writer.close(first, last, self._batch.write_partials)
            else:
                documents = writer.close(first, last)
            stream = writer.output.settings.stream
            deliveries.setdefault(stream, Delivery(stream, [])).documents += documents
        return [delivery for delivery in deliveries.values() if delivery.documents]

    def _count_for(self, writer: WindowWriter) -> bool:
        """Count the lines by the fields that an output reads. Returns: whether their times are certain."""
        spans = self._spans(writer.believed_ms)
        positions = writer.begin_counts(self._scanner, self._batch.plain_lines, self._completion)
        if positions is None:
            return True
        for first, last, records in spans:
            counted = positions, writer.seconds, records
            if counted not in self._counts:
                self._counts[counted] = self._batch.count(*counted)
            writer.add_counts(self._counts[counted])
            writer.add_counted(first, last)
        return bool(spans) and not writer.is_ambiguous

    def _spans(self, believed_ms: int) -> list[tuple[int, int, tuple[int, int] | None]]:
        """(earliest arrival, latest, records) where one arrival can speak for the others; empty: there are too many."""
        first, last = self._batch.arrivals or (0, 0)
        if last - first <= believed_ms:
            return [(first, last, None)]
        spans: list[tuple[int, int, tuple[int, int] | None]] = []
        start, low, high = 0, first, first
        count = self.ledger.records
        for index in range(count):
            arrival = self._batch.arrival(index)
            if index == start:
                low = high = arrival
            elif max(high, arrival) - min(low, arrival) > believed_ms:
                spans.append((low, high, (start, index)))
                start, low, high = index, arrival, arrival
            else:
                low, high = min(low, arrival), max(high, arrival)
        spans.append((low, high, (start, count)))
        return spans if len(spans) <= MAX_SPANS else []

    def _read(self, pending: Pending) -> None:
        if pending[0] == "record":
            _, text, rows = self._reader.read_record(pending[1], self._with_payload(pending[1]))
            self._batch.put_record(pending[1], text, rows)
        elif pending[0] == "parts":
            records = [self._with_payload(index) for index in pending[1]]
            for index, text, rows in self._reader.read_parts(pending[1], records):
                self._batch.put_record(index, text, rows)
        elif pending[0] == "scanned":
            self._rows.add(*pending[1:])
        else:
            self.others.read(pending[1])

    def _with_payload(self, index: int) -> Record:
        return self._record(index)._replace(payload=self._batch.payload(index))
