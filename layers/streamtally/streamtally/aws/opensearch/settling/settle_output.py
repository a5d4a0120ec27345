"""Settles one output: which windows, then the windows, then the checkpoint, then the audit if it is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from streamtally.aws.opensearch.settling.audit import audit, is_audit_due
from streamtally.aws.opensearch.settling.availability import describe_closed, find_closed_indices, refresh
from streamtally.aws.opensearch.settling.candidates import Candidates
from streamtally.aws.opensearch.settling.mixed import find_mixed
from streamtally.aws.opensearch.settling.partials import LENIENT
from streamtally.aws.opensearch.settling.queries import since
from streamtally.aws.opensearch.settling.settle_report import OutOfTimeError
from streamtally.aws.opensearch.settling.settle_run import SettleRun
from streamtally.aws.opensearch.settling.settle_windows import WindowsDone, settle_windows
from streamtally.indices.settling.plan_choice import MixedBatch
from streamtally.indices.state import Cursor, OutputState
from streamtally.times.iso import to_iso


def settle_output(run: SettleRun, with_audit: bool = False) -> None:
    """Settle one output, and audit it once a day or when requested.

    Raises: IndexPlanError; OutOfTimeError.
    """
    state = run.read_state()
    refresh(run.partials)
    mixed = find_mixed(run.partials, state.pinned)
    candidates = run.choose_candidates(state, mixed)
    run.report.unsettled_seconds = run.age_seconds([*candidates.windows, *candidates.empty])
    run.report.late = _count_late(run, state)
    has_closed = _report_closed(run, state)
    is_held = _settle_candidates(run, candidates, state, mixed, has_closed)
    if with_audit or is_audit_due(run, state):
        audit(run, state, mixed)
    run.report.finished = not is_held


def _count_late(run: SettleRun, state: OutputState) -> int:
    checkpoint_ms = state.progress_of(run.output.name).checkpoint_ms
    body = {"query": run.partials.query([since(checkpoint_ms)])}
    return int(run.cluster.request("POST", f"/late-{run.spec.index}-2*/_count", body, LENIENT)["count"])


def _report_closed(run: SettleRun, state: OutputState) -> bool:
    """Report the indices that are closed, so cannot be read. Returns: whether there are any."""
    closed = find_closed_indices(run.partials, state.closed_before_ms)
    if closed:
        run.report.add_problem(describe_closed(closed))
    return bool(closed)


def _settle_candidates(
    run: SettleRun, candidates: Candidates, state: OutputState, mixed: Mapping[str, MixedBatch], has_closed: bool
) -> bool:
    """Settle the candidates and move the checkpoint.

    Args:
        has_closed: some indices cannot be read, so there may be windows that this run does not see.
    Returns: whether some windows are held, so that the checkpoint did not move.
    """
    cursor = state.progress_of(run.output.name).cursor
    started_ms = cursor.started_ms if cursor else run.now_ms
    run.report.skipped = candidates.skipped
    after = (cursor.window_ms, cursor.group) if cursor else None
    done = WindowsDone()
    try:
        is_held = settle_windows(run, candidates.windows, candidates.counts, state, mixed, done, after)
    except OutOfTimeError:
        if done.position:
            _keep_position(run, candidates, Cursor(started_ms, *done.position))
        raise
    if candidates.empty:
        run.report.add_problem(
            f"{len(candidates.empty)} windows from {to_iso(candidates.empty[0])} on are settled but not final, and "
            f"their partials are gone: an index of {run.partials.path[1:]} was deleted, closed or replaced"
        )
    if is_held or has_closed:
        if cursor:  # the next run processes all candidates again, not only those after the cursor
            run.update_progress(lambda old: replace(old, cursor=None))
        return True
    run.report.unsettled_seconds = run.age_seconds(candidates.empty)
    run.update_progress(lambda old: replace(old, checkpoint_ms=max(old.checkpoint_ms, started_ms), cursor=None))
    return False


def _keep_position(run: SettleRun, candidates: Candidates, cursor: Cursor) -> None:
    """Store where the next run continues."""
    run.update_progress(lambda old: replace(old, cursor=cursor))
    left = [window for window in candidates.windows if window >= cursor.window_ms]
    run.report.unsettled_seconds = run.age_seconds([*left, *candidates.empty])
