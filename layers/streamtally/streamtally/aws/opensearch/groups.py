"""The seam of settling: windows → settled documents, group by group.

A `Way` takes a `Work` (windows in order, and where to begin) and yields a `SettledGroup` for each window and key, in
order of (window start, group id): as partials sort, a missing group id last. A group is given whole or not at all, so
the run can stop after any of them and go on there. The run (`SettleRun`) writes the documents, keeps the cursor, asks
the clock after each group, and checks the numbers: the groups of a window must count at least as many partial documents
as the window had when it was chosen, or nothing moves on.

A way that merges some windows elsewhere yields their groups itself, calling ``work.partials.before_page()`` before each
request (it raises when the time is up), and leaves the others to `fetch_groups`, span by span, so that the order stays:
``yield from fetch_groups(replace(work, windows=others))``. Documents are made by `indices.settling.to_settled`, whoever
merged, so both ways write the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from streamtally.aws.opensearch.partials import Partials, Place
from streamtally.indices.settling import Settled, Settler


@dataclass(frozen=True)
class SettledGroup:
    """A group's documents, of usually one key.

    Attributes:
        documents: to write; there may be none (all its partials are held or set aside).
        partials: partial documents that it was made of, twins and those set aside included.
        fetched: how many of them were read by the run, not merged by the cluster.
    """

    window_ms: int
    group_id: str | None
    documents: Sequence[Settled]
    partials: int
    fetched: int


@dataclass(frozen=True)
class Work:
    """Windows to settle.

    Attributes:
        windows: their starts in ms, in order; counts: partial documents of each, as they were chosen.
        after: begin after this place.
    """

    partials: Partials
    settler: Settler
    windows: Sequence[int]
    counts: Mapping[int, int]
    after: Place | None = None


Way = Callable[[Work], Iterator[SettledGroup]]
"""Raises: ClusterError; what ``before_page`` raises."""


def fetch_groups(work: Work) -> Iterator[SettledGroup]:
    """Reads every partial, and merges here: right for every output, plan and partial."""
    for window_ms, group_id, group in work.partials.read(work.windows, work.after):
        documents = work.settler.settle(window_ms, group, group_id)
        yield SettledGroup(window_ms, group_id, documents, len(group), len(group))
