"""The writers of windowed outputs: rows in, partials out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from streamtally.errors import EvaluationError
from streamtally.formats.base import Row, Scanner
from streamtally.plan.codegen import FILTERED, OUT_OF_RANGE
from streamtally.plan.window_rows import ORDER, Groups
from streamtally.plan.windowed import Way, WindowedOutput
from streamtally.times.iso import MS_PER_MINUTE
from streamtally.times.seconds import SecondsAt
from streamtally.transform.documents import MAX_DOCUMENT_BYTES
from streamtally.transform.error_stream import ErrorRows, count_failure
from streamtally.transform.ledger import OutputLedger
from streamtally.transform.output_writer import TOO_LARGE, OutputWriter, Scanned, add_plain_rows
from streamtally.transform.partials import Partials, WriteAll
from streamtally.transform.plain_counts import EXACT, Completion, PlainCounts
from streamtally.transform.record import Record

Fail = Callable[[Exception, int], None]
"""(why, number of equal rows): counts rows that cannot be evaluated."""


class WindowWriter(OutputWriter[WindowedOutput]):
    """The writer of a windowed output: rows are grouped by window and key.

    Plain lines are counted by the fields that the output reads, and each distinct combination is evaluated once at the
    end. Whether an event time is believed depends on its record's arrival, so this is evaluated for the earliest and
    the latest arrival of the group: where a time is outside their common range, ``is_ambiguous`` says that the batch
    must be read again, by arrival.

    Args:
        arrival_ms: count plain lines by spans of so many ms in which they arrive: 1 is exact for any arrivals and
            times; a longer one judges times by the span, and may be ambiguous. None: all together.
    """

    def __init__(
        self,
        output: WindowedOutput,
        ledger: OutputLedger,
        batch_info: dict[str, Any],
        errors: ErrorRows | None = None,
        arrival_ms: int | None = None,
    ) -> None:
        super().__init__(output, ledger, batch_info, errors)
        self._groups: Groups = {}
        self._is_ordered = output.is_ordered
        self._counts = PlainCounts(output, self._past_ms, self._ahead_ms, arrival_ms)

    @property
    def seconds(self) -> SecondsAt | None:
        """Where the first field by which lines are counted has the event time's seconds; None: it is not known."""
        return self._counts.seconds

    def add_plain(self, scanner: Scanner, lines: Scanned) -> None:
        """Count plain lines; where the arrival matters, add their rows one by one."""
        if self.output.reads.arrival:
            add_plain_rows(self, scanner, lines)
            return
        counts = self._counts
        if counts.scanner is not scanner:
            counts.begin(scanner)
            if counts.arrival_ms != EXACT and self._begins_out_of_range(scanner, lines):
                counts.arrival_ms = EXACT
        if counts.takes_none:
            self._ledger.filtered += len(lines.plain) * self.output.passes
            return
        counts.add(lines)

    @property
    def believed_ms(self) -> int:
        """How far arrivals may be apart so that one can speak for the others, and their minutes are believed too."""
        limit_ms = min(self._past_ms, self._ahead_ms)
        return max(limit_ms // 2, limit_ms - 2 * MS_PER_MINUTE)

    def begin_counts(
        self, scanner: Scanner, lines: int, completion: Completion | None = None
    ) -> tuple[int, ...] | None:
        """The positions of the fields by which plain lines that were scanned elsewhere are to be counted.

        None: no row of the format is counted.

        Args:
            lines: how many plain lines there are.
            completion: how rows are completed before they are counted.
        """
        self._counts.begin(scanner, completion)
        if self._counts.takes_none:
            self._ledger.filtered += lines * self.output.passes
            return None
        return self._counts.positions

    def add_counts(self, counts: Mapping[Any, int]) -> None:
        """Add plain lines that were counted elsewhere. Args: counts: see :meth:`PlainCounts.add_counts`."""
        self._counts.add_counts(counts)

    def add_counted(self, first_arrival: int, last_arrival: int) -> None:
        """Add the rows of the plain lines that were counted; ``close`` does it otherwise."""
        if self._counts.scanner is None:
            return
        together = self._counts.take(self._counts.scanner, first_arrival, last_arrival)
        self.is_ambiguous |= together.is_ambiguous
        for lines in together.lines:
            arrival, low, high = lines.bounds
            for others, times in lines.counts.items():
                try:
                    row = together.make_row((*lines.times, *others), arrival)
                except Exception as error:
                    self.fail(error, times)
                    continue
                if self._add(row, arrival, low, high, times) == OUT_OF_RANGE:
                    self.is_ambiguous |= self._counts.arrival_ms != EXACT

    def add_row(self, row: Row, record: Record, number: int) -> None:
        """Put one row into its group."""
        arrival = record.arrival
        if self._is_ordered:
            row = {**row, ORDER: (arrival, record.identity, number)}
        self._add(row, arrival, arrival - self._past_ms, arrival + self._ahead_ms, 1)

    def close(self, first_arrival: int, last_arrival: int, write: WriteAll | None = None) -> list[bytes]:
        """The partials, as documents. Args: write: makes those that it can; None: Python makes all."""
        self.add_counted(first_arrival, last_arrival)
        documents: list[bytes] = []
        # By this, settling knows when a batch is whole even if a retry under another plan has sent a part of it.
        partials = list(self.output.partials(self._groups))
        writer = Partials(self.output, {**self._batch_info, "batch_partials": len(partials)})
        written = [None] * len(partials) if write is None else writer.encode_by(write, partials)
        for (key, group, part), document in zip(partials, written, strict=True):
            documents += self._partial(writer, key, group, part, document)
        self._ledger.documents += len(documents)
        return documents

    def _begins_out_of_range(self, scanner: Scanner, lines: Scanned) -> bool:
        """Whether the first plain line's time is not believed, as in old logs that are sent now: then few will be."""
        first = next((index for index, fields in enumerate(lines.matches) if fields[0]), None)
        if first is None:
            return False
        arrival = lines.arrivals[first]
        low, high = arrival - self._past_ms, arrival + self._ahead_ms
        adds = [way.add for way in self.output.ways] or [self.output.add]
        try:
            row = scanner.row(lines.matches[first])
            return OUT_OF_RANGE in [add(row, arrival, low, high, {}, 1) for add in adds]
        except Exception:  # it fails again when it is counted
            return False

    def _add(self, row: Row, arrival: int, low: int, high: int, times: int) -> int:
        """Add a row; whatever a hostile value makes Python raise affects this row only."""
        if self.output.join is not None:
            return self._add_joined(self.output, self.fail, row, arrival, (low, high), times)
        try:
            fate = self.output.add(row, arrival, low, high, self._groups, times)
        except Exception as error:
            self.fail(error, times)
            return FILTERED
        if fate == FILTERED:
            self._ledger.filtered += times
        return fate

    def _add_joined(
        self, way: WindowedOutput | Way, fail: Fail, row: Row, arrival: int, bounds: tuple[int, int], times: int
    ) -> int:
        """Add the rows that a row becomes when it is joined with reference tables; each has a fate of its own."""
        try:
            joined = [row] if way.join is None else way.join(row, arrival)
        except Exception as error:
            fail(error, times)
            return FILTERED
        fates = set()
        for one in joined:
            try:
                fates.add(fate := way.add(one, arrival, *bounds, self._groups, times))
            except Exception as error:
                fail(error, times)
                continue
            self._ledger.filtered += times * (fate == FILTERED)
        self._ledger.filtered += times * (not joined)
        self._ledger.joined += times * max(0, len(joined) - 1)
        return OUT_OF_RANGE if OUT_OF_RANGE in fates else FILTERED

    def _partial(
        self, writer: Partials, key: tuple[Any, ...], group: list[Any], part: int, document: bytes | None
    ) -> list[bytes]:
        rows, out_of_range = group[0], group[1]
        try:
            if document is None:
                document = writer.encode(key, group, part)
            if len(document) > MAX_DOCUMENT_BYTES:
                raise EvaluationError(TOO_LARGE)
        except Exception as error:
            count_failure(self._ledger, error, rows, self.output.pump)
            return []
        self._ledger.out_of_range += out_of_range
        self._ledger.emitted += rows - out_of_range
        return [document]


class WaysWriter(WindowWriter):
    """The writer of a windowed output into which several pumps lead: each row is added by every pump.

    A row that two pumps let through counts twice, as it would be twice in the stream that they fill.
    """

    def fail(self, error: Exception, rows: int) -> None:
        """Count rows that no pump can evaluate, once by each."""
        for way in self.output.ways:
            self._fail_by(way, error, rows)

    def _add(self, row: Row, arrival: int, low: int, high: int, times: int) -> int:
        """Add a row by each pump; a failure of one does not affect the others."""
        fates = [self._add_by(way, row, arrival, low, high, times) for way in self.output.ways]
        return OUT_OF_RANGE if OUT_OF_RANGE in fates else fates[0]

    def _add_by(self, way: Way, row: Row, arrival: int, low: int, high: int, times: int) -> int:
        def fail(error: Exception, rows: int) -> None:
            self._fail_by(way, error, rows)

        return self._add_joined(way, fail, row, arrival, (low, high), times)

    def _fail_by(self, way: Way, error: Exception, rows: int) -> None:
        reason = count_failure(self._ledger, error, rows, way.pump)
        if self._errors is not None:
            self._errors.note(f"{self.output.name}/{way.name}", way.pump or way.name, reason)
