"""Whether an output's indices can be read: refreshed, not red, not closed by somebody."""

from __future__ import annotations

from collections.abc import Sequence

from streamtally.aws.opensearch.cluster import ClusterError
from streamtally.aws.opensearch.settling.partials import LENIENT, Partials
from streamtally.indices.names import parse_index_name

RED_SECONDS = 3


def refresh(partials: Partials) -> None:
    """Make everything that was written searchable, partials and settled documents.

    Raises: ClusterError, also for a red index, on which a refresh would wait a minute without an answer.
    """
    red = _red_indices(partials)
    if red:
        more = f" and {len(red) - 3} more" if len(red) > 3 else ""
        raise ClusterError(
            f"{', '.join(red[:3])}{more}: red: a shard is on no node, so the index cannot be read "
            "(GET /_cluster/allocation/explain gives the cause)"
        )
    partials.cluster.request("POST", f"{_all_paths(partials)}/_refresh", params=LENIENT)


def _all_paths(partials: Partials) -> str:
    return f"{partials.path},{partials.settled_path[1:]}"


def _red_indices(partials: Partials) -> list[str]:
    """The output's indices that lack a primary shard; one that was just created gets a few seconds."""
    params = {
        "level": "indices",
        "expand_wildcards": "open",
        "wait_for_status": "yellow",
        "timeout": f"{RED_SECONDS}s",
        "filter_path": "indices.*.status",
    }
    path = f"/_cluster/health{_all_paths(partials)}"
    answer = partials.cluster.request("GET", path, params=params, ignore=(408,))
    indices = answer.get("indices") or {}
    return sorted(name for name, index in indices.items() if index.get("status") == "red")


def find_closed_indices(partials: Partials, closed_before_ms: int) -> list[str]:
    """The output's indices that somebody has closed: searches skip them as if they were empty.

    Args:
        closed_before_ms: settled documents of earlier times are no longer read.
    """
    params = {**LENIENT, "expand_wildcards": "closed", "filter_path": "*.settings.index.uuid"}
    answer = partials.cluster.request("GET", _all_paths(partials), params=params)
    names = [parse_index_name(name, partials.spec.index) for name in sorted(answer)]
    return [
        name.name
        for name in names
        if name
        and name.period
        and (name.kind == "partials" or (name.kind == "output" and name.period.end_ms > closed_before_ms))
    ]


def describe_closed(names: Sequence[str]) -> str:
    """One line about indices that somebody has closed."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"closed, so not read: {', '.join(names[:3])}{more}: open it (POST /{names[0]}/_open)"
