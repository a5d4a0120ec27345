"""The package's price file: each price has a day and a source, and none is old."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from streamtally.cost.alternatives import find_alternatives
from streamtally.cost.bill import make_bill
from streamtally.cost.prices import MAX_AGE_DAYS, Price, Prices, prices_of
from streamtally.errors import SettingsError
from streamtally.local.cost_sample import bundled_prices
from tests.unit.cost.cases import counted


def test_no_price_is_older_than_a_year() -> None:
    """Read the sources again, as docs/cost.md says, when this fails."""
    today = datetime.now(UTC).date()
    assert [price.name for price in bundled_prices() if (today - price.read).days > MAX_AGE_DAYS] == []


def test_each_price_says_what_when_and_where() -> None:
    prices = bundled_prices()
    assert len({(price.region, price.name) for price in prices}) == len(prices)
    for price in prices:
        assert price.usd > 0
        assert price.unit
        assert price.source
        assert price.read <= datetime.now(UTC).date() or price.read.year <= 2027


def test_every_region_has_every_price_of_a_default_stack() -> None:
    for region in {price.region for price in bundled_prices()}:
        prices = prices_of(bundled_prices(), region)
        make_bill(counted(1000, 1), prices)
        find_alternatives(counted(1000, 1), prices)


def test_a_region_without_prices_is_refused_with_those_that_have() -> None:
    with pytest.raises(SettingsError, match="no prices of the region 'eu-nowhere-1': there are those of us-east-1"):
        prices_of(bundled_prices(), "eu-nowhere-1")


def test_old_prices_are_named() -> None:
    prices = Prices("here", {"a.b": Price("a.b", 1.0, "unit", "here", date(2025, 1, 1), "a page")})
    assert prices.old(date(2027, 1, 1)) == []  # none was used
    assert prices["a.b"] == 1.0
    assert [price.name for price in prices.old(date(2026, 1, 2))] == ["a.b"]
    assert prices.old(date(2026, 1, 1)) == []
