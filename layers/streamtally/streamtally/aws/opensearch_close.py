"""Closing: the partials of days that take no more documents are verified once more, and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from streamtally.aws.opensearch_partials import LENIENT
from streamtally.indices.ingest import read_closed_before
from streamtally.indices.names import IndexName, parse_index_name
from streamtally.indices.retention import SETTLE_DOWN_MS

if TYPE_CHECKING:
    from streamtally.aws.opensearch_settle import SettleRun


def close_spec(runs: Sequence[SettleRun]) -> None:
    """The second run of closing: settle every closed window once more, verify, delete the partials.

    Raises: IndexPlanError: an index is kept, and why. OutOfTimeError.
    """
    run = runs[0]
    indices = _closed_indices(run)
    if not indices:
        return
    names = ",".join(index.name for index in indices)
    # Firehose tries a refused document again, and then the inbox's pipeline sends it to the late index: so between the
    # last reading and the delete no partial can be accepted, whatever pipeline is in force.
    run.cluster.request("PUT", f"/{names}/_settings", {"index": {"blocks": {"write": True}}})
    run.cluster.request("POST", f"/{names}/_refresh")
    for index in indices:
        assert index.period is not None  # noqa: S101 (chosen by it)
        for each in runs:
            each.settle_closed(index.name, index.period.start_ms, index.period.end_ms)
        run.cluster.request("DELETE", f"/{index.name}", ignore=(404,))
        run.report.deleted.append(index.name)


def _closed_indices(run: SettleRun) -> list[IndexName]:
    """Partials' indices whose time has been closed for a quarter of an hour, by the pipeline in force."""
    state = run.read_state().state
    if run.now_ms < state.closed_at_ms + SETTLE_DOWN_MS:
        return []
    inbox = run.spec.inbox
    pipelines = run.cluster.request("GET", f"/_ingest/pipeline/{inbox}", ignore=(404,))
    in_force = read_closed_before(pipelines.get(inbox), run.spec.index)
    if in_force is None or in_force < state.closed_before_ms:
        return []  # manage puts it right, and the marks wait anew
    params = {**LENIENT, "filter_path": "*.settings.index.uuid"}
    answer = run.cluster.request("GET", run.partials.path, params=params)
    names = [parse_index_name(name, run.spec.index) for name in sorted(answer)]
    closed = [name for name in names if name and name.kind == "partials"]
    return [name for name in closed if name.period and name.period.end_ms <= state.closed_before_ms]
