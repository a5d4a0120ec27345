"""What a pipeline asks of OpenSearch: one `IndexSpec` an output, read from ``pipeline.json``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast, get_args

from streamtally.errors import SettingsError
from streamtally.indices.names import MS_PER_DAY, Rotation, inbox_name
from streamtally.outputs import REPLICAS, SHARDS

DEFAULT_PARTIALS_DAYS: Final = 10
DEFAULT_GRACE_SECONDS: Final = 1200
_INDEX_NAME = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,199}")


@dataclass(frozen=True)
class Column:
    """A column of the output: its name, its SQL type as text, and the index's type where the plan or the user says."""

    name: str
    sql_type: str
    index_type: str | None = None


@dataclass(frozen=True)
class Retention:
    """When an index may go: any of the limits suffices. ``managed_by`` "ism" leaves it to the plugin.

    ``min_free_disk_share`` is 0–1 of the fullest data node. ``require_snapshot`` names a repository: an index is
    deleted only when a successful snapshot there has it. ``force_merge`` makes an index read-only and one segment a
    shard once nothing more can be written to it.
    """

    max_age_days: float | None = None
    max_count: int | None = None
    max_size_bytes: int | None = None
    min_free_disk_share: float | None = None
    require_snapshot: str | None = None
    force_merge: bool = False
    managed_by: Literal["function", "ism"] = "function"


@dataclass(frozen=True)
class Rollover:
    """When rows go on in a new index: any of the conditions suffices."""

    max_age_days: float | None = None
    max_docs: int | None = None
    max_size_bytes: int | None = None


@dataclass(frozen=True)
class PlanOutput:
    """One output of the plan: rows, or windows of ``window_ms``."""

    name: str
    kind: Literal["row", "windowed"]
    window_ms: int = 0


@dataclass(frozen=True)
class IndexSpec:
    """Everything that the index manager must know of one in-application stream; times in milliseconds.

    ``outputs`` are the plan's outputs into it (several pumps may fill one stream). ``types`` are the index types that
    the pipeline declares for columns, which win over the plan's. ``partials_replicas`` None: one where there
    is a second node.
    """

    name: str
    index: str
    stream: str
    outputs: tuple[PlanOutput, ...]
    columns: tuple[Column, ...]
    rotation: Rotation = "day"
    rollover: Rollover | None = None
    retention: Retention = field(default_factory=Retention)
    grace_ms: int = DEFAULT_GRACE_SECONDS * 1000
    max_past_ms: int = 7 * MS_PER_DAY
    max_ahead_ms: int = 3_600_000
    partials_days: float = DEFAULT_PARTIALS_DAYS
    partials_shards: int = 1
    partials_replicas: int | None = None
    types: Mapping[str, str] = field(default_factory=dict)

    @property
    def inbox(self) -> str:
        """The inbox's name, which is the ingest pipeline's name too."""
        return inbox_name(self.stream)

    @property
    def has_rows(self) -> bool:
        return any(output.kind == "row" for output in self.outputs)

    @property
    def windowed(self) -> tuple[PlanOutput, ...]:
        return tuple(output for output in self.outputs if output.kind == "windowed")

    @property
    def date_column(self) -> str | None:
        """The first column that is a date in the index, which views take as their time field."""
        return next((c.name for c in self.columns if (self.types.get(c.name) or c.index_type) == "date"), None)


def read_specs(document: Mapping[str, Any], default_stream: str | None = None) -> tuple[IndexSpec, ...]:
    """What a ``pipeline.json`` asks for, one spec an in-application stream, in the plan's order.

    Args:
        document: ``{source, outputs, plan}`` as ``streamtally compile`` writes it.
        default_stream: the delivery stream of outputs that name none.
    Raises: SettingsError: an output without settings, a name that OpenSearch refuses, names that overlap.
    """
    settings: Mapping[str, Any] = document.get("outputs") or {}
    nodes: dict[str, list[Mapping[str, Any]]] = {}
    for node in document["plan"]["outputs"]:
        nodes.setdefault(str(node.get("stream", node["name"])), []).append(node)
    specs = tuple(_read_spec(name, each, settings.get(name), default_stream) for name, each in nodes.items())
    check_names(specs)
    return specs


def _read_spec(
    name: str, nodes: Sequence[Mapping[str, Any]], settings: Mapping[str, Any] | None, default_stream: str | None
) -> IndexSpec:
    if settings is None:
        raise SettingsError(f'pipeline.json: output {name} has no settings under "outputs"')
    stream = settings.get("stream") or default_stream
    if not stream:
        raise SettingsError(f"output {name} names no stream, and SUMMARY_STREAM is not set")
    rotation = settings.get("rotation") or "day"
    if rotation not in get_args(Rotation):
        raise SettingsError(f"output {name}: rotation {rotation!r} is none of {', '.join(get_args(Rotation))}")
    outputs = tuple(PlanOutput(node["name"], node["kind"], int(node.get("window_ms") or 0)) for node in nodes)
    if rotation == "rollover" and any(output.kind != "row" for output in outputs):
        raise SettingsError(f"output {name}: only row outputs can roll over; a window must find its index again")
    columns = {c["name"]: Column(c["name"], c["type"], c.get("index_type")) for node in nodes for c in node["columns"]}
    options = dict(settings.get("options") or {})
    return IndexSpec(
        name=name,
        index=str(settings.get("index") or "request_data"),
        stream=str(stream),
        outputs=outputs,
        columns=tuple(columns.values()),
        rotation=cast(Rotation, rotation),
        rollover=_read_rollover(name, options.pop("rollover", None)) if rotation == "rollover" else None,
        retention=_read_retention(name, {**(settings.get("retention") or {}), **options}),
        grace_ms=int(settings.get("grace_seconds", DEFAULT_GRACE_SECONDS)) * 1000,
        max_past_ms=int(settings.get("max_past_seconds", 604_800)) * 1000,
        max_ahead_ms=int(settings.get("max_ahead_seconds", 3_600)) * 1000,
        partials_days=settings.get("partials_days", DEFAULT_PARTIALS_DAYS),
        partials_shards=_read_count(name, settings, "partials_shards", SHARDS) or 1,
        partials_replicas=_read_count(name, settings, "partials_replicas", REPLICAS),
        types=dict(settings.get("types") or {}),
    )


def _read_count(name: str, settings: Mapping[str, Any], key: str, allowed: range) -> int | None:
    value = settings.get(key)
    if value is not None and (type(value) is not int or value not in allowed):
        raise SettingsError(f"output {name}: {key} is {allowed.start} to {allowed.stop - 1}, not {value!r}")
    return value


def _read_rollover(name: str, given: Mapping[str, Any] | None) -> Rollover:
    _refuse_unknown(f"output {name}: options.rollover", given or {}, Rollover.__dataclass_fields__)
    return Rollover(**given) if given else Rollover(max_age_days=1)


def _read_retention(name: str, given: Mapping[str, Any]) -> Retention:
    _refuse_unknown(f"output {name}: retention", given, Retention.__dataclass_fields__)
    retention = Retention(**{key: value for key, value in given.items() if value is not None})
    if retention.managed_by not in ("function", "ism"):
        raise SettingsError(f'output {name}: managed_by is "function" or "ism", not {retention.managed_by!r}')
    return retention


def _refuse_unknown(where: str, given: Mapping[str, Any], known: Iterable[str]) -> None:
    if unknown := sorted(set(given) - set(known)):
        raise SettingsError(f"{where} has no {unknown[0]!r}; there are {', '.join(sorted(known))}")


def check_names(specs: Sequence[IndexSpec]) -> None:
    """Refuse names that OpenSearch does not take, and two outputs of which one's pattern matches the other's names.

    Raises: SettingsError: names both outputs.
    """
    for spec in specs:
        if not _INDEX_NAME.fullmatch(spec.index):
            raise SettingsError(
                f"output {spec.name}: index {spec.index!r} must be lower case letters, digits, '_', '-' or '.'"
            )
        if spec.index.startswith(("inbox-", "partials-", "late-", "streamtally-")):
            raise SettingsError(f"output {spec.name}: index {spec.index!r} begins as Streamtally's own names do")
    for one in specs:
        for other in specs:
            if one is not other and (one.index == other.index or re.match(re.escape(one.index) + "-[02]", other.index)):
                raise SettingsError(
                    f"outputs {one.name} and {other.name}: names of index {one.index!r} would match {other.index!r}"
                )
