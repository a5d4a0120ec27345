"""Stands in for the ISM plugin, which the test server does not have: answers as the plugin's documentation says.

Source: OpenSearch documentation, "ISM API" and "Managed indexes"; the reasons are those of opensearch-project/
index-management (RestChangePolicyAction, AddPolicy, RemovePolicy).
"""

from __future__ import annotations

import fnmatch
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamtally.aws.opensearch.cluster import Cluster

NOT_MANAGED = "This index is not being managed"
IN_TRANSITION = "Cannot change policy while transitioning to new state"
HAS_POLICY = "This index already has a policy, use the update policy API to update index policies"


@dataclass
class Managed:
    policy: str
    seq_no: int | None = None
    state: str = "written"
    pending: tuple[str, str] | None = None
    is_in_transition: bool = False
    message: str = ""


@dataclass
class IsmPlugin:
    """Policies by id, managed indices by name; `work` is the job that runs every few minutes."""

    policies: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    managed: dict[str, Managed] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    seq_no: int = 0

    def work(self) -> None:
        for managed in self.managed.values():
            if managed.pending:
                managed.policy, managed.state = managed.pending
                managed.pending, managed.seq_no = None, self.policies[managed.policy][0]
            elif managed.seq_no is None:
                managed.seq_no = self.policies[managed.policy][0]

    def answer(self, method: str, path: str, body: Any, names: Sequence[str]) -> Any:
        verb, _, rest = path.removeprefix("/_plugins/_ism/").partition("/")
        self.calls.append(f"{method} {verb}")
        if verb == "policies":
            return self._policy(method, rest, body)
        wanted = [name for name in names if any(fnmatch.fnmatchcase(name, part) for part in rest.split(","))]
        if verb == "explain":
            return {**{name: self._explain(name) for name in wanted}, "total_managed_indices": len(self.managed)}
        refused = {name: self._change(verb, name, body) for name in wanted}
        failed = [
            {"index_name": name, "index_uuid": uuid.uuid4().hex, "reason": reason}
            for name, reason in refused.items()
            if reason
        ]
        return {"updated_indices": len(wanted) - len(failed), "failures": bool(failed), "failed_indices": failed}

    def _policy(self, method: str, name: str, body: Any) -> Any:
        if method == "PUT":
            self.seq_no += 1
            self.policies[name] = (self.seq_no, {**body["policy"], "policy_id": name, "schema_version": 21})
        if method == "DELETE":
            self.policies.pop(name, None)
            return {"result": "deleted"}
        if name not in self.policies:
            return {"error": {"type": "status_exception", "reason": "Policy not found"}, "status": 404}
        seq_no, policy = self.policies[name]
        return {"_id": name, "_version": 1, "_seq_no": seq_no, "_primary_term": 1, "policy": policy}

    def _explain(self, name: str) -> Any:
        managed = self.managed.get(name)
        policy = managed.policy if managed else None
        entry: dict[str, Any] = {
            "index.plugins.index_state_management.policy_id": policy,
            "index.opendistro.index_state_management.policy_id": policy,
            "enabled": True if managed else None,
        }
        if managed and managed.seq_no is not None:
            entry |= {"index": name, "policy_id": policy, "policy_seq_no": managed.seq_no, "policy_primary_term": 1}
            entry |= {"state": {"name": managed.state}, "info": {"message": managed.message or "Evaluating"}}
            entry |= {"action": {"name": "transition", "failed": bool(managed.message)}}
        return entry

    def _change(self, verb: str, name: str, body: Any) -> str:
        managed = self.managed.get(name)
        if verb == "add":
            if managed:
                return HAS_POLICY
            self.managed[name] = Managed(body["policy_id"])
        elif managed is None:
            return NOT_MANAGED
        elif verb == "remove":
            del self.managed[name]
        elif managed.is_in_transition:
            return IN_TRANSITION
        else:
            managed.pending = (body["policy_id"], body.get("state") or managed.state)
        return ""


class WithIsm:
    """A cluster whose ISM paths are answered by an `IsmPlugin`; everything else goes to the server."""

    def __init__(self, cluster: Cluster, plugin: IsmPlugin) -> None:
        self._cluster, self._plugin = cluster, plugin

    def request(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        if path.startswith("/_plugins/_ism/"):
            entries = self._cluster.request("GET", "/_cat/indices", params={"format": "json", "h": "index"})
            return self._plugin.answer(method, path, body, [entry["index"] for entry in entries])
        return self._cluster.request(method, path, body, params, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)
