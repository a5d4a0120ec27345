"""The writers of outputs: rows in, documents out, for one group of records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import compress
from operator import itemgetter
from typing import Any, Generic, Protocol, TypeVar

from streamtally.config.outputs import ERROR_STREAM
from streamtally.errors import EvaluationError
from streamtally.formats.base import Plain, Row, Scanner
from streamtally.plan.codegen import FILTERED, OUT_OF_RANGE
from streamtally.plan.rows import RowOutput
from streamtally.plan.window_rows import ORDER, Groups
from streamtally.plan.windowed import Way, WindowedOutput
from streamtally.times.iso import MS_PER_MINUTE
from streamtally.times.seconds import SecondsAt
from streamtally.transform.counted import Bounds, FieldValues, OfTimes, Texts, Together
from streamtally.transform.documents import MAX_DOCUMENT_BYTES, encode_document, partial_document, row_document, row_id
from streamtally.transform.error_stream import ErrorRows, count_failure
from streamtally.transform.ledger import OutputLedger
from streamtally.transform.record import Record

Output = RowOutput | WindowedOutput
Fail = Callable[[Exception, int], None]
"""(why, number of equal rows): counts rows that cannot be evaluated."""

_FIRST = itemgetter(0)
EXACT = 1
"""The span of arrivals, in ms, by which lines are counted exactly."""
TOO_LARGE = "the document is larger than a record may be"


class Completion(Protocol):
    """How rows get the columns that programs read by their role."""

    def fields_for(self, columns: Collection[str]) -> set[str]:
        """The fields of which a row consists if programs read these columns, and its event time."""

    def fields_of_columns(self, columns: Collection[str]) -> set[str]:
        """Those of them from which the columns are made."""

    @property
    def time_fields(self) -> frozenset[str]:
        """Those of them from which the event time is read."""

    def complete(self, row: Row, arrival: int) -> None:
        """Complete a row, in place. Args: arrival: in ms since the epoch."""


class Scanned(Protocol):
    """The lines of a scan."""

    @property
    def matches(self) -> list[Plain]:
        """Each line's fields; the first is empty where the line is not plain."""

    @property
    def plain(self) -> list[Plain]:
        """The fields of the plain lines alone."""

    @property
    def arrivals(self) -> list[int]:
        """Each line's arrival, in ms since the epoch."""

    @property
    def addresses(self) -> list[tuple[Record, int]]:
        """Each line's record, and its number in that record."""


OutputT = TypeVar("OutputT", bound=RowOutput | WindowedOutput)


class _Writer(Generic[OutputT]):
    """Makes the documents of one output for one group of records. What a row raises affects no other row.

    Args:
        ledger: counts what becomes of the rows.
        batch_info: the members of ``tally`` that all documents of the group share.
        errors: takes the rows that cannot be evaluated, where there is an error output.
    """

    def __init__(
        self, output: OutputT, ledger: OutputLedger, batch_info: dict[str, Any], errors: ErrorRows | None = None
    ) -> None:
        self.output = output
        self.is_ambiguous = False
        self._ledger = ledger
        self._batch_info = batch_info
        self._errors = errors
        self._past_ms = output.settings.max_past_seconds * 1000
        self._ahead_ms = output.settings.max_ahead_seconds * 1000
        self._documents: list[bytes] = []

    def fail(self, error: Exception, rows: int) -> None:
        """Count rows that could not be evaluated, and pass them to the error output."""
        pump = self.output.pump
        reason = count_failure(self._ledger, error, rows, pump)
        if self._errors is not None:
            self._errors.note(self.output.name, pump or self.output.name, reason)


class WindowWriter(_Writer[WindowedOutput]):
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
        self._arrival_ms = arrival_ms
        self._groups: Groups = {}
        self._is_ordered = output.is_ordered
        self._counts: dict[Any, int] = {}
        self._scanner: Scanner | None = None
        self._takes_none = False
        self._fields: tuple[str, ...] = ()
        self._time_width = 0
        self.seconds: SecondsAt | None = None
        """Where the first field by which lines are counted has the seconds of the event time; None: it is not known."""
        self._are_minutes = False
        self._pick: Callable[[Plain], Any] = tuple
        self._complete: Callable[[Row, int], None] | None = None

    def add_plain(self, scanner: Scanner, lines: Scanned) -> None:
        """Count plain lines; where the arrival matters, add their rows one by one."""
        if self.output.reads.arrival:
            add_plain_rows(self, scanner, lines)
            return
        if self._scanner is not scanner:
            self._set_scanner(scanner)
            if self._arrival_ms != EXACT and self._begins_out_of_range(scanner, lines):
                self._arrival_ms = EXACT
        if self._takes_none:
            self._ledger.filtered += len(lines.plain) * self.output.passes
            return
        combinations: Iterable[Any] = map(self._pick, lines.plain)
        if self._arrival_ms is not None:
            arrivals: Iterable[int] = compress(lines.arrivals, map(_FIRST, lines.matches))
            span = self._arrival_ms
            spans = arrivals if span == EXACT else (arrival - arrival % span for arrival in arrivals)
            combinations = zip(combinations, spans, strict=True)
        counts = self._counts
        for values in combinations:
            counts[values] = counts.get(values, 0) + 1

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
        self._set_scanner(scanner)
        if completion is not None:
            self._complete = completion.complete
            self._set_fields(scanner, completion)
        elif self._takes_none:
            self._ledger.filtered += lines * self.output.passes
            return None
        return tuple(scanner.positions[name] for name in self._fields)

    def add_counts(self, counts: Mapping[Any, int]) -> None:
        """Add plain lines that were counted elsewhere, by the minute where ``seconds`` says how.

        Args: counts: values as ``itemgetter`` gives them → lines.
        """
        self._are_minutes = self.seconds is not None
        if not self._counts:
            self._counts = dict(counts)
            return
        for values, lines in counts.items():
            self._counts[values] = self._counts.get(values, 0) + lines

    def add_row(self, row: Row, record: Record, number: int) -> None:
        """Put one row into its group."""
        arrival = record.arrival
        if self._is_ordered:
            row = {**row, ORDER: (arrival, record.identity, number)}
        self._add(row, arrival, arrival - self._past_ms, arrival + self._ahead_ms, 1)

    def close(self, first_arrival: int, last_arrival: int) -> list[bytes]:
        """The partials, as documents."""
        self.add_counted(first_arrival, last_arrival)
        documents: list[bytes] = []
        # By this, settling knows when a batch is whole even if a retry under another plan has sent a part of it.
        partials = list(self.output.partials(self._groups))
        batch_info = {**self._batch_info, "batch_partials": len(partials)}
        for key, group, part in partials:
            documents += self._partial(key, group, batch_info, part)
        self._ledger.documents += len(documents)
        return documents

    def _set_scanner(self, scanner: Scanner) -> None:
        # A field that the format does not have is NULL in all its rows, and need not be counted.
        self._scanner = scanner
        self._takes_none = not self.output.required <= scanner.positions.keys()
        self._set_fields(scanner)
        positions = [scanner.positions[name] for name in self._fields]
        self._pick = itemgetter(*positions) if positions else lambda _: ()

    def _set_fields(self, scanner: Scanner, completion: Completion | None = None) -> None:
        """Set the fields by which lines are counted: those of the event time first, if nothing else is made of them."""
        reads, unit = self.output.reads, self.output.time_unit
        read, columns = reads.fields, reads.columns
        times = unit.fields if unit is not None else frozenset()
        if completion is not None:
            read, columns = completion.fields_for(read), completion.fields_of_columns(columns)
            times = times and times | completion.time_fields
        counted = [name for name in scanner.positions if name in read]
        time_fields = [] if times & columns else [name for name in counted if name in times]
        self._time_width = len(time_fields)
        self.seconds = unit.seconds if unit is not None and unit.fields == set(time_fields) else None
        self._fields = (*time_fields, *(name for name in counted if name not in time_fields))

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

    def add_counted(self, first_arrival: int, last_arrival: int) -> None:
        """Add the rows that were counted by the fields that the output reads; ``close`` does it otherwise."""
        if self._scanner is None:
            return
        values = [FieldValues(self._scanner, name) for name in self._fields]

        def make_row(texts: Texts, arrival: int) -> Row:
            row = {value.name: value[text] for value, text in zip(values, texts, strict=False)}
            if self._complete is not None:
                self._complete(row, arrival)
            return row

        low, high = last_arrival - self._past_ms, first_arrival + self._ahead_ms
        together = Together(self.output.time_unit, make_row, self.seconds, self._are_minutes)
        self._group_counts(together, Bounds(first_arrival, low, high))
        self.is_ambiguous |= together.is_ambiguous
        for lines in together.lines:
            arrival, low, high = lines.bounds
            for others, times in lines.counts.items():
                try:
                    row = make_row((*lines.times, *others), arrival)
                except Exception as error:
                    self.fail(error, times)
                    continue
                if self._add(row, arrival, low, high, times) == OUT_OF_RANGE:
                    self.is_ambiguous |= self._arrival_ms != EXACT

    def _group_counts(self, together: Together, bounds: Bounds) -> None:
        """Put the lines together that were counted. Args: bounds: of all, unless they were counted by arrival."""
        counts, self._counts = self._counts, {}
        if self._arrival_ms is not None:
            by_arrival: dict[int, dict[Any, int]] = {}
            for (texts, arrival), times in counts.items():
                by_arrival.setdefault(arrival, {})[texts] = times
            for arrival, some in by_arrival.items():
                last = arrival + self._arrival_ms - 1
                bounds = Bounds(arrival, last - self._past_ms, arrival + self._ahead_ms)
                self._put_together(some, together.with_bounds(bounds))
        else:
            self._put_together(counts, together.with_bounds(bounds))

    def _put_together(self, counts: Mapping[Any, int], groups: OfTimes) -> None:
        width = self._time_width
        if len(self._fields) == 1:
            counts = {(text,): times for text, times in counts.items()}
        for texts, times in counts.items():
            group, others = groups[texts[0] if width == 1 else texts[:width]], texts[width:]
            group[others] = group.get(others, 0) + times

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

    def _partial(self, key: tuple[Any, ...], group: list[Any], batch_info: dict[str, Any], part: int) -> list[bytes]:
        rows, out_of_range = group[0], group[1]
        try:
            document = encode_document(partial_document(self.output, key, group, batch_info, part))
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


class RowWriter(_Writer[RowOutput]):
    """The writer of a row output: each row is a document."""

    def add_plain(self, scanner: Scanner, lines: Scanned) -> None:
        """Make the documents of plain lines."""
        add_plain_rows(self, scanner, lines)

    def add_row(self, row: Row, record: Record, number: int) -> None:
        """Make a row's document, or one for each of the rows that a join makes of it."""
        join = self.output.join
        if join is None:
            self._add_document(row, record, row_id(self.output.name, record.identity, number))
            return
        try:
            joined = join(row, record.arrival)
        except Exception as error:
            self.fail(error, 1)
            return
        for place, one in enumerate(joined):
            self._add_document(one, record, row_id(self.output.name, record.identity, number, place))
        self._ledger.filtered += not joined
        self._ledger.joined += max(0, len(joined) - 1)

    def _add_document(self, row: Row, record: Record, identity: str) -> None:
        """Make a row's document; whatever a hostile value makes Python raise affects this row only."""
        arrival = record.arrival
        try:
            fate, time, columns = self.output.make(row, arrival, arrival - self._past_ms, arrival + self._ahead_ms)
            if columns is None:
                self._ledger.filtered += 1
                return
            out_of_range = fate == OUT_OF_RANGE
            document = encode_document(
                row_document(self.output, columns, time, identity, out_of_range, self._batch_info)
            )
            if len(document) > MAX_DOCUMENT_BYTES:
                raise EvaluationError(TOO_LARGE)
        except Exception as error:
            self.fail(error, 1)
            return
        self._documents.append(document)
        self._ledger.out_of_range += out_of_range
        self._ledger.emitted += not out_of_range

    def close(self, first_arrival: int, last_arrival: int) -> list[bytes]:
        """The documents."""
        self._ledger.documents += len(self._documents)
        return self._documents


class ErrorWriter(ErrorRows):
    """The writer of the error output: every row is added to it after all other writers."""

    def add_plain(self, scanner: Scanner, lines: Scanned) -> None:
        """Make the documents of plain lines."""
        add_plain_rows(self, scanner, lines)


Writer = WindowWriter | RowWriter | ErrorWriter


def add_plain_rows(writer: Writer, scanner: Scanner, lines: Scanned) -> None:
    """Add the rows of plain lines one by one."""
    for fields, (record, number) in zip(lines.matches, lines.addresses, strict=True):
        if not fields[0]:
            continue
        try:
            row = scanner.row(fields)
        except Exception as error:
            writer.fail(error, 1)
            continue
        writer.add_row(row, record, number)


def make_writers(
    outputs: Mapping[str, Output],
    ledgers: Mapping[str, OutputLedger],
    batch_info: dict[str, Any],
    arrivals: tuple[int, int] = (0, 0),
    by_arrival: bool = False,
) -> list[Writer]:
    """The writers of the outputs for one group of records; the error output's is the last.

    Args:
        arrivals: the earliest and the latest of the group, in ms.
        by_arrival: count lines by their arrivals exactly; of itself by spans of them where they are so far apart that
            none can speak for the others. See :class:`WindowWriter`.
    """
    apart_ms = arrivals[1] - arrivals[0]
    errors: ErrorWriter | None = None
    error_output = outputs.get(ERROR_STREAM)
    if isinstance(error_output, RowOutput):
        errors = ErrorWriter(error_output, ledgers[ERROR_STREAM], batch_info)
    writers: list[Writer] = []
    for name, output in outputs.items():
        if output is error_output:
            continue
        if isinstance(output, WindowedOutput):
            writer = WaysWriter if output.ways else WindowWriter
            limit_ms = 1000 * min(output.settings.max_past_seconds, output.settings.max_ahead_seconds)
            arrival_ms = EXACT if by_arrival else max(EXACT, limit_ms) if apart_ms > limit_ms else None
            writers.append(writer(output, ledgers[name], batch_info, errors, arrival_ms))
        else:
            writers.append(RowWriter(output, ledgers[name], batch_info, errors))
    return writers if errors is None else [*writers, errors]
