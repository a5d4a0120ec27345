"""Settling: which windows, their partials read, merged and written; closing and the daily audit.

Two runs may be at work at once, and one may be killed anywhere: documents are written by version, the checkpoint
moves only when a run has finished all its candidates, and nothing is deleted before what rests on it was verified.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from streamtally.aws.opensearch.apply import TimeLeft
from streamtally.aws.opensearch.audit import audit as audit_output
from streamtally.aws.opensearch.close import close_spec
from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.groups import Way
from streamtally.aws.opensearch.merge import merge_groups
from streamtally.aws.opensearch.run import OutOfTimeError, SettleReport, SettleRun, describe_closed
from streamtally.errors import IndexPlanError
from streamtally.indices.spec import IndexSpec
from streamtally.transform.pipeline import Pipeline


def settle(
    cluster: Cluster,
    pipeline: Pipeline,
    specs: Sequence[IndexSpec],
    now_ms: int,
    time_left: TimeLeft,
    audit: bool = False,
    way: Way = merge_groups,
) -> list[SettleReport]:
    """Settle every windowed output; a failure of one is in its report and never stops another.

    Args:
        now_ms: the time of the run's start.
        time_left: seconds left.
        audit: compare all windows now, not once a day.
        way: how windows become settled documents.
    """
    reports = []
    for spec in specs:
        runs = [SettleRun(cluster, pipeline, spec, output, now_ms, time_left, way) for output in spec.windowed]
        reports += [_guarded(run, partial(run.run, audit_output, audit)) for run in runs]
        if runs and all(run.report.finished for run in runs):
            _guarded(runs[0], partial(close_spec, runs))
    return reports


@dataclass
class Unsettled:
    """Windows that a settling run would take up.

    Attributes:
        windows: output of the plan → how many; None: it could not be asked.
        problems: why it could not, or which windows are not among them, one line each.
    """

    windows: dict[str, int | None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def count_unsettled(cluster: Cluster, pipeline: Pipeline, specs: Sequence[IndexSpec], now_ms: int) -> Unsettled:
    """What a settling run would take up now; nothing is changed, and no failure is taken for nothing to do."""
    unsettled = Unsettled()
    for spec in specs:
        for output in spec.windowed:
            run = SettleRun(cluster, pipeline, spec, output, now_ms, lambda: 0.0)
            try:
                candidates = run.candidates(run.read_state(), {})
                unsettled.windows[output.name] = len(candidates.windows) + len(candidates.empty)
                closed = run.partials.closed_indices(run.read_state().closed_before_ms)
                unsettled.problems += [f"{output.name}: {describe_closed(closed)}"] if closed else []
            except IndexPlanError as error:
                unsettled.windows[output.name] = None
                unsettled.problems.append(f"the windows to settle are not known: {output.name}: {error}")
    return unsettled


def _guarded(run: SettleRun, work: Callable[[], None]) -> SettleReport:
    try:
        work()
    except OutOfTimeError:
        run.report.finished = False
    except IndexPlanError as error:
        run.report.add_problem(str(error))
        run.report.finished = False
    except Exception as error:  # whatever an output raises is its own: the others are settled
        run.report.add_problem(f"{type(error).__name__}: {' '.join(str(error).split())[:500]}")
        run.report.finished = False
    return run.report
