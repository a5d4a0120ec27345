"""What ``pipeline.toml`` says of an output: where its documents go, and how long things are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from streamtally.errors import SettingsError

ERROR_STREAM = "error_stream"
"""The in-application stream of rows that a pump could not evaluate; it has documents only if it is bound."""

SHARDS = range(1, 1_025)
"""Numbers of shards that an index can have: OpenSearch's own limit (``es.index.max_number_of_shards``)."""
REPLICAS = range(11)
"""Numbers of copies beside each shard: as many as a domain of some size could place."""

METADATA_FIELDS = frozenset(
    [
        "_data_stream_timestamp",
        "_doc_count",
        "_dynamic_templates",
        "_field_names",
        "_id",
        "_if_primary_term",
        "_if_seq_no",
        "_ignored",
        "_index",
        "_ingest",
        "_meta",
        "_nested_path",
        "_op_type",
        "_primary_term",
        "_require_alias",
        "_routing",
        "_seq_no",
        "_size",
        "_source",
        "_tier",
        "_type",
        "_version",
        "_version_type",
    ]
)
"""What OpenSearch keeps of a document beside its fields, and an ingest pipeline of a request."""


def why_reserved(column: str) -> str | None:
    """Why no column can have this name, as a clause; None: it can. A dot makes an object of what is before it."""
    first = column.partition(".")[0]
    if first == "tally":
        return "documents keep their own account there"
    return "it is OpenSearch's own" if first in METADATA_FIELDS else None


ROTATIONS = ("hour", "day", "week", "month", "rollover")


@dataclass(frozen=True, slots=True)
class Retention:
    """Which indices of an output are deleted: whichever limit is reached first. None: that limit is not set."""

    max_age_days: float | None = None
    max_count: int | None = None
    max_size_bytes: int | None = None
    min_free_disk_share: float | None = None


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """The settings of an output.

    Attributes:
        stream: the delivery stream that takes its documents; None is the one the function's environment names.
        index: the alias people look at; indices are ``<index>-<date>``.
        rotation: one of :data:`ROTATIONS`, of the window's or event's date.
        grace_seconds: how long after its end a window counts as still filling.
        max_past_seconds, max_ahead_seconds: how far from its record's arrival an event time is believed.
        partials_days: how long partials are kept.
        partials_shards, partials_replicas: of each index of partials; None: one shard, a copy where a second node is.
        types: column → OpenSearch field type, where it is not what the plan's type says.
        options: what later parts of the pipeline read themselves (rollover, force-merge, snapshots …).
    """

    index: str
    stream: str | None = None
    rotation: str = "day"
    retention: Retention = field(default_factory=Retention)
    grace_seconds: int = 20 * 60
    max_past_seconds: int = 7 * 86_400
    max_ahead_seconds: int = 3_600
    partials_days: float = 10
    partials_shards: int | None = None
    partials_replicas: int | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


_NAMES = {each.name for each in fields(OutputSettings)}


def output_settings(name: str, document: Mapping[str, Any]) -> OutputSettings:
    """An output's settings from ``pipeline.json``. Raises: SettingsError: an index is missing, or a name is unknown."""
    if unknown := sorted(set(document) - _NAMES):
        raise SettingsError(
            f"output {name!r}: unknown setting {unknown[0]!r}: the settings are {', '.join(sorted(_NAMES))}"
        )
    if not document.get("index"):
        raise SettingsError(f"output {name!r}: no index: give index = '…' under [outputs.{name}]")
    values = dict(document)
    try:
        values["retention"] = Retention(**(document.get("retention") or {}))
    except TypeError:
        known = ", ".join(each.name for each in fields(Retention))
        raise SettingsError(f"output {name!r}: unknown limit under retention: the limits are {known}") from None
    if values.get("rotation", "day") not in ROTATIONS:
        raise SettingsError(f"output {name!r}: unknown rotation {values['rotation']!r}: it is {', '.join(ROTATIONS)}")
    return OutputSettings(**values)
