"""How many lines arrive, over the last seconds and the last minute."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

_KEPT_SECONDS: Final = 60.0
_LEAST_SECONDS: Final = 0.5
"""Counts that are noted in shorter succession replace each other, so that few are kept."""


class RecentRate:
    """Lines a second over the last interval of any length up to a minute.

    Args: clock: a monotonic clock, in s.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._noted: deque[tuple[float, int]] = deque([(clock(), 0)])

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
