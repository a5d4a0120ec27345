"""Which windows a settling run processes, and which of those are settled already with the partials they have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from streamtally.aws.opensearch.settling.mixed import mixed_windows, windows_of
from streamtally.aws.opensearch.settling.partials import Partials, SettledWindow
from streamtally.aws.opensearch.settling.queries import before, remaining, since
from streamtally.indices.settling.plan_choice import MixedBatch
from streamtally.indices.state import Cursor, OutputState


@dataclass(frozen=True)
class Candidates:
    """The windows (starts in ms, in order) that a run processes."""

    windows: list[int]
    """To settle."""
    counts: Mapping[int, int]
    """Window start → partial documents when it was chosen."""
    skipped: int = 0
    """Windows whose settled documents rest on as many partials as are there."""
    empty: list[int] = field(default_factory=list)
    """Windows that are settled, not final, and have lost their partials although their time is not closed."""


def choose_candidates(
    partials: Partials,
    state: OutputState,
    mixed: Mapping[str, MixedBatch],
    plan_id: str,
    is_final: Callable[[int], bool],
    ended_before_ms: int,
) -> Candidates:
    """The windows with new partials, and those whose grace has passed; without those whose settled index is gone.

    A window is skipped if it is settled with its present partials: ids are derived and only closing deletes partials,
    so equal numbers are equal sets.

    Args:
        ended_before_ms: windows that start earlier are past their grace.
    Raises: ClusterError.
    """
    progress = state.progress_of(partials.output)
    chosen = set(partials.windows(since(progress.checkpoint_ms)))
    chosen |= mixed_windows(partials, mixed, progress.checkpoint_ms)
    unfinished = {"term": {"tally.final": False}}
    chosen.update(partials.windows(unfinished, before(ended_before_ms), path=partials.settled_path))
    kept = (window for window in chosen if window >= state.dropped_before_ms and not state.is_clearing(window))
    windows = _after(sorted(kept), progress.cursor)
    counts = count_windows(partials, windows)
    present = [window for window in windows if counts.get(window)]
    gone = [window for window in windows if not counts.get(window) and window >= state.closed_before_ms]
    to_settle = find_unsettled(partials, counts, mixed, plan_id, is_final)
    return Candidates(to_settle, counts, len(present) - len(to_settle), gone)


def find_unsettled(
    partials: Partials,
    counts: Mapping[int, int],
    mixed: Mapping[str, MixedBatch],
    plan_id: str,
    is_final: Callable[[int], bool],
) -> list[int]:
    """Those of some windows (start in ms → partial documents) not settled with their present partials, in order.

    Raises: ClusterError.
    """
    windows = sorted(window for window, count in counts.items() if count)
    settled = read_settled_windows(partials, windows)
    undecided = windows_of(partials, sorted(mixed)) if mixed and windows else set()

    def is_settled(window_ms: int) -> bool:
        known = settled.get(window_ms)
        if known is None or known.partials != counts[window_ms] or window_ms in undecided:
            return False
        return known.plans == {plan_id} and (known.final or not is_final(window_ms))

    return [window for window in windows if not is_settled(window)]


def _after(windows: Sequence[int], cursor: Cursor | None) -> list[int]:
    return remaining(windows, (cursor.window_ms, cursor.group) if cursor else None)


def count_windows(partials: Partials, windows: Sequence[int]) -> dict[int, int]:
    """Window start → partial documents present, for some windows."""
    counts: dict[int, int] = {}
    for spans, _ in partials.in_spans(windows):
        counts.update(partials.counts(spans))
    return counts


def read_settled_windows(partials: Partials, windows: Sequence[int]) -> dict[int, SettledWindow]:
    """Window start → what its settled documents say, for some windows."""
    settled: dict[int, SettledWindow] = {}
    for spans, _ in partials.in_spans(windows):
        settled.update(partials.settled(spans))
    return settled
