"""Which spans a load may recompute."""

from __future__ import annotations

import pytest

from streamtally.errors import IndexPlanError
from streamtally.indices.loads import check_edges
from streamtally.indices.spec import PlanOutput

SPAN = (1_700_000_000_000, 1_700_000_600_000)


# Sliding windows at the ends of the logs rest on rows outside of them too: nothing is recomputed.
def test_sliding_windows_are_not_recomputed() -> None:
    sliding = PlanOutput("S", "windowed", 180_000, ahead_ms=300_000)
    with pytest.raises(IndexPlanError, match="look back over 5 minutes, at both ends also on rows outside of the logs"):
        check_edges("per_key", [PlanOutput("T", "windowed", 60_000), sliding], [SPAN])


# Other windows are, and where nothing is recomputed there is nothing to refuse.
def test_other_windows_are_recomputed() -> None:
    check_edges("counts", [PlanOutput("T", "windowed", 60_000)], [SPAN])
    check_edges("per_key", [PlanOutput("S", "windowed", 180_000, ahead_ms=300_000)], [])
