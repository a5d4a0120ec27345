"""The OpenSearch side: reachable, writable, not full, documents under derived ids, an alias that finds something."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamtally.findings import Finding, Level

FLOOD_STAGE, HIGH = "95%", "90%"
"""OpenSearch's defaults: indices are made read-only; shards move away. Source: "Cluster settings", disk watermarks."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(b|kb|mb|gb|tb|pb)?")
_UNITS = {None: 1, "b": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40, "pb": 2**50}


@dataclass(frozen=True, slots=True)
class Disk:
    """A node's disk in bytes, and the cluster's watermarks as its settings have them (``90%``, ``0.9``, ``10gb``)."""

    total: float
    free: float
    high: str = HIGH
    flood: str = FLOOD_STAGE

    @property
    def used_share(self) -> float:
        return 1 - self.free / self.total if self.total else 0.0

    def is_past(self, watermark: str) -> bool:
        """Whether a watermark is passed: a share that is used, or so many bytes free at least."""
        text = watermark.strip().lower()
        if text.endswith("%"):
            return self.used_share * 100 >= float(text[:-1])
        match = _SIZE.fullmatch(text)
        if match is None:
            return False
        if match[2] is None and float(match[1]) <= 1:
            return self.used_share >= float(match[1])
        return self.free <= float(match[1]) * _UNITS[match[2]]


@dataclass(frozen=True, slots=True)
class Field:
    """A column that an index maps otherwise than the pipeline wants. ``refuses``: a value that does not fit fails its
    document; else it is only not searchable."""

    index: str
    path: str
    there: str
    wanted: str
    refuses: bool = True


@dataclass(frozen=True, slots=True)
class OpenSearchState:
    """What could be read of a cluster, for one output's index.

    Attributes:
        error, status: why it could not be read at all, and the HTTP status; denied: what else could not be.
        matching: the indices of its name; blocked: those that take no writes; cluster_blocks: the cluster's own.
        alias: what people look at; behind: the indices that it finds, None if unknown; empty_views: data views of
            Dashboards that match no index.
        used_share: of the fullest node's disk (with the default watermarks); disks: of every node.
        hits: some documents, as a search gives them, each with ``_id`` and ``_source``.
        fields: columns that are mapped otherwise; strict: indices that refuse what they do not map;
            full: those whose limit of fields is reached.
        role, mapped: the stream's role, and whether a role of the security plugin has it, None if unknown.
        policy: the domain's access policy, None if unknown; in_vpc, fine_grained: what else guards it.
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
    behind: Sequence[str] | None = None
    empty_views: Sequence[str] = ()
    fields: Sequence[Field] = ()
    strict: Sequence[str] = ()
    full: Sequence[str] = ()
    role: str = ""
    mapped: bool | None = None


def check_reachable(given: OpenSearchState) -> Iterator[Finding]:
    """A refusal of ours says what Firehose's would."""
    if given.error and given.status in (401, 403):
        fix = "map your role (fine-grained access control), or add es:ESHttp* to the access policy"
        yield Finding("opensearch-permission", "error", given.error, fix, given.where)
    elif given.error:
        fix = "see the address and the network (a domain in a VPC answers there alone)"
        yield Finding("opensearch-unreachable", "error", given.error, fix, given.where)
    for each in given.denied:
        fix = "give yourself the right that it names, and run the doctor again"
        yield Finding("opensearch-permission", "warning", f"not looked at: {each}", fix, given.where)


def check_role(given: OpenSearchState) -> Iterator[Finding]:
    """With fine-grained access control a role that nothing maps is refused, whatever IAM says: 403 for each write."""
    if given.mapped is False:
        text = f"the stream's role {given.role} is mapped to no role of the domain: every write is refused (403)"
        fix = "streamtally indices apply, with FIREHOSE_ROLE_ARN set to it, as a user who may map roles"
        yield Finding("opensearch-permission", "error", text, fix, given.where)


def check_writable(given: OpenSearchState) -> Iterator[Finding]:
    """Blocks stay after the disk has room again, on older versions."""
    if given.blocked:
        text = f"{', '.join(given.blocked[:3])} is read-only"
        fix = "free disk space, then put null into index.blocks.read_only_allow_delete (or .write) of its settings"
        yield Finding("opensearch-read-only", "error", text, fix, given.where)
    if given.cluster_blocks:
        text = f"the cluster has {' and '.join(given.cluster_blocks)}"
        fix = "free disk space or enlarge the volume, then put null into that cluster setting"
        yield Finding("opensearch-read-only", "error", text, fix, given.where)


def check_disk(given: OpenSearchState) -> Iterator[Finding]:
    """At the flood stage indices become read-only."""
    disks = list(given.disks) or ([Disk(1.0, 1 - given.used_share)] if given.used_share is not None else [])
    if not disks:
        return
    fullest = max(disks, key=lambda each: (each.is_past(each.flood), each.is_past(each.high), each.used_share))
    if fullest.is_past(fullest.high):
        level: Level = "error" if fullest.is_past(fullest.flood) else "warning"
        mark = f"flood stage ({fullest.flood})" if level == "error" else f"high watermark ({fullest.high})"
        text = f"the fullest node's disk is {fullest.used_share:.0%} full, past the {mark}"
        fix = "shorten the retention (pipeline.toml), or enlarge the volume"
        yield Finding("opensearch-disk", level, text, fix, given.where)


def check_alias(given: OpenSearchState) -> Iterator[Finding]:
    """An alias or data view that matches nothing shows nothing, without an error."""
    if not given.error and not given.denied and not given.matching:
        fix = "see the index's name in pipeline.toml; streamtally indices plan says what is missing"
        yield Finding("alias-empty", "error", f"{given.index} matches no index", fix, given.where)
    elif given.alias and given.matching and given.behind is not None and not given.behind:
        text = f"there is no alias {given.alias}: who looks at it sees none of {len(given.matching)} indices"
        yield Finding("alias-empty", "error", text, "streamtally indices apply puts them behind it", given.where)
    for title in given.empty_views:
        fix = f"mend its index pattern in Dashboards ({given.alias or given.index}), or delete it"
        yield Finding("alias-empty", "error", f"the data view {title} matches no index", fix, given.where)


def check_mapping(given: OpenSearchState) -> Iterator[Finding]:
    """What the mapping refuses before a document comes."""
    for each in given.fields:
        text = f"{each.index}: {each.path} is {each.there}, and the pipeline's is {each.wanted}"
        told = "documents that do not fit are refused" if each.refuses else "what does not fit is not searchable"
        fix = "streamtally indices apply (a new index begins with the next rotation), or declare the type as it is"
        level: Level = "error" if each.refuses else "warning"
        yield Finding("opensearch-mapping", level, f"{text}: {told}", fix, given.where)
    for name in given.strict:
        text = f'{name} is mapped "dynamic": "strict": a document with any other field is refused'
        yield Finding("opensearch-mapping", "error", text, "put dynamic: false into its mapping", given.where)
    for name in given.full:
        text = f"{name} has reached its limit of fields (index.mapping.total_fields.limit)"
        fix = "put dynamic: false into its mapping, or raise the limit"
        yield Finding("opensearch-mapping", "error", text, fix, given.where)


def check_ids(given: OpenSearchState) -> Iterator[Finding]:
    """Documents of ours whose ``_id`` is not the derived one are counted again with each repeat."""
    wrong = [hit for hit in given.hits if (own := _own_id(hit)) and hit.get("_id") != own]
    if wrong:
        text = f"{len(wrong)} of {len(given.hits)} documents have an _id that is not the derived one"
        yield Finding(
            "ids-not-derived", "error", text, "streamtally indices apply puts the pipeline in place", given.where
        )


def _own_id(hit: Mapping[str, Any]) -> str:
    tally = (hit.get("_source") or {}).get("tally") or {}
    return str(tally.get("partial_id") or tally.get("row_id") or "") if isinstance(tally, dict) else ""


def check_refused(given: OpenSearchState) -> Iterator[Finding]:
    """Reasons that a trial write, or an error file, gave."""
    for reason in given.refused:
        fix = "streamtally indices plan, then apply; see the field that it names"
        yield Finding("opensearch-mapping", "error", reason, fix, given.where)


def check_open(given: OpenSearchState) -> Iterator[Finding]:
    """A domain on the internet that anybody may read and delete."""
    if given.policy is None or given.in_vpc or given.fine_grained:
        return
    statements = given.policy.get("Statement") or []
    if any(
        _lets_everybody_in(statement) for statement in (statements if isinstance(statements, list) else [statements])
    ):
        fix = "name the roles in the access policy, or turn on fine-grained access control"
        yield Finding("open-access", "error", "the access policy lets everybody in", fix, given.where)


def _lets_everybody_in(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    if statement.get("Effect") != "Allow" or "*" not in (named if isinstance(named, list) else [named]):
        return False
    conditions = statement.get("Condition") or {}
    # An address condition that holds for every address is none.
    sources = [
        source
        for operator, tested in conditions.items()
        if operator == "IpAddress" and isinstance(tested, dict)
        for value in tested.values()
        for source in (value if isinstance(value, list) else [value])
    ]
    return not conditions or (set(conditions) == {"IpAddress"} and any(each.endswith("/0") for each in sources))


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
)
