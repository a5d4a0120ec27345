"""Observes a cluster with a handful of requests, whatever the number of indices."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from streamtally.aws.opensearch.cluster import Cluster, to_paths
from streamtally.aws.opensearch.observe_ism import observe_ism
from streamtally.indices.copies import DEFAULT_COPIES, required_multiple, to_replicas
from streamtally.indices.names import LATE_UNKNOWN, STATE_INDEX, parse_index_name
from streamtally.indices.observed import DiskSpace, Observed, ObservedIndex, StoredInbox, StoredState
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import read_state
from streamtally.indices.wanted import Wanted

_LENIENT = {"ignore_unavailable": "true", "allow_no_indices": "true", "expand_wildcards": "open"}
_INDEX_FIELDS = (
    "*.aliases,*.mappings,*.settings.index.default_pipeline,*.settings.index.final_pipeline,*.settings.index.blocks,"
    "*.settings.index.creation_date,*.settings.index.mapping"
)


def observe(cluster: Cluster, specs: Sequence[IndexSpec], wanted: Wanted | None = None) -> Observed:
    """What the cluster has of this pipeline.

    Raises: ClusterError: it cannot be reached, or a permission is missing.
    """
    wanted = wanted or Wanted()
    inboxes = sorted({spec.inbox for spec in specs})
    indices = observe_indices(cluster, specs)
    states, stored_inboxes, plans = _documents(cluster, specs, inboxes, wanted.plan_id)
    ism = observe_ism(cluster, specs, bool(indices))
    multiple = _required_multiple(cluster, to_replicas(DEFAULT_COPIES)) or 1
    roles, mappings = _security(cluster, wanted) if wanted.roles or wanted.role_mappings else (None, None)
    return Observed(
        pipelines=cluster.request("GET", f"/_ingest/pipeline/{','.join(inboxes)}", ignore=(404,)),
        component_templates=_named(cluster, "/_component_template", "component_template"),
        index_templates=_named(cluster, "/_index_template", "index_template"),
        indices=indices,
        states=states,
        inboxes=stored_inboxes,
        plans=plans,
        unstamped=_unstamped(cluster, specs, indices),
        copies_multiple=multiple,
        creates_indices=multiple == 1 or _required_multiple(cluster, {}) is None,
        disk=_disk(cluster) if any(spec.retention.min_free_disk_share for spec in specs) else None,
        snapshots={name: _snapshot_indices(cluster, name) for name in _repositories(specs)},
        roles=roles,
        role_mappings=mappings,
        audit=_audit(cluster) if wanted.audit else None,
        ism_policies=ism.policies,
        ism_versions=ism.versions,
        ism_managed=ism.managed,
    )


def observe_indices(cluster: Cluster, specs: Sequence[IndexSpec]) -> dict[str, ObservedIndex]:
    """Every index with one of the pipeline's names: mapping, size and what else the plan uses."""
    observed: dict[str, ObservedIndex] = {}
    for path in to_paths(to_patterns(specs)):
        whole = cluster.request("GET", path, params={**_LENIENT, "filter_path": _INDEX_FIELDS}, ignore=(404,))
        fields = "indices.*.primaries.docs.count,indices.*.total.store.size_in_bytes"
        params = {**_LENIENT, "level": "indices", "filter_path": fields}
        stats = cluster.request("GET", f"{path}/_stats/docs,store", params=params, ignore=(404,))
        for name, body in whole.items():
            if not isinstance(body, dict) or "settings" not in body:  # an error's parts
                continue
            observed[name] = _index(name, body, (stats.get("indices") or {}).get(name) or {})
    return observed


def _index(name: str, body: Mapping[str, Any], stats: Mapping[str, Any]) -> ObservedIndex:
    settings = (body.get("settings") or {}).get("index") or {}
    return ObservedIndex(
        name=name,
        mapping=body.get("mappings") or {},
        settings=settings,
        aliases=body.get("aliases") or {},
        docs=int(((stats.get("primaries") or {}).get("docs") or {}).get("count") or 0),
        size_bytes=int(((stats.get("total") or {}).get("store") or {}).get("size_in_bytes") or 0),
        created_ms=int(settings.get("creation_date") or 0),
    )


def to_patterns(specs: Sequence[IndexSpec]) -> list[str]:
    """Names and patterns of every index of the pipeline."""
    patterns = {LATE_UNKNOWN: None}
    for spec in specs:
        for name in (spec.inbox, spec.index, f"{spec.index}-*", f"partials-{spec.index}-*", f"late-{spec.index}-*"):
            patterns[name] = None
    return list(patterns)


def _named(cluster: Cluster, path: str, kind: str) -> dict[str, Any]:
    answer = cluster.request("GET", f"{path}/streamtally-*", ignore=(404,))
    return {entry["name"]: entry[kind] for entry in answer.get(f"{kind}s", ())}


def state_id(index: str) -> str:
    """The id of an output's state document."""
    return f"output-{index}"


def _documents(
    cluster: Cluster, specs: Sequence[IndexSpec], inboxes: Sequence[str], plan_id: str
) -> tuple[dict[str, StoredState], dict[str, StoredInbox], frozenset[str]]:
    """State documents, read by id: that returns the latest version, refreshed or not."""
    wanted = [*(state_id(spec.index) for spec in specs), *inboxes, *([f"plan-{plan_id}"] if plan_id else [])]
    answer = cluster.request("POST", f"/{STATE_INDEX}/_mget", {"ids": wanted}, ignore=(404,))
    documents = {entry["_id"]: entry for entry in answer.get("docs", ()) if entry.get("found")}
    states = {spec.index: read_stored(documents.get(state_id(spec.index))) for spec in specs}
    empty = {
        name: StoredInbox(int(documents[name]["_source"].get("empty_ms") or 0)) for name in inboxes if name in documents
    }
    return states, empty, frozenset([plan_id] if f"plan-{plan_id}" in documents else [])


def read_stored(entry: Mapping[str, Any] | None) -> StoredState:
    """A state document from the cluster's answer; an empty state without a document."""
    if not entry or not entry.get("found", True):
        return StoredState()
    return StoredState(read_state(entry["_source"]), entry["_seq_no"], entry["_primary_term"])


def read_plan(cluster: Cluster, plan_id: str) -> dict[str, Any] | None:
    """The ``pipeline.json`` of an earlier deployment, by its plan's id."""
    answer = cluster.request("GET", f"/{STATE_INDEX}/_doc/plan-{plan_id}", ignore=(404,))
    if not answer.get("found"):
        return None
    document: dict[str, Any] = json.loads(answer["_source"]["document"])
    return document


NEWEST = 30
"""How many of the newest unmanaged indices are refreshed before documents in them are counted."""


def _is_written(name: str, specs: Sequence[IndexSpec]) -> bool:
    """Whether documents with a partial's or row's id may be here that bypassed the pipeline."""
    parsed = [parse_index_name(name, spec.index) for spec in specs]
    return any(name == spec.inbox for spec in specs) or any(name and name.kind in ("output", "view") for name in parsed)


UNSTAMPED_QUERY = {
    "bool": {
        "should": [{"exists": {"field": "tally.partial_id"}}, {"exists": {"field": "tally.row_id"}}],
        "minimum_should_match": 1,
        "must_not": [{"exists": {"field": "tally.ingested_at"}}],
    }
}


def _unstamped(cluster: Cluster, specs: Sequence[IndexSpec], indices: Mapping[str, ObservedIndex]) -> dict[str, int]:
    """Index → documents with a partial's or row's id that bypassed the pipeline (settled documents have neither id)."""
    names = [name for spec in specs for name in (spec.inbox, spec.index)]
    # Indices that a stream wrote to before there was a pipeline; of dated names it writes to the newest.
    early = sorted(
        name for name, index in indices.items() if index.default_pipeline is None and _is_written(name, specs)
    )
    early = [*early[-NEWEST:], *(name for name in names if name in early[:-NEWEST])]
    if early:  # documents written just now must be searchable
        cluster.request("POST", f"/{','.join(early)}/_refresh", params=_LENIENT)
    unstamped: dict[str, int] = {}
    for path in to_paths([*dict.fromkeys(names), *(f"{spec.index}-*" for spec in specs)]):
        body = {
            "size": 0,
            "query": UNSTAMPED_QUERY,
            "aggs": {"indices": {"terms": {"field": "_index", "size": 10_000}}},
        }
        answer = cluster.request("POST", f"{path}/_search", body, _LENIENT)
        buckets = ((answer.get("aggregations") or {}).get("indices") or {}).get("buckets", ())
        unstamped.update({bucket["key"]: bucket["doc_count"] for bucket in buckets})
    return unstamped


PRIORITY_SIMULATED = 505
"""Templates of equal priority and overlapping patterns are refused: few give one of this priority to every index."""


def _required_multiple(cluster: Cluster, replicas: Mapping[str, Any]) -> int | None:
    """What copies must be a multiple of; None if these settings are accepted, or if this may not be asked.

    A template is simulated, since a domain hides the settings that decide it. Nothing is stored.
    """
    body = {
        "index_patterns": ["streamtally-copies-*"],
        "priority": PRIORITY_SIMULATED,
        "template": {"settings": {"index": {"number_of_shards": "1", **replicas}}},
    }
    answer = cluster.request("POST", "/_index_template/_simulate", body, ignore=(400, 403, 404, 405))
    error = answer.get("error")
    return required_multiple(error.get("reason")) if isinstance(error, dict) else None


def _disk(cluster: Cluster) -> DiskSpace | None:
    answer = cluster.request("GET", "/_nodes/stats/fs", params={"filter_path": "nodes.*.fs.total"})
    totals = [node["fs"]["total"] for node in (answer.get("nodes") or {}).values() if node.get("fs")]
    disks = [
        DiskSpace(total["total_in_bytes"], total["available_in_bytes"])
        for total in totals
        if total.get("total_in_bytes")
    ]
    return min(disks, key=lambda disk: disk.free_bytes / disk.total_bytes, default=None)


def _repositories(specs: Sequence[IndexSpec]) -> list[str]:
    return sorted({spec.retention.require_snapshot for spec in specs if spec.retention.require_snapshot})


def _snapshot_indices(cluster: Cluster, repository: str) -> frozenset[str]:
    answer = cluster.request(
        "GET", f"/_snapshot/{repository}/_all", params={"ignore_unavailable": "true"}, ignore=(404,)
    )
    good = [snapshot for snapshot in answer.get("snapshots", ()) if snapshot.get("state") == "SUCCESS"]
    return frozenset(index for snapshot in good for index in snapshot["indices"])


def _security(cluster: Cluster, wanted: Wanted) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The roles that are wanted or to be mapped, and their mappings; None without fine-grained access control."""
    unavailable = (400, 404, 405)
    roles = cluster.request("GET", "/_plugins/_security/api/roles", ignore=unavailable)
    mappings = cluster.request("GET", "/_plugins/_security/api/rolesmapping", ignore=unavailable)
    if "all_access" not in roles:  # a built-in role: visible to every user who may read roles
        return None, None
    names = {**(wanted.roles or {}), **(wanted.role_mappings or {})}
    return {n: roles[n] for n in names if n in roles}, {n: mappings[n] for n in names if n in mappings}


def _audit(cluster: Cluster) -> dict[str, Any] | None:
    """The audit log's configuration; None without the security plugin."""
    answer = cluster.request("GET", "/_plugins/_security/api/audit", ignore=(400, 404, 405))
    config = answer.get("config")
    return config if isinstance(config, dict) else None
