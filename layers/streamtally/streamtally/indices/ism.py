"""An Index State Management policy, for deletion by the plugin (``retention.managed_by = "ism"``).

Rollover stays with the function. The plugin measures an index's age from its creation, not from its date, and supports
no limit on count, total size or disk.
Source: OpenSearch documentation, "ISM policies" and "ISM API".
"""

from __future__ import annotations

from typing import Any

from streamtally.errors import IndexPlanError
from streamtally.indices.spec import IndexSpec

ISM_PRIORITY = 100
WRITTEN = "written"
"""The first state of every policy of ours: from there an index is judged anew by the policy that it gets."""


def policy_id(spec: IndexSpec) -> str:
    """The policy's id in the plugin."""
    return f"streamtally-{spec.index}"


def to_patterns(spec: IndexSpec) -> list[str]:
    """Patterns of the indices that the policy deletes: those named by dates, and those made by rollover."""
    return [f"{spec.index}-2*", f"{spec.index}-0*"]


def to_ism_policy(spec: IndexSpec) -> dict[str, Any]:
    """The policy's body for ``PUT _plugins/_ism/policies/<id>``.

    Raises: IndexPlanError: the output's retention needs something that the plugin does not support.
    """
    retention = spec.retention
    if retention.max_age_days is None:
        raise IndexPlanError(f"output {spec.name}: an ISM policy deletes by age; set retention.max_age_days")
    hours = max(1, round(retention.max_age_days * 24))
    last: list[dict[str, Any]] = []
    if retention.require_snapshot:
        last.append({"snapshot": {"repository": retention.require_snapshot, "snapshot": spec.index}})
    states: list[dict[str, Any]] = [
        {
            "name": WRITTEN,
            "actions": [],
            "transitions": [{"state_name": "deleted", "conditions": {"min_index_age": f"{hours}h"}}],
        },
        {"name": "deleted", "actions": [*last, {"delete": {}}], "transitions": []},
    ]
    template = {"index_patterns": to_patterns(spec), "priority": ISM_PRIORITY}
    return {
        "policy": {
            "description": f"Streamtally: {spec.index}",
            "default_state": WRITTEN,
            "states": states,
            "ism_template": [template],
        }
    }
