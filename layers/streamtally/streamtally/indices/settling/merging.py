"""Merging by the cluster: the aggregations that compute a group's numbers, and settled documents from these numbers.

An aggregation adds doubles, which cannot represent every integer past 2⁵³. So every sum is checked: as long as the
largest magnitude times the number of values is below 2⁵³, each value, each intermediate sum and the total are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from streamtally.ids import ANY_VERSION, digest
from streamtally.indices.bodies import Body
from streamtally.indices.settling.settled import SettledDocument, to_settled
from streamtally.indices.settling.settler import Settler
from streamtally.plan.aggregates.merged import NUMBERS, Operation, Operations, from_numbers
from streamtally.times.iso import to_iso

EXACT: Final = 2**53
"""Below it, a double represents every integer."""


@dataclass(frozen=True, slots=True)
class MergedGroup:
    """A window and key whose partials the cluster merged, all of the plan in force."""

    window_ms: int
    group_id: str
    key: str
    """As JSON text."""
    partials: int
    """How many were merged."""
    out_of_range: int
    numbers: tuple[int | None, ...]
    """In the order of `plan.aggregates.merged`; NULL is None."""


def to_sound_filter(plan_id: str) -> list[Body]:
    """Filters for the partials that a cluster can merge: of one plan, with every field that settling reads.

    ``merge.placed`` means that the inbox's pipeline gave the document its id, so that no partial is there twice.
    """
    names = ("merge.key", "merge.placed", "ingested_at", "partial_id", "group_id", "batch_id")
    # Where reference tables in S3 change, the partials of one deployment have ids that differ in the second half.
    kind = "prefix" if plan_id.endswith(ANY_VERSION) else "term"
    return [
        {kind: {"tally.plan_id": plan_id.removesuffix(ANY_VERSION)}},
        *({"exists": {"field": f"tally.{name}"}} for name in names),
    ]


def to_aggregations(operations: Operations) -> Body:
    """The aggregations of a group: each number's statistics, and how many values its partials claim to carry."""
    count = sum(map(len, operations))
    return {
        "values": {"sum": {"field": "tally.merge.values"}},
        "out_of_range": {"sum": {"field": "tally.out_of_range"}},
        **{name: {"stats": {"field": f"tally.merge.{name}"}} for name in NUMBERS[:count]},
    }


def read_bucket(output: str, operations: Operations, window_ms: int, key: str, bucket: Body) -> MergedGroup | None:
    """A group from its bucket; None: a number may be inexact, or values are missing.

    Args:
        bucket: with ``doc_count`` and the answers to `to_aggregations`.
    """
    partials = int(bucket["doc_count"])
    parts = [part for slot_parts in operations for part in slot_parts]
    numbers: list[int | None] = []
    values = 0
    for part, name in zip(parts, NUMBERS, strict=False):
        statistics = bucket[name]
        values += statistics["count"]
        if part == "count" and statistics["count"] != partials:
            return None
        exact, number = _read_number(part, statistics)
        if not exact:
            return None
        numbers.append(number)
    if values != bucket["values"]["value"]:  # a value is missing in the index: of an older mapping, or not a long
        return None
    try:
        group_id = digest([output, window_ms, orjson.loads(key)])
    except ValueError:
        return None
    return MergedGroup(window_ms, group_id, key, partials, int(bucket["out_of_range"]["value"]), tuple(numbers))


def _read_number(part: Operation, statistics: Mapping[str, Any]) -> tuple[bool, int | None]:
    """(whether it is exact, the number)."""
    count = statistics["count"]
    if not count:
        return True, None
    low, high = int(statistics["min"]), int(statistics["max"])
    if part in ("min", "max"):
        extreme = low if part == "min" else high
        return abs(extreme) < EXACT, extreme
    return max(abs(low), abs(high)) * count < EXACT, int(statistics["sum"])


def settle_merged(settler: Settler, group: MergedGroup) -> list[SettledDocument]:
    """The documents of a group, the same ones that `Settler.settle` makes from its partials.

    Raises: what finishing raises for a key of the wrong kind (ValueError, ArithmeticError, …).
    """
    plan = settler.current
    assert plan.output.operations is not None  # noqa: S101 (otherwise the cluster does not merge)
    key = orjson.loads(group.key)
    state = plan.output.merge_states([from_numbers(plan.output.operations, key, group.numbers)])
    tally = {
        "output": settler.name,
        "window_start": to_iso(group.window_ms),
        "group_id": group.group_id,
        "key": key,
        "plan_id": plan.plan_id,
        "partials": group.partials,
        "out_of_range": group.out_of_range,
        "final": settler.is_final(group.window_ms),
    }
    return to_settled(group.window_ms, plan.shape, tally, plan.output.finish_all(group.window_ms, state))
