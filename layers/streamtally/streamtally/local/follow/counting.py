"""Followed lines through the pipeline: cut and worked on as those of any run, by log and in short batches."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streamtally.local.batch_work import BatchResult, BatchWorker
from streamtally.local.follow.followed import FollowedLog
from streamtally.local.follow.follower import Arrived
from streamtally.local.line_lists import LineList
from streamtally.local.raw_batches import CutLog, Cutter, RawBatch, RawLog
from streamtally.local.run import LocalRun
from streamtally.report.data import UnparsedLine
from streamtally.report.steps import status_class

NEWEST_LINES = 50
"""So many of the newest lines that did not parse are kept."""
_HOUR_MS = 3_600_000


@dataclass(slots=True)
class _Work:
    """How far one log is worked on."""

    cutter: Cutter
    log: CutLog
    last: int = 0
    """The time of its last line, in ms since the epoch."""


class FollowCounting:
    """Counts followed lines into a run.

    Args:
        lines_per_record: how many lines a record has at most.
        now: the time, in ms since the epoch.
        arrives_now: whether a line arrives when it is read; else when it was logged.
    Attributes:
        classes: rows by class of status or level.
        newest: the newest lines that did not parse; of one batch its first hundred are known.
    """

    def __init__(
        self, run: LocalRun, worker: BatchWorker, lines_per_record: int, now: Callable[[], int], arrives_now: bool
    ) -> None:
        self.run = run
        self.classes: Counter[str] = Counter()
        self.newest: deque[UnparsedLine] = deque(maxlen=NEWEST_LINES)
        self._worker = worker
        self._per_record = lines_per_record
        self._now = now
        self._arrives_now = arrives_now
        self._work: dict[int, tuple[FollowedLog, _Work]] = {}
        self._records = 0

    def take(self, arrived: Sequence[Arrived]) -> None:
        """Count lines, all of them: batches are closed."""
        for log, lists in arrived:
            work = self._work_of(log, lists)
            work.log.touch(self._file_ms())
            for lines in lists:
                for batch in work.cutter.add(work.log, lines):
                    self._count(batch, work)
            for batch in work.cutter.close():
                self._count(batch, work)

    def forget(self, logs: Sequence[FollowedLog]) -> None:
        """Forget logs, except for these, which are still followed."""
        kept = {id(log) for log in logs}
        self._work = {key: entry for key, entry in self._work.items() if key in kept}

    def _work_of(self, log: FollowedLog, lists: Sequence[LineList]) -> _Work:
        if id(log) not in self._work:
            raw = RawLog(iter(lists), self._file_ms(), self._now if self._arrives_now else None)
            cut = CutLog(raw, self.run.pipeline.source)
            cut.lists()  # finds the first time among these lines
            self._work[id(log)] = log, _Work(Cutter(self.run.pipeline.source, self._per_record), cut)
        return self._work[id(log)][1]

    def _file_ms(self) -> int:
        """When a file was written, to the hour: it gives a year to times without one."""
        now = self._now()
        return now - now % _HOUR_MS

    def _count(self, batch: RawBatch, work: _Work) -> None:
        batch.first_record = self._records
        self._records += len(batch.record_lines)
        result = self._worker.work(batch, work.last)
        work.last = result.last
        self._note(result)
        self.run.merge(result)

    def _note(self, result: BatchResult) -> None:
        for (_, status), count in result.summary.minutes.counts.items():
            self.classes[status_class(status)] += count
        self.newest.extend(result.summary.examples)


class Rate:
    """Lines a second over the last interval. Args: clock: a monotonic clock, in s."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._before = clock(), 0

    def take(self, lines: int) -> float:
        """The rate since the last call. Args: lines: all lines so far."""
        then, counted = self._before
        self._before = now, _ = self._clock(), lines
        return (lines - counted) / (now - then) if now > then else 0.0
