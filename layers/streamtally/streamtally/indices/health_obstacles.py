"""The state of a cluster that keeps documents out: blocks, missing shards, full disks, memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streamtally.findings import Finding, Level
from streamtally.indices.coming_names import is_own_index
from streamtally.indices.disk import Disk
from streamtally.indices.question import Question, is_written, some

BREAKER_SHARE = 0.95
_BLOCKS = {
    "cluster.blocks.read_only": "nothing can be written",
    "cluster.blocks.read_only_allow_delete": "nothing can be written, only deleted",
    "cluster.blocks.create_index": "no index can be made",
}
_INDEX_BLOCKS = ("read_only", "read_only_allow_delete", "metadata")


def check_blocks(question: Question) -> Iterator[Finding]:
    """Blocks of the cluster, of the state index, and of indices that are still written."""
    for name, effect in _BLOCKS.items():
        if str(question.around.settings.get(name)) == "true":
            fix = f"free disk space if that is the cause, then set {name} to null in the cluster's settings"
            yield Finding("opensearch-read-only", "error", f"the cluster has {name}: {effect}", fix)
    blocked: dict[str, list[str]] = {}
    for index in question.around.indices.values():
        kinds = [block for block in _INDEX_BLOCKS if index.has_block(block)]
        if index.has_block("write") and is_written(question, index):
            kinds.append("write")
        for kind in kinds:
            blocked.setdefault(kind, []).append(index.name)
    for kind, names in sorted(blocked.items()):
        text = f"{some(names)}: index.blocks.{kind} is set, so documents are refused"
        fix = "free disk space: the cluster then lifts the block, older versions need it set to null"
        if kind != "read_only_allow_delete":
            fix = f"set index.blocks.{kind} to null in the settings of the index"
        yield Finding("opensearch-read-only", "error", text, fix)


def check_health(question: Question) -> Iterator[Finding]:
    """Indices without a primary, without a copy; new shards that are placed nowhere."""
    states = question.around.health.get("indices") or {}
    own = {name: body for name, body in states.items() if is_own_index(name, question.specs)}
    red = sorted(name for name, body in own.items() if body.get("status") == "red")
    yellow = sorted(name for name, body in own.items() if body.get("status") == "yellow")
    fix = "GET _cluster/allocation/explain says why; add nodes or disk, or set fewer replicas"
    if red:
        text = f"{some(red)} is red: a primary shard is missing, so its documents are neither taken nor counted"
        yield Finding("opensearch-health", "error", text, fix)
    if yellow:
        yield Finding("opensearch-health", "warning", f"{some(yellow)} is yellow: a replica is not allocated", fix)
    if not own and question.around.health.get("status") == "red":
        yield Finding("opensearch-health", "warning", "the cluster is red: indices of others lack a primary", fix)
    enable = str(question.around.settings.get("cluster.routing.allocation.enable") or "all").lower()
    if enable != "all":
        level: Level = "error" if enable == "none" else "warning"
        text = f"cluster.routing.allocation.enable is {enable}: shards of new indices are not all allocated"
        yield Finding("opensearch-health", level, text, "set it to null, if no upgrade is in progress")


def check_disks(question: Question) -> Iterator[Finding]:
    """At the high watermark no shard is placed on a node; at the flood stage its indices become read-only."""
    if str(question.around.settings.get("cluster.routing.allocation.disk.threshold_enabled", "true")) == "false":
        return
    yield from judge_disks(question.around.disks)


def judge_disks(disks: Sequence[Disk], where: str = "") -> Iterator[Finding]:
    """What the fullest of these disks means. Args: where: the cluster's address."""
    if not disks:
        return
    fullest = max(disks, key=lambda disk: (disk.is_past(disk.flood), disk.is_past(disk.high), disk.used_share))
    if fullest.is_past(fullest.high):
        level: Level = "error" if fullest.is_past(fullest.flood) else "warning"
        mark = f"flood stage ({fullest.flood})" if level == "error" else f"high watermark ({fullest.high})"
        text = f"the fullest node's disk is {fullest.used_share:.0%} full, past the {mark}"
        yield Finding(
            "opensearch-disk", level, text, "shorten the retention (pipeline.toml), or enlarge the volume", where
        )


def check_breakers(question: Question) -> Iterator[Finding]:
    """A node that has promised all its memory refuses requests with 429, circuit_breaking_exception."""
    for breaker in question.around.breakers:
        if breaker.limit > 0 and breaker.estimated >= BREAKER_SHARE * breaker.limit:
            share = breaker.estimated / breaker.limit
            text = f"a node uses {share:.0%} of what its parent circuit breaker allows: requests are refused (429)"
            yield Finding("circuit-breaker", "warning", text, "use nodes with more memory, or fewer shards")


def check_unread(question: Question) -> Iterator[Finding]:
    """What may not be read cannot be judged."""
    for line in question.around.unread:
        fix = "get the permission that it names, and run the command again"
        yield Finding("opensearch-permission", "warning", f"not checked: {line}", fix)
