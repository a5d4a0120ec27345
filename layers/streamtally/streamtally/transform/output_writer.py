"""What the writers of outputs have in common, and what they are given."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

from streamtally.formats.base import Plain, Row, Scanner
from streamtally.plan.rows import RowOutput
from streamtally.plan.windowed import WindowedOutput
from streamtally.transform.error_stream import ErrorRows, count_failure
from streamtally.transform.ledger import OutputLedger
from streamtally.transform.record import Record

Output = RowOutput | WindowedOutput

TOO_LARGE = "the document is larger than a record may be"


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


class RowTaker(Protocol):
    """What rows are added to."""

    def add_row(self, row: Row, record: Record, number: int) -> None:
        """Add a row. Args: number: the line's in its record."""

    def fail(self, error: Exception, rows: int) -> None:
        """Count rows that cannot be evaluated."""


OutputT = TypeVar("OutputT", bound=RowOutput | WindowedOutput)


class OutputWriter(Generic[OutputT]):
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

    def fail(self, error: Exception, rows: int) -> None:
        """Count rows that could not be evaluated, and pass them to the error output."""
        pump = self.output.pump
        reason = count_failure(self._ledger, error, rows, pump)
        if self._errors is not None:
            self._errors.note(self.output.name, pump or self.output.name, reason)


def add_plain_rows(writer: RowTaker, scanner: Scanner, lines: Scanned) -> None:
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
