"""Gathers the doctor's evidence of OpenSearch: question by question, so that a missing right hides one alone."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.streams.status import connect_domain, find_summary
from streamtally.config.outputs import DEFAULT_SUMMARY_STREAM
from streamtally.doctor.opensearch import FLOOD_STAGE, HIGH, Disk, Field, OpenSearchState
from streamtally.errors import SettingsError, StreamtallyError
from streamtally.indices.index_templates import to_mapping, view_name
from streamtally.indices.mappings import compare
from streamtally.indices.names import inbox_name
from streamtally.indices.spec import IndexSpec, read_specs

SAMPLE_DOCUMENTS = 50
MAX_VIEWS = 500
_IGNORE = {"ignore_unavailable": "true", "allow_no_indices": "true"}
_BLOCKS = ("cluster.blocks.read_only", "cluster.blocks.read_only_allow_delete", "cluster.blocks.create_index")
_WATERMARK = "cluster.routing.allocation.disk.watermark."


class _Asked:
    """A cluster's answers; what may not be asked is kept as a line, and answered by nothing."""

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
        domain: ``DomainStatus``, where AWS gave it; spec: what the pipeline wants of the index, None if unknown;
        role_arn: the delivery stream's role.
    """
    guarded = _guards(OpenSearchState(cluster.name, index), domain)
    asked = _Asked(cluster)
    try:
        indices = asked("GET", f"/{index},{index}-*", params=_IGNORE)
        if indices is None:
            return replace(guarded, error=asked.denied[0], status=403)
        own = {name: body for name, body in indices.items() if isinstance(body, dict)}
        flat = _cluster_settings(asked)
        alias = view_name(spec, index in own) if spec else ""
        return replace(
            guarded,
            matching=sorted(own),
            blocked=sorted(name for name, body in own.items() if _is_blocked(body)),
            cluster_blocks=[name for name in _BLOCKS if str(flat.get(name)) == "true"],
            alias=alias,
            behind=sorted(name for name, body in own.items() if alias in (body.get("aliases") or {})),
            empty_views=_empty_views(asked, index),
            disks=_disks(asked, flat),
            hits=_hits(asked, index),
            fields=list(_fields(spec, own)),
            strict=sorted(name for name, body in own.items() if _is_strict(body)),
            full=sorted(name for name, body in own.items() if _is_full(body)),
            role=role_arn,
            mapped=_is_mapped(asked, role_arn) if role_arn and (domain is None or guarded.fine_grained) else None,
            denied=asked.denied,
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
        found = json.loads(domain.get("AccessPolicies") or "null")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _index_settings(body: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (body.get("settings") or {}).get("index") or {}
    return found


def _is_blocked(body: Mapping[str, Any]) -> bool:
    blocks = _index_settings(body).get("blocks") or {}
    return any(str(value) == "true" for value in blocks.values())


def _is_strict(body: Mapping[str, Any]) -> bool:
    return str((body.get("mappings") or {}).get("dynamic")).startswith("strict")


def _is_full(body: Mapping[str, Any]) -> bool:
    """A limit of fields that is reached refuses every document with a new one, where the mapping is dynamic."""
    mappings = body.get("mappings") or {}
    limit = ((_index_settings(body).get("mapping") or {}).get("total_fields") or {}).get("limit") or 1000
    return str(mappings.get("dynamic", "true")) == "true" and _count_fields(mappings) >= int(limit)


def _count_fields(mapping: Mapping[str, Any]) -> int:
    inner = [*(mapping.get("properties") or {}).values(), *(mapping.get("fields") or {}).values()]
    return len(inner) + sum(_count_fields(each) for each in inner)


def _fields(spec: IndexSpec | None, own: Mapping[str, Any]) -> Iterator[Field]:
    """Columns that the newest index maps otherwise than the pipeline wants: those before it are not written to."""
    if spec is None or not own:
        return
    newest = max(own)
    body = own[newest]
    lenient = str((_index_settings(body).get("mapping") or {}).get("ignore_malformed")) == "true"
    wanted = {name: field for name, field in to_mapping(spec)["properties"].items() if name != "tally"}
    have = (body.get("mappings") or {}).get("properties") or {}
    for path, (there, want) in compare(wanted, have)[1].items():
        # Text takes any value; a number or a date takes its own kind, unless the index lets bad values pass.
        if there != want:
            yield Field(newest, path, there, want, not lenient and there not in ("keyword", "text", "wildcard"))


def _cluster_settings(asked: _Asked) -> dict[str, Any]:
    """Flat, what is set over what is the default."""
    found = asked("GET", "/_cluster/settings", params={"flat_settings": "true", "include_defaults": "true"}) or {}
    return {**(found.get("defaults") or {}), **(found.get("persistent") or {}), **(found.get("transient") or {})}


def _disks(asked: _Asked, flat: Mapping[str, Any]) -> list[Disk]:
    nodes = (asked("GET", "/_nodes/stats/fs") or {}).get("nodes") or {}
    high, flood = str(flat.get(f"{_WATERMARK}high") or HIGH), str(flat.get(f"{_WATERMARK}flood_stage") or FLOOD_STAGE)
    totals = [(node.get("fs") or {}).get("total") or {} for node in nodes.values()]
    return [
        Disk(float(total["total_in_bytes"]), float(total.get("available_in_bytes") or 0), high, flood)
        for total in totals
        if total.get("total_in_bytes")
    ]


def _hits(asked: _Asked, index: str) -> list[Any]:
    """Documents that carry an id of ours: partials and rows, wherever they went."""
    ours = [{"exists": {"field": f"tally.{name}"}} for name in ("partial_id", "row_id")]
    query = {"size": SAMPLE_DOCUMENTS, "_source": ["tally"], "query": {"bool": {"should": ours}}}
    found = asked("POST", f"/partials-{index}-*,inbox-*,{index},{index}-*/_search", query, _IGNORE) or {}
    hits: list[Any] = (found.get("hits") or {}).get("hits") or []
    return hits


def _empty_views(asked: _Asked, index: str) -> list[str]:
    """Data views of Dashboards that mean this index, by their names, and match nothing."""
    query = {"size": MAX_VIEWS, "_source": ["index-pattern.title"], "query": {"term": {"type": "index-pattern"}}}
    # Dashboards keeps its objects in an index that not everybody may read; then nothing is known of them.
    quiet = _Asked(asked.cluster)
    found = (quiet("POST", "/.kibana*/_search", query, {**_IGNORE, "expand_wildcards": "all"}) or {}).get("hits") or {}
    titles = {
        str(((hit.get("_source") or {}).get("index-pattern") or {}).get("title") or "") for hit in found.get("hits", [])
    }
    return sorted(title for title in titles if _means(title, index) and _is_nothing(quiet, title))


def _means(title: str, index: str) -> bool:
    bare = title.strip("*-")
    return bool(bare) and (index in title or difflib.SequenceMatcher(None, bare, index).ratio() >= 0.75)


def _is_nothing(asked: _Asked, title: str) -> bool:
    found = asked("GET", f"/_resolve/index/{title}", params={"expand_wildcards": "all"})
    return found is not None and not any(found.get(kind) for kind in ("indices", "aliases", "data_streams"))


def _is_mapped(asked: _Asked, role_arn: str) -> bool | None:
    """Whether the security plugin maps the stream's role; None without the plugin, or where that may not be asked."""
    quiet = _Asked(asked.cluster)
    found = quiet("GET", "/_plugins/_security/api/rolesmapping", ignore=(400, 404, 405))
    mappings = [each for each in (found or {}).values() if isinstance(each, dict) and "backend_roles" in each]
    if not mappings:
        return None
    return any(role_arn in [*(mapping["backend_roles"] or []), *(mapping.get("users") or [])] for mapping in mappings)


def gather_summary(aws: Aws, stream: str, document: Mapping[str, Any], url: str | None) -> list[OpenSearchState]:
    """The OpenSearch that a stream's documents go to, one state an output; nothing where there is none.

    Args: document: the pipeline's; url: reaches the domain another way.
    """
    try:
        summary, config = find_summary(aws, stream)
    except (AwsError, SettingsError):
        return []  # the stream's own evidence says why
    name = str(config.get("DomainARN") or "").rpartition("/")[2]
    if not summary or not (name or config.get("ClusterEndpoint")):
        return []
    domain: Mapping[str, Any] | None = None
    try:
        domain = aws.call("opensearch", "describe_domain", DomainName=name)["DomainStatus"] if name else None
        cluster = connect_domain(aws, config, url)
    except StreamtallyError as error:
        denied = error.is_denied if isinstance(error, AwsError) else False
        state = OpenSearchState(name, "", str(error), 403 if denied else 0)
        return [_guards(state, domain)]
    specs = _specs(document, summary, str(config.get("IndexName") or ""))
    role = str(config.get("RoleARN") or "")
    return [gather_opensearch(cluster, index, domain, spec, role) for index, spec in specs]


def gather_cluster(cluster: Cluster, document: Mapping[str, Any]) -> list[OpenSearchState]:
    """A cluster that was named, for every output of the pipeline."""
    return [gather_opensearch(cluster, spec.index, spec=spec) for spec in read_specs(document, DEFAULT_SUMMARY_STREAM)]


def _specs(document: Mapping[str, Any], stream: str, index: str) -> Sequence[tuple[str, IndexSpec | None]]:
    """The outputs' indices behind an inbox; else the one index that the stream writes to."""
    specs = read_specs(document, stream)
    if index in ("", inbox_name(stream)):
        return [(spec.index, spec) for spec in specs]
    return [(index, next((spec for spec in specs if spec.index == index), None))]
