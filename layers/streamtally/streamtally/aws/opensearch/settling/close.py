"""Closing: verifies the partials of days that accept no more documents once more, and deletes them.

The comparison is between what is there: the documents in the index about to be deleted, counted by the cluster, and
what the settled documents say. What was read in between proves nothing.

Only one run at a time closes a day, and claims it in the state document: so nobody can open the day for old logs
meanwhile, and a slow run cannot delete what was loaded later.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from streamtally.aws.opensearch.cluster import ClusterError
from streamtally.aws.opensearch.settling.aside import put_aside
from streamtally.aws.opensearch.settling.availability import refresh
from streamtally.aws.opensearch.settling.candidates import find_unsettled, read_settled_windows
from streamtally.aws.opensearch.settling.mixed import find_mixed
from streamtally.aws.opensearch.settling.partials import LENIENT
from streamtally.aws.opensearch.settling.queries import Query
from streamtally.aws.opensearch.settling.settle_run import SettleRun
from streamtally.aws.opensearch.settling.settle_windows import WindowsDone, settle_windows
from streamtally.aws.opensearch.stored_state import update_output_state
from streamtally.errors import IndexPlanError
from streamtally.indices.ingest import read_closed_before
from streamtally.indices.load_entries import SETTLE_DOWN_MS, Claim
from streamtally.indices.loads import held
from streamtally.indices.names import IndexName, parse_index_name
from streamtally.indices.settling.plan_choice import MixedBatch
from streamtally.indices.settling.settled import Aside
from streamtally.indices.state import OutputState
from streamtally.times.iso import to_iso

INDICES_A_RUN = 10  # the oldest first: all of them are verified before one is deleted


def close_spec(runs: Sequence[SettleRun]) -> None:
    """Settle every closed window once more, verify, delete the partials.

    Raises: IndexPlanError: an index is kept, and why. OutOfTimeError.
    """
    run, name = runs[0], uuid.uuid4().hex
    indices = _closed_indices(run)
    claimed = _claim(run, indices, name) if indices else []
    if not claimed:
        return
    try:
        _close(runs, claimed)
    finally:
        _release(run, name)


def _close(runs: Sequence[SettleRun], indices: Sequence[IndexName]) -> None:
    run = runs[0]
    names = ",".join(index.name for index in indices)
    # Firehose retries a rejected document, and then the inbox's pipeline sends it to the late index: so no partial can
    # be accepted between the last reading and the delete, whatever pipeline is in force.
    run.cluster.request("PUT", f"/{names}/_settings", {"index": {"blocks": {"write": True}}})
    run.cluster.request("POST", f"/{names}/_refresh")
    for index in indices:
        for output_run in runs:
            settle_closed(output_run, index.name)
        _check_strangers(runs, index.name)
    for index in indices:  # only now: a failure before this line has deleted nothing
        run.cluster.request("DELETE", f"/{index.name}", ignore=(404,))
        run.report.deleted.append(index.name)


def _claim(run: SettleRun, indices: Sequence[IndexName], name: str) -> list[IndexName]:
    """The indices that this run may close: no load holds them open, and no other run is closing them."""
    claimed: list[IndexName] = []

    def change(old: OutputState) -> OutputState:
        claimed[:] = [index for index in indices if _is_free(old, index, run.now_ms)][:INDICES_A_RUN]
        mine = {index.name: (_span(index), Claim(name, run.now_ms)) for index in claimed}
        return replace(old, closing={**old.closing, **mine})

    update_output_state(run.cluster, run.spec.index, change)
    return claimed


def _is_free(state: OutputState, index: IndexName, now_ms: int) -> bool:
    if held(state, _span(index), now_ms):
        return False
    _, claim = state.closing.get(index.name, (None, None))
    # A run that was killed never releases its claim; after this long it can no longer be alive.
    return claim is None or now_ms >= claim.claimed_ms + SETTLE_DOWN_MS


def _release(run: SettleRun, name: str) -> None:
    def change(old: OutputState) -> OutputState:
        kept = {index: (span, claim) for index, (span, claim) in old.closing.items() if claim.run != name}
        return replace(old, closing=kept)

    try:
        update_output_state(run.cluster, run.spec.index, change)
    except ClusterError as error:  # another run takes over after 15 minutes
        run.report.add_problem(f"the indices being closed stay claimed: {error}")


def _span(index: IndexName) -> tuple[int, int]:
    assert index.period is not None  # noqa: S101 (only indices with a period are chosen)
    return index.period.start_ms, index.period.end_ms


def _closed_indices(run: SettleRun) -> list[IndexName]:
    """Partials' indices whose time has been closed for 15 minutes, by the pipeline in force."""
    state = run.latest_state()
    if run.now_ms < state.closed_at_ms + SETTLE_DOWN_MS:
        return []
    inbox = run.spec.inbox
    pipelines = run.cluster.request("GET", f"/_ingest/pipeline/{inbox}", ignore=(404,))
    in_force = read_closed_before(pipelines.get(inbox), run.spec.index)
    if in_force is None or in_force < state.closed_before_ms:
        return []  # manage corrects it, and the waiting time starts again
    params = {**LENIENT, "filter_path": "*.settings.index.uuid"}
    answer = run.cluster.request("GET", run.partials.path, params=params)
    names = [parse_index_name(name, run.spec.index) for name in sorted(answer)]
    closed = [name for name in names if name and name.kind == "partials"]
    return [name for name in closed if name.period and name.period.end_ms <= state.closed_before_ms]


def settle_closed(run: SettleRun, index: str) -> None:
    """Settle every window of an index about to be deleted, and verify what was written.

    Raises: IndexPlanError: the settled documents do not rest on all partials; OutOfTimeError.
    """
    state = run.read_state()
    mixed = find_mixed(run.partials, state.pinned)
    counts = _count(run, index, state)
    windows = find_unsettled(run.partials, counts, mixed, run.pipeline.plan_id, run.is_final)
    done = WindowsDone()
    if settle_windows(run, windows, counts, state, mixed, done):
        raise IndexPlanError(f"{index} is kept: not all of its windows could be settled")
    put_aside(run, index, done.aside)
    refresh(run.partials)
    wrong = _differing(run, index, state, done.aside)
    if wrong:
        raise IndexPlanError(
            f"{index} is kept: {len(wrong)} of its windows, from {to_iso(wrong[0])} on, are not settled as their "
            "partials say"
        )
    _pin(run, index, mixed)


def _count(run: SettleRun, index: str, state: OutputState) -> dict[int, int]:
    """Window start → documents in an index, for windows whose settled index is not dropped."""
    counts = run.partials.counts(path=f"/{index}")
    return {window: count for window, count in counts.items() if window >= state.dropped_before_ms}


def _differing(run: SettleRun, index: str, state: OutputState, aside: Sequence[Aside]) -> list[int]:
    """Windows of an index whose settled documents do not rest on all partials except those set aside."""
    counts = _count(run, index, state)
    windows = sorted(counts)
    settled = {window: known.partials for window, known in read_settled_windows(run.partials, windows).items()}
    differing = [window for window in windows if settled.get(window) != counts[window]]
    without: dict[int, set[str]] = {}
    for partial in aside:
        if partial.partial_id:
            without.setdefault(partial.window_ms, set()).add(partial.partial_id)
    distinct: dict[int, int] = {}
    for spans, _ in run.partials.in_spans(differing):
        distinct.update(run.partials.distinct(spans, path=f"/{index}"))
    return [w for w in differing if settled.get(w, 0) != distinct.get(w, 0) - len(without.get(w, ()))]


def _check_strangers(runs: Sequence[SettleRun], index: str) -> None:
    """Check that every document of an index is in a window of an output of the plan, or settled under an earlier one.

    Raises: IndexPlanError: the index is kept: nothing would count these documents.
    """
    run = runs[0]
    known: list[Query] = [
        {
            "bool": {
                "filter": [{"term": {"tally.output": other.output.name}}, {"exists": {"field": "tally.window_start"}}]
            }
        }
        for other in runs
    ]
    strangers: Query = {"bool": {"must_not": known}}
    count = run.cluster.request("POST", f"/{index}/_count", {"query": strangers})["count"]
    if not count:
        return
    by_output = {"size": 0, "query": strangers, "aggs": {"o": {"terms": {"field": "tally.output", "size": 20}}}}
    answer = run.cluster.request("POST", f"/{index}/_search", by_output)
    names = [str(bucket["key"]) for bucket in answer["aggregations"]["o"]["buckets"]]
    left = count - sum(_count_settled_elsewhere(run, index, name) for name in names)
    if left:
        raise IndexPlanError(
            f"{index} is kept: {left} of its documents belong to no output of the plan "
            f"({', '.join(names) or 'no name'}): deploy the plan that has it, or delete the index"
        )


def _count_settled_elsewhere(run: SettleRun, index: str, output: str) -> int:
    """Documents of another output in an index, if that output's settled documents rest on all of them; else 0."""
    partials = replace(run.partials, output=output)
    counts = partials.counts(path=f"/{index}")
    settled = read_settled_windows(partials, sorted(counts))
    whole = all(window in settled and settled[window].partials == count for window, count in counts.items())
    return sum(counts.values()) if whole else 0


def _pin(run: SettleRun, index: str, mixed: Mapping[str, MixedBatch]) -> None:
    """Store the choice for mixed batches that lose some of their partials now and keep others elsewhere."""
    if not mixed:
        return
    here = {b["key"]["tally.batch_id"] for b in run.partials.composite(["tally.batch_id"], (), path=f"/{index}")}
    lost = {batch: (mixed[batch].plan_id, mixed[batch].partials) for batch in here & mixed.keys()}
    if lost:
        update_output_state(run.cluster, run.spec.index, lambda old: replace(old, pinned={**old.pinned, **lost}))
