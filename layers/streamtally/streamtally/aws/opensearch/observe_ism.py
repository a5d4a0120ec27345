"""Observes what the ISM plugin has: the pipeline's policies, and which policy manages each of its indices.

Source: OpenSearch documentation, "ISM API": "Get policy" and "Explain index".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamtally.aws.opensearch.cluster import Cluster, to_paths
from streamtally.indices.ism import policy_id, to_patterns
from streamtally.indices.observed import ManagedIndex
from streamtally.indices.spec import IndexSpec
from streamtally.text import one_line

_POLICY_KEYS = (
    "index.plugins.index_state_management.policy_id",
    "index.opendistro.index_state_management.policy_id",
    "policy_id",
)
_ABSENT = (400, 404, 405)


@dataclass
class IsmState:
    """What the plugin has; ``policies`` is None without the plugin, or if no output leaves its retention to it."""

    policies: dict[str, Any] | None = None
    versions: dict[str, int] = field(default_factory=dict)
    managed: dict[str, ManagedIndex] = field(default_factory=dict)


def observe_ism(cluster: Cluster, specs: Sequence[IndexSpec], has_indices: bool) -> IsmState:
    """Policies and managed indices. Raises: ClusterError: a permission is missing that an output needs.

    Args:
        has_indices: whether the pipeline has any index, which a policy could manage.
    """
    wanting = [spec for spec in specs if spec.retention.managed_by == "ism"]
    state = IsmState()
    if wanting:
        state.policies = {}
    for spec in wanting:
        answer = cluster.request("GET", f"/_plugins/_ism/policies/{policy_id(spec)}", ignore=_ABSENT)
        if _is_unknown(answer):
            return IsmState()
        if "policy" in answer and state.policies is not None:
            state.policies[policy_id(spec)] = answer["policy"]
            state.versions[policy_id(spec)] = int(answer.get("_seq_no", -1))
    if has_indices:
        # Also if nothing is left to ISM now: a policy of an earlier deployment would go on deleting.
        ignore = _ABSENT if wanting else (401, 403, *_ABSENT)
        for path in to_paths([pattern for spec in specs for pattern in to_patterns(spec)]):
            answer = cluster.request("GET", f"/_plugins/_ism/explain{path}", ignore=ignore)
            if _is_unknown(answer):
                break
            state.managed.update(_managed(answer))
    return state


def _is_unknown(answer: Mapping[str, Any]) -> bool:
    """Whether the server does not know the path: the plugin is absent."""
    error = answer.get("error")
    return isinstance(error, str) or (isinstance(error, dict) and "no handler" in str(error.get("reason")))


def _managed(answer: Mapping[str, Any]) -> dict[str, ManagedIndex]:
    if "error" in answer:
        return {}
    return {name: _read(entry) for name, entry in answer.items() if isinstance(entry, dict)}


def _read(entry: Mapping[str, Any]) -> ManagedIndex:
    policy = next((str(entry[key]) for key in _POLICY_KEYS if entry.get(key)), "")
    version = entry.get("policy_seq_no")
    return ManagedIndex(policy, version if isinstance(version, int) and version >= 0 else None, _failure(entry))


def _failure(entry: Mapping[str, Any]) -> str:
    """Why the index does not get on: its last action or step failed; or it is no longer managed, since ISM stopped."""
    parts = [entry.get(name) for name in ("action", "step", "retry_info")]
    failed = any(
        isinstance(part, dict) and (part.get("failed") is True or part.get("step_status") == "failed") for part in parts
    )
    info = entry.get("info")
    message = one_line((info.get("message") if isinstance(info, dict) else "") or "no reason given", 300)
    return message if failed else ""
