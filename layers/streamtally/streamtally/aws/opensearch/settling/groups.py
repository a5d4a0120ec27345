"""The interface between choosing windows and merging them: windows → settled documents, group by group.

A `Way` takes a `SettleWork` (windows in order, and where to begin) and yields a `SettledGroup` for each window and key,
in order of (window start, group id): the order in which partials sort, a missing group id last. A group is yielded
whole or not at all, so the run can stop after any of them and continue there. The run writes the documents, keeps the
cursor, checks the clock after each group, and checks the numbers: the groups of a window must count at least as many
partial documents as the window had when it was chosen, or the checkpoint does not move.

A way that merges some windows elsewhere yields their groups itself, calling ``work.partials.before_page()`` before each
request (it raises when time is up), and leaves the others to `fetch_groups`, span by span, so that the order is kept:
``yield from fetch_groups(replace(work, windows=others))``. Every way makes its documents with
`indices.settling.settled.to_settled`, so all ways write the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from streamtally.aws.opensearch.settling.partials import Partials
from streamtally.aws.opensearch.settling.queries import GroupPosition
from streamtally.aws.opensearch.settling.reading import read_groups
from streamtally.indices.settling.settled import SettledDocument
from streamtally.indices.settling.settler import Settler


@dataclass(frozen=True)
class SettledGroup:
    """The documents of one group; usually of one key."""

    window_ms: int
    group_id: str | None
    documents: Sequence[SettledDocument]
    """To write; empty if all partials are held or set aside."""
    partials: int
    """Partial documents that it was made of, including duplicates and those set aside."""
    fetched: int
    """How many of them the run read, instead of the cluster merging them."""


@dataclass(frozen=True)
class SettleWork:
    """Windows to settle."""

    partials: Partials
    settler: Settler
    windows: Sequence[int]
    """Their starts in ms, in order."""
    counts: Mapping[int, int]
    """Window start → partial documents when it was chosen."""
    after: GroupPosition | None = None
    """Begin after this position."""


Way = Callable[[SettleWork], Iterator[SettledGroup]]
"""Raises: ClusterError; what ``before_page`` raises."""


def fetch_groups(work: SettleWork) -> Iterator[SettledGroup]:
    """Reads every partial and merges here: correct for every output, plan and partial."""
    for window_ms, group_id, group in read_groups(work.partials, work.windows, work.after):
        documents = work.settler.settle(window_ms, group, group_id)
        yield SettledGroup(window_ms, group_id, documents, len(group), len(group))
