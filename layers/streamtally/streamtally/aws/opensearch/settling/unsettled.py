"""How many windows a settling run would process now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.settling.availability import describe_closed, find_closed_indices
from streamtally.aws.opensearch.settling.settle_run import SettleRun
from streamtally.errors import IndexPlanError
from streamtally.indices.spec import IndexSpec
from streamtally.transform.pipeline import Pipeline


@dataclass
class Unsettled:
    """Windows that a settling run would process."""

    windows: dict[str, int | None] = field(default_factory=dict)
    """Output of the plan → how many; None: unknown."""
    problems: list[str] = field(default_factory=list)
    """Why a number is unknown, or which windows it leaves out, one line each."""


def count_unsettled(cluster: Cluster, pipeline: Pipeline, specs: Sequence[IndexSpec], now_ms: int) -> Unsettled:
    """What a settling run would process now; changes nothing, and a failure is never reported as nothing to do."""
    unsettled = Unsettled()
    for spec in specs:
        for output in spec.windowed:
            run = SettleRun(cluster, pipeline, spec, output, now_ms, lambda: 0.0)
            try:
                candidates = run.choose_candidates(run.read_state(), {})
                unsettled.windows[output.name] = len(candidates.windows) + len(candidates.empty)
                closed = find_closed_indices(run.partials, run.read_state().closed_before_ms)
                unsettled.problems += [f"{output.name}: {describe_closed(closed)}"] if closed else []
            except IndexPlanError as error:
                unsettled.windows[output.name] = None
                unsettled.problems.append(f"the windows to settle are not known: {output.name}: {error}")
    return unsettled
