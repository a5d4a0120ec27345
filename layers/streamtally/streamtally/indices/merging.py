"""What the cluster merges: the aggregations that give a group's numbers, and the settled documents that these make.

An aggregation adds doubles, and a long past 2⁵³ is none. So every sum is checked by what it was made of: as long as the
largest magnitude times the number of values is below 2⁵³, each value, each sum on the way and the total are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from streamtally.ids import digest
from streamtally.indices.settling import Settled, Settler, to_settled
from streamtally.plan.aggregates.merged import NUMBERS, Operation, Operations, from_numbers
from streamtally.times.iso import to_iso

EXACT: Final = 2**53
"""Below it, a double is every integer."""

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MergedGroup:
    """A window and key as the cluster merged its partials, all of the plan in force.

    Attributes:
        key: as JSON text; partials: how many; numbers: as `plan.merged` has them, NULL is None.
    """

    window_ms: int
    group_id: str
    key: str
    partials: int
    out_of_range: int
    numbers: tuple[int | None, ...]


def to_sound_filter(plan_id: str) -> list[Body]:
    """What the partials fit that a cluster can merge: those of one plan, with all that settling reads of a partial.

    ``merge.placed`` says that the inbox's pipeline gave the document its id, so that no partial is there twice.
    """
    names = ("merge.key", "merge.placed", "ingested_at", "partial_id", "group_id", "batch_id")
    return [{"term": {"tally.plan_id": plan_id}}, *({"exists": {"field": f"tally.{name}"}} for name in names)]


def to_aggregations(operations: Operations) -> Body:
    """The aggregations of a group: each number's statistics, and how many values its partials say that they carry."""
    count = sum(map(len, operations))
    return {
        "values": {"sum": {"field": "tally.merge.values"}},
        "out_of_range": {"sum": {"field": "tally.out_of_range"}},
        **{name: {"stats": {"field": f"tally.merge.{name}"}} for name in NUMBERS[:count]},
    }


def read_bucket(output: str, operations: Operations, window_ms: int, key: str, bucket: Body) -> MergedGroup | None:
    """A group from its bucket; None: a number may not be exact, or not all values are there.

    Args: bucket: with ``doc_count`` and the answers to `to_aggregations`.
    """
    partials = int(bucket["doc_count"])
    parts = [part for of_slot in operations for part in of_slot]
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
    if values != bucket["values"]["value"]:  # a value that the index has not: of an older mapping, or not a long
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


def settle_merged(settler: Settler, group: MergedGroup) -> list[Settled]:
    """The documents of a group, the same as `Settler.settle` makes of its partials.

    Raises: what finishing raises for a key of the wrong kind (ValueError, ArithmeticError, …).
    """
    plan = settler.current
    assert plan.output.operations is not None  # noqa: S101 (else nothing is merged elsewhere)
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
