"""Prices by region, each with the day on which it was read and where."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from streamtally.errors import SettingsError
from streamtally.text import near_names, visible

MAX_AGE_DAYS = 365
"""Older prices are not trusted: a test fails, and the command warns."""


_KINDS = {"name": "text", "usd": "a number", "unit": "text", "region": "text", "read": "a date", "source": "text"}


@dataclass(frozen=True, slots=True)
class Price:
    """One price.

    Attributes:
        name: What it is for, such as ``firehose.ingested_gib``.
        usd: US dollars per unit.
        unit: What is counted.
        region: AWS's name of the region.
        read: When the source was read.
        source: Where.
    """

    name: str
    usd: float
    unit: str
    region: str
    read: date
    source: str

    def to_json(self) -> dict[str, Any]:
        """The price as a JSON object."""
        return {"name": self.name, "usd": self.usd, "unit": self.unit, "read": str(self.read), "source": self.source}


class Prices:
    """The prices of one region. ``used`` holds those that were asked for, by name, in that order."""

    def __init__(self, region: str, prices: Mapping[str, Price]) -> None:
        self.region = region
        self.used: dict[str, Price] = {}
        self._prices = prices

    def __getitem__(self, name: str) -> float:
        """US dollars per unit. Raises: SettingsError: there is no such price."""
        if name not in self._prices:
            kind, _, thing = name.partition(".")
            known = ", ".join(other.partition(".")[2] for other in self._prices if other.startswith(f"{kind}."))
            raise SettingsError(f"no price of {thing} in {self.region}: there are those of {known}")
        self.used[name] = self._prices[name]
        return self._prices[name].usd

    def old(self, today: date) -> list[Price]:
        """Those of the used prices that were read too long ago."""
        return [price for price in self.used.values() if (today - price.read).days > MAX_AGE_DAYS]


def read_prices(text: str) -> list[Price]:
    """All prices of a price file. Args: text: its TOML. Raises: SettingsError: it is not one; the text says where."""
    try:
        entries = tomllib.loads(text).get("price")
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"is not TOML: {error}") from None
    if not isinstance(entries, list) or not entries:
        raise SettingsError("has no [[price]]")
    return [_read_price(number, entry) for number, entry in enumerate(entries, 1)]


def _read_price(number: int, entry: Any) -> Price:
    """Raises: SettingsError: a key is missing or unknown, or a value is not of its kind."""
    where = f"[[price]] number {number}"
    kinds = {"name": str, "usd": float | int, "unit": str, "region": str, "read": date, "source": str}
    if not isinstance(entry, Mapping):
        raise SettingsError(f"{where} is not a table")
    for name in entry:
        if name not in kinds:
            near = near_names(name, kinds, 1)
            advice = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(kinds)}"
            raise SettingsError(f"{where}: unknown key {visible(name, 60)!r}: {advice}")
    for name, kind in kinds.items():
        if not isinstance(entry.get(name), kind) or isinstance(entry[name], bool):
            raise SettingsError(f"{where}: {name} is missing, or is not {_KINDS[name]}")
    if not (math.isfinite(entry["usd"]) and entry["usd"] >= 0):
        raise SettingsError(f"{where}: usd = {entry['usd']}: must be a number from 0")
    return Price(**entry)


def with_prices(prices: Iterable[Price], own: Iterable[Price]) -> list[Price]:
    """The prices with others of the user's own, which take the place of those of the same name and region."""
    merged = {(price.name, price.region): price for price in (*prices, *own)}
    return list(merged.values())


def prices_of(prices: Iterable[Price], region: str) -> Prices:
    """A region's prices. Raises: SettingsError: there are none; it names the regions that have prices."""
    listed = list(prices)
    own = {price.name: price for price in listed if price.region == region}
    if not own:
        regions = ", ".join(sorted({price.region for price in listed}))
        raise SettingsError(
            f"no prices of the region {region!r}: there are those of {regions}; "
            "--prices FILE adds others (docs/cost.md)"
        )
    return Prices(region, own)
