"""Settling: which windows, their partials read, merged and written; closing and the daily audit.

Two runs may be at work at once, and one may be killed anywhere: documents are written by version, the checkpoint
moves only when a run has finished all its candidates, and nothing is deleted before what rests on it was verified.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from zoneinfo import ZoneInfo

from streamtally.aws.opensearch import Cluster, ClusterError
from streamtally.aws.opensearch_apply import TimeLeft, put_state
from streamtally.aws.opensearch_close import close_spec
from streamtally.aws.opensearch_observe import read_plan, read_stored, state_id
from streamtally.aws.opensearch_partials import LENIENT, Partials, before, find_mixed, mixed_windows, not_before, since
from streamtally.aws.opensearch_writer import SettledWriter
from streamtally.errors import IndexPlanError
from streamtally.indices.names import MS_PER_DAY, STATE_INDEX
from streamtally.indices.observed import StoredState
from streamtally.indices.settling import MixedBatch, PlanOutputs, Settler, shape_of
from streamtally.indices.spec import IndexSpec, PlanOutput
from streamtally.indices.state import Cursor, OutputState, Progress
from streamtally.pipeline import Pipeline, load_pipeline
from streamtally.plan.windowed import WindowedOutput

AUDIT_EVERY_MS = MS_PER_DAY
RESERVE_SECONDS = 12.0  # kept for the checkpoint
STATE_TRIES = 6


@dataclass
class SettleReport:
    """What a settling run did for one output of the plan.

    ``unsettled_seconds``: how far past its grace the oldest window is that the time limit left unsettled.
    """

    output: str
    index: str
    windows: int = 0
    partials: int = 0
    written: int = 0
    outrun: int = 0
    finished: bool = False
    unsettled_seconds: float = 0.0
    late: int = 0
    audit_differences: int = 0
    deleted: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class OutOfTimeError(Exception):
    """The time limit is near: the run stops, and the next one goes on. Never leaves this module."""


def settle(
    cluster: Cluster,
    pipeline: Pipeline,
    specs: Sequence[IndexSpec],
    now_ms: int,
    time_left: TimeLeft,
    audit: bool = False,
) -> list[SettleReport]:
    """Settle every windowed output; a failure of one is in its report and never stops another.

    Args:
        now_ms: the time of the run's start.
        time_left: seconds left.
        audit: compare all windows now, not once a day.
    """
    reports = []
    for spec in specs:
        runs = [SettleRun(cluster, pipeline, spec, output, now_ms, time_left) for output in spec.windowed]
        reports += [_guarded(run, partial(run.run, audit)) for run in runs]
        if runs and all(run.report.finished for run in runs):
            _guarded(runs[0], partial(close_spec, runs))
    return reports


def count_unsettled(cluster: Cluster, pipeline: Pipeline, specs: Sequence[IndexSpec], now_ms: int) -> dict[str, int]:
    """Output of the plan → windows that a settling run would take up now; nothing is changed."""
    found: dict[str, int] = {}
    for spec in specs:
        for output in spec.windowed:
            run = SettleRun(cluster, pipeline, spec, output, now_ms, lambda: 0.0)
            try:
                found[output.name] = len(run.candidates(run.read_state().state, {}))
            except IndexPlanError:  # manage has not run yet: nothing is known
                found[output.name] = 0
    return found


def _guarded(run: SettleRun, work: Callable[[], None]) -> SettleReport:
    try:
        work()
    except IndexPlanError as error:
        run.report.problems.append(str(error))
        run.report.finished = False
    except OutOfTimeError:
        run.report.finished = False
    return run.report


class SettleRun:
    """One run for one output."""

    def __init__(
        self,
        cluster: Cluster,
        pipeline: Pipeline,
        spec: IndexSpec,
        output: PlanOutput,
        now_ms: int,
        time_left: TimeLeft,
    ) -> None:
        self.cluster, self.pipeline, self.spec, self.output = cluster, pipeline, spec, output
        self.now_ms, self.time_left = now_ms, time_left
        self.partials = Partials(cluster, spec, output.name)
        self.report = SettleReport(output.name, spec.index)
        self._plans = cache(self._load_plan)

    def run(self, audit: bool = False) -> None:
        """Settle, and audit once a day or when asked. Raises: IndexPlanError; OutOfTimeError."""
        state = self.read_state().state
        self.partials.refresh()
        mixed = find_mixed(self.partials, state.pinned)
        self.report.late = self._count_late(state)
        self._settle_all(state, mixed)
        if audit or self.now_ms - state.progress_of(self.output.name).audited_ms >= AUDIT_EVERY_MS:
            self.audit(state, mixed)
        self.report.finished = not self.report.problems

    # --- which windows -----------------------------------------------------------------------------------------------

    def candidates(self, state: OutputState, mixed: dict[str, MixedBatch]) -> list[int]:
        """The windows to settle, in order, without those whose settled index is gone."""
        progress = state.progress_of(self.output.name)
        windows = set(self.partials.windows(since(progress.checkpoint_ms)))
        windows |= mixed_windows(self.partials, mixed, progress.checkpoint_ms)
        unfinished = {"term": {"tally.final": False}}
        ended = before(self.now_ms - self.output.window_ms - self.spec.grace_ms + 1)
        windows.update(self.partials.windows(unfinished, ended, path=self.partials.settled_path))
        after = progress.cursor.window_ms if progress.cursor else -1
        return sorted(window for window in windows if window > after and window >= state.dropped_before_ms)

    def is_final(self, window_ms: int) -> bool:
        return self.now_ms >= window_ms + self.output.window_ms + self.spec.grace_ms

    def _past_grace_seconds(self, window_ms: int) -> float:
        return max(0.0, (self.now_ms - window_ms - self.output.window_ms - self.spec.grace_ms) / 1000)

    # --- settling ----------------------------------------------------------------------------------------------------

    def _settle_all(self, state: OutputState, mixed: dict[str, MixedBatch]) -> None:
        cursor = state.progress_of(self.output.name).cursor
        started_ms = cursor.started_ms if cursor else self.now_ms
        windows = self.candidates(state, mixed)
        done_ms = -1

        def reached(window_ms: int) -> None:
            nonlocal done_ms
            done_ms = window_ms

        try:
            self.settle_windows(windows, state, mixed, reached)
        except OutOfTimeError:
            left = [window for window in windows if window > done_ms]
            self.report.unsettled_seconds = self._past_grace_seconds(left[0]) if left else 0.0
            if done_ms >= 0:
                self._update_progress(lambda old: replace(old, cursor=Cursor(started_ms, done_ms)))
            raise
        if self.report.problems:
            return  # partials of a plan that nobody knows yet: their windows stay candidates
        self._update_progress(lambda old: replace(old, checkpoint_ms=max(old.checkpoint_ms, started_ms), cursor=None))

    def settle_windows(
        self,
        windows: Sequence[int],
        state: OutputState,
        mixed: dict[str, MixedBatch],
        reached: Callable[[int], None] = lambda _: None,
    ) -> dict[int, int]:
        """Read, merge and write some windows; window start → distinct partials.

        Args:
            reached: called with a window's start when that window and all before it are written.
        Raises: ClusterError: documents could not be written. OutOfTimeError.
        """
        settler = self._settler(mixed)
        writer = SettledWriter(self.cluster, self.spec.index, state)
        try:
            counts = self._settle_each(windows, settler, writer, reached)
        finally:  # what went has gone, also where the rest did not
            self.report.written += writer.written
            self.report.outrun += writer.outrun
        self.report.problems += [
            f"{count} partials of the unknown plan {plan}" for plan, count in settler.problems.items()
        ]
        return counts

    def _settle_each(
        self, windows: Sequence[int], settler: Settler, writer: SettledWriter, reached: Callable[[int], None]
    ) -> dict[int, int]:
        counts: dict[int, int] = {}
        at: int | None = None
        for window_ms, _, group in self.partials.read(windows):
            if at is not None and window_ms != at:
                self._check_time(writer, at, reached)
            self.report.windows += window_ms != at
            at = window_ms
            settled = settler.settle(window_ms, group)
            distinct = sum(document.source["tally"]["partials"] for document in settled)
            counts[window_ms] = counts.get(window_ms, 0) + distinct
            self.report.partials += len(group)
            writer.add(settled)
        writer.flush()
        if windows:
            reached(windows[-1])
        return counts

    def _check_time(self, writer: SettledWriter, window_ms: int, reached: Callable[[int], None]) -> None:
        if self.time_left() < RESERVE_SECONDS:
            writer.flush()
            reached(window_ms)
            raise OutOfTimeError

    def _settler(self, mixed: dict[str, MixedBatch]) -> Settler:
        return Settler(self.output.name, self._plans, self._plans(self.pipeline.plan_id), mixed, self.is_final)

    def _load_plan(self, plan_id: str) -> PlanOutputs:
        """An output under a plan. Raises: LookupError: the plan is not known any more, or has no such output."""
        pipeline = self.pipeline
        if plan_id != pipeline.plan_id:
            document = read_plan(self.cluster, plan_id)
            if document is None:
                raise LookupError(plan_id)
            pipeline = load_pipeline(document, ZoneInfo)
        output = pipeline.output(self.output.name)
        if not isinstance(output, WindowedOutput):
            raise LookupError(plan_id)
        return PlanOutputs(plan_id, output, shape_of(pipeline.document, self.output.name))

    # --- audit -------------------------------------------------------------------------------------------------------

    def audit(self, state: OutputState, mixed: dict[str, MixedBatch]) -> None:
        """Compare every window's partials with what its settled documents say, and settle what differs."""
        self._refresh_settled()
        counted = self.partials.counts(not_before(state.dropped_before_ms))
        said = self.partials.settled_counts()
        differing = sorted(window for window, count in counted.items() if said.get(window) != count)
        distinct = self.settle_windows(differing, state, mixed)
        # Twins (where no ingest pipeline gave them one id) are counted once by settling: they are no difference.
        self.report.audit_differences = sum(said.get(window) != count for window, count in distinct.items())
        self._update_progress(lambda old: replace(old, audited_ms=max(old.audited_ms, self.now_ms)))

    def _refresh_settled(self) -> None:
        self.cluster.request("POST", f"{self.partials.settled_path}/_refresh", params=LENIENT)

    # --- closing -----------------------------------------------------------------------------------------------------

    def settle_closed(self, index: str, start_ms: int, end_ms: int) -> None:
        """Settle every window of an index that is about to go, and verify what was written.

        Raises: IndexPlanError: the settled documents do not rest on all partials; OutOfTimeError.
        """
        state = self.read_state().state
        mixed = find_mixed(self.partials, state.pinned)
        inside = (not_before(start_ms), before(end_ms))
        windows = [window for window in self.partials.windows(*inside) if window >= state.dropped_before_ms]
        counts = self.settle_windows(windows, state, mixed)
        self._refresh_settled()
        said = self.partials.settled_counts(*inside)
        wrong = sorted(window for window, count in counts.items() if said.get(window) != count)
        if wrong or self.report.problems:
            raise IndexPlanError(f"{index} is kept: {len(wrong)} of its windows are not settled as their partials say")
        self._pin(index, mixed)

    def _pin(self, index: str, mixed: dict[str, MixedBatch]) -> None:
        """Keep the choice of batches of two plans that lose some of their partials now, and have others."""
        if not mixed:
            return
        here = {b["key"]["tally.batch_id"] for b in self.partials.composite(["tally.batch_id"], (), path=f"/{index}")}
        lost = {batch: (mixed[batch].plan_id, mixed[batch].partials) for batch in here & mixed.keys()}
        if lost:
            self.update_state(lambda old: replace(old, pinned={**old.pinned, **lost}))

    def _count_late(self, state: OutputState) -> int:
        checkpoint_ms = state.progress_of(self.output.name).checkpoint_ms
        body = {"query": {"bool": {"filter": [{"term": {"tally.output": self.output.name}}, since(checkpoint_ms)]}}}
        return int(self.cluster.request("POST", f"/late-{self.spec.index}-2*/_count", body, LENIENT).get("count") or 0)

    # --- the state ---------------------------------------------------------------------------------------------------

    def read_state(self) -> StoredState:
        answer = self.cluster.request("GET", f"/{STATE_INDEX}/_doc/{state_id(self.spec.index)}", ignore=(404,))
        stored = read_stored(answer if answer.get("found") else None)
        if stored.seq_no is None:
            raise IndexPlanError(f"{self.spec.index}: manage has not run yet (no state in {STATE_INDEX})")
        return stored

    def _update_progress(self, change: Callable[[Progress], Progress]) -> None:
        name = self.output.name
        self.update_state(lambda old: old.with_progress(name, change(old.progress_of(name))))

    def update_state(self, change: Callable[[OutputState], OutputState]) -> None:
        """Change the state as it is now; if another run changed it in between, again. Raises: ClusterError."""
        for attempt in range(STATE_TRIES):
            stored = self.read_state()
            new = change(stored.state)
            try:
                if new != stored.state:
                    put_state(self.cluster, self.spec.index, new, stored)
                return
            except ClusterError as error:
                if error.status != 409 or attempt == STATE_TRIES - 1:
                    raise
