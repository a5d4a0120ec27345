"""Settles the windows of a load, verifies them, and releases its spans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from streamtally.aws.opensearch.loading.counting import count_partials, count_settled, days_of
from streamtally.aws.opensearch.loading.load_run import AGAIN, LoadRun
from streamtally.aws.opensearch.settling.availability import refresh
from streamtally.aws.opensearch.settling.candidates import count_windows, find_unsettled
from streamtally.aws.opensearch.settling.mixed import find_mixed, windows_of
from streamtally.aws.opensearch.settling.settle_run import SettleRun
from streamtally.aws.opensearch.settling.settle_windows import settle_windows
from streamtally.aws.opensearch.stored_state import update_output_state
from streamtally.errors import IndexPlanError
from streamtally.indices.load_entries import Span, overlaps
from streamtally.indices.loads import describe_spans, released, to_runs
from streamtally.indices.settling.plan_choice import MixedBatch
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState

TIME_LIMIT_SECONDS = 3_600.0


def _an_hour() -> float:
    return TIME_LIMIT_SECONDS


def settle_load(load: LoadRun, time_left: Callable[[], float] = _an_hour) -> None:
    """Settle every window of the load and verify it, then release the spans: closing then goes on as usual.

    Args: time_left: in seconds; without any, no further window is settled.
    Raises: IndexPlanError: not all of it is settled.
    """
    for spec in load.touched:
        for output in spec.windowed:
            run = SettleRun(load.cluster, load.pipeline, spec, output, load.now(), time_left)
            _settle_output(load, run)
    load.delete_pipeline()
    for spec in load.touched:
        _release(load, spec)
    load.is_open = False


def _settle_output(load: LoadRun, run: SettleRun) -> None:
    index, name = run.spec.index, run.output.name
    state = run.read_state()
    entry = load.own_entry(state, index)
    refresh(run.partials)
    mixed = find_mixed(run.partials, state.pinned)
    put: dict[int, int] = {}
    for span in days_of(entry.spans):
        present = count_partials(run.partials, span)
        put.update(present)
        _settle_counted(run, present, state, mixed)
    if mixed:  # the choice between two plans holds for all windows of a batch, also where nothing was loaded now
        counts = count_windows(run.partials, sorted(windows_of(run.partials, sorted(mixed))))
        _settle_counted(run, counts, state, mixed)
    refresh(run.partials)
    wrong = [window for span in days_of(entry.spans) for window in _differing(load, run, span, put)]
    if wrong:
        spans = describe_spans(to_runs(wrong))
        why = "".join(f"; {problem}" for problem in run.report.problems)
        raise IndexPlanError(f"{name}: {len(wrong)} windows of {spans} are not settled as loaded{why}; {AGAIN}")
    load.problems += [f"{name}: {problem}" for problem in run.report.problems]


def _settle_counted(
    run: SettleRun, counts: Mapping[int, int], state: OutputState, mixed: Mapping[str, MixedBatch]
) -> None:
    windows = find_unsettled(run.partials, counts, mixed, run.pipeline.plan_id, run.is_final)
    settle_windows(run, windows, counts, state, mixed)


def _differing(load: LoadRun, run: SettleRun, span: Span, put: Mapping[int, int]) -> Iterator[int]:
    """Windows whose settled documents do not rest on exactly what was put: too little, or what was replaced.

    Where a stream or another load continues there may be more by now, which their next settling run settles.
    """
    state = run.read_state()
    entry = load.own_entry(state, run.spec.index)
    present, settled = count_partials(run.partials, span), count_settled(run.partials, span)
    others = [other.spans for name, other in state.loads.items() if name != load.load_id and other.is_open]
    for window in present.keys() | settled.keys():
        is_alone = window < state.closed_before_ms and not any(
            overlaps(spans, (window, window + 1)) for spans in others
        )
        is_own = window in put or any(start <= window < end for start, end in entry.replaced)
        is_less = settled.get(window, 0) < put.get(window, 0)
        if is_less or (is_own and is_alone and settled.get(window, 0) != present.get(window, 0)):
            yield window


def _release(load: LoadRun, spec: IndexSpec) -> None:
    digest = load.contents[spec.index].digest

    def change(old: OutputState) -> OutputState:
        return released(load.checked(old, spec.index), load.load_id, digest, load.now())

    update_output_state(load.cluster, spec.index, change)
