"""What a cluster has, as far as the plan needs to know; the edge reads it, tests construct it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from streamtally.indices.bodies import Body
from streamtally.indices.names import IndexName, parse_index_name
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState


@dataclass(frozen=True)
class ObservedIndex:
    """One index."""

    name: str
    mapping: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The settings under "index"."""
    aliases: Mapping[str, Any] = field(default_factory=dict)
    docs: int = 0
    size_bytes: int = 0
    created_ms: int = 0

    @property
    def default_pipeline(self) -> str | None:
        """The ingest pipeline of documents written without one."""
        return self.settings.get("default_pipeline")

    @property
    def is_write_blocked(self) -> bool:
        """Whether the index is read-only."""
        return str((self.settings.get("blocks") or {}).get("write", "false")) == "true"


@dataclass(frozen=True)
class StoredState:
    """A state document with the numbers that optimistic concurrency needs; both are None without a document."""

    state: OutputState = field(default_factory=OutputState)
    seq_no: int | None = None
    primary_term: int | None = None


@dataclass(frozen=True)
class StoredInbox:
    """What is remembered of an inbox index, which should not exist."""

    empty_ms: int = 0
    """Since when it has been seen empty; 0 if it has not."""


@dataclass(frozen=True)
class DiskSpace:
    """The fullest data node."""

    total_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class Observed:
    """A cluster at one point in time.

    What a plugin holds (roles, role mappings, audit, ISM policies) is None if the plugin is absent or was not asked.
    """

    pipelines: Mapping[str, Body] = field(default_factory=dict)
    component_templates: Mapping[str, Body] = field(default_factory=dict)
    index_templates: Mapping[str, Body] = field(default_factory=dict)
    indices: Mapping[str, ObservedIndex] = field(default_factory=dict)
    states: Mapping[str, StoredState] = field(default_factory=dict)
    """By index."""
    inboxes: Mapping[str, StoredInbox] = field(default_factory=dict)
    plans: frozenset[str] = frozenset()
    unstamped: Mapping[str, int] = field(default_factory=dict)
    """Index → documents with a partial's or row's id that bypassed the ingest pipeline."""
    disk: DiskSpace | None = None
    snapshots: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Repository → the indices in its successful snapshots."""
    roles: Mapping[str, Body] | None = None
    role_mappings: Mapping[str, Body] | None = None
    audit: Body | None = None
    """The audit log's configuration."""
    ism_policies: Mapping[str, Body] | None = None

    def state_of(self, index: str) -> StoredState:
        """The stored state of an output; an empty one if there is none."""
        return self.states.get(index) or StoredState()


def own_indices(spec: IndexSpec, observed: Observed) -> Iterator[tuple[ObservedIndex, IndexName]]:
    """The indices of an output, each with its parsed name."""
    for index in observed.indices.values():
        name = parse_index_name(index.name, spec.index)
        if name:
            yield index, name
