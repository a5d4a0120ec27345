"""The lines of a run's batches, read by the kernel. Whatever is wrong with it, Python reads the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streamtally.formats.base import Plain, Scanner
from streamtally.local.report_counts import PlainColumns, ReportOptions
from streamtally.transform.kernel.log_batch import LogAnswer, LogBatch, read_log_batch
from streamtally.transform.kernel.protocol import Kernel
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.source import Source

_TIME_NEIGHBOURS = ("date", "time", "cs_method", "cs-method")
"""Fields that say how a time is read, where it is looked for under its usual names."""


def time_fields(source: Source, scanner: Scanner) -> list[str]:
    """The fields of plain lines from which the event time is read."""
    used = {*source.event_time_fields, *_TIME_NEIGHBOURS}
    return [name for name in scanner.positions if name in used]


class LogLines(NamedTuple):
    """A batch's lines."""

    batch: LogBatch
    rows: list[Plain | None]
    """The plain lines, as the scanner reads them, with empty texts where nobody reads them; None: not plain."""

    def answer(self, pipeline: Pipeline, arrivals: Sequence[int]) -> LogAnswer | None:
        """See :meth:`LogBatch.answer`."""
        try:
            return self.batch.answer(pipeline, arrivals)
        except Exception:  # a panic is one too
            return None


class LogReader:
    """Reads the batches of one run.

    Args:
        columns: what the summary reads of plain lines.
        report: whether there is a report.
    """

    def __init__(self, kernel: Kernel, pipeline: Pipeline, columns: PlainColumns, report: ReportOptions) -> None:
        self._kernel, self._pipeline = kernel, pipeline
        self._positions = _positions(pipeline.source, columns, report)

    def read(self, names: Sequence[str], data: Sequence[bytes]) -> LogLines | None:
        """The lines of a batch; None: Python reads it. Args: names: the records' ids; data: theirs."""
        try:
            batch = read_log_batch(self._kernel, self._pipeline, names, data)
            return None if batch is None else LogLines(batch, batch.lines.rows(self._positions))
        except Exception:  # a panic is one too
            return None


def _positions(source: Source, columns: PlainColumns, report: ReportOptions) -> list[int]:
    """The positions of the columns that are read of plain lines."""
    scanner = source.scanner
    if scanner is None:
        return []
    names = [*time_fields(source, scanner), *([columns.status] if columns.status else [])]
    positions = {0, *(scanner.positions[name] for name in names)}  # the first one says that a line is plain
    if report.is_wanted:
        others = (*columns.tops, columns.bytes, columns.referer, columns.vhost)
        positions.update(position for position in others if position is not None)
    return sorted(positions)
