"""Changes of settings that would save something, each with what it saves of the whole bill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from streamtally.cost.bill import Case, make_bill, total
from streamtally.cost.prices import Prices
from streamtally.cost.steps import FULL_RECORD_BYTES

_CENT = 0.01


@dataclass(frozen=True, slots=True)
class Saving:
    """A change and what it saves.

    Attributes:
        usd: US dollars a month.
        change: What to change.
        price: What is given up for it.
    """

    usd: float
    change: str
    price: str

    def to_json(self) -> dict[str, Any]:
        """The saving as a JSON object, in cents."""
        return {"usd": round(self.usd, 2), "change": self.change, "price": self.price}


def find_savings(case: Case, prices: Prices, most: int = 2) -> list[Saving]:
    """The changes that save most, each by itself, of those that save a cent or more."""
    before = total(make_bill(case, prices))
    savings = [
        Saving(before - total(make_bill(changed, prices)), change, price) for changed, change, price in _changes(case)
    ]
    return sorted((saving for saving in savings if saving.usd >= _CENT), key=lambda saving: -saving.usd)[:most]


def _changes(case: Case) -> Iterator[tuple[Case, str, str]]:
    stack, traffic = case.stack, case.traffic
    lines = FULL_RECORD_BYTES // case.sample.line_bytes
    if lines > traffic.lines_a_record:
        yield (
            replace(case, traffic=replace(traffic, lines_a_record=float(lines))),
            f"send about {lines:.0f} lines in each record: aggregatedRecordSizeBytes {FULL_RECORD_BYTES} in "
            "agent.json, as agent-config writes it",
            "a record that fails is a larger piece to redrive",
        )
    if stack.settle_seconds < 300:
        yield (
            replace(case, stack=replace(stack, settle_seconds=300)),
            "SettleSchedule='rate(5 minutes)'",
            "counts appear up to five minutes later",
        )
    if stack.transform_buffer_seconds < 300:
        yield (
            replace(case, stack=replace(stack, transform_buffer_seconds=300)),
            "TransformBufferSeconds=300",
            "lines and counts arrive up to four minutes later",
        )
    if stack.domain_volume_gib > 10:
        yield (
            replace(case, stack=replace(stack, domain_volume_gib=10)),
            "DomainVolumeGiB=10",
            "half the room for counts",
        )
    if stack.architecture != "arm64":
        yield replace(case, stack=replace(stack, architecture="arm64")), "Architecture=arm64", "another build"
