"""What a cluster has beside the pipeline's own parts: limits, blocks, other people's templates and names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamtally.indices.disk import Disk
from streamtally.indices.observed import ObservedIndex


@dataclass(frozen=True)
class Template:
    """An index template that somebody made: composable (v2), or legacy."""

    name: str
    patterns: Sequence[str]
    priority: int = 0
    makes_data_streams: bool = False


@dataclass(frozen=True)
class Resolved:
    """What the names that the pipeline uses mean in the cluster."""

    indices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Index → its attributes: ``open`` or ``closed``, ``hidden``."""
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Alias → its indices."""
    data_streams: Sequence[str] = ()


@dataclass(frozen=True)
class Breaker:
    """The memory that a node has promised, of what its parent circuit breaker allows, in bytes."""

    estimated: float
    limit: float


@dataclass(frozen=True)
class Surroundings:
    """A cluster at one point in time, apart from the pipeline's own parts."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """The cluster's settings in force, by their flat names."""
    health: Mapping[str, Any] = field(default_factory=dict)
    """``_cluster/health`` with the status of each index."""
    resolved: Resolved = field(default_factory=Resolved)
    templates: Sequence[Template] = ()
    """Composable templates that are not the pipeline's own."""
    simulated: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Name of an index to come → what ``_index_template/_simulate_index`` says that it would be."""
    indices: Mapping[str, ObservedIndex] = field(default_factory=dict)
    """The pipeline's own indices and the state index."""
    missing_pipelines: frozenset[str] = frozenset()
    """Ingest pipelines that a template or an index names and that do not exist."""
    disks: Sequence[Disk] = ()
    breakers: Sequence[Breaker] = ()
    unread: Sequence[str] = ()
    """What could not be read, one line each."""
