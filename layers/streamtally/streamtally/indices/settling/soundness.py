"""Which states of a group can be merged: states of the wrong kind are hostile input, and spoil a merge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamtally.errors import EvaluationError, PlanError
from streamtally.plan.aggregates.basic import Count, Sum
from streamtally.plan.windowed import WindowedOutput

SPOILED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, EvaluationError, PlanError)
"""What merging raises for states of the wrong kind; a failure of the cluster is not among them."""


def is_plain(output: WindowedOutput, state: Mapping[str, Any]) -> bool:
    """Whether a state has a number of rows, and numbers where COUNT and SUM have them (lists would merge, too)."""
    rows, aggregates = state.get("rows"), state.get("aggregates")
    if type(rows) is not int or rows < 0 or not isinstance(aggregates, list):
        return False
    for slot, value in zip(output.slots, aggregates, strict=True):
        kind = type(slot.aggregate)
        if kind in (Count, Sum) and type(value) not in (int, str) and (value is not None or kind is Count):
            return False
    return True


def merge_sound(
    output: WindowedOutput, window_ms: int, merged: dict[str, Any] | None, state: Mapping[str, Any]
) -> dict[str, Any]:
    """A state merged into those before it.

    Args:
        merged: the states before it; None: it is the first.
    Raises: one of `SPOILED`: it cannot be merged with itself or with those before it, or the result not be finished.
    """
    if not is_plain(output, state):
        raise ValueError("numbers of the wrong kind")
    output.finish_all(window_ms, output.merge_states([state, state]))
    both = output.merge_states([state] if merged is None else [merged, state])
    output.finish_all(window_ms, both)
    return both
