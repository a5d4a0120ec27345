"""The processes that work on a run's batches. Their results come in the batches' order, however many there are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from streamtally.aws.handlers.kernel import load_kernel
from streamtally.errors import StreamtallyError
from streamtally.formats.w3c_header import is_header
from streamtally.local.batch_work import BatchResult, BatchWorker
from streamtally.local.processes import Processes, rare_collections
from streamtally.local.raw_batches import RawBatch, time_of
from streamtally.local.report_counts import COUNTED, ReportOptions
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.records import to_text
from streamtally.transform.source import Source

BATCHES_ALONE = 3
"""So many batches are worked on in this process first: a short log is done before other processes have started."""
WAITING_PER_WORKER = 2
"""How many batches a worker may be ahead of the one whose result is due."""
LINES_BACK = 100
"""So many lines are read again to find the time of the lines before a batch; if they have none, its result says it."""


class Job(NamedTuple):
    """What a run's batches need, wherever they are worked on."""

    pipeline: Pipeline
    run_id: str
    watched: Mapping[str, tuple[str, ...]]
    report: ReportOptions = COUNTED

    def make_worker(self) -> BatchWorker:
        """Raises: SettingsError: the variable that turns the kernel off has another value."""
        kernel = load_kernel(os.environ, lambda _: None)  # the command says why it is not used
        return BatchWorker(self.pipeline, self.run_id, self.watched, self.report, kernel)


class Team:
    """Works on batches.

    Args: workers: how many processes; 1: this one.
    """

    def __init__(self, job: Job, workers: int = 1) -> None:
        self._job = job
        self._workers = 1 if job.pipeline.tables else workers  # its document does not hold the tables' content

    def work(self, batches: Iterable[RawBatch]) -> Iterator[BatchResult]:
        """The results, in the order of the batches.

        Raises: WorkerError: a process died; whatever reading a batch raises.
        """
        with rare_collections():
            yield from self._work(iter(batches))

    def _work(self, batches: Iterator[RawBatch]) -> Iterator[BatchResult]:
        worker = self._job.make_worker()
        last = 0
        before: RawBatch | None = None
        for batch in batches:
            if self._workers > 1 and batch.number > BATCHES_ALONE and before is not None:
                job = self._job
                arguments = (dict(job.pipeline.document), job.run_id, dict(job.watched), job.report)
                with Processes(_serve, arguments, self._workers) as processes:
                    yield from _Line(processes, self._job.pipeline.source, before, last).work(batch, batches)
                return
            result = worker.work(batch, last)
            before, last = batch, result.last
            yield result


class _Line:
    """Gives batches to processes and puts the results in order.

    Args:
        before: the last batch that is done.
        last: the time of its last line.
    """

    def __init__(self, processes: Processes, source: Source, before: RawBatch, last: int) -> None:
        self._processes, self._source = processes, source
        self._before = before
        self._lasts = {before.number: last}
        self._due = before.number + 1
        self._done: dict[int, BatchResult] = {}

    def work(self, first: RawBatch, others: Iterator[RawBatch]) -> Iterator[BatchResult]:
        """All results."""
        limit = self._processes.count * WAITING_PER_WORKER
        batch: RawBatch | None = first
        while batch is not None or self._processes.busy or self._done:
            while batch is not None and self._processes.has_idle and batch.number - self._due <= limit:
                last = self._last_before(batch)
                if last is None:
                    break  # the result of the batch before it says it
                self._processes.give((batch, last), batch.shown)
                self._before = batch
                batch = next(others, None)
            if self._due not in self._done:
                self._collect()
            while self._due in self._done:
                yield self._done.pop(self._due)
                self._due += 1

    def _collect(self) -> None:
        for result in self._processes.take():
            self._done[result.number] = result
            self._lasts = {number: last for number, last in self._lasts.items() if number >= self._before.number}
            self._lasts[result.number] = result.last

    def _last_before(self, batch: RawBatch) -> int | None:
        """The time that a batch's first lines take if they have none; None: not known yet."""
        span = batch.spans[0]
        if span.last is not None:
            return span.last
        known = self._lasts.get(batch.number - 1)
        if known is not None:
            return known
        parse = self._source.parser_for_record(span.file_ms, span.header)
        first = time_of(self._source, parse, span.lines[0], span.file_ms) if 0 not in span.too_long else None
        if first is not None:
            return first
        return self._last_in(batch)

    def _last_in(self, batch: RawBatch) -> int | None:
        span, earlier = batch.spans[0], self._before.spans[-1]
        parse = self._source.parser_for_record(span.file_ms, span.header)
        for line in reversed(earlier.lines[-LINES_BACK:]):
            if is_header(to_text(line)):
                return None  # the lines before it may read another way
            time = time_of(self._source, parse, line, span.file_ms)
            if time is not None:
                return time
        return None


def _serve(
    connection: Any,
    document: Mapping[str, Any],
    run_id: str,
    watched: Mapping[str, tuple[str, ...]],
    report: ReportOptions,
) -> None:
    """Work on batches until there are no more."""
    with rare_collections(), suppress(EOFError, OSError):
        worker = Job(load_pipeline(document, ZoneInfo), run_id, watched, report).make_worker()
        while True:
            batch, last = connection.recv()
            connection.send(_result(worker, batch, last))


def _result(worker: BatchWorker, batch: RawBatch, last: int) -> BatchResult | Exception:
    try:
        return worker.work(batch, last)
    except StreamtallyError as error:
        return error
    except Exception as error:
        return RuntimeError(f"{batch.shown}: {type(error).__name__}: {error}")
