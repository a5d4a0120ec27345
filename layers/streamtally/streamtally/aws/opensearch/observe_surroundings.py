"""Reads what surrounds the pipeline's own parts in a cluster; what may not be read is a line, not an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from streamtally.aws.opensearch.cluster import Cluster, ClusterError, to_paths
from streamtally.aws.opensearch.observe import observe_indices, to_patterns
from streamtally.findings import Finding
from streamtally.indices import template_obstacles
from streamtally.indices.coming_names import ComingIndex, coming_indices, matches
from streamtally.indices.disk import FLOOD_STAGE, HIGH, Disk
from streamtally.indices.index_templates import PRIORITY_INBOX, to_index_templates, to_unknown_template
from streamtally.indices.names import STATE_INDEX
from streamtally.indices.observed import ObservedIndex
from streamtally.indices.obstacles import find_obstacles
from streamtally.indices.question import Question
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState
from streamtally.indices.surroundings import Breaker, Resolved, Surroundings, Template

_WATERMARK = "cluster.routing.allocation.disk.watermark."
_HEALTH = "status,number_of_data_nodes,active_shards,initializing_shards,unassigned_shards,indices.*.status"
_LENIENT = {"ignore_unavailable": "true", "allow_no_indices": "true"}


class Reader:
    """Sends requests; one that is refused becomes a line, and its answer is empty."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.unread: list[str] = []

    def __call__(self, method: str, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            answer = self.cluster.request(method, path, params=params, ignore=(404,))
        except ClusterError as error:
            if error.status not in (400, 401, 403, 405):
                raise
            self.unread.append(str(error))
            return {}
        return answer if isinstance(answer, dict) and "error" not in answer else {}


def read_obstacles(
    cluster: Cluster,
    specs: Sequence[IndexSpec],
    now_ms: int,
    states: Mapping[str, OutputState] | None = None,
    inbox: str = "",
) -> list[Finding]:
    """What keeps documents of these outputs out of the cluster. Raises: ClusterError: it cannot be reached.

    Args:
        states: by index; None: they are not known, and the rotation is the pipeline's.
        inbox: an inbox whose outputs are not known; "": those of the outputs alone.
    """
    coming = list(coming_indices(specs, states or {}, now_ms))
    coming += [ComingIndex(inbox, "inbox", PRIORITY_INBOX)] if inbox else []
    around = read_surroundings(cluster, specs, coming)
    where = cluster.name
    return [replace(finding, where=where) for finding in find_obstacles(Question(specs, coming, around, now_ms))]


def read_surroundings(cluster: Cluster, specs: Sequence[IndexSpec], coming: Sequence[ComingIndex]) -> Surroundings:
    """The cluster's limits, blocks and names. Raises: ClusterError."""
    read = Reader(cluster)
    settings = _settings(read)
    stats = read("GET", "/_nodes/stats/fs,breaker", {"filter_path": "nodes.*.fs.total,nodes.*.breakers.parent"})
    nodes = list((stats.get("nodes") or {}).values())
    around = Surroundings(
        settings=settings,
        health=read("GET", "/_cluster/health", {"level": "indices", "filter_path": _HEALTH}),
        resolved=_resolved(read, specs),
        templates=_templates(read, specs, coming),
        indices={**_own_indices(read, specs), **_state_index(read)},
        disks=list(_disks(nodes, settings)),
        breakers=list(_breakers(nodes)),
    )
    around = replace(around, simulated=_simulated(read, coming, around.templates))
    missing = _missing_pipelines(read, coming, around)
    return replace(around, missing_pipelines=missing, unread=read.unread)


def _settings(read: Reader) -> dict[str, Any]:
    """The settings in force; transient ones win over persistent ones, and these over defaults."""
    answer = read("GET", "/_cluster/settings", {"flat_settings": "true", "include_defaults": "true"})
    kinds = ("defaults", "persistent", "transient")
    return {name: value for kind in kinds for name, value in (answer.get(kind) or {}).items()}


def _resolved(read: Reader, specs: Sequence[IndexSpec]) -> Resolved:
    indices: dict[str, Sequence[str]] = {}
    aliases: dict[str, Sequence[str]] = {}
    streams: list[str] = []
    wanted = [*to_patterns(specs), *(f"{spec.index}-write" for spec in specs), f"{STATE_INDEX}*"]
    for path in to_paths(wanted):
        answer = read("GET", f"/_resolve/index{path}", {"expand_wildcards": "all"})
        indices.update({entry["name"]: entry.get("attributes") or () for entry in answer.get("indices") or ()})
        aliases.update({entry["name"]: entry.get("indices") or () for entry in answer.get("aliases") or ()})
        streams += [entry["name"] for entry in answer.get("data_streams") or ()]
    return Resolved(indices, aliases, streams)


def _templates(read: Reader, specs: Sequence[IndexSpec], coming: Sequence[ComingIndex]) -> list[Template]:
    own = {*to_unknown_template(), *(f"streamtally-{index.name}" for index in coming if index.kind == "inbox")}
    for spec in specs:
        own |= set(to_index_templates(spec))
    entries = read("GET", "/_index_template").get("index_templates") or ()
    return [
        Template(entry["name"], body.get("index_patterns") or (), int(body.get("priority") or 0), "data_stream" in body)
        for entry in entries
        if entry["name"] not in own and (body := entry.get("index_template") or {})
    ]


def _own_indices(read: Reader, specs: Sequence[IndexSpec]) -> dict[str, ObservedIndex]:
    """The pipeline's indices; none if the cluster answers in part, which its health explains."""
    try:
        return observe_indices(read.cluster, specs) if specs else {}
    except ClusterError as error:
        if not error.status:
            raise
        read.unread.append(str(error))
        return {}


def _state_index(read: Reader) -> dict[str, ObservedIndex]:
    answer = read("GET", f"/{STATE_INDEX}", _LENIENT)
    bodies = {name: body for name, body in answer.items() if isinstance(body, dict)}
    return {
        name: ObservedIndex(name, settings=(body.get("settings") or {}).get("index") or {})
        for name, body in bodies.items()
    }


def _simulated(
    read: Reader, coming: Sequence[ComingIndex], templates: Sequence[Template]
) -> dict[str, Mapping[str, Any]]:
    """What the server itself makes of the names that somebody else's template matches too."""
    rivalled = [index.name for index in coming if any(matches(other.patterns, index.name) for other in templates)]
    return {name: _simulate(read, name) for name in rivalled}


def _simulate(read: Reader, name: str) -> Mapping[str, Any]:
    try:
        return read("POST", f"/_index_template/_simulate_index/{name}")
    except ClusterError as error:
        if error.status != 500:
            raise
        return {}  # a data stream has the name: the server does not simulate an index then


def _missing_pipelines(read: Reader, coming: Sequence[ComingIndex], around: Surroundings) -> frozenset[str]:
    inboxes = {index.name for index in coming if index.kind == "inbox"}
    named = {p for _, entries in template_obstacles.to_pipelines(coming, around) for _, p in entries} - inboxes
    missing: set[str] = set()
    for name in sorted(named):
        before = len(read.unread)
        if not read("GET", f"/_ingest/pipeline/{name}") and len(read.unread) == before:
            missing.add(name)
    return frozenset(missing)


def _disks(nodes: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> Iterator[Disk]:
    high = str(settings.get(f"{_WATERMARK}high") or HIGH)
    flood = str(settings.get(f"{_WATERMARK}flood_stage") or FLOOD_STAGE)
    for node in nodes:
        total = (node.get("fs") or {}).get("total") or {}
        if total.get("total_in_bytes"):
            yield Disk(float(total["total_in_bytes"]), float(total.get("available_in_bytes") or 0), high, flood)


def _breakers(nodes: Sequence[Mapping[str, Any]]) -> Iterator[Breaker]:
    for node in nodes:
        parent = (node.get("breakers") or {}).get("parent") or {}
        yield Breaker(float(parent.get("estimated_size_in_bytes") or 0), float(parent.get("limit_size_in_bytes") or 0))
