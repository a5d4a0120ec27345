"""The audit: every window's partials beside what its settled documents say; what differs is settled."""

from __future__ import annotations

from dataclasses import replace

from streamtally.aws.opensearch.candidates import count_windows
from streamtally.aws.opensearch.partials import not_before
from streamtally.aws.opensearch.run import SettleRun
from streamtally.indices.settling import MixedBatch
from streamtally.indices.state import OutputState
from streamtally.times.iso import to_iso


def audit(run: SettleRun, state: OutputState, mixed: dict[str, MixedBatch]) -> None:
    """Compare all windows that are not dropped, settle those that differ, and note when that was done.

    Raises: ClusterError; OutOfTimeError: what was settled so far differs no more, and the next run goes on.
    """
    run.partials.refresh()
    counted = run.partials.counts(not_before(state.dropped_before_ms))
    said = {window: there.partials for window, there in run.partials.settled().items()}
    differing = sorted(w for w, count in counted.items() if said.get(w) != count and not state.is_clearing(w))
    settled: dict[int, int] = {}
    try:
        run.settle_windows(differing, counted, state, mixed, settled)
    finally:
        # Twins (where no ingest pipeline gave them one id) are counted once by settling: they are no difference.
        run.report.audit_differences += sum(said.get(window, 0) != count for window, count in settled.items())
    _report_missing(run, state, counted, said)
    run.update_progress(lambda old: replace(old, audited_ms=max(old.audited_ms, run.now_ms)))


def _report_missing(run: SettleRun, state: OutputState, counted: dict[int, int], said: dict[int, int]) -> None:
    """Windows that rest on more partials than are there, though only closing deletes partials."""
    first_ms = max(state.closed_before_ms, state.dropped_before_ms)
    fewer = sorted(w for w, count in said.items() if w >= first_ms and counted.get(w, 0) < count)
    # Between the two readings other runs may have settled what came in between: so those few are counted once more.
    there = count_windows(run.partials, fewer)
    missing = [window for window in fewer if there.get(window, 0) < said[window]]
    if missing:
        run.report.problems.append(
            f"{len(missing)} windows from {to_iso(missing[0])} on rest on more partials than are there: an index of "
            f"{run.partials.path[1:]} was deleted, closed or replaced; their counts stay as they are"
        )
