"""The OpenSearch side: reachable, writable, not full, documents under derived ids, an alias that finds something."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamtally.findings import Finding

FLOOD_STAGE_SHARE, HIGH_SHARE = 0.95, 0.90
"""OpenSearch's defaults: indices are made read-only; shards move away. Source: "Cluster settings", disk watermarks."""


@dataclass(frozen=True, slots=True)
class OpenSearchState:
    """What could be read of a cluster, for one output's index.

    Attributes:
        error, status: why it could not be read, and the HTTP status.
        matching: the indices that the alias or pattern finds; blocked: those that take no writes.
        used_share: of the fullest node's disk.
        hits: some documents, as a search gives them, each with ``_id`` and ``_source``.
        policy: the domain's access policy, None if unknown; in_vpc, fine_grained: what else guards it.
    """

    where: str
    index: str
    error: str = ""
    status: int = 0
    matching: Sequence[str] = ()
    blocked: Sequence[str] = ()
    used_share: float | None = None
    hits: Sequence[Mapping[str, Any]] = ()
    policy: Mapping[str, Any] | None = None
    in_vpc: bool = False
    fine_grained: bool = False
    refused: Sequence[str] = field(default_factory=tuple)


def check_reachable(given: OpenSearchState) -> Iterator[Finding]:
    """A refusal of ours says what Firehose's would."""
    if not given.error:
        return
    if given.status in (401, 403):
        fix = "map your role (fine-grained access control), or add es:ESHttp* to the access policy"
        yield Finding("opensearch-permission", "error", given.error, fix, given.where)
    else:
        fix = "see the address and the network (a domain in a VPC answers there alone)"
        yield Finding("opensearch-unreachable", "error", given.error, fix, given.where)


def check_writable(given: OpenSearchState) -> Iterator[Finding]:
    """Blocks stay after the disk has room again, on older versions."""
    if given.blocked:
        text = f"{', '.join(given.blocked[:3])} is read-only"
        fix = "free disk space, then put null into index.blocks.read_only_allow_delete (or .write) of its settings"
        yield Finding("opensearch-read-only", "error", text, fix, given.where)


def check_disk(given: OpenSearchState) -> Iterator[Finding]:
    """At the flood stage indices become read-only."""
    if given.used_share is not None and given.used_share >= HIGH_SHARE:
        level = "error" if given.used_share >= FLOOD_STAGE_SHARE else "warning"
        text = f"the fullest node's disk is {given.used_share:.0%} full"
        fix = "shorten the retention (pipeline.toml), or enlarge the volume"
        yield Finding("opensearch-disk", level, text, fix, given.where)  # type: ignore[arg-type]


def check_alias(given: OpenSearchState) -> Iterator[Finding]:
    """An alias or data view that matches nothing shows nothing, without an error."""
    if not given.error and not given.matching:
        fix = "see the index's name in pipeline.toml; streamtally indices plan says what is missing"
        yield Finding("alias-empty", "error", f"{given.index} matches no index", fix, given.where)


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
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        everybody = principal == "*" or (isinstance(principal, dict) and principal.get("AWS") in ("*", ["*"]))
        if statement.get("Effect") == "Allow" and everybody and not statement.get("Condition"):
            fix = "name the roles in the access policy, or turn on fine-grained access control"
            yield Finding("open-access", "error", "the access policy lets everybody in", fix, given.where)


CHECKS: tuple[Callable[[OpenSearchState], Iterable[Finding]], ...] = (
    check_reachable,
    check_writable,
    check_disk,
    check_alias,
    check_ids,
    check_refused,
    check_open,
)
