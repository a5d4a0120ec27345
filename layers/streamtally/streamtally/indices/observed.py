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
        return self.has_block("write")

    @property
    def is_flooded(self) -> bool:
        """Whether the cluster made it read-only because a disk is past the flood stage; it may still be deleted."""
        return self.has_block("read_only_allow_delete")

    def has_block(self, name: str) -> bool:
        """Whether a setting ``index.blocks.<name>`` is on."""
        return str((self.settings.get("blocks") or {}).get(name, "false")) == "true"


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
class ManagedIndex:
    """What the ISM plugin says about an index."""

    policy_id: str = ""
    """Empty: no policy manages it."""
    policy_seq_no: int | None = None
    """The version of the policy that it follows; None: its job has not run yet, and will read the latest."""
    failure: str = ""
    """Why its policy is stuck, one line."""


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
    copies_multiple: int = 1
    """What the number of copies of a shard must be a multiple of: the zones, in a balanced cluster."""
    creates_indices: bool = True
    """Whether the cluster can create an index by itself: if not, it refuses its own default number of copies."""
    disk: DiskSpace | None = None
    snapshots: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Repository → the indices in its successful snapshots."""
    roles: Mapping[str, Body] | None = None
    role_mappings: Mapping[str, Body] | None = None
    audit: Body | None = None
    """The audit log's configuration."""
    ism_policies: Mapping[str, Body] | None = None
    ism_versions: Mapping[str, int] = field(default_factory=dict)
    """Policy → the sequence number of its last change."""
    ism_managed: Mapping[str, ManagedIndex] = field(default_factory=dict)
    """Index → what the ISM plugin says about it; an index that it was not asked about is absent."""

    def state_of(self, index: str) -> StoredState:
        """The stored state of an output; an empty one if there is none."""
        return self.states.get(index) or StoredState()


def own_indices(spec: IndexSpec, observed: Observed) -> Iterator[tuple[ObservedIndex, IndexName]]:
    """The indices of an output, each with its parsed name."""
    for index in observed.indices.values():
        name = parse_index_name(index.name, spec.index)
        if name:
            yield index, name
