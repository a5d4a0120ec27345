"""The settling run of one output: which windows, their partials read, merged and written; audit, state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from streamtally.aws.opensearch.apply import TimeLeft
from streamtally.aws.opensearch.candidates import Candidates, choose_candidates
from streamtally.aws.opensearch.cluster import NO_TIME, Cluster, ClusterError
from streamtally.aws.opensearch.groups import Way, Work
from streamtally.aws.opensearch.merge import merge_groups
from streamtally.aws.opensearch.mixed import find_mixed
from streamtally.aws.opensearch.observe import read_plan
from streamtally.aws.opensearch.pace import RESERVE_SECONDS
from streamtally.aws.opensearch.partials import LENIENT, Partials, Place, since
from streamtally.aws.opensearch.state import read_output_state, update_progress
from streamtally.aws.opensearch.writer import SettledWriter
from streamtally.errors import PlanError
from streamtally.indices.names import MS_PER_DAY
from streamtally.indices.observed import StoredState
from streamtally.indices.settling import Aside, MixedBatch, PlanOutputs, Settler, shape_of
from streamtally.indices.spec import IndexSpec, PlanOutput
from streamtally.indices.state import Cursor, OutputState, Progress
from streamtally.plan.windowed import WindowedOutput
from streamtally.times.iso import to_iso
from streamtally.transform.pipeline import Pipeline, load_pipeline

AUDIT_EVERY_MS = MS_PER_DAY


@dataclass
class SettleReport:
    """What a settling run did for one output of the plan.

    Attributes:
        windows, partials: settled, and how many partials these have; skipped: windows that were settled as they are.
        fetched: partials that the run read itself; the others were merged by the cluster.
        finished: all candidates were taken up, and the checkpoint has moved. There may still be problems of windows.
        unsettled_seconds: how far past its grace the oldest window is that is not settled; None: the run failed before
            it could be asked. Set before settling, so it holds for a run that fails; 0 after one that settled all.
        problems: one line each.
    """

    output: str
    index: str
    windows: int = 0
    skipped: int = 0
    partials: int = 0
    fetched: int = 0
    written: int = 0
    outrun: int = 0
    finished: bool = False
    unsettled_seconds: float | None = None
    late: int = 0
    audit_differences: int = 0
    deleted: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add_problem(self, text: str) -> None:
        """A line, if it is not there yet."""
        if text not in self.problems:
            self.problems.append(text)


class OutOfTimeError(Exception):
    """The time limit is near: the run stops, and the next one goes on. Never leaves this module."""


def describe_closed(names: Sequence[str]) -> str:
    """One line about indices that somebody has closed."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"closed, and so not read: {', '.join(names[:3])}{more}: open it (POST /{names[0]}/_open)"


Audit = Callable[["SettleRun", OutputState, dict[str, MixedBatch]], None]
"""Compares every window with its partials; handed to the run, by which it settles what differs."""


class SettleRun:
    """One run for one output.

    Args: way: how windows become settled documents (`opensearch_groups`).
    """

    def __init__(
        self,
        cluster: Cluster,
        pipeline: Pipeline,
        spec: IndexSpec,
        output: PlanOutput,
        now_ms: int,
        time_left: TimeLeft,
        way: Way = merge_groups,
    ) -> None:
        self.cluster, self.pipeline, self.spec, self.output = cluster, pipeline, spec, output
        self.now_ms, self.time_left, self.way = now_ms, time_left, way
        clock = lambda: -time_left()  # noqa: E731 (only differences are taken of it)
        self.partials = Partials(cluster, spec, output.name, output.window_ms, self.check_time, clock)
        self.report = SettleReport(output.name, spec.index)
        self._known: dict[str, PlanOutputs | None] = {}
        self._latest: OutputState | None = None
        self._stored: StoredState | None = None  # as it was read last, until this run changes it

    def run(self, audit: Audit, with_audit: bool = False) -> None:
        """Settle, and audit once a day or when asked. Raises: IndexPlanError; OutOfTimeError."""
        state = self.read_state()
        self.partials.refresh()
        mixed = find_mixed(self.partials, state.pinned)
        candidates = self.candidates(state, mixed)
        self.report.unsettled_seconds = self._age_seconds([*candidates.windows, *candidates.empty])
        self.report.late = self._count_late(state)
        shut = self._report_closed(state)
        held = self._settle_candidates(candidates, state, mixed, shut)
        if with_audit or self.now_ms - state.progress_of(self.output.name).audited_ms >= AUDIT_EVERY_MS:
            audit(self, state, mixed)
        self.report.finished = not held

    def candidates(self, state: OutputState, mixed: Mapping[str, MixedBatch]) -> Candidates:
        """The windows to settle."""
        ended = self.now_ms - self.output.window_ms - self.spec.grace_ms + 1
        return choose_candidates(self.partials, state, mixed, self.pipeline.plan_id, self.is_final, ended)

    def is_final(self, window_ms: int) -> bool:
        return self.now_ms >= window_ms + self.output.window_ms + self.spec.grace_ms

    def check_time(self) -> None:
        """Raises: OutOfTimeError: only what the checkpoint needs is left."""
        if self.time_left() < RESERVE_SECONDS:
            raise OutOfTimeError

    def _age_seconds(self, windows: Sequence[int]) -> float:
        """How far past its grace the oldest of some windows is; 0 where none is."""
        ages = (self.now_ms - window - self.output.window_ms - self.spec.grace_ms for window in windows)
        return max(0, *ages, 0) / 1000

    # --- settling ----------------------------------------------------------------------------------------------------

    def _report_closed(self, state: OutputState) -> bool:
        """Name the indices that are closed, and so cannot be read; whether there are some."""
        closed = self.partials.closed_indices(state.closed_before_ms)
        if closed:
            self.report.add_problem(describe_closed(closed))
        return bool(closed)

    def _settle_candidates(
        self, candidates: Candidates, state: OutputState, mixed: Mapping[str, MixedBatch], shut: bool
    ) -> bool:
        """Settle them and move the mark; whether windows are held, so that it must not move.

        Args: shut: there are indices that cannot be read, so windows may be held that nobody sees.
        """
        cursor = state.progress_of(self.output.name).cursor
        started_ms = cursor.started_ms if cursor else self.now_ms
        self.report.skipped = candidates.skipped
        after = (cursor.window_ms, cursor.group) if cursor else None
        place: Place | None = None

        def reached(at: Place) -> None:
            nonlocal place
            place = at

        try:
            held = self.settle_windows(candidates.windows, candidates.counts, state, mixed, {}, after, reached)
        except OutOfTimeError:
            if place:
                goes_on = Cursor(started_ms, *place)
                self.update_progress(lambda old: replace(old, cursor=goes_on))
                left = [window for window in candidates.windows if window >= goes_on.window_ms]
                self.report.unsettled_seconds = self._age_seconds([*left, *candidates.empty])
            raise
        if candidates.empty:
            self.report.add_problem(
                f"{len(candidates.empty)} windows from {to_iso(candidates.empty[0])} on are settled but not final, and "
                f"have no partials any more: an index of {self.partials.path[1:]} was deleted, closed or replaced"
            )
        if held or shut:
            if cursor:  # the next run takes up all candidates again, not only those after the place of the cut
                self.update_progress(lambda old: replace(old, cursor=None))
            return True
        self.report.unsettled_seconds = self._age_seconds(candidates.empty)
        self.update_progress(lambda old: replace(old, checkpoint_ms=max(old.checkpoint_ms, started_ms), cursor=None))
        return False

    def settle_windows(
        self,
        windows: Sequence[int],
        counts: Mapping[int, int],
        state: OutputState,
        mixed: Mapping[str, MixedBatch],
        settled: dict[int, int],
        after: Place | None = None,
        reached: Callable[[Place], None] = lambda _: None,
        aside: list[Aside] | None = None,
    ) -> bool:
        """Read, merge and write some windows; whether some of them must be taken up again by the next run.

        Args:
            counts: window start → partial documents that are there at least.
            settled: takes window start → distinct partials, of each window that was written whole.
            after: begin after this place.
            reached: called with the place up to which everything is written, when time is out.
            aside: takes what could not be settled, if asked for.
        Raises: ClusterError: documents could not be written. OutOfTimeError.
        """
        settler = Settler(
            self.output.name, self._plan, self._plan(self.pipeline.plan_id), mixed, self.is_final, self.now_ms
        )
        writer = SettledWriter(self.cluster, self.spec.index, state)
        try:
            read = self._write_groups(Work(self.partials, settler, windows, counts, after), writer, settled, reached)
        finally:  # what went has gone, also where the rest did not
            self.report.written += writer.written
            self.report.outrun += writer.outrun
            self._report_settler(settler)
            if aside is not None:
                aside += settler.aside
        for line in writer.refused_lines():
            self.report.add_problem(line)
        whole = [window for window in windows if after is None or window > after[0]]
        short = [window for window in whole if read.get(window, 0) < counts.get(window, 1)]
        if short:
            self.report.add_problem(
                f"{len(short)} windows from {to_iso(short[0])} on were not read whole: {read.get(short[0], 0)} of "
                f"{counts.get(short[0], 1)} partials of the first"
            )
        return bool(short or settler.held)

    def _write_groups(
        self, work: Work, writer: SettledWriter, settled: dict[int, int], reached: Callable[[Place], None]
    ) -> dict[int, int]:
        """Window start → partial documents that its groups were made of."""
        read: dict[int, int] = {}
        distinct: dict[int, int] = {}
        place: Place | None = None
        try:
            for group in self.way(work):
                self.report.windows += group.window_ms not in read
                self.report.partials += group.partials
                self.report.fetched += group.fetched
                read[group.window_ms] = read.get(group.window_ms, 0) + group.partials
                count = sum(document.source["tally"]["partials"] for document in group.documents)
                distinct[group.window_ms] = distinct.get(group.window_ms, 0) + count
                writer.add(group.documents)
                place = group.window_ms, group.group_id
                self.check_time()
        except (OutOfTimeError, ClusterError) as error:
            # A request that the end of the run cut short says nothing of the cluster, if others were answered before.
            if isinstance(error, ClusterError) and error.kind != NO_TIME and not (place and self._is_cut(error)):
                raise
            writer.flush()
            if place:
                distinct.pop(place[0], None)
                settled.update(distinct)
                reached(place)
            raise OutOfTimeError from None
        writer.flush()
        settled.update(distinct)
        return read

    def _is_cut(self, error: ClusterError) -> bool:
        return error.status == 0 and self.time_left() < RESERVE_SECONDS + 1

    def _report_settler(self, settler: Settler) -> None:
        for plan_id, count in settler.held.items():
            self.report.add_problem(f"{count} partials of the unknown plan {plan_id}")
        reasons: dict[str, list[Aside]] = {}
        for aside in settler.aside:
            reasons.setdefault(aside.reason, []).append(aside)
        for reason, partials in reasons.items():
            first = partials[0]
            self.report.add_problem(
                f"{len(partials)} partials from window {to_iso(first.window_ms)} on are in no settled document: "
                f"{reason} ({first.partial_id[:64] or 'no id'})"
            )

    # --- plans -------------------------------------------------------------------------------------------------------

    def _plan(self, plan_id: str) -> PlanOutputs:
        """An output under a plan. Raises: LookupError: the plan is not known any more, or has no such output."""
        if plan_id not in self._known:
            self._known[plan_id] = self._load_plan(plan_id)
        known = self._known[plan_id]
        if known is None:
            raise LookupError(plan_id)
        return known

    def _load_plan(self, plan_id: str) -> PlanOutputs | None:
        pipeline = self.pipeline
        if plan_id != pipeline.plan_id:
            document = read_plan(self.cluster, plan_id)
            if document is None:
                return None
            try:
                pipeline = load_pipeline(document, ZoneInfo)
            except PlanError:  # of a version that this one does not understand
                return None
        output = pipeline.output(self.output.name)
        if not isinstance(output, WindowedOutput):
            return None
        return PlanOutputs(plan_id, output, shape_of(pipeline.document, self.output.name))

    def _count_late(self, state: OutputState) -> int:
        checkpoint_ms = state.progress_of(self.output.name).checkpoint_ms
        body = {"query": self.partials.query([since(checkpoint_ms)])}
        return int(self.cluster.request("POST", f"/late-{self.spec.index}-2*/_count", body, LENIENT)["count"])

    # --- the state ---------------------------------------------------------------------------------------------------

    def read_state(self) -> OutputState:
        self._stored = read_output_state(self.cluster, self.spec.index)
        return self._stored.state

    def update_progress(self, change: Callable[[Progress], Progress]) -> None:
        known, self._stored = self._stored, None
        self._latest = update_progress(self.cluster, self.spec.index, self.output.name, change, known)

    def latest_state(self) -> OutputState:
        """The state as this run left it; what acts on it asks again under optimistic concurrency."""
        return self._latest or self.read_state()
