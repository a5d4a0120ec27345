"""The audit: compares every window's partials with what its settled documents say; settles what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from streamtally.aws.opensearch.settling.availability import refresh
from streamtally.aws.opensearch.settling.candidates import count_windows
from streamtally.aws.opensearch.settling.queries import not_before
from streamtally.aws.opensearch.settling.settle_run import SettleRun
from streamtally.aws.opensearch.settling.settle_windows import WindowsDone, settle_windows
from streamtally.indices.names import MS_PER_DAY
from streamtally.indices.settling.plan_choice import MixedBatch
from streamtally.indices.state import OutputState
from streamtally.times.iso import to_iso

AUDIT_EVERY_MS = MS_PER_DAY


def is_audit_due(run: SettleRun, state: OutputState) -> bool:
    """Whether a day has passed since the last audit."""
    return run.now_ms - state.progress_of(run.output.name).audited_ms >= AUDIT_EVERY_MS


def audit(run: SettleRun, state: OutputState, mixed: Mapping[str, MixedBatch]) -> None:
    """Compare all windows that are not dropped, settle those that differ, and store when that was done.

    Raises: ClusterError; OutOfTimeError: what was settled so far no longer differs, and the next run continues.
    """
    refresh(run.partials)
    counted = run.partials.counts(not_before(state.dropped_before_ms))
    settled = {window: documents.partials for window, documents in run.partials.settled().items()}
    differing = sorted(w for w, count in counted.items() if settled.get(w) != count and not state.is_clearing(w))
    done = WindowsDone()
    try:
        settle_windows(run, differing, counted, state, mixed, done)
    finally:
        # Duplicates (where no ingest pipeline gave them one id) are counted once by settling: they are no difference.
        run.report.audit_differences += sum(settled.get(w, 0) != count for w, count in done.distinct.items())
    _report_missing(run, state, counted, settled)
    run.update_progress(lambda old: replace(old, audited_ms=max(old.audited_ms, run.now_ms)))


def _report_missing(run: SettleRun, state: OutputState, counted: Mapping[int, int], settled: Mapping[int, int]) -> None:
    """Report windows that rest on more partials than are there, although only closing deletes partials."""
    first_ms = max(state.closed_before_ms, state.dropped_before_ms)
    fewer = sorted(w for w, count in settled.items() if w >= first_ms and counted.get(w, 0) < count)
    # Another run may have settled partials that arrived between the two readings, so these few are counted again.
    present = count_windows(run.partials, fewer)
    missing = [window for window in fewer if present.get(window, 0) < settled[window]]
    if missing:
        run.report.problems.append(
            f"{len(missing)} windows from {to_iso(missing[0])} on rest on more partials than are there: an index of "
            f"{run.partials.path[1:]} was deleted, closed or replaced; their counts stay unchanged"
        )
