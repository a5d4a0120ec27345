"""The processes that work on a run's batches. Their results come in the batches' order, however many there are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from streamtally.aws.handlers.kernel import load_kernel
from streamtally.errors import StreamtallyError
from streamtally.formats.w3c_header import is_header
from streamtally.local.batch_work import BatchResult, BatchWorker
from streamtally.local.processes import Processes, Sender, rare_collections, receive_ahead
from streamtally.local.raw_batches import RawBatch, time_of
from streamtally.local.report_counts import COUNTED, ReportOptions
from streamtally.transform.payload_lines import to_text
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.source import Source

BATCHES_ALONE = 3
"""No other processes are started for a log of so few batches: it is done before they would have begun."""
WAITING_PER_WORKER = 4
"""How many batches a worker may be ahead of the one whose result is due."""
AHEAD = 1
"""So many batches wait in each process for the one that it works on, so that it never waits for this process."""
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
        first = list(islice(batches, BATCHES_ALONE + 1)) if self._workers > 1 else []
        if len(first) > BATCHES_ALONE:
            job = self._job
            arguments = (dict(job.pipeline.document), job.run_id, dict(job.watched), job.report)
            with Processes(_serve, arguments, self._workers - 1, AHEAD) as processes:
                yield from _Line(processes, worker, self._job.pipeline.source).work(chain(first, batches))
            return
        last = 0
        for batch in chain(first, batches):
            result = worker.work(batch, last)
            last = result.last
            yield result


class _Line:
    """Gives batches to processes, works on those for which these have no room, and puts the results in order.

    Args:
        worker: works on batches in this process.
    """

    def __init__(self, processes: Processes, worker: BatchWorker, source: Source) -> None:
        self._processes, self._worker, self._source = processes, worker, source
        self._before: RawBatch | None = None
        self._lasts = {0: 0}
        self._due = 1
        self._done: dict[int, BatchResult] = {}

    def work(self, batches: Iterator[RawBatch]) -> Iterator[BatchResult]:
        """All results."""
        limit = (self._processes.count + 1) * WAITING_PER_WORKER
        batch = next(batches, None)
        while batch is not None or self._processes.busy or self._done:
            last = self._last_before(batch) if batch is not None and batch.number - self._due <= limit else None
            if batch is None or last is None:  # there is no more, or the result of the batch before it says it
                self._collect(self._due not in self._done)
            else:
                if self._processes.has_room:
                    self._processes.give((batch, last), batch.shown)
                else:
                    self._put(self._worker.work(batch, last))
                    self._collect(False)
                self._before = batch
                batch = next(batches, None)
            while self._due in self._done:
                yield self._done.pop(self._due)
                self._due += 1

    def _collect(self, waits: bool) -> None:
        if self._processes.busy:
            for result in self._processes.take(waits):
                self._put(result)

    def _put(self, result: BatchResult) -> None:
        self._done[result.number] = result
        newest = self._before.number if self._before is not None else 0
        self._lasts = {number: last for number, last in self._lasts.items() if number >= newest}
        self._lasts[result.number] = result.last

    def _last_before(self, batch: RawBatch) -> int | None:
        """The time that a batch's first lines take if they have none; None: not known yet."""
        span = batch.spans[0]
        if span.last is not None:
            return span.last
        known = self._lasts.get(batch.number - 1)
        if known is not None or self._before is None:
            return known
        parse = self._source.parser_for_record(span.file_ms, span.header)
        first = time_of(self._source, parse, span.lines[0], span.file_ms) if 0 not in span.too_long else None
        if first is not None:
            return first
        return self._last_in(batch, self._before)

    def _last_in(self, batch: RawBatch, before: RawBatch) -> int | None:
        span, earlier = batch.spans[0], before.spans[-1]
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
    with rare_collections():
        sender = Sender(connection)
        worker = Job(load_pipeline(document, ZoneInfo), run_id, watched, report).make_worker()
        for batch, last in receive_ahead(connection):
            sender.send(_result(worker, batch, last))


def _result(worker: BatchWorker, batch: RawBatch, last: int) -> BatchResult | Exception:
    try:
        return worker.work(batch, last)
    except StreamtallyError as error:
        return error
    except Exception as error:
        return RuntimeError(f"{batch.shown}: {type(error).__name__}: {error}")
