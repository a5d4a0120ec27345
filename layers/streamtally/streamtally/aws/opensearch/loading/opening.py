"""Opens the spans of a load: all of them, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from streamtally.aws.opensearch.loading.counting import count_partials, count_settled
from streamtally.aws.opensearch.loading.load_run import LoadRun
from streamtally.aws.opensearch.loading.replacing import put_pipeline, replace_spans, to_spans
from streamtally.aws.opensearch.settling.availability import refresh
from streamtally.aws.opensearch.settling.partials import Partials
from streamtally.aws.opensearch.stored_state import read_output_state, update_output_state
from streamtally.errors import IndexPlanError, StreamtallyError
from streamtally.indices.load_entries import Load
from streamtally.indices.loads import check_edges, describe_spans, is_loaded, opened, to_runs
from streamtally.indices.observed import Observed
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState

Earlier = dict[str, Load | None]
"""Index → the entry of an earlier run of this load; None: there was none."""


def open_load(load: LoadRun, observed: Observed, replace_span: bool, agree: Callable[[str], None]) -> None:
    """Open all spans, or none.

    Args:
        replace_span: whether counts that are closed may be recomputed.
        agree: asks whether these spans may be recomputed, and raises if not.
    Raises: IndexPlanError: a closed span has counts, or is being closed; nothing was loaded.
    """
    earlier: Earlier = {}
    try:
        for spec in load.touched:
            _open_output(load, spec, observed, earlier)
        refused = {spec.index: _find_refused(load, spec) for spec in load.touched}
        if not replace_span:
            _leave_out_loaded(load, refused, earlier)
        _ask(load, refused, replace_span, agree)
    except (StreamtallyError, KeyboardInterrupt):
        _withdraw(load, earlier)
        raise
    load.is_open = True
    for entry in earlier.values():
        if entry:
            load.delete_pipeline(entry.run)
    put_pipeline(load)
    for spec in load.touched:
        replace_spans(load, spec, refused[spec.index])


def _open_output(load: LoadRun, spec: IndexSpec, observed: Observed, earlier: Earlier) -> None:
    verdict = load.judge(spec, observed)
    entry = Load(load.contents[spec.index].spans(), load.run, load.now())

    def change(old: OutputState) -> OutputState:
        previous = old.loads.get(load.load_id)
        if previous is None or previous.run != load.run:  # if an answer was lost, this is called again
            earlier[spec.index] = previous
        new = opened(old, load.load_id, entry)
        mark = new.dropped_before_ms if verdict.lower_mark is None else verdict.lower_mark
        return replace(new, dropped_before_ms=min(new.dropped_before_ms, mark))

    try:
        update_output_state(load.cluster, spec.index, change)
    except IndexPlanError:
        earlier.pop(spec.index, None)
        raise


def _withdraw(load: LoadRun, earlier: Mapping[str, Load | None]) -> None:
    """Undo the opening: this run has written nothing."""
    for index, entry in earlier.items():

        def change(old: OutputState, entry: Load | None = entry) -> OutputState:
            own = old.loads.get(load.load_id)
            if own is None or own.run != load.run:
                return old
            others = {name: other for name, other in old.loads.items() if name != load.load_id}
            return replace(old, loads={**others, **({load.load_id: entry} if entry else {})})

        update_output_state(load.cluster, index, change)


def _leave_out_loaded(load: LoadRun, refused: dict[str, set[int]], earlier: Earlier) -> None:
    """Leave out an index that was closed with exactly the documents of this load."""
    for spec in list(load.touched):
        index = spec.index
        entry = earlier.get(index)
        if refused[index] and _is_loaded(load, index, entry) and _is_settled(load, spec):
            _withdraw(load, {index: earlier.pop(index)})
            load.touched.remove(spec)
            load.loaded[index] = entry.released_ms if entry else 0
            refused[index] = set()


def _is_loaded(load: LoadRun, index: str, entry: Load | None) -> bool:
    return is_loaded(read_output_state(load.cluster, index).state, entry, load.contents[index].digest)


def _windows_of_outputs(load: LoadRun, spec: IndexSpec) -> Iterator[tuple[Partials, set[int]]]:
    """The partials of each windowed output, and the windows that the load has for it."""
    for output in spec.windowed:
        windows = load.contents[spec.index].windows.get(output.name, set())
        yield Partials(load.cluster, spec, output.name, output.window_ms), windows


def _is_settled(load: LoadRun, spec: IndexSpec) -> bool:
    """Whether every window of the load has counts: no index has been deleted since."""
    for partials, windows in _windows_of_outputs(load, spec):
        for span in to_runs(windows):
            settled = count_settled(partials, span)
            if not all(settled.get(window) for window in windows if span[0] <= window < span[1]):
                return False
    return True


def _find_refused(load: LoadRun, spec: IndexSpec) -> set[int]:
    """Windows of the load that rest on deleted partials: more were settled than are there."""
    refused: set[int] = set()
    for partials, windows in _windows_of_outputs(load, spec):
        refresh(partials)
        for span in to_runs(windows):
            present, settled = count_partials(partials, span), count_settled(partials, span)
            refused |= {window for window in windows if settled.get(window, 0) > present.get(window, 0)}
    return refused


def _ask(load: LoadRun, refused: Mapping[str, set[int]], replace_span: bool, agree: Callable[[str], None]) -> None:
    """Ask whether closed counts may be recomputed. Raises: IndexPlanError: that was not requested."""
    closed = [
        f"{index}: {describe_spans(to_spans(load, index, windows))} ({len(windows):,} windows)"
        for index, windows in refused.items()
        if windows
    ]
    if not closed:
        return
    if not replace_span:
        text = f"closed with counts, to which nothing can be added: {'; '.join(closed)}: nothing was loaded"
        raise IndexPlanError(f"{text}; --replace-span recomputes counts and lines of that span from these logs alone")
    for spec in load.touched:
        check_edges(spec.index, spec.windowed, to_spans(load, spec.index, refused[spec.index]))
    agree("; ".join(closed))
