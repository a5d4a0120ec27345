"""``[outputs.<name>]`` of a pipeline: where an output's documents go, and how long things are kept.

:class:`OutputTable` is the table as ``pipeline.toml`` writes it (``grace = "20m"``), :class:`OutputSettings` the same
in ``pipeline.json``, in seconds, days and bytes. Defaults stand in the second alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import permutations
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from streamtally.config.read import read_table
from streamtally.config.source import Name
from streamtally.config.units import DURATION_PATTERN, SIZE_PATTERN, parse_duration, parse_size
from streamtally.errors import SettingsError

ERROR_STREAM = "error_stream"
"""The in-application stream of rows that a pump could not evaluate; it has documents only if it is bound."""

DEFAULT_SUMMARY_STREAM = "log-summary-stream"
"""The second stream's name in ``template.yaml``: a command's default if neither an option nor SUMMARY_STREAM is set."""

Rotation: TypeAlias = Literal["hour", "day", "week", "month", "rollover"]

Duration: TypeAlias = Annotated[str, Meta(pattern=DURATION_PATTERN, examples=["20m"])]
Size: TypeAlias = Annotated[str, Meta(pattern=SIZE_PATTERN, examples=["20GB"])]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=10**15, examples=[100])]
Days: TypeAlias = Annotated[float, Meta(gt=0, le=36_600, examples=[90])]
Shards: TypeAlias = Annotated[int, Meta(ge=1, le=1_024, examples=[2])]
"""Numbers of shards that an index can have: OpenSearch's own limit (``es.index.max_number_of_shards``)."""
Replicas: TypeAlias = Annotated[int, Meta(ge=0, le=10, examples=[1])]
"""Numbers of copies beside each shard: as many as a domain of some size could place."""
Share: TypeAlias = Annotated[float, Meta(gt=0, lt=1, examples=[0.1])]

PARTIALS_MARGIN_DAYS = 2
"""How much longer than ``max_past`` + ``grace`` partials are kept."""

_INDEX_NAME = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,199}", re.ASCII)
_OWN_PREFIXES = ("inbox-", "partials-", "late-", "streamtally-")


class Rollover(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When rows go on in a new index: any of the conditions suffices."""

    max_age_days: Days | None = None
    max_docs: Count | None = None
    max_size_bytes: Count | None = None


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``options`` of an output: what the index manager does beside rotation and retention."""

    rollover: Annotated[
        Rollover | None,
        Meta(description="When rows go on in a new index (rotation rollover).", examples=[{"max_age_days": 1}]),
    ] = None
    force_merge: Annotated[
        bool, Meta(description="Merge closed indices to one segment per shard, read-only.", examples=[True])
    ] = False
    require_snapshot: Annotated[
        Name | None,
        Meta(
            description="A repository: an index is deleted only after a successful snapshot of it there.",
            examples=["backup"],
        ),
    ] = None
    managed_by: Annotated[
        Literal["function", "ism"],
        Meta(description="Who deletes by age: the function, or OpenSearch's ISM plugin.", examples=["function"]),
    ] = "function"


class RetentionTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``retention`` in ``pipeline.toml``: indices are deleted, oldest first, at whichever limit is reached first."""

    max_age: Annotated[Duration | None, Meta(description="Age of an index's newest time.", examples=["90d"])] = None
    max_count: Annotated[Count | None, Meta(description="How many indices are kept.", examples=[100])] = None
    max_size: Annotated[Size | None, Meta(description="Size of all of them.", examples=["20GB"])] = None
    min_free_disk: Annotated[
        Share | None, Meta(description="Free share of the fullest data node's disk, 0 to 1.", examples=[0.1])
    ] = None


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``retention`` in ``pipeline.json``. None: that limit is not set."""

    max_age_days: Days | None = None
    max_count: Count | None = None
    max_size_bytes: Count | None = None
    min_free_disk_share: Share | None = None


class OutputSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An output's settings in ``pipeline.json``; the meanings are those of :class:`OutputTable`.

    Attributes:
        index: the alias that people look at; indices are ``<index>-<date>``.
        stream: the delivery stream that takes its documents; None is the one that the function's environment names.
    """

    stream: str | None = None
    index: str
    rotation: Rotation = "day"
    retention: Limits = msgspec.field(default_factory=Limits)
    grace_seconds: Annotated[int, Meta(ge=0)] = 20 * 60
    max_past_seconds: Annotated[int, Meta(ge=0)] = 7 * 86_400
    max_ahead_seconds: Annotated[int, Meta(ge=0)] = 3_600
    partials_days: Days = 10
    partials_shards: Shards | None = None
    partials_replicas: Replicas | None = None
    types: dict[str, str] = msgspec.field(default_factory=dict)
    options: Options = msgspec.field(default_factory=Options)


class OutputTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[outputs.<name>]`` in ``pipeline.toml``. The descriptions are those of ``docs/pipeline.schema.json``."""

    index: Annotated[
        Name, Meta(description="The alias in OpenSearch; indices are <index>-<date>.", examples=["request_data"])
    ]
    stream: Annotated[
        str | UnsetType,
        Meta(
            description="The delivery stream that takes its documents; left out, the function's SUMMARY_STREAM.",
            examples=[DEFAULT_SUMMARY_STREAM],
        ),
    ] = UNSET
    rotation: Annotated[
        Rotation | UnsetType,
        Meta(description="A new index each hour, day, week or month, or by rollover.", examples=["day"]),
    ] = UNSET
    retention: Annotated[
        RetentionTable | UnsetType,
        Meta(description="When indices are deleted, whichever is reached first.", examples=[{"max_age": "90d"}]),
    ] = UNSET
    grace: Annotated[
        Duration | UnsetType,
        Meta(description="How long after its end a window counts as still filling.", examples=["20m"]),
    ] = UNSET
    max_past: Annotated[
        Duration | UnsetType,
        Meta(
            description="A row whose event time is longer than this before its arrival goes by arrival, marked.",
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
    partials_shards: Annotated[
        Shards | UnsetType,
        Meta(description="Primary shards of each index of partials; left out, one.", examples=[2]),
    ] = UNSET
    partials_replicas: Annotated[
        Replicas | UnsetType,
        Meta(
            description="Replicas of each shard of partials; left out, one where there is a second node.", examples=[1]
        ),
    ] = UNSET
    types: Annotated[dict[str, str], Meta(description="Column → OpenSearch field type.", examples=[{"host": "ip"}])] = (
        msgspec.field(default_factory=dict)
    )
    options: Annotated[
        Options | UnsetType,
        Meta(description="What the index manager does besides.", examples=[{"force_merge": True}]),
    ] = UNSET


def to_settings(table: OutputTable) -> OutputSettings:
    """The settings that a table stands for. Raises: ValueError: a duration beyond 100 years."""
    retention = table.retention or RetentionTable()
    chosen: dict[str, Any] = {
        "stream": table.stream or UNSET,
        "rotation": table.rotation,
        "grace_seconds": _seconds(table.grace),
        "max_past_seconds": _seconds(table.max_past),
        "max_ahead_seconds": _seconds(table.max_ahead),
        "partials_days": UNSET if table.partials is UNSET else _days(table.partials),
        "partials_shards": table.partials_shards,
        "partials_replicas": table.partials_replicas,
        "options": table.options,
    }
    return OutputSettings(
        index=table.index,
        types=table.types,
        retention=Limits(
            max_age_days=None if retention.max_age is None else _days(retention.max_age),
            max_count=retention.max_count,
            max_size_bytes=None if retention.max_size is None else parse_size(retention.max_size),
            min_free_disk_share=retention.min_free_disk,
        ),
        **{name: value for name, value in chosen.items() if value is not UNSET},
    )


def _seconds(text: str | UnsetType) -> int | UnsetType:
    return UNSET if isinstance(text, UnsetType) else parse_duration(text)


def _days(text: str) -> float:
    days = parse_duration(text) / 86_400
    return int(days) if days.is_integer() else days


def check_horizons(settings: OutputSettings, where: str) -> None:
    """Partials must outlive every window that can still change, and an output its partials.

    Raises: SettingsError: which setting is too short, and what it must be at least.
    """
    needed = (settings.max_past_seconds + settings.grace_seconds) / 86_400 + PARTIALS_MARGIN_DAYS
    if settings.partials_days < needed:
        raise SettingsError(
            f"{where} partials = {settings.partials_days}d: partials are kept at least max_past + grace + "
            f"{PARTIALS_MARGIN_DAYS} days, {needed:.2f} days here"
        )
    kept = settings.retention.max_age_days
    if kept is not None and kept < settings.partials_days:
        raise SettingsError(
            f"{where} retention max_age is {kept} days: an output is kept at least as long as its partials, "
            f"{settings.partials_days} days here"
        )


def check_index_name(index: str, where: str) -> None:
    """Raises: SettingsError: OpenSearch does not take the name, or it begins as Streamtally's own names do."""
    if not _INDEX_NAME.fullmatch(index):
        raise SettingsError(
            f"{where} index {index[:80]!r}: an index name is at most 200 lower case letters, digits, '_', '-' and '.', "
            "beginning with a letter or digit"
        )
    if index.startswith(_OWN_PREFIXES):
        raise SettingsError(
            f"{where} index {index!r}: {', '.join(_OWN_PREFIXES)} are kept for Streamtally's own indices"
        )


def check_overlaps(indices: Mapping[str, str]) -> None:
    """Refuse two outputs of which one's index pattern matches the other's names.

    Args: indices: output → its index. Raises: SettingsError: names both outputs.
    """
    pairs: Iterable[tuple[tuple[str, str], tuple[str, str]]] = permutations(indices.items(), 2)
    for (name, index), (other_name, other) in pairs:
        if other == index or re.match(rf"{re.escape(index)}-[02]", other):
            raise SettingsError(
                f"outputs {name!r} and {other_name!r}: the pattern of {index!r} also takes {other!r}: "
                "give one of them another index"
            )


def output_settings(name: str, document: object) -> OutputSettings:
    """An output's settings from ``pipeline.json``. Raises: SettingsError: which setting cannot be used, and why."""
    return read_table(OutputSettings, document, f"pipeline.json: output {name!r}:")
