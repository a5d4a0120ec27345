"""The processes that work on a run's batches. Their results come in the batches' order, however many there are."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from streamtally.errors import StreamtallyError, WorkerError
from streamtally.formats.w3c_header import is_header
from streamtally.local.batch_work import BatchResult, BatchWorker
from streamtally.local.raw_batches import RawBatch, time_of
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.records import to_text
from streamtally.transform.source import Source

BATCHES_ALONE = 3
"""So many batches are worked on in this process first: a short log is done before other processes have started."""
WAITING_PER_WORKER = 2
"""How many batches a worker may be ahead of the one whose result is due."""
LINES_BACK = 100
"""So many lines are read again to find the time of the lines before a batch; if they have none, its result says it."""
OBJECTS_BETWEEN_COLLECTIONS = 100_000


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Job(NamedTuple):
    """What a run's batches need, wherever they are worked on."""

    pipeline: Pipeline
    run_id: str
    watched: Mapping[str, tuple[str, ...]]

    def make_worker(self) -> BatchWorker:
        return BatchWorker(self.pipeline, self.run_id, self.watched)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for cycles rarely: a batch makes many small objects and frees them itself, and looking costs a quarter."""
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


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
                with _Processes(self._job, self._workers) as processes:
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

    def __init__(self, processes: _Processes, source: Source, before: RawBatch, last: int) -> None:
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
                self._processes.give(batch, last)
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


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Process(NamedTuple):
    process: Any
    connection: Any


class _Processes:
    """Processes that each work on one batch at a time; they end with the context."""

    def __init__(self, job: Job, count: int) -> None:
        self.count = count
        context = multiprocessing.get_context("spawn")  # a fork would take over the threads' locks
        self._all: list[_Process] = []
        self._at_work: dict[int, RawBatch] = {}  # by the position of the process
        arguments = (dict(job.pipeline.document), job.run_id, dict(job.watched))
        with _ignoring_interrupts():  # which the processes inherit: this one alone answers to Ctrl-C
            for _ in range(count):
                ours, theirs = context.Pipe()
                process = context.Process(target=_serve, args=(theirs, *arguments), daemon=True)
                process.start()
                theirs.close()
                self._all.append(_Process(process, ours))

    def __enter__(self) -> _Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for process, connection in self._all:
            connection.close()
            process.terminate()
        for process, _ in self._all:
            process.join()

    @property
    def busy(self) -> bool:
        """Whether a batch is being worked on."""
        return bool(self._at_work)

    @property
    def has_idle(self) -> bool:
        """Whether a process has nothing to do."""
        return len(self._at_work) < self.count

    def give(self, batch: RawBatch, last: int) -> None:
        """Give a batch to a process that has nothing to do."""
        position = next(position for position in range(self.count) if position not in self._at_work)
        self._at_work[position] = batch
        try:
            self._all[position].connection.send((batch, last))
        except OSError:
            raise self._death(position) from None

    def take(self) -> list[BatchResult]:
        """Wait for results. Raises: WorkerError: a process died; what a batch raised."""
        connections = {self._all[position].connection: position for position in self._at_work}
        results = []
        for ready in wait(list(connections)):
            position = connections[ready]
            try:
                result = self._all[position].connection.recv()
            except (EOFError, OSError):
                raise self._death(position) from None
            if isinstance(result, BaseException):
                raise result
            del self._at_work[position]
            results.append(result)
        return results

    def _death(self, position: int) -> WorkerError:
        process = self._all[position].process
        process.join(timeout=1)
        code = process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        return WorkerError(
            f"a worker process died ({how}) in {self._at_work[position].shown}: nothing was written; "
            "run it again with --workers 1 if memory was short"
        )


def _serve(connection: Any, document: Mapping[str, Any], run_id: str, watched: Mapping[str, tuple[str, ...]]) -> None:
    """Work on batches until there are no more."""
    with rare_collections(), suppress(EOFError, OSError):
        worker = Job(load_pipeline(document, ZoneInfo), run_id, watched).make_worker()
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
