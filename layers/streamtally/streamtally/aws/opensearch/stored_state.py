"""Reads and changes the state document of an output, by id and under optimistic concurrency."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from streamtally.aws.opensearch.apply_plan import put_state
from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.opensearch.observe import read_stored, state_id
from streamtally.errors import IndexPlanError
from streamtally.indices.names import STATE_INDEX
from streamtally.indices.observed import StoredState
from streamtally.indices.state import OutputState, Progress

STATE_TRIES = 8


def read_output_state(cluster: Cluster, index: str) -> StoredState:
    """The state of an output. Raises: IndexPlanError: manage has not run yet; ClusterError."""
    answer = cluster.request("GET", f"/{STATE_INDEX}/_doc/{state_id(index)}", ignore=(404,))
    stored = read_stored(answer if answer.get("found") else None)
    if stored.seq_no is None:
        raise IndexPlanError(f"{index}: manage has not run yet (no state in {STATE_INDEX})")
    return stored


def update_output_state(
    cluster: Cluster, index: str, change: Callable[[OutputState], OutputState], known: StoredState | None = None
) -> OutputState:
    """Change the present state; if another run changed it in between, try again. Returns: the new state.

    Args:
        change: called with the present state, possibly several times.
        known: the state as last read, which saves reading it unless it has changed since.
    Raises: ClusterError; what ``change`` raises.
    """
    for attempt in range(STATE_TRIES):
        stored = known if known is not None and attempt == 0 else read_output_state(cluster, index)
        new = change(stored.state)
        try:
            return new if new == stored.state else put_state(cluster, index, new, stored).state
        except ClusterError as error:
            if error.status != 409 or attempt == STATE_TRIES - 1:
                raise
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 (two runs must not stay in step)
    raise AssertionError("unreachable")


def update_progress(
    cluster: Cluster,
    index: str,
    output: str,
    change: Callable[[Progress], Progress],
    known: StoredState | None = None,
) -> OutputState:
    """Change how far settling is with one output of the plan. Returns: the new state. Raises: ClusterError."""

    def with_progress(old: OutputState) -> OutputState:
        return old.with_progress(output, change(old.progress_of(output)))

    return update_output_state(cluster, index, with_progress, known)
