"""How many copies of a shard a cluster takes: a balanced cluster over three zones takes multiples of three alone.

Source: OpenSearch documentation, "Cluster-level routing and allocation settings"
(``cluster.routing.allocation.awareness.balance``); Amazon OpenSearch Service developer guide, "Multi-AZ with Standby".
"""

from __future__ import annotations

import re
from typing import Any, Final

DEFAULT_COPIES: Final = 2
"""One replica, as soon as there is a second node."""
_REFUSAL = re.compile(r"to be a multiple of total awareness attributes \[(\d{1,3})\]")


def to_replicas(copies: int) -> dict[str, Any]:
    """The index settings for up to this number of copies of a shard, primaries included: as many as there are nodes."""
    return {"auto_expand_replicas": f"0-{copies - 1}"}


def fitting_copies(multiple: int) -> int:
    """The number of copies by default: two, or the next multiple that the cluster takes."""
    return -(-DEFAULT_COPIES // multiple) * multiple


def required_multiple(reason: object) -> int | None:
    """The multiple that OpenSearch names when it refuses a number of copies; None: it refused something else."""
    refusal = _REFUSAL.search(str(reason))
    return int(refusal[1]) or None if refusal else None


def fits(multiple: int, replicas: int | None, auto_expand: str | None) -> bool:
    """Whether a cluster with this multiple takes these settings; "all" always fits.

    Source: OpenSearch, ``AwarenessReplicaBalance``.
    """
    if replicas is not None:
        return (replicas + 1) % multiple == 0
    most = (auto_expand or "0-all").partition("-")[2]
    return most == "all" or (int(most) + 1) % multiple == 0
