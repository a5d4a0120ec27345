"""Unique visitors by day: an address and a user agent on one day of UTC are one visitor."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from streamtally.plan.aggregates.hyperloglog import REGISTERS, add_items, estimate, merge_registers
from streamtally.report.data import DayVisitors

EXACT: Final = 10_000
"""The visitors of a day are exact up to this number, and estimated beyond it."""
MAX_KEPT: Final = 1_000_000
"""Visitors that are remembered at once; beyond them the days with the most are estimated."""
DAY_MS: Final = 86_400_000
_ID_BYTES: Final = 8
_LEAST_ESTIMATED: Final = 512  # below it, an estimate needs more memory than the visitors themselves


def visitor_id(host: str, agent: str) -> bytes:
    """64 bits that stand for an address and its agent: among 10,000, two are equal once in 10^11 logs."""
    return blake2b(f"{host}\0{agent}".encode("utf-8", "surrogatepass"), digest_size=_ID_BYTES).digest()


class Visitors:
    """The visitors of each day."""

    def __init__(self, exact: int = EXACT, max_kept: int = MAX_KEPT) -> None:
        self._exact, self._max_kept = exact, max_kept
        self._ids: dict[int, set[bytes]] = {}
        self._packed: dict[int, bytes] = {}  # the ids of days that nothing was added to lately: a tenth of the memory
        self._registers: dict[int, bytearray] = {}
        self._kept = 0

    def add(self, day: int, visitors: Iterable[tuple[str, str]]) -> None:
        """Take in visitors. Args: day: days since the epoch; visitors: addresses with their agents."""
        self._add(day, {visitor_id(host, agent) for host, agent in visitors})

    def merge(self, other: Visitors) -> None:
        """Take in those of other lines."""
        for day in self._ids.keys() - other._ids.keys():
            self._packed[day] = b"".join(self._ids.pop(day))
        for day, ids in other._ids.items():
            self._add(day, ids)
        for day, packed in other._packed.items():
            self._add(day, _unpack(packed))
        for day, registers in other._registers.items():
            self._estimate(day)
            self._registers[day] = bytearray(merge_registers(self._registers[day], registers))

    def _add(self, day: int, ids: set[bytes]) -> None:
        if (registers := self._registers.get(day)) is not None:
            add_items(registers, ids)
            return
        known = self._ids.get(day)
        if known is None:
            known = self._ids[day] = _unpack(self._packed.pop(day, b""))
        before = len(known)
        known |= ids
        self._kept += len(known) - before
        if len(known) > self._exact:
            self._estimate(day)
        while self._kept > self._max_kept and (largest := self._largest()) is not None:
            self._estimate(largest)

    def _counts(self) -> dict[int, int]:
        """The days that are exact, with how many they have."""
        packed = {day: len(ids) // _ID_BYTES for day, ids in self._packed.items()}
        return {**packed, **{day: len(ids) for day, ids in self._ids.items()}}

    def _largest(self) -> int | None:
        count, day = max(((count, day) for day, count in self._counts().items()), default=(0, 0))
        return day if count >= _LEAST_ESTIMATED else None

    def _estimate(self, day: int) -> None:
        ids = self._ids.pop(day, None)
        if ids is None:
            ids = _unpack(self._packed.pop(day, b""))
        self._kept -= len(ids)
        add_items(self._registers.setdefault(day, bytearray(REGISTERS)), ids)

    def days(self) -> tuple[DayVisitors, ...]:
        """How many each day has, in order."""
        exact = [DayVisitors(day * DAY_MS, count, True) for day, count in self._counts().items()]
        about = [DayVisitors(day * DAY_MS, estimate(registers), False) for day, registers in self._registers.items()]
        return tuple(sorted(exact + about, key=lambda day: day.start_ms))


def _unpack(packed: bytes) -> set[bytes]:
    return {packed[start : start + _ID_BYTES] for start in range(0, len(packed), _ID_BYTES)}
