"""What a cluster has, as far as the plan must know it; the edge reads it, tests make it up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from streamtally.indices.names import IndexName, parse_index_name
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState

Body = dict[str, Any]


@dataclass(frozen=True)
class ObservedIndex:
    """One index. ``settings`` is what stands under "index"; ``created_ms`` its creation date."""

    name: str
    mapping: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    aliases: Mapping[str, Any] = field(default_factory=dict)
    docs: int = 0
    size_bytes: int = 0
    created_ms: int = 0

    @property
    def default_pipeline(self) -> str | None:
        return self.settings.get("default_pipeline")

    @property
    def is_write_blocked(self) -> bool:
        return str((self.settings.get("blocks") or {}).get("write", "false")) == "true"


@dataclass(frozen=True)
class StoredState:
    """A state document with what optimistic concurrency needs; without a document both numbers are None."""

    state: OutputState = field(default_factory=OutputState)
    seq_no: int | None = None
    primary_term: int | None = None


@dataclass(frozen=True)
class StoredInbox:
    """Since when an inbox index that should not be there has been seen empty; 0 if it was not."""

    empty_ms: int = 0


@dataclass(frozen=True)
class Disk:
    """The fullest data node."""

    total_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class Observed:
    """A cluster as one look at it found it.

    ``states`` are by index. ``unstamped`` counts documents with ids of ours that no ingest pipeline has seen, by index.
    ``snapshots`` gives the indices that successful snapshots of a repository have. ``roles``,
    ``role_mappings``, ``audit`` (the audit log's configuration) and ``ism_policies`` are None where the plugin does not
    answer or nothing was asked of it.
    """

    pipelines: Mapping[str, Body] = field(default_factory=dict)
    component_templates: Mapping[str, Body] = field(default_factory=dict)
    index_templates: Mapping[str, Body] = field(default_factory=dict)
    indices: Mapping[str, ObservedIndex] = field(default_factory=dict)
    states: Mapping[str, StoredState] = field(default_factory=dict)
    inboxes: Mapping[str, StoredInbox] = field(default_factory=dict)
    plans: frozenset[str] = frozenset()
    unstamped: Mapping[str, int] = field(default_factory=dict)
    disk: Disk | None = None
    snapshots: Mapping[str, frozenset[str]] = field(default_factory=dict)
    roles: Mapping[str, Body] | None = None
    role_mappings: Mapping[str, Body] | None = None
    audit: Body | None = None
    ism_policies: Mapping[str, Body] | None = None


def own_indices(spec: IndexSpec, observed: Observed) -> Iterator[tuple[ObservedIndex, IndexName]]:
    """The indices that are an output's, each with what its name says."""
    for index in observed.indices.values():
        name = parse_index_name(index.name, spec.index)
        if name:
            yield index, name
