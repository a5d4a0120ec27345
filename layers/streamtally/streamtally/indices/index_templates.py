"""Component and index templates: settings, mappings and aliases of every index that the pipeline writes to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from streamtally.indices.bodies import Body
from streamtally.indices.copies import DEFAULT_COPIES, to_replicas
from streamtally.indices.ingest import FAILURE_FIELD
from streamtally.indices.names import LATE_UNKNOWN
from streamtally.indices.spec import IndexColumn, IndexSpec
from streamtally.plan.aggregates.merged import MAX_KEY_BYTES, NUMBERS

# Above any ordinary user template (0 to some hundreds); one each, since templates of equal priority must not overlap.
PRIORITY_OUTPUT: Final = 540
PRIORITY_LATE: Final = 530
PRIORITY_PARTIALS: Final = 520
PRIORITY_INBOX: Final = 510

FIELDS_LIMIT: Final = "500"
# Lucene accepts terms of 32,766 bytes, and a UTF-8 character has up to 4: a longer text is stored, not searchable.
KEYWORD_MAX_CHARS: Final = 8_191
DATE_FORMAT: Final = (
    "strict_date_optional_time||yyyy-MM-dd'T'HH:mm:ss.SSS||yyyy-MM-dd HH:mm:ss.SSS||yyyy-MM-dd HH:mm:ss||epoch_millis"
)
VISIBLE_FILTER: Final[Body] = {"bool": {"must_not": [{"term": {"tally.visible": {"value": False}}}]}}

_NUMBERS: Final = {
    "BOOLEAN": "boolean", "TINYINT": "byte", "SMALLINT": "short", "INTEGER": "integer", "BIGINT": "long",
    "REAL": "float", "DOUBLE": "double", "DECIMAL": "double", "NUMERIC": "double", "TIMESTAMP": "date", "DATE": "date",
}  # fmt: skip

_KEYWORD: Final[Body] = {"type": "keyword"}
_DATE: Final[Body] = {"type": "date"}
TALLY_MAPPING: Final[Body] = {
    # Never strict: a field of a newer version must not get the document rejected.
    "dynamic": "false",
    "properties": {
        **dict.fromkeys(
            ("output", "partial_id", "row_id", "group_id", "batch_id", "batch_digest", "plan_id"), _KEYWORD
        ),
        **dict.fromkeys(("window_start", "time", "batch_arrival", "ingested_at"), _DATE),
        **{name: {"type": "integer"} for name in ("batch_records", "batch_partials", "out_of_range", "partials")},
        **{name: {"type": "boolean"} for name in ("final", "visible")},
        "state": {"type": "object", "enabled": False},
    },
}
MERGE_MAPPING: Final[Body] = {
    # The same fields for every plan, so that partials of the next plan never have unmapped ones.
    "dynamic": "false",
    "properties": {
        "key": {"type": "keyword", "ignore_above": MAX_KEY_BYTES},
        "placed": {"type": "boolean"},
        **{name: {"type": "long"} for name in ("values", *NUMBERS)},
    },
}
PARTIAL_MAPPING: Final[Body] = {"properties": {"tally": {"properties": {"merge": MERGE_MAPPING}}}}
"""The mapping of partials in addition to the output's own: the fields by which the cluster merges them."""


def to_field(column: IndexColumn, types: Mapping[str, str]) -> Body:
    """A column's mapping: as the pipeline declares it, else as the plan does, else by its SQL type."""
    kind = types.get(column.name) or column.index_type or _NUMBERS.get(_base_type(column.sql_type), "keyword")
    if kind == "date":
        return {"type": "date", "format": DATE_FORMAT}
    if kind == "keyword":
        return {"type": "keyword", "ignore_above": KEYWORD_MAX_CHARS}
    return {"type": kind}


def _base_type(sql_type: str) -> str:
    return re.split(r"[\s(]", sql_type.strip().upper(), maxsplit=1)[0]


def to_mapping(spec: IndexSpec, partials: bool = False) -> Body:
    """The mapping of an output's documents, settled or ``partials``: its columns and ``tally``."""
    columns = {column.name: to_field(column, spec.types) for column in spec.columns}
    tally = TALLY_MAPPING
    if partials:
        tally = {**tally, "properties": {**tally["properties"], "merge": MERGE_MAPPING}}
    # Not dynamic: the type of a newer plan's column would be guessed from the first document.
    return {"dynamic": "false", "properties": {**columns, "tally": tally}}


def to_settings(spec: IndexSpec, copies: int = DEFAULT_COPIES) -> Body:
    """Settings of an output's indices: a malformed value loses its field, not the document; fields are limited.

    Args: copies: of each shard, if the pipeline does not say.
    """
    return {
        "index": {
            "number_of_shards": str(spec.shards),
            **_replicas(spec.replicas, spec.auto_expand_replicas, to_replicas(copies)),
            "mapping": {"ignore_malformed": "true", "total_fields": {"limit": FIELDS_LIMIT}},
        }
    }


def to_partial_settings(spec: IndexSpec, copies: int = DEFAULT_COPIES) -> Body:
    """Additional settings of the partials' indices, which spread the writing and the merging over nodes."""
    settings: Body = {"number_of_shards": str(spec.partials_shards)}
    return {"index": settings | _replicas(spec.partials_replicas, None, _repeated(spec, copies))}


def _repeated(spec: IndexSpec, copies: int) -> Body:
    """The output's replicas once more, where OpenSearch's default of one is refused.

    The cluster checks the settings of an index template without those of its components.
    """
    if copies == DEFAULT_COPIES:
        return {}
    return _replicas(spec.replicas, spec.auto_expand_replicas, to_replicas(copies))


def _replicas(replicas: int | None, auto_expand: str | None, default: Body) -> Body:
    if replicas is not None:
        return {"number_of_replicas": str(replicas), "auto_expand_replicas": "false"}
    return {"auto_expand_replicas": auto_expand} if auto_expand else default


def component_name(spec: IndexSpec) -> str:
    """The name of the output's component template."""
    return f"streamtally-{spec.index}"


def to_component_templates(spec: IndexSpec, copies: int = DEFAULT_COPIES) -> dict[str, Body]:
    """Name → body: what the output's three kinds of indices share."""
    return {component_name(spec): {"template": {"settings": to_settings(spec, copies), "mappings": to_mapping(spec)}}}


def view_name(spec: IndexSpec, taken: bool) -> str:
    """The alias that people query; an alternative if an index has its name (``taken``)."""
    return f"{spec.index}-view" if taken else spec.index


def to_alias() -> Body:
    """The alias's options: groups that HAVING excludes are kept but hidden."""
    return {"filter": VISIBLE_FILTER}


def to_index_templates(spec: IndexSpec, taken: bool = False, copies: int = DEFAULT_COPIES) -> dict[str, Body]:
    """Name → body of the index templates of one output and of its stream's inbox.

    The output's own names have the inbox's pipeline too, which covers an index that Firehose creates tomorrow for a
    stream that wrote there before. Settling bypasses it (``pipeline=_none``).
    """
    shared = [component_name(spec)]
    repeated = _repeated(spec, copies)
    pipeline = {"index": {"default_pipeline": spec.inbox} | repeated}
    inbox = {"number_of_shards": "1", "default_pipeline": spec.inbox}
    if copies != DEFAULT_COPIES:
        inbox |= to_replicas(copies)
    rolled = [f"{spec.index}-0*"] if spec.rotation == "rollover" else []
    return {
        f"streamtally-{spec.inbox}": {
            "index_patterns": [spec.inbox],
            "priority": PRIORITY_INBOX,
            "template": {"settings": {"index": inbox}},
        },
        f"streamtally-partials-{spec.index}": {
            "index_patterns": [f"partials-{spec.index}-2*"],
            "composed_of": shared,
            "priority": PRIORITY_PARTIALS,
            "template": {"settings": to_partial_settings(spec, copies), "mappings": PARTIAL_MAPPING},
        },
        f"streamtally-late-{spec.index}": {
            "index_patterns": [f"late-{spec.index}-2*"],
            "composed_of": shared,
            "priority": PRIORITY_LATE,
            **({"template": {"settings": {"index": repeated}}} if repeated else {}),
        },
        f"streamtally-output-{spec.index}": {
            "index_patterns": [f"{spec.index}-2*", *rolled],
            "composed_of": shared,
            "priority": PRIORITY_OUTPUT,
            "template": {"settings": pipeline, "aliases": {view_name(spec, taken): to_alias()}},
        },
    }


def to_unknown_template(copies: int = DEFAULT_COPIES) -> dict[str, Body]:
    """The template of ``late-unknown``: it must accept anything, so only the reason is mapped."""
    mapping = {
        "dynamic": "false",
        "properties": {FAILURE_FIELD: {"type": "keyword", "ignore_above": KEYWORD_MAX_CHARS}},
    }
    settings = {"index": {"number_of_shards": "1", **to_replicas(copies)}}
    body = {
        "index_patterns": [LATE_UNKNOWN],
        "priority": PRIORITY_LATE,
        "template": {"settings": settings, "mappings": mapping},
    }
    return {f"streamtally-{LATE_UNKNOWN}": body}


def is_same(have: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a template in the cluster is the wanted one; the cluster returns settings as text, nested."""
    return bool(_normalised(have) == _normalised(wanted))


def _normalised(body: Any) -> Any:
    if isinstance(body, Mapping):
        cleaned = {key: _normalised(value) for key, value in body.items()}
        return {key: value for key, value in cleaned.items() if value not in ({}, [], None)}
    if isinstance(body, list):
        return [_normalised(value) for value in body]
    return str(body).lower() if isinstance(body, bool | int | float) else body


def has_view(alias: Mapping[str, Any] | None) -> bool:
    """Whether an index has the view as an alias, with its filter."""
    return alias is not None and is_same(alias.get("filter") or {}, VISIBLE_FILTER)
