"""What a pipeline asks of OpenSearch: one `IndexSpec` an output, read from ``pipeline.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from streamtally.config.output_checks import check_index_name, check_overlaps
from streamtally.config.outputs import OutputSettings, Rollover, Rotation, output_settings
from streamtally.errors import SettingsError
from streamtally.indices.names import inbox_name

_DEFAULT = OutputSettings(index="")


@dataclass(frozen=True)
class IndexColumn:
    """A column of the output."""

    name: str
    sql_type: str
    """As text."""
    index_type: str | None = None
    """The field's type in the index, if the plan or the user specifies it."""


@dataclass(frozen=True)
class Retention:
    """When an index may be deleted: any one of the limits suffices."""

    max_age_days: float | None = None
    max_count: int | None = None
    max_size_bytes: int | None = None
    min_free_disk_share: float | None = None
    """0–1 of the fullest data node."""
    require_snapshot: str | None = None
    """A repository: an index is deleted only if a successful snapshot there contains it."""
    force_merge: bool = False
    """Whether an index becomes read-only, with one segment a shard, once nothing more can be written to it."""
    managed_by: Literal["function", "ism"] = "function"
    """"ism" leaves deletion to the plugin."""


@dataclass(frozen=True)
class PlanOutput:
    """One output of the plan: rows, or windows of ``window_ms``."""

    name: str
    kind: Literal["row", "windowed"]
    window_ms: int = 0
    ahead_ms: int = 0
    """How far ahead of its rows an honest window may start: as far as sliding windows look back."""


@dataclass(frozen=True)
class IndexSpec:
    """Everything that the index manager must know about one in-application stream; times in milliseconds."""

    name: str
    index: str
    stream: str
    outputs: tuple[PlanOutput, ...]
    """The plan's outputs into it: several pumps may fill one stream."""
    columns: tuple[IndexColumn, ...]
    rotation: Rotation = "day"
    rollover: Rollover | None = None
    retention: Retention = field(default_factory=Retention)
    grace_ms: int = _DEFAULT.grace_seconds * 1000
    max_ahead_ms: int = _DEFAULT.max_ahead_seconds * 1000
    partials_days: float = _DEFAULT.partials_days
    shards: int = 1
    replicas: int | None = None
    auto_expand_replicas: str | None = None
    """With ``replicas`` None too: as many copies as the cluster takes, at least two."""
    partials_shards: int = 1
    partials_replicas: int | None = None
    """None: as the output's other indices."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Column → the index type that the pipeline declares; it takes precedence over the plan's."""

    @property
    def inbox(self) -> str:
        """The inbox's name, which is the ingest pipeline's name too."""
        return inbox_name(self.stream)

    @property
    def has_rows(self) -> bool:
        """Whether any output is of rows."""
        return any(output.kind == "row" for output in self.outputs)

    @property
    def windowed(self) -> tuple[PlanOutput, ...]:
        """The outputs of windows."""
        return tuple(output for output in self.outputs if output.kind == "windowed")

    @property
    def date_column(self) -> str | None:
        """The first column that is a date in the index; views use it as their time field."""
        return next((c.name for c in self.columns if (self.types.get(c.name) or c.index_type) == "date"), None)


def read_specs(document: Mapping[str, Any], default_stream: str | None = None) -> tuple[IndexSpec, ...]:
    """What a ``pipeline.json`` asks for: one spec an in-application stream, in the plan's order.

    Args:
        document: ``{source, outputs, plan}`` as ``streamtally compile`` writes it.
        default_stream: the delivery stream of outputs that name none.
    Raises: SettingsError: an output without settings, a name that OpenSearch rejects, names that overlap.
    """
    settings: Mapping[str, Any] = document.get("outputs") or {}
    nodes: dict[str, list[Mapping[str, Any]]] = {}
    for node in document["plan"]["outputs"]:
        nodes.setdefault(str(node.get("stream", node["name"])), []).append(node)
    specs = tuple(_read_spec(name, members, settings.get(name), default_stream) for name, members in nodes.items())
    check_names(specs)
    return specs


def _read_spec(
    name: str, nodes: Sequence[Mapping[str, Any]], document: Mapping[str, Any] | None, default_stream: str | None
) -> IndexSpec:
    if document is None:
        raise SettingsError(f'pipeline.json: output {name} has no settings under "outputs"')
    settings = output_settings(name, document)
    stream = settings.stream or default_stream
    if not stream:
        raise SettingsError(f"output {name} names no stream, and SUMMARY_STREAM is not set")
    outputs = tuple(
        PlanOutput(node["name"], node["kind"], int(node.get("window_ms") or 0), _ahead_ms(node)) for node in nodes
    )
    if settings.rotation == "rollover" and any(output.kind != "row" for output in outputs):
        raise SettingsError(f"output {name}: only row outputs can roll over; a window must keep its index")
    columns = {
        c["name"]: IndexColumn(c["name"], c["type"], c.get("index_type")) for node in nodes for c in node["columns"]
    }
    return IndexSpec(
        name=name,
        index=settings.index,
        stream=stream,
        outputs=outputs,
        columns=tuple(columns.values()),
        rotation=settings.rotation,
        rollover=_rollover(name, settings),
        retention=_retention(settings),
        grace_ms=settings.grace_seconds * 1000,
        max_ahead_ms=settings.max_ahead_seconds * 1000,
        partials_days=settings.partials_days,
        shards=settings.shards or 1,
        replicas=settings.replicas,
        auto_expand_replicas=settings.auto_expand_replicas,
        partials_shards=settings.partials_shards or settings.shards or 1,
        partials_replicas=settings.partials_replicas,
        types=settings.types,
    )


def _ahead_ms(node: Mapping[str, Any]) -> int:
    return max((int(aggregate.get("span_ms") or 0) for aggregate in node.get("aggregates", ())), default=0)


def _rollover(name: str, settings: OutputSettings) -> Rollover | None:
    if settings.rotation != "rollover":
        if settings.options.rollover is not None:
            raise SettingsError(
                f'output {name}: options.rollover needs rotation = "rollover", not {settings.rotation!r}'
            )
        return None
    return settings.options.rollover or Rollover(max_age_days=1)


def _retention(settings: OutputSettings) -> Retention:
    limits, options = settings.retention, settings.options
    return Retention(
        max_age_days=limits.max_age_days,
        max_count=limits.max_count,
        max_size_bytes=limits.max_size_bytes,
        min_free_disk_share=limits.min_free_disk_share,
        require_snapshot=options.require_snapshot,
        force_merge=options.force_merge,
        managed_by=options.managed_by,
    )


def check_names(specs: Sequence[IndexSpec]) -> None:
    """Refuse names that OpenSearch rejects, and outputs whose patterns match each other's names.

    Raises: SettingsError: names the output, or both.
    """
    for spec in specs:
        check_index_name(spec.index, f"output {spec.name}:")
    check_overlaps({spec.name: spec.index for spec in specs})
