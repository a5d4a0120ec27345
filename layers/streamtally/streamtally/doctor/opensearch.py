"""The OpenSearch side: reachable, writable, not full, documents with derived ids, an alias that matches something."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamtally.findings import Finding, Level
from streamtally.indices.disk import Disk
from streamtally.indices.health_obstacles import judge_disks


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A column that an index maps differently from the pipeline.

    Attributes:
        index: the index.
        path: the field's path.
        actual: its type in the index.
        wanted: its type in the pipeline.
        refuses: whether a value that does not fit fails its document; if not, it is only not searchable.
    """

    index: str
    path: str
    actual: str
    wanted: str
    refuses: bool = True


@dataclass(frozen=True, slots=True)
class OpenSearchState:
    """What could be read from a cluster, for one output's index.

    Attributes:
        where: the cluster.
        index: the output's index, or its pattern.
        error: why the cluster could not be read at all; "": it was read.
        status: the HTTP status of that error; 0: there is none.
        denied: what else could not be read, one line each.
        matching: the indices that match.
        blocked: those that are write-blocked.
        cluster_blocks: blocks in the cluster's settings.
        alias: the alias that people query.
        aliased: the indices that have the alias; None if unknown.
        empty_views: data views of Dashboards that match no index.
        used_share: the used share of the fullest node's disk (with the default watermarks).
        disks: the disk of every node.
        hits: some documents as a search returns them, each with ``_id`` and ``_source``.
        refused: reasons for which documents were rejected.
        fields: columns that are mapped differently.
        strict: indices that reject unmapped fields.
        full: indices that have reached their limit of fields.
        role: the stream's role.
        mapped: whether a role of the security plugin is mapped to it; None if unknown.
        policy: the domain's access policy; None if unknown.
        in_vpc: whether the domain is in a VPC.
        fine_grained: whether it has fine-grained access control.
        others_match: whether another output of the pipeline has indices.
        obstacles: what keeps documents out of the cluster: limits, other people's templates and names.
    """

    where: str
    index: str
    error: str = ""
    status: int = 0
    matching: Sequence[str] = ()
    blocked: Sequence[str] = ()
    used_share: float | None = None
    disks: Sequence[Disk] = ()
    hits: Sequence[Mapping[str, Any]] = ()
    policy: Mapping[str, Any] | None = None
    in_vpc: bool = False
    fine_grained: bool = False
    refused: Sequence[str] = field(default_factory=tuple)
    denied: Sequence[str] = ()
    cluster_blocks: Sequence[str] = ()
    alias: str = ""
    aliased: Sequence[str] | None = None
    empty_views: Sequence[str] = ()
    fields: Sequence[FieldConflict] = ()
    strict: Sequence[str] = ()
    full: Sequence[str] = ()
    role: str = ""
    mapped: bool | None = None
    others_match: bool = False
    obstacles: Sequence[Finding] = ()


def check_reachable(state: OpenSearchState) -> Iterator[Finding]:
    """If this request is rejected, Firehose's would be too."""
    if state.error and state.status in (401, 403):
        fix = "map your role (fine-grained access control), or add es:ESHttp* to the access policy"
        yield Finding("opensearch-permission", "error", state.error, fix, state.where)
    elif state.error:
        fix = "check the address and the network (a domain in a VPC responds only inside the VPC)"
        if state.status in (200, 429, 500, 503):
            fix = "the cluster answers, but not for all its shards: GET _cluster/health and _cluster/allocation/explain"
        yield Finding("opensearch-unreachable", "error", state.error, fix, state.where)
    for line in state.denied:
        fix = "get the permission that it names, and run the command again"
        yield Finding("opensearch-permission", "warning", f"not checked: {line}", fix, state.where)


def check_role(state: OpenSearchState) -> Iterator[Finding]:
    """With fine-grained access control, a role that is not mapped gets 403 for each write, whatever IAM allows."""
    if state.mapped is False:
        text = f"the stream's role {state.role} is not mapped to any role of the domain: every write is rejected (403)"
        options = f"--before-deploy --no-map-roles --role-arn summary={state.role}"
        fix = (
            f"map it to streamtally_firehose, as a deployment with FIREHOSE_ROLE_ARN does: streamtally doctor {options}"
        )
        yield Finding("opensearch-permission", "error", text, fix, state.where)


def check_writable(state: OpenSearchState) -> Iterator[Finding]:
    """On older versions, blocks remain after the disk has space again."""
    if state.blocked:
        text = f"{', '.join(state.blocked[:3])} is read-only"
        fix = "free disk space, then set index.blocks.read_only_allow_delete (or .write) to null in its settings"
        yield Finding("opensearch-read-only", "error", text, fix, state.where)
    if state.cluster_blocks:
        text = f"the cluster has {' and '.join(state.cluster_blocks)}"
        fix = "free disk space or enlarge the volume, then set that cluster setting to null"
        yield Finding("opensearch-read-only", "error", text, fix, state.where)


def check_disk(state: OpenSearchState) -> Iterator[Finding]:
    """At the flood stage indices become read-only."""
    disks = list(state.disks) or ([Disk(1.0, 1 - state.used_share)] if state.used_share is not None else [])
    yield from judge_disks(disks, state.where)


def check_alias(state: OpenSearchState) -> Iterator[Finding]:
    """An alias or data view that matches no index shows nothing, without an error."""
    if not state.error and not state.denied and not state.matching and state.others_match:
        text = f"{state.index} matches no index: this output has had no document yet, other outputs have"
        yield Finding("alias-empty", "note", text, "nothing, if the logs have no lines for it", state.where)
    elif not state.error and not state.denied and not state.matching:
        fix = "check the index's name in pipeline.toml; streamtally indices plan shows what is missing"
        yield Finding("alias-empty", "error", f"{state.index} matches no index", fix, state.where)
    elif state.alias and state.matching and state.aliased is not None and not state.aliased:
        text = f"the alias {state.alias} does not exist: queries of it find none of {len(state.matching)} indices"
        yield Finding("alias-empty", "error", text, "run streamtally indices apply to add them to it", state.where)
    for title in state.empty_views:
        fix = f"fix its index pattern in Dashboards ({state.alias or state.index}), or delete it"
        yield Finding("alias-empty", "error", f"the data view {title} matches no index", fix, state.where)


def check_mapping(state: OpenSearchState) -> Iterator[Finding]:
    """What the mapping will reject."""
    for field_ in state.fields:
        text = f"{field_.index}: {field_.path} is {field_.actual}, and {field_.wanted} in the pipeline"
        effect = (
            "documents that do not fit are rejected" if field_.refuses else "values that do not fit are not searchable"
        )
        fix = "run streamtally indices apply (for new indices, from the next rotation), or declare the existing type"
        level: Level = "error" if field_.refuses else "warning"
        yield Finding("opensearch-mapping", level, f"{text}: {effect}", fix, state.where)
    for name in state.strict:
        text = f'{name} is mapped "dynamic": "strict": a document with any other field is rejected'
        yield Finding("opensearch-mapping", "error", text, "set dynamic: false in its mapping", state.where)
    for name in state.full:
        text = f"{name} has reached its limit of fields (index.mapping.total_fields.limit)"
        fix = "set dynamic: false in its mapping, or raise the limit"
        yield Finding("opensearch-mapping", "error", text, fix, state.where)


def check_ids(state: OpenSearchState) -> Iterator[Finding]:
    """Streamtally's documents without the derived ``_id`` are counted again with each duplicate delivery."""
    wrong = [hit for hit in state.hits if (own := _own_id(hit)) and hit.get("_id") != own]
    if wrong:
        text = f"{len(wrong)} of {len(state.hits)} documents have an _id that is not the derived one"
        yield Finding(
            "ids-not-derived",
            "error",
            text,
            "run streamtally indices apply to install the ingest pipeline",
            state.where,
        )


def _own_id(hit: Mapping[str, Any]) -> str:
    tally = (hit.get("_source") or {}).get("tally") or {}
    return str(tally.get("partial_id") or tally.get("row_id") or "") if isinstance(tally, dict) else ""


def check_refused(state: OpenSearchState) -> Iterator[Finding]:
    """Reasons from a trial write or an error file."""
    for reason in state.refused:
        fix = "run streamtally indices plan, then apply; check the field that it names"
        yield Finding("opensearch-mapping", "error", reason, fix, state.where)


def check_open(state: OpenSearchState) -> Iterator[Finding]:
    """A domain on the internet that anyone may read and delete."""
    if state.policy is None or state.in_vpc or state.fine_grained:
        return
    statements = state.policy.get("Statement") or []
    if any(_allows_everyone(statement) for statement in (statements if isinstance(statements, list) else [statements])):
        fix = "name the roles in the access policy, or turn on fine-grained access control"
        yield Finding("open-access", "error", "the access policy allows everyone", fix, state.where)


def _allows_everyone(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    if statement.get("Effect") != "Allow" or "*" not in (named if isinstance(named, list) else [named]):
        return False
    conditions = statement.get("Condition") or {}
    # A condition that every address satisfies is no restriction.
    sources = [
        source
        for operator, tested in conditions.items()
        if operator == "IpAddress" and isinstance(tested, dict)
        for value in tested.values()
        for source in (value if isinstance(value, list) else [value])
    ]
    return not conditions or (set(conditions) == {"IpAddress"} and any(source.endswith("/0") for source in sources))


def check_obstacles(state: OpenSearchState) -> Iterator[Finding]:
    """What the index manager sees of the cluster around its own parts."""
    yield from state.obstacles


CHECKS: tuple[Callable[[OpenSearchState], Iterable[Finding]], ...] = (
    check_reachable,
    check_role,
    check_writable,
    check_disk,
    check_alias,
    check_mapping,
    check_ids,
    check_refused,
    check_open,
    check_obstacles,
)
