"""A cost estimate as text and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import click

from streamtally.cli.shared.aws_options import style
from streamtally.cost.alternatives import find_alternatives
from streamtally.cost.bill import NOT_IN_THE_BILL, Case, make_bill, total
from streamtally.cost.capacity import Capacity, find_capacity
from streamtally.cost.prices import Prices
from streamtally.cost.savings import find_savings
from streamtally.text import counted

UNPROVEN = "No figure here has been compared with a bill of AWS."


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is shown.

    Attributes:
        case: Traffic, sample, settings and assumptions.
        prices: The region's prices.
        origin: Where the rate comes from.
        today: For the prices' age.
    """

    case: Case
    prices: Prices
    origin: str
    today: date

    def to_json(self) -> dict[str, Any]:
        """All of it as one object."""
        parts = make_bill(self.case, self.prices)
        capacity = find_capacity(self.case)
        savings = find_savings(self.case, self.prices)
        alternatives = find_alternatives(self.case, self.prices)
        return {
            "region": self.prices.region,
            "usd_a_month": round(total(parts), 2),
            "parts": [part.to_json() for part in parts],
            "measured": {**asdict(self.case.sample), **asdict(self.case.traffic), "rate_from": self.origin},
            "priced": [price.to_json() for price in self.prices.used.values()],
            "assumed": {**asdict(self.case.stack), **asdict(self.case.assumed)},
            "left_out": list(NOT_IN_THE_BILL),
            "savings": [saving.to_json() for saving in savings],
            "alternatives": [alternative.to_json() for alternative in alternatives],
            "settling": {
                "keys": capacity.keys,
                "batches_a_minute": _finite(capacity.batches_a_minute),
                "indexed_batches_a_minute": _finite(capacity.indexed_batches_a_minute),
                "lines_a_day": _finite(capacity.lines_a_day),
            },
            "old_prices": [price.name for price in self.prices.old(self.today)],
            "note": UNPROVEN,
        }


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else value


def show_estimate(estimate: Estimate) -> None:
    """Print an estimate."""
    case, prices = estimate.case, estimate.prices
    parts = make_bill(case, prices)
    rate = f"{case.traffic.lines_a_day:,.0f} lines a day ({estimate.origin})"
    click.echo(f"{rate}, {case.traffic.lines_a_record:,.4g} in a record, {prices.region}: US dollars a month\n")
    _show_table([(part.name, part.usd, part.quantity) for part in parts])
    click.echo(style(f"  {'total':34} {total(parts):12,.2f}", "green", bold=True))
    savings = find_savings(case, prices)
    if savings:
        _heading("What saves most, each by itself")
    _show_table([(f"saves {saving.usd:,.2f}", None, f"{saving.change} ({saving.price})") for saving in savings])
    _heading("The same lines elsewhere, at least")
    _show_table([(one.name, one.usd, f"{one.quantity}; {one.differs}") for one in find_alternatives(case, prices)])
    _heading("Settling")
    click.echo(f"  {_capacity_text(find_capacity(case))}")
    _show_numbers(estimate)
    for price in prices.old(estimate.today):
        click.echo(f"streamtally: the price {price.name} was read on {price.read}, over a year ago", err=True)
    click.echo(f"\n{UNPROVEN} Left out: {', '.join(NOT_IN_THE_BILL)}.")


def _show_numbers(estimate: Estimate) -> None:
    case = estimate.case
    _heading("Measured on this machine")
    sample = case.sample
    _show_pairs(
        (
            ("sample", f"{sample.lines:,} lines in {sample.batches:,} batches"),
            ("a line", f"{sample.line_bytes:,.0f} bytes, {sample.cpu_seconds_a_line * 1e6:,.1f} µs of CPU"),
            ("in S3", f"{sample.stored_bytes_a_line:,.0f} bytes a line, {sample.compressed_bytes_a_line:,.0f} as gzip"),
            *(
                (output.name, f"{output.keys:,.1f} keys in a batch, {output.document_bytes:,.0f} bytes a document")
                for output in sample.outputs
            ),
        )
    )
    _heading(f"Priced ({estimate.prices.region})")
    _show_pairs(
        (price.name, f"{price.usd:.10f}".rstrip("0") + f" per {price.unit}, read {price.read}: {price.source}")
        for price in estimate.prices.used.values()
    )
    _heading("Assumed: the template's defaults, and")
    _show_pairs((name.replace("_", " "), f"{value:,.6g}") for name, value in asdict(case.assumed).items())


def _capacity_text(capacity: Capacity) -> str:
    keys = counted(round(capacity.keys), "key")
    if not capacity.lines_a_day:
        return f"{keys} are too many for one run a minute at any rate; see docs/indices.md, Capacity of one run"
    if math.isinf(capacity.lines_a_day):
        return "nothing is settled"
    if capacity.indexed_batches_a_minute < capacity.batches_a_minute:
        batches, first = capacity.indexed_batches_a_minute, "two cores index their partials; settling would take more"
    else:
        batches, first = capacity.batches_a_minute, "one run a minute settles no more"
    return (
        f"with {keys} it keeps up to about {_round(batches)} batches a minute, "
        f"{_round(capacity.lines_a_day)} lines a day: {first}"
    )


def _round(value: float) -> str:
    """Two digits: more are not known."""
    digits = max(0, math.floor(math.log10(value)) - 1) if value >= 1 else 0
    return f"{round(value, -digits):,.0f}"


def _heading(text: str) -> None:
    click.echo(f"\n{style(text, 'cyan')}")


def _show_table(rows: Sequence[tuple[str, float | None, str]]) -> None:
    for name, usd, text in rows:
        click.echo(f"  {name:34} {'' if usd is None else f'{usd:,.2f}':>12}  {text}")


def _show_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    for name, text in pairs:
        click.echo(f"  {name:34} {text}")
