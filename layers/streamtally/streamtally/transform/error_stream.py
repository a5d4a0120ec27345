"""The error output: rows that a pump could not evaluate, as in Kinesis Analytics' ``error_stream``.

It is a row output whose own WHERE is never TRUE; its documents are made here, one for each pump in which a row failed.
The core has no clock, so ERROR_TIME is the record's arrival, like DATA_ROWTIME.
"""

from __future__ import annotations

from typing import Any

import orjson

from streamtally.config.outputs import ERROR_STREAM
from streamtally.errors import EvaluationError
from streamtally.formats.base import Row
from streamtally.plan.casts import value_to_text
from streamtally.plan.rows import RowOutput
from streamtally.plan.types import SqlType
from streamtally.transform.documents import encode_document, encode_hard, row_document, row_id
from streamtally.transform.ledger import OutputLedger
from streamtally.transform.record import Record
from streamtally.transform.role_columns import EVENT_TIME

COLUMNS = {
    "ERROR_TIME": "TIMESTAMP",
    "ERROR_LEVEL": "VARCHAR(10)",
    "ERROR_NAME": "VARCHAR(32)",
    "MESSAGE": "VARCHAR(4096)",
    "DATA_ROWTIME": "TIMESTAMP",
    "DATA_ROW": "VARCHAR(49152)",
    "PUMP_NAME": "VARCHAR(128)",
}
"""The error stream's columns (Developer Guide, Error Handling)."""
MAX_ROW_CHARS = 49_152

_write_time = value_to_text(SqlType("TIMESTAMP"))


def error_output_node() -> dict[str, Any]:
    """The error stream as an output of a plan."""
    columns = [
        {"name": name, "type": sql_type, "expr": {"literal": None, "type": sql_type}}
        for name, sql_type in COLUMNS.items()
    ]
    never = {"literal": False, "type": "BOOLEAN"}
    return {"name": ERROR_STREAM, "kind": "row", "time": {"time": "arrival"}, "where": never, "columns": columns}


def _row_hex(row: Row) -> str:
    """A row's JSON in hexadecimal, cut to what DATA_ROW holds; empty if the row cannot be written as JSON."""
    if EVENT_TIME in row:  # how the time is read is a function, whose text differs from process to process
        row = {name: value for name, value in row.items() if name != EVENT_TIME}
    try:
        return orjson.dumps(row, default=str).hex()[:MAX_ROW_CHARS]
    except TypeError:
        pass
    try:
        return encode_hard(row).hex()[:MAX_ROW_CHARS]
    except (TypeError, ValueError, RecursionError):
        return ""


def count_failure(ledger: OutputLedger, error: Exception, rows: int, pump: str | None = None) -> str:
    """Count rows that cannot be evaluated, by the pump's name and a reason that contains none of their data.

    Returns: the reason without the pump.
    """
    is_known = isinstance(error, EvaluationError)
    reason = str(error) if is_known else f"cannot be evaluated ({type(error).__name__})"
    ledger.eval_failed += rows
    ledger.reasons[reason if pump is None else f"{pump}: {reason}"] += rows
    return reason


class ErrorRows:
    """Takes a row's failures from the other writers, and makes their documents when the row is added to it.

    It must be the last writer of a row. A row with failures counts as emitted here, every other one as filtered.
    """

    is_ambiguous = False

    def __init__(self, output: RowOutput, ledger: OutputLedger, batch_info: dict[str, Any]) -> None:
        self.output = output
        self._ledger = ledger
        self._batch_info = batch_info
        self._pending: list[tuple[str, str, str]] = []
        self._documents: list[bytes] = []

    def note(self, output: str, pump: str, reason: str) -> None:
        """Record a failure of the row that is being added to the writers."""
        self._pending.append((output, pump, reason))

    def fail(self, error: Exception, rows: int) -> None:
        """Count rows whose failures could not be written either."""
        self._pending.clear()
        count_failure(self._ledger, error, rows)

    def add_row(self, row: Row, record: Record, number: int) -> None:
        """Make the documents of a row's failures."""
        if not self._pending:
            self._ledger.filtered += 1
            return
        try:
            documents = self._failures(row, record, number)
        except Exception as error:
            self.fail(error, 1)
            return
        self._documents += documents
        self._pending.clear()
        self._ledger.emitted += 1

    def _failures(self, row: Row, record: Record, number: int) -> list[bytes]:
        time, data = _write_time(record.arrival), _row_hex(row)
        documents = []
        for output, pump, reason in self._pending:
            columns = dict(zip(COLUMNS, (time, "ERROR", "EvaluationError", reason, time, data, pump), strict=True))
            identity = row_id(f"{ERROR_STREAM}/{output}", record.identity, number)
            document = row_document(self.output, columns, record.arrival, identity, False, self._batch_info)
            documents.append(encode_document(document))
        return documents

    def close(self, first_arrival: int, last_arrival: int) -> list[bytes]:
        """The documents."""
        self._ledger.documents += len(self._documents)
        return self._documents
