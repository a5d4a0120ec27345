"""What the environment asks of the cluster in addition to the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Wanted:
    """What the environment asks of the cluster, in addition to the pipeline."""

    plan_id: str = ""
    """The pipeline's; stored with ``document`` for later settling."""
    document: Mapping[str, Any] | None = None
    closing: bool = True
    """False leaves every time open (a local run over old logs)."""
    replace: frozenset[str] = frozenset()
    """Outputs whose view may replace an index of the same name."""
    role_mappings: Mapping[str, Any] | None = None
    roles: Mapping[str, Any] | None = None
    audit: bool = False
    """Whether the domain's audit log is wanted."""
