"""The rows of plain lines for row outputs: each with the fields that its output reads, and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from streamtally.formats.base import Scanner
from streamtally.transform.kernel.protocol import KernelBatch
from streamtally.transform.outputs import Writer
from streamtally.transform.record import Record
from streamtally.transform.row_writer import RowWriter


class PlainRows:
    """Adds the rows of plain lines to the writers of row outputs.

    Args:
        writers: those of all outputs.
        record_of: a record by its index, as far as its lines need it.
    """

    def __init__(
        self, scanner: Scanner, batch: KernelBatch, writers: Iterable[Writer], record_of: Callable[[int], Record]
    ) -> None:
        self._scanner, self._batch, self._record_of = scanner, batch, record_of
        self._writers = [writer for writer in writers if isinstance(writer, RowWriter)]
        read = {name for writer in self._writers for name in writer.output.reads.fields}
        self._positions = {name: position for name, position in scanner.positions.items() if name in read}

    def __bool__(self) -> bool:
        """Whether there are row outputs."""
        return bool(self._writers)

    def add(self, first: int, end: int) -> None:
        """Add those of some records. Args: first, end: the first record, and the one after the last."""
        names, value = list(self._positions), self._scanner.value
        for index, number, texts in self._batch.plain_rows(list(self._positions.values()), first, end):
            row = {name: value(name, text) for name, text in zip(names, texts, strict=True)}
            record = self._record_of(index)
            for writer in self._writers:
                writer.add_row(row, record, number)
