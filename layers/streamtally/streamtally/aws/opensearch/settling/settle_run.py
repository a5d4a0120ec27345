"""The context of one settling run of one output: what `settle_output`, `audit` and `close` work on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from streamtally.aws.clock import TimeLeft
from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.settling.candidates import Candidates, choose_candidates
from streamtally.aws.opensearch.settling.groups import Way
from streamtally.aws.opensearch.settling.known_plans import KnownPlans
from streamtally.aws.opensearch.settling.merge import merge_groups
from streamtally.aws.opensearch.settling.partials import Partials
from streamtally.aws.opensearch.settling.settle_report import OutOfTimeError, SettleReport
from streamtally.aws.opensearch.stored_state import read_output_state, update_progress
from streamtally.aws.opensearch.transport.retries import RESERVE_SECONDS
from streamtally.indices.observed import StoredState
from streamtally.indices.settling.plan_choice import MixedBatch
from streamtally.indices.spec import IndexSpec, PlanOutput
from streamtally.indices.state import OutputState, Progress
from streamtally.transform.pipeline import Pipeline


@dataclass
class SettleRun:
    """One run for one output."""

    cluster: Cluster
    pipeline: Pipeline
    spec: IndexSpec
    output: PlanOutput
    now_ms: int
    """The time of the run's start."""
    time_left: TimeLeft
    way: Way = merge_groups
    """How windows become settled documents."""
    partials: Partials = field(init=False)
    plans: KnownPlans = field(init=False)
    report: SettleReport = field(init=False)
    _latest: OutputState | None = field(default=None, init=False)
    _stored: StoredState | None = field(default=None, init=False)
    """The state as last read, until this run changes it."""

    def __post_init__(self) -> None:
        name = self.output.name
        self.partials = Partials(
            self.cluster, self.spec, name, self.output.window_ms, self.check_time, lambda: -self.time_left()
        )
        self.plans = KnownPlans(self.cluster, self.pipeline, name)
        self.report = SettleReport(name, self.spec.index)

    def choose_candidates(self, state: OutputState, mixed: Mapping[str, MixedBatch]) -> Candidates:
        """The windows to settle. Raises: ClusterError."""
        ended_before_ms = self.now_ms - self.output.window_ms - self.spec.grace_ms + 1
        return choose_candidates(self.partials, state, mixed, self.pipeline.plan_id, self.is_final, ended_before_ms)

    def is_final(self, window_ms: int) -> bool:
        """Whether a window's grace has passed."""
        return self.now_ms >= window_ms + self.output.window_ms + self.spec.grace_ms

    def age_seconds(self, windows: Sequence[int]) -> float:
        """How far past its grace the oldest of some windows is; 0 if none is."""
        ages = (self.now_ms - window - self.output.window_ms - self.spec.grace_ms for window in windows)
        return max(0, *ages, 0) / 1000

    def check_time(self) -> None:
        """Raises: OutOfTimeError: only the time that the checkpoint needs is left."""
        if self.time_left() < RESERVE_SECONDS:
            raise OutOfTimeError

    def read_state(self) -> OutputState:
        """The output's state as it is now. Raises: IndexPlanError."""
        self._stored = read_output_state(self.cluster, self.spec.index)
        return self._stored.state

    def update_progress(self, change: Callable[[Progress], Progress]) -> None:
        """Change how far settling is with this output. Raises: ClusterError."""
        known, self._stored = self._stored, None
        self._latest = update_progress(self.cluster, self.spec.index, self.output.name, change, known)

    def latest_state(self) -> OutputState:
        """The state as this run left it; a change to it is checked again under optimistic concurrency."""
        return self._latest or self.read_state()
