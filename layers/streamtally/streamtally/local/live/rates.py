"""How many lines arrive: over the last seconds, the last minute, and by step of the last minutes."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Final

STEP_SECONDS: Final = 5
MOST_STEPS: Final = 60
_KEPT_SECONDS: Final = float(STEP_SECONDS * (MOST_STEPS + 1))
_LEAST_SECONDS: Final = 0.5
"""Counts that are noted in shorter succession replace each other, so that few are kept."""


class RecentRate:
    """Lines a second over the last interval of any length up to five minutes.

    Args: clock: a monotonic clock, in s.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._noted: deque[tuple[float, int]] = deque([(self._start, 0)])

    def note(self, lines: int) -> None:
        """Note how many lines there are in all."""
        now = self._clock()
        if len(self._noted) > 1 and now - self._noted[-2][0] < _LEAST_SECONDS:
            self._noted.pop()
        self._noted.append((now, lines))
        # One that is older than the interval stays: the count at its beginning.
        while len(self._noted) > 2 and now - self._noted[1][0] >= _KEPT_SECONDS:
            self._noted.popleft()

    def over(self, seconds: float) -> float:
        """Lines a second over the last so many seconds, or since the start if that is less."""
        noted = self._noted.copy()  # another thread may note
        now, lines = self._clock(), noted[-1][1]
        then, counted = noted[0]
        for noted_at, count in noted:
            if now - noted_at < seconds:
                break
            then, counted = noted_at, count
        return (lines - counted) / (now - then) if now > then else 0.0

    def by_step(self) -> tuple[list[int], float]:
        """Lines of the last steps of :data:`STEP_SECONDS`, the oldest first, and for how many s the last has been over.

        There are at most :data:`MOST_STEPS`, from the start on. Lines between two notes count as spread evenly over the
        time between them.
        """
        noted = list(self._noted)
        complete = int((noted[-1][0] - self._start) // STEP_SECONDS)
        ends = [self._start + STEP_SECONDS * number for number in range(max(complete - MOST_STEPS, 0), complete + 1)]
        counts = [_lines_at(noted, end) for end in ends]
        return [after - before for before, after in pairwise(counts)], self._clock() - ends[-1]


def _lines_at(noted: Sequence[tuple[float, int]], moment: float) -> int:
    """How many lines there were at a moment that is not after the last note."""
    index = bisect_left(noted, moment, key=itemgetter(0))
    if index == 0:
        return noted[0][1]
    (before, few), (after, many) = noted[index - 1], noted[index]
    return few + round((many - few) * (moment - before) / (after - before))
