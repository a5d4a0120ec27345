"""Settling: every windowed output is settled and audited, then what is due is closed.

Two runs may work at the same time, and one may be killed anywhere: documents are written by version, the checkpoint
moves only when a run has finished all its candidates, and nothing is deleted before what rests on it was verified.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from streamtally.aws.clock import TimeLeft
from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.settling.close import close_spec
from streamtally.aws.opensearch.settling.groups import Way
from streamtally.aws.opensearch.settling.merge import merge_groups
from streamtally.aws.opensearch.settling.settle_output import settle_output
from streamtally.aws.opensearch.settling.settle_report import OutOfTimeError, SettleReport
from streamtally.aws.opensearch.settling.settle_run import SettleRun
from streamtally.errors import IndexPlanError
from streamtally.indices.spec import IndexSpec
from streamtally.text import one_line
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
        reports += [_guarded(run, partial(settle_output, run, audit)) for run in runs]
        if runs and all(run.report.finished for run in runs):
            _guarded(runs[0], partial(close_spec, runs))
    return reports


def _guarded(run: SettleRun, work: Callable[[], None]) -> SettleReport:
    """The run's report after some work, with the failure as a problem if it failed."""
    try:
        work()
    except OutOfTimeError:
        run.report.finished = False
    except IndexPlanError as error:
        run.report.add_problem(str(error))
        run.report.finished = False
    except Exception as error:  # whatever one output raises: the others are settled
        run.report.add_problem(f"{type(error).__name__}: {one_line(error, 500)}")
        run.report.finished = False
    return run.report
