"""An output while a group of records runs through it: what its rows have made so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Protocol

from streamtally.config.outputs import ERROR_STREAM
from streamtally.errors import EvaluationError
from streamtally.formats.base import Plain, Row, Scanner
from streamtally.plan.codegen import FILTERED, OUT_OF_RANGE
from streamtally.plan.rows import RowOutput
from streamtally.plan.windowed import Groups, WindowedOutput
from streamtally.transform.documents import MAX_DOCUMENT_BYTES, encode_document, partial_document, row_document, row_id
from streamtally.transform.error_stream import ErrorTarget, count_failure
from streamtally.transform.ledger import OutputLedger
from streamtally.transform.records import Record

Output = RowOutput | WindowedOutput

_FIRST = itemgetter(0)
TOO_LARGE = "the document is larger than a record may be"


class Addresses(Protocol):
    """Where the lines of a scan come from."""

    @property
    def addresses(self) -> list[tuple[Record, int]]:
        """Each line's record, and its number therein."""


class _Walled:
    """Keeps what evaluating a row raises from any other row."""

    def __init__(self, output: Output, account: OutputLedger, errors: ErrorTarget | None) -> None:
        self._pump = output.pump
        self._failed_in = output.name, output.pump or output.name
        self._account = account
        self._errors = errors

    def fail(self, error: Exception, rows: int) -> None:
        """Count rows that could not be evaluated, and tell the error output."""
        reason = count_failure(self._account, error, rows, self._pump)
        if self._errors is not None:
            self._errors.note(*self._failed_in, reason)


class WindowedTarget(_Walled):
    """A windowed output: rows are put into groups by window and key.

    Plain lines are counted by the fields that the output reads, and each distinct combination is evaluated once at the
    end. Whether an event time is believed depends on its record's arrival, so that is asked of the earliest and the
    latest arrival of the batch: where these disagree, ``ambiguous`` says that the batch must run again row by row.
    """

    def __init__(
        self,
        output: WindowedOutput,
        account: OutputLedger,
        batch_account: dict[str, Any],
        errors: ErrorTarget | None = None,
    ) -> None:
        super().__init__(output, account, errors)
        self.output = output
        self.ambiguous = False
        self._batch_account = batch_account
        self._past_ms = output.settings.max_past_seconds * 1000
        self._ahead_ms = output.settings.max_ahead_seconds * 1000
        self._groups: Groups = {}
        self._counts: dict[Any, int] = {}
        self._scanner: Scanner | None = None
        self._fields: tuple[str, ...] = ()
        self._pick: Callable[[Plain], Any] = tuple

    def add_plain(self, scanner: Scanner, found: list[Plain], lines: Addresses) -> None:
        """Count plain lines; where the arrival decides, give their rows one by one."""
        if self.output.reads.arrival:
            add_plain_rows(self, scanner, found, lines)
            return
        if self._scanner is not scanner:
            self._set_scanner(scanner)
        counts = self._counts
        plain = [each for each in found if each[0]] if "" in map(_FIRST, found) else found
        for values in map(self._pick, plain):
            counts[values] = counts.get(values, 0) + 1

    def add_row(self, row: Row, record: Record, number: int) -> None:
        """Put one row into its group."""
        arrival = record.arrival
        self._add(row, arrival, arrival - self._past_ms, arrival + self._ahead_ms, 1)

    def close(self, first_arrival: int, last_arrival: int) -> list[bytes]:
        """The partials, as documents."""
        self._add_counted(first_arrival, last_arrival)
        documents: list[bytes] = []
        # Tells settling when a batch is whole, should a retry under another plan have put a part of it.
        self._batch_account = {**self._batch_account, "batch_partials": len(self._groups)}
        for key in sorted(self._groups, key=repr):
            documents += self._partial(key, self._groups[key])
        self._account.documents += len(documents)
        return documents

    def _set_scanner(self, scanner: Scanner) -> None:
        # Fields that the format does not have are NULL in all its rows, and need no counting.
        self._scanner = scanner
        self._fields = tuple(name for name in scanner.positions if name in self.output.reads.fields)
        places = [scanner.positions[name] for name in self._fields]
        self._pick = itemgetter(*places) if places else lambda _: ()

    def _add_counted(self, first_arrival: int, last_arrival: int) -> None:
        if self._scanner is None:
            return
        value = self._scanner.value
        low, high = last_arrival - self._past_ms, first_arrival + self._ahead_ms
        for texts, times in self._counts.items():
            values = (texts,) if len(self._fields) == 1 else texts
            try:
                row = {name: value(name, text) for name, text in zip(self._fields, values, strict=True)}
            except Exception as error:
                self.fail(error, times)
                continue
            if self._add(row, first_arrival, low, high, times) == OUT_OF_RANGE:
                self.ambiguous = True

    def _add(self, row: Row, arrival: int, low: int, high: int, times: int) -> int:
        """Whatever a hostile value makes Python raise is this row's fate and no other's."""
        try:
            fate = self.output.add(row, arrival, low, high, self._groups, times)
        except Exception as error:
            self.fail(error, times)
            return FILTERED
        if fate == FILTERED:
            self._account.filtered += times
        return fate

    def _partial(self, key: tuple[Any, ...], group: list[Any]) -> list[bytes]:
        rows, out_of_range = group[0], group[1]
        try:
            document = encode_document(partial_document(self.output, key, group, self._batch_account))
            if len(document) > MAX_DOCUMENT_BYTES:
                raise EvaluationError(TOO_LARGE)
        except Exception as error:
            count_failure(self._account, error, rows, self._pump)
            return []
        self._account.out_of_range += out_of_range
        self._account.emitted += rows - out_of_range
        return [document]


class RowTarget(_Walled):
    """A row output: each row is a document."""

    ambiguous = False

    def __init__(
        self,
        output: RowOutput,
        account: OutputLedger,
        batch_account: dict[str, Any],
        errors: ErrorTarget | None = None,
    ) -> None:
        super().__init__(output, account, errors)
        self.output = output
        self._batch_account = batch_account
        self._past_ms = output.settings.max_past_seconds * 1000
        self._ahead_ms = output.settings.max_ahead_seconds * 1000
        self._documents: list[bytes] = []

    def add_plain(self, scanner: Scanner, found: list[Plain], lines: Addresses) -> None:
        """Make the documents of plain lines."""
        add_plain_rows(self, scanner, found, lines)

    def add_row(self, row: Row, record: Record, number: int) -> None:
        """Make a row's document. Whatever a hostile value makes Python raise is this row's fate and no other's."""
        arrival = record.arrival
        try:
            fate, time, columns = self.output.make(row, arrival, arrival - self._past_ms, arrival + self._ahead_ms)
            if columns is None:
                self._account.filtered += 1
                return
            out_of_range = fate == OUT_OF_RANGE
            identity = row_id(self.output.name, record.identity, number)
            made = row_document(self.output, columns, time, identity, out_of_range, self._batch_account)
            document = encode_document(made)
            if len(document) > MAX_DOCUMENT_BYTES:
                raise EvaluationError(TOO_LARGE)
        except Exception as error:
            self.fail(error, 1)
            return
        self._documents.append(document)
        self._account.out_of_range += out_of_range
        self._account.emitted += not out_of_range

    def close(self, first_arrival: int, last_arrival: int) -> list[bytes]:
        """The documents."""
        self._account.documents += len(self._documents)
        return self._documents


class ErrorRows(ErrorTarget):
    """The error output's target, which is asked for every row."""

    def add_plain(self, scanner: Scanner, found: list[Plain], lines: Addresses) -> None:
        """Make the documents of plain lines."""
        add_plain_rows(self, scanner, found, lines)


Target = WindowedTarget | RowTarget | ErrorRows


def add_plain_rows(target: Target, scanner: Scanner, found: list[Plain], lines: Addresses) -> None:
    """Give the rows of plain lines one by one."""
    for fields, (record, number) in zip(found, lines.addresses, strict=True):
        if not fields[0]:
            continue
        try:
            row = scanner.row(fields)
        except Exception as error:
            target.fail(error, 1)
            continue
        target.add_row(row, record, number)


def make_targets(
    outputs: Mapping[str, Output], accounts: Mapping[str, OutputLedger], batch_account: dict[str, Any]
) -> list[Target]:
    """The targets of the outputs for one group of records; the error output's is the last."""
    errors: ErrorRows | None = None
    error_output = outputs.get(ERROR_STREAM)
    if isinstance(error_output, RowOutput):
        errors = ErrorRows(error_output, accounts[ERROR_STREAM], batch_account)
    targets: list[Target] = []
    for name, output in outputs.items():
        if output is error_output:
            continue
        if isinstance(output, WindowedOutput):
            targets.append(WindowedTarget(output, accounts[name], batch_account, errors))
        else:
            targets.append(RowTarget(output, accounts[name], batch_account, errors))
    return targets if errors is None else [*targets, errors]
