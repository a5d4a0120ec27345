"""The writers of row outputs, and of the error output, which is one."""

from __future__ import annotations

from typing import Any

from streamtally.errors import EvaluationError
from streamtally.formats.base import Row, Scanner
from streamtally.plan.codegen import OUT_OF_RANGE
from streamtally.plan.rows import RowOutput
from streamtally.transform.documents import MAX_DOCUMENT_BYTES, encode_document, row_document, row_id
from streamtally.transform.error_stream import ErrorRows
from streamtally.transform.ledger import OutputLedger
from streamtally.transform.output_writer import TOO_LARGE, OutputWriter, Scanned, add_plain_rows
from streamtally.transform.record import Record


class RowWriter(OutputWriter[RowOutput]):
    """The writer of a row output: each row is a document."""

    def __init__(
        self, output: RowOutput, ledger: OutputLedger, batch_info: dict[str, Any], errors: ErrorRows | None = None
    ) -> None:
        super().__init__(output, ledger, batch_info, errors)
        self._documents: list[bytes] = []

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
