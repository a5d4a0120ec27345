"""Limits of a cluster that refuse the next index or field: shards, names that documents may make, fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streamtally.findings import Finding
from streamtally.indices.coming_names import ComingIndex, matches
from streamtally.indices.index_templates import FIELDS_LIMIT, to_mapping
from streamtally.indices.mappings import compare, count_fields
from streamtally.indices.names import STATE_INDEX, parse_index_name
from streamtally.indices.observed import ObservedIndex
from streamtally.indices.question import Question, is_written, some
from streamtally.indices.spec import IndexSpec

NEAR_SHARE = 0.9
NEAR_DAYS = 7
"""A limit of shards is near if this share of it is used, or if it is reached in these days."""
DEFAULT_SHARDS_PER_NODE = 1000


def check_shards(question: Question) -> Iterator[Finding]:
    """The limit of shards: past it every new index is refused with 400, and its documents with it."""
    settings, health = question.around.settings, question.around.health
    nodes = int(health.get("number_of_data_nodes") or 0)
    limit = int(settings.get("cluster.max_shards_per_node") or DEFAULT_SHARDS_PER_NODE) * nodes
    if not health or limit <= 0:
        return
    used = sum(int(health.get(f"{state}_shards") or 0) for state in ("active", "initializing", "unassigned"))
    a_day = max(1, sum(_shards(coming, nodes) for coming in question.coming if coming.kind in ("partials", "output")))
    text = f"{used:,} of {limit:,} shards are open (cluster.max_shards_per_node × {nodes} data nodes)"
    fix = "delete indices (shorter retention, rotation by week or month), add a data node, or raise the setting"
    if used + a_day > limit:
        yield Finding("shard-limit", "error", f"{text}: the next index cannot be made", fix)
    elif used >= NEAR_SHARE * limit or used + NEAR_DAYS * a_day > limit:
        days = (limit - used) // a_day
        yield Finding("shard-limit", "warning", f"{text}: this pipeline alone fills it in {days} days", fix)


def _shards(coming: ComingIndex, nodes: int) -> int:
    spec = coming.spec
    if spec is None:
        return 0
    copies = 2 if nodes > 1 else 1
    if coming.kind == "partials" and spec.partials_replicas is not None:
        copies = 1 + spec.partials_replicas
    return copies * (spec.partials_shards if coming.kind == "partials" else 1)


def check_auto_create(question: Question) -> Iterator[Finding]:
    """Documents make their indices, so ``action.auto_create_index`` must allow the names."""
    value = question.around.settings.get("action.auto_create_index", "true")
    existing = question.around.resolved.indices
    names = [
        coming.name
        for coming in question.coming
        if coming.is_made_by_writing and coming.name not in existing and not may_auto_create(value, coming.name)
    ]
    if names:
        shown = value if isinstance(value, str) else ",".join(map(str, value))
        text = f"action.auto_create_index is {shown}: {some(names)} cannot be made by a document"
        wanted = ",".join(dict.fromkeys(f"+{_pattern(name, question.specs)}" for name in names))
        fix = f"set action.auto_create_index to true, or begin its list with {wanted}"
        yield Finding("auto-create", "error", text, fix)


def may_auto_create(value: object, name: str) -> bool:
    """Whether a document may make an index: ``true``, ``false``, or patterns of which the first that matches decides.

    Source: OpenSearch, AutoCreateIndex: a list that matches nothing refuses.
    """
    patterns = [str(part) for part in value] if isinstance(value, list) else str(value).split(",")
    patterns = [pattern.strip() for pattern in patterns if pattern.strip()]
    if len(patterns) == 1 and patterns[0] in ("true", "false"):
        return patterns[0] == "true"
    for pattern in patterns:
        if matches([pattern.lstrip("+-")], name):
            return not pattern.startswith("-")
    return not patterns


def _pattern(name: str, specs: Iterable[IndexSpec]) -> str:
    for spec in specs:
        for prefix in ("partials-", "late-", ""):
            if name.startswith(f"{prefix}{spec.index}-"):
                return f"{prefix}{spec.index}-*"
    return name


def check_fields(question: Question) -> Iterator[Finding]:
    """``index.mapping.total_fields.limit``: of the indices to come, and of those that are written."""
    for spec in question.specs:
        wanted = count_fields(to_mapping(spec, partials=bool(spec.windowed)))
        if wanted > int(FIELDS_LIMIT):
            text = f"output {spec.name} has {wanted} fields, more than index.mapping.total_fields.limit, {FIELDS_LIMIT}"
            yield Finding("field-limit", "error", text, "select fewer columns")
    for index in question.around.indices.values():
        if is_written(question, index) and index.name != STATE_INDEX:
            yield from _check_own_fields(index, question.specs)


def _check_own_fields(index: ObservedIndex, specs: Iterable[IndexSpec]) -> Iterator[Finding]:
    limit = int(((index.settings.get("mapping") or {}).get("total_fields") or {}).get("limit") or 1000)
    have = count_fields(index.mapping)
    is_dynamic = str(index.mapping.get("dynamic", "true")) == "true"
    added = 0
    for spec in specs:
        name = parse_index_name(index.name, spec.index)
        if name:
            wanted = to_mapping(spec, name.kind == "partials")["properties"]
            added = count_fields({"properties": compare(wanted, index.mapping.get("properties") or {})[0]})
    if have + added > limit or (is_dynamic and have >= limit):
        text = f"{index.name} has {have} fields and needs {added} more; index.mapping.total_fields.limit is {limit}"
        yield Finding(
            "field-limit", "error", text, "raise the limit in its settings, or set dynamic: false in its mapping"
        )
    if str(index.mapping.get("dynamic")).startswith("strict"):
        text = f'{index.name} is mapped "dynamic": "strict": a document with any other field is refused'
        yield Finding("opensearch-mapping", "error", text, "set dynamic: false in its mapping")
