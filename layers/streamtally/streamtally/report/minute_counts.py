"""Counts by minute that stay small: where there are too many minutes, they are added up to longer steps.

A chart has at most :data:`~streamtally.report.figures.MAX_STEPS` steps, so that a log of so many minutes is drawn in
longer ones anyway. What is counted does not depend on the order, nor on the parts in which it comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

MOST: Final = 100_000
"""Counts that are kept by minute, or by ten minutes."""
WIDTHS: Final = (1, 10, 60)
"""The lengths of steps, in minutes. Hours are kept however many there are: ten years have 87,600."""

Key = TypeVar("Key")


class MinuteCounts(Generic[Key]):
    """Numbers by a key that has a minute.

    Args:
        floor: a key → that of the step in which it is; its second argument is the step's length in minutes.
        most: counts that are kept by steps shorter than an hour; None: all minutes are kept.
    Attributes:
        counts: key → number.
        width: the length of a step, in minutes.
    """

    def __init__(self, floor: Callable[[Key, int], Key], most: int | None = MOST) -> None:
        self.counts: Counter[Key] = Counter()
        self.width = WIDTHS[0]
        self._floor, self._most = floor, most

    def update(self, other: MinuteCounts[Key]) -> None:
        """Add other counts."""
        self._widen(other.width)
        self._add(other.counts, other.width)
        for width in WIDTHS[1:]:
            if self._most is None or len(self.counts) <= self._most:
                return
            self._widen(width)

    def _widen(self, width: int) -> None:
        if width <= self.width:
            return
        before, counts, self.counts, self.width = self.width, self.counts, Counter(), width
        self._add(counts, before)

    def _add(self, counts: Mapping[Key, int], width: int) -> None:
        if width == self.width:
            self.counts.update(counts)
            return
        floor, own, added = self._floor, self.width, self.counts
        for key, count in counts.items():
            added[floor(key, own)] += count
