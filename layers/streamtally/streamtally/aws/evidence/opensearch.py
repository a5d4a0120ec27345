"""Gathers the doctor's evidence from OpenSearch, one request per question: a missing permission hides only one."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.opensearch.observe_surroundings import read_obstacles
from streamtally.aws.streams.status import connect_domain, find_summary
from streamtally.config.outputs import DEFAULT_SUMMARY_STREAM
from streamtally.doctor.opensearch import FieldConflict, OpenSearchState
from streamtally.errors import SettingsError, StreamtallyError
from streamtally.indices.disk import FLOOD_STAGE, HIGH, Disk
from streamtally.indices.index_templates import to_mapping, view_name
from streamtally.indices.mappings import compare, count_fields
from streamtally.indices.names import inbox_name
from streamtally.indices.role_mappings import is_mapped
from streamtally.indices.roles import DASHBOARDS_ROLES
from streamtally.indices.spec import IndexSpec, read_specs

_OWN_CHECKS = frozenset(("opensearch-read-only", "opensearch-disk", "opensearch-mapping"))
"""Checks of the doctor itself, which look at each output's index."""
SAMPLE_DOCUMENTS = 50
MAX_VIEWS = 500
_IGNORE = {"ignore_unavailable": "true", "allow_no_indices": "true"}
_BLOCKS = ("cluster.blocks.read_only", "cluster.blocks.read_only_allow_delete", "cluster.blocks.create_index")
_FOR_EVERYBODY = ("own_index", *DASHBOARDS_ROLES)
"""Built-in roles that give no right on indices of other names, and to which every user (``*``) may be mapped."""
_WATERMARK = "cluster.routing.allocation.disk.watermark."


class _Requests:
    """Sends requests to a cluster; a denied request is kept as a line, and its response is None."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.denied: list[str] = []

    def __call__(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None, ignore: Any = (404,)
    ) -> Any:
        try:
            return self.cluster.request(method, path, body, params, ignore)
        except ClusterError as error:
            if error.status not in (401, 403):
                raise
            self.denied.append(str(error))
            return None


def gather_opensearch(
    cluster: Cluster,
    index: str,
    domain: Mapping[str, Any] | None = None,
    spec: IndexSpec | None = None,
    role_arn: str = "",
) -> OpenSearchState:
    """A cluster's state for one output's index.

    Args:
        index: the output's index.
        domain: ``DomainStatus``; None: unknown.
        spec: what the pipeline wants of the index; None: unknown.
        role_arn: the delivery stream's role.
    """
    guarded = _guards(OpenSearchState(cluster.name, index), domain)
    send = _Requests(cluster)
    try:
        indices = send("GET", f"/{index},{index}-*", params=_IGNORE)
        if indices is None:
            return replace(guarded, error=send.denied[0], status=403)
        own = {name: body for name, body in indices.items() if isinstance(body, dict)}
        flat = _cluster_settings(send)
        alias = view_name(spec, index in own) if spec else ""
        return replace(
            guarded,
            matching=sorted(own),
            blocked=sorted(name for name, body in own.items() if _is_blocked(body, name == max(own))),
            cluster_blocks=[name for name in _BLOCKS if str(flat.get(name)) == "true"],
            alias=alias,
            aliased=sorted(name for name, body in own.items() if alias in (body.get("aliases") or {})),
            empty_views=_empty_views(send, index),
            disks=_disks(send, flat),
            hits=_hits(send, index),
            fields=list(_fields(spec, own)),
            strict=sorted(name for name, body in own.items() if _is_strict(body)),
            full=sorted(name for name, body in own.items() if _is_full(body)),
            role=role_arn,
            mapped=_is_mapped(send, role_arn) if role_arn and (domain is None or guarded.fine_grained) else None,
            denied=send.denied,
        )
    except ClusterError as error:
        return replace(guarded, error=str(error), status=error.status)


def _guards(state: OpenSearchState, domain: Mapping[str, Any] | None) -> OpenSearchState:
    if domain is None:
        return state
    fine_grained = bool((domain.get("AdvancedSecurityOptions") or {}).get("Enabled"))
    return replace(state, policy=_policy(domain), in_vpc=bool(domain.get("VPCOptions")), fine_grained=fine_grained)


def _policy(domain: Mapping[str, Any]) -> Mapping[str, Any] | None:
    try:
        policy = json.loads(domain.get("AccessPolicies") or "null")
    except ValueError:
        return None
    return policy if isinstance(policy, dict) else None


def _index_settings(body: Mapping[str, Any]) -> Mapping[str, Any]:
    settings: Mapping[str, Any] = (body.get("settings") or {}).get("index") or {}
    return settings


def _is_blocked(body: Mapping[str, Any], is_newest: bool) -> bool:
    """Whether documents are refused; a write block of an older index is force-merge's or closing's own."""
    blocks = _index_settings(body).get("blocks") or {}
    return any(str(value) == "true" and (kind != "write" or is_newest) for kind, value in blocks.items())


def _is_strict(body: Mapping[str, Any]) -> bool:
    return str((body.get("mappings") or {}).get("dynamic")).startswith("strict")


def _is_full(body: Mapping[str, Any]) -> bool:
    """If the limit of fields is reached and the mapping is dynamic, every document with a new field is rejected."""
    mappings = body.get("mappings") or {}
    limit = ((_index_settings(body).get("mapping") or {}).get("total_fields") or {}).get("limit") or 1000
    return str(mappings.get("dynamic", "true")) == "true" and count_fields(mappings) >= int(limit)


def _fields(spec: IndexSpec | None, own: Mapping[str, Any]) -> Iterator[FieldConflict]:
    """Columns that the newest index maps differently from the pipeline; older indices get no more documents."""
    if spec is None or not own:
        return
    newest = max(own)
    body = own[newest]
    lenient = str((_index_settings(body).get("mapping") or {}).get("ignore_malformed")) == "true"
    wanted = {name: field for name, field in to_mapping(spec)["properties"].items() if name != "tally"}
    have = (body.get("mappings") or {}).get("properties") or {}
    for path, (actual, want) in compare(wanted, have)[1].items():
        # Text accepts any value; a number or a date only its own kind, unless the index ignores malformed values.
        if actual != want:
            refuses = not lenient and actual not in ("keyword", "text", "wildcard")
            yield FieldConflict(newest, path, actual, want, refuses)


def _cluster_settings(send: _Requests) -> dict[str, Any]:
    """The cluster's settings by their flat names; what is set overrides the defaults."""
    settings = send("GET", "/_cluster/settings", params={"flat_settings": "true", "include_defaults": "true"}) or {}
    return {
        name: value
        for kind in ("defaults", "persistent", "transient")
        for name, value in (settings.get(kind) or {}).items()
    }


def _disks(send: _Requests, flat: Mapping[str, Any]) -> list[Disk]:
    nodes = (send("GET", "/_nodes/stats/fs") or {}).get("nodes") or {}
    high, flood = str(flat.get(f"{_WATERMARK}high") or HIGH), str(flat.get(f"{_WATERMARK}flood_stage") or FLOOD_STAGE)
    totals = [(node.get("fs") or {}).get("total") or {} for node in nodes.values()]
    return [
        Disk(float(total["total_in_bytes"]), float(total.get("available_in_bytes") or 0), high, flood)
        for total in totals
        if total.get("total_in_bytes")
    ]


def _hits(send: _Requests, index: str) -> list[Any]:
    """Documents with one of Streamtally's ids: partials and rows, in whichever index they are."""
    ours = [{"exists": {"field": f"tally.{name}"}} for name in ("partial_id", "row_id")]
    query = {"size": SAMPLE_DOCUMENTS, "_source": ["tally"], "query": {"bool": {"should": ours}}}
    response = send("POST", f"/partials-{index}-*,inbox-*,{index},{index}-*/_search", query, _IGNORE) or {}
    hits: list[Any] = (response.get("hits") or {}).get("hits") or []
    return hits


def _empty_views(send: _Requests, index: str) -> list[str]:
    """Data views of Dashboards whose names refer to this index and that match no index."""
    query = {"size": MAX_VIEWS, "_source": ["index-pattern.title"], "query": {"term": {"type": "index-pattern"}}}
    # Dashboards keeps its objects in an index that the caller may not be allowed to read; then they are unknown.
    quiet = _Requests(send.cluster)
    response = quiet("POST", "/.kibana*/_search", query, {**_IGNORE, "expand_wildcards": "all"}) or {}
    hits = (response.get("hits") or {}).get("hits", [])
    titles = {str(((hit.get("_source") or {}).get("index-pattern") or {}).get("title") or "") for hit in hits}
    return sorted(title for title in titles if _refers_to(title, index) and _matches_nothing(quiet, title))


def _refers_to(title: str, index: str) -> bool:
    bare = title.strip("*-")
    return bool(bare) and (index in title or difflib.SequenceMatcher(None, bare, index).ratio() >= 0.75)


def _matches_nothing(send: _Requests, title: str) -> bool:
    matches = send("GET", f"/_resolve/index/{title}", params={"expand_wildcards": "all"})
    return matches is not None and not any(matches.get(kind) for kind in ("indices", "aliases", "data_streams"))


def _is_mapped(send: _Requests, role_arn: str) -> bool | None:
    """Whether the security plugin maps the stream's role; None: there is no plugin, or the request is denied."""
    quiet = _Requests(send.cluster)
    response = quiet("GET", "/_plugins/_security/api/rolesmapping", ignore=(400, 404, 405)) or {}
    mappings = [
        mapping
        for name, mapping in response.items()
        if isinstance(mapping, dict) and "backend_roles" in mapping and name not in _FOR_EVERYBODY
    ]
    return any(is_mapped(mapping, role_arn) for mapping in mappings) if mappings else None


def gather_summary(
    aws: Aws, stream: str, document: Mapping[str, Any], cluster: Cluster | None, now_ms: int
) -> list[OpenSearchState]:
    """The OpenSearch cluster that receives a stream's documents, one state per output; empty if there is none.

    Args:
        document: the pipeline's ``pipeline.json``.
        cluster: the domain at another address; None: at its own.
    """
    try:
        summary, config = find_summary(aws, stream)
    except (AwsError, SettingsError):
        return []  # the stream's own evidence has the reason
    name = str(config.get("DomainARN") or "").rpartition("/")[2]
    if not summary or not (name or config.get("ClusterEndpoint")):
        return []
    domain: Mapping[str, Any] | None = None
    try:
        domain = aws.call("opensearch", "describe_domain", DomainName=name)["DomainStatus"] if name else None
        cluster = cluster or connect_domain(aws, config)
    except StreamtallyError as error:
        denied = error.is_denied if isinstance(error, AwsError) else False
        state = OpenSearchState(name, "", str(error), 403 if denied else 0)
        return [_guards(state, domain)]
    specs = _specs(document, summary, str(config.get("IndexName") or ""))
    role = str(config.get("RoleARN") or "")
    states = _compared([gather_opensearch(cluster, index, domain, spec, role) for index, spec in specs])
    return _with_obstacles(states, cluster, [spec for _, spec in specs if spec], now_ms)


def gather_cluster(cluster: Cluster, document: Mapping[str, Any], now_ms: int) -> list[OpenSearchState]:
    """A given cluster, one state per output of the pipeline."""
    specs = read_specs(document, DEFAULT_SUMMARY_STREAM)
    states = _compared([gather_opensearch(cluster, spec.index, spec=spec) for spec in specs])
    return _with_obstacles(states, cluster, specs, now_ms)


def _with_obstacles(
    states: list[OpenSearchState], cluster: Cluster, specs: Sequence[IndexSpec], now_ms: int
) -> list[OpenSearchState]:
    """The states, the first with what keeps documents out of the cluster: that is the same for all outputs."""
    if not states or any(state.error and state.status in (0, 401, 403) for state in states):
        return states
    try:
        obstacles = read_obstacles(cluster, specs, now_ms)
    except ClusterError as error:
        return [replace(states[0], error=str(error), status=error.status), *states[1:]]
    # After an error the doctor's own checks saw nothing.
    own = frozenset() if any(state.error for state in states) else _OWN_CHECKS
    return [replace(states[0], obstacles=[one for one in obstacles if one.check not in own]), *states[1:]]


def _compared(states: Sequence[OpenSearchState]) -> list[OpenSearchState]:
    """The states of a pipeline's outputs; each knows whether others have indices."""
    matching = sum(bool(state.matching) for state in states)
    return [replace(state, others_match=matching > bool(state.matching)) for state in states]


def _specs(document: Mapping[str, Any], stream: str, index: str) -> Sequence[tuple[str, IndexSpec | None]]:
    """The indices of the outputs if the stream writes to its inbox; if not, the one index that it writes to."""
    specs = read_specs(document, stream)
    if index in ("", inbox_name(stream)):
        return [(spec.index, spec) for spec in specs]
    return [(index, next((spec for spec in specs if spec.index == index), None))]
