"""``[outputs.<name>]`` of a pipeline: where an output's documents go, and how long things are kept.

:class:`OutputTable` is the table as ``pipeline.toml`` writes it (``grace = "20m"``), :class:`OutputSettings` the same
in ``pipeline.json``, in seconds, days and bytes. Only the second has defaults.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from streamtally.config.read import read_table
from streamtally.config.source import Name
from streamtally.config.units import (
    AUTO_EXPAND_PATTERN,
    DURATION_PATTERN,
    SIZE_PATTERN,
    STREAM_PATTERN,
    parse_duration,
    parse_size,
)
from streamtally.errors import SettingsError

ERROR_STREAM = "error_stream"
"""The in-application stream of rows that a pump could not evaluate; it has documents only if it is an output."""

DEFAULT_SUMMARY_STREAM = "log-summary-stream"
"""The second stream's name in ``template.yaml``: a command's default if neither an option nor SUMMARY_STREAM is set."""

Rotation: TypeAlias = Literal["hour", "day", "week", "month", "rollover"]

Duration: TypeAlias = Annotated[str, Meta(pattern=DURATION_PATTERN, examples=["20m"])]
Stream: TypeAlias = Annotated[str, Meta(pattern=STREAM_PATTERN)]
Size: TypeAlias = Annotated[str, Meta(pattern=SIZE_PATTERN, examples=["20GB"])]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=10**15, examples=[100])]
Days: TypeAlias = Annotated[float, Meta(gt=0, le=36_600, examples=[90])]
Shards: TypeAlias = Annotated[int, Meta(ge=1, le=1_024, examples=[2])]
"""The number of shards that an index can have: OpenSearch's own limit (``es.index.max_number_of_shards``)."""
Replicas: TypeAlias = Annotated[int, Meta(ge=0, le=10, examples=[1])]
"""The number of copies of each shard: as many as a large domain could hold."""
AutoExpand: TypeAlias = Annotated[str, Meta(pattern=AUTO_EXPAND_PATTERN, examples=["0-2"])]
Share: TypeAlias = Annotated[float, Meta(gt=0, lt=1, examples=[0.1])]


class Rollover(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When rows continue in a new index: as soon as one of the conditions holds."""

    max_age_days: Days | None = None
    max_docs: Count | None = None
    max_size_bytes: Count | None = None


class IndexOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``options`` of an output: what the index manager does in addition to rotation and retention."""

    rollover: Annotated[
        Rollover | None,
        Meta(description="When rows continue in a new index (rotation rollover).", examples=[{"max_age_days": 1}]),
    ] = None
    force_merge: Annotated[
        bool, Meta(description="Merge closed indices to one segment per shard, read-only.", examples=[True])
    ] = False
    require_snapshot: Annotated[
        Name | None,
        Meta(
            description="A snapshot repository: an index is deleted only after a successful snapshot of it there.",
            examples=["backup"],
        ),
    ] = None
    managed_by: Annotated[
        Literal["function", "ism"],
        Meta(description="Who deletes by age: the function, or OpenSearch's ISM plugin.", examples=["function"]),
    ] = "function"


class RetentionTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``retention`` in ``pipeline.toml``: indices are deleted, oldest first, when the first limit is reached."""

    max_age: Annotated[Duration | None, Meta(description="The age of an index's newest time.", examples=["90d"])] = None
    max_count: Annotated[Count | None, Meta(description="The number of indices that are kept.", examples=[100])] = None
    max_size: Annotated[Size | None, Meta(description="The size of all of them.", examples=["20GB"])] = None
    min_free_disk: Annotated[
        Share | None, Meta(description="The free share of the fullest data node's disk, 0 to 1.", examples=[0.1])
    ] = None


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``retention`` in ``pipeline.json``. None: this limit is not set."""

    max_age_days: Days | None = None
    max_count: Count | None = None
    max_size_bytes: Count | None = None
    min_free_disk_share: Share | None = None


class OutputSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An output's settings in ``pipeline.json``; the meanings are those of :class:`OutputTable`.

    Attributes:
        index: the alias that people query; indices are ``<index>-<date>``.
        stream: the delivery stream of its documents; None: the one that the function's environment names.
        partials_days: how long partials are kept; in days, as all retention is.
    """

    stream: str | None = None
    index: str
    rotation: Rotation = "day"
    retention: Limits = msgspec.field(default_factory=Limits)
    grace_seconds: Annotated[int, Meta(ge=0)] = 20 * 60
    max_past_seconds: Annotated[int, Meta(ge=0)] = 7 * 86_400
    max_ahead_seconds: Annotated[int, Meta(ge=0)] = 3_600
    partials_days: Days = 10
    shards: Shards | None = None
    replicas: Replicas | None = None
    auto_expand_replicas: AutoExpand | None = None
    partials_shards: Shards | None = None
    partials_replicas: Replicas | None = None
    types: dict[str, str] = msgspec.field(default_factory=dict)
    options: IndexOptions = msgspec.field(default_factory=IndexOptions)


class OutputTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[outputs.<name>]`` in ``pipeline.toml``. The descriptions are those of ``docs/pipeline.schema.json``."""

    index: Annotated[
        Name, Meta(description="The alias in OpenSearch; indices are <index>-<date>.", examples=["request_data"])
    ]
    stream: Annotated[
        Stream | UnsetType,
        Meta(
            description="The delivery stream of its documents; default: the function's SUMMARY_STREAM.",
            examples=[DEFAULT_SUMMARY_STREAM],
        ),
    ] = UNSET
    rotation: Annotated[
        Rotation | UnsetType,
        Meta(description="A new index each hour, day, week or month, or by rollover.", examples=["day"]),
    ] = UNSET
    retention: Annotated[
        RetentionTable | UnsetType,
        Meta(
            description="When indices are deleted: at the first limit that is reached.", examples=[{"max_age": "90d"}]
        ),
    ] = UNSET
    grace: Annotated[
        Duration | UnsetType,
        Meta(description="How long after its end a window counts as still filling.", examples=["20m"]),
    ] = UNSET
    max_past: Annotated[
        Duration | UnsetType,
        Meta(
            description="A row whose event time is earlier by more than this goes by its arrival, marked.",
            examples=["7d"],
        ),
    ] = UNSET
    max_ahead: Annotated[
        Duration | UnsetType,
        Meta(description="The same for event times after the arrival.", examples=["1h"]),
    ] = UNSET
    partials: Annotated[
        Duration | UnsetType,
        Meta(description="How long partial aggregates are kept: at least max_past + grace + 2 days.", examples=["10d"]),
    ] = UNSET
    shards: Annotated[
        Shards | UnsetType,
        Meta(description="Primary shards of each index of the output; default: one.", examples=[1]),
    ] = UNSET
    replicas: Annotated[
        Replicas | UnsetType,
        Meta(
            description="Replicas of each shard; default: one if there is a second node, two on a balanced domain "
            "over three zones.",
            examples=[2],
        ),
    ] = UNSET
    auto_expand_replicas: Annotated[
        AutoExpand | UnsetType,
        Meta(
            description="Instead of replicas: the least and the most, as many as there are nodes for.", examples=["0-2"]
        ),
    ] = UNSET
    partials_shards: Annotated[
        Shards | UnsetType,
        Meta(description="Primary shards of each index of partials; default: shards.", examples=[2]),
    ] = UNSET
    partials_replicas: Annotated[
        Replicas | UnsetType,
        Meta(description="Replicas of each shard of partials; default: as the output's other indices.", examples=[1]),
    ] = UNSET
    sliding: Annotated[
        Literal["minute", "second"] | UnsetType,
        Meta(
            description="Compose sliding windows (OVER … RANGE) of minutes: one document per key and minute. "
            "For ranges that are no whole minutes: of seconds.",
            examples=["minute"],
        ),
    ] = UNSET
    types: Annotated[dict[str, str], Meta(description="Column → OpenSearch field type.", examples=[{"host": "ip"}])] = (
        msgspec.field(default_factory=dict)
    )
    options: Annotated[
        IndexOptions | UnsetType,
        Meta(description="What the index manager does in addition.", examples=[{"force_merge": True}]),
    ] = UNSET


def to_settings(table: OutputTable) -> OutputSettings:
    """A table's settings in the units of ``pipeline.json``.

    Raises: SettingsError: a duration of more than 100 years, or a zero where something must be kept.
    """
    retention = table.retention or RetentionTable()
    chosen: dict[str, Any] = {
        "stream": table.stream,
        "rotation": table.rotation,
        "grace_seconds": _seconds("grace", table.grace),
        "max_past_seconds": _seconds("max_past", table.max_past),
        "max_ahead_seconds": _seconds("max_ahead", table.max_ahead),
        "partials_days": UNSET if isinstance(table.partials, UnsetType) else _days("partials", table.partials),
        "shards": table.shards,
        "replicas": table.replicas,
        "auto_expand_replicas": table.auto_expand_replicas,
        "partials_shards": table.partials_shards,
        "partials_replicas": table.partials_replicas,
        "options": table.options,
    }
    return OutputSettings(
        index=table.index,
        types=table.types,
        retention=Limits(
            max_age_days=None if retention.max_age is None else _days("retention.max_age", retention.max_age),
            max_count=retention.max_count,
            max_size_bytes=None if retention.max_size is None else _bytes("retention.max_size", retention.max_size),
            min_free_disk_share=retention.min_free_disk,
        ),
        **{name: value for name, value in chosen.items() if value is not UNSET},
    )


def _seconds(name: str, text: str | UnsetType) -> int | UnsetType:
    if isinstance(text, UnsetType):
        return UNSET
    try:
        return parse_duration(text)
    except ValueError as error:
        raise SettingsError(f'{name} = "{text}": {error}') from None


def _days(name: str, text: str) -> float:
    days = int(_seconds(name, text) or 0) / 86_400
    if not days:
        raise SettingsError(f'{name} = "{text}": write a time above zero')
    return int(days) if days.is_integer() else days


def _bytes(name: str, text: str) -> int:
    size = parse_size(text)
    if not size:
        raise SettingsError(f'{name} = "{text}": write a size of at least 1B')
    return size


def output_settings(name: str, document: object) -> OutputSettings:
    """An output's settings from ``pipeline.json``. Raises: SettingsError: which setting is wrong, and why."""
    return read_table(OutputSettings, document, f"pipeline.json: output {name!r}:")
