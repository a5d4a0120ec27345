"""The clock that the edges read and hand in to the core."""

from __future__ import annotations

import time
from collections.abc import Callable

TimeLeft = Callable[[], float]
"""The seconds that remain of an invocation or a run, read before each step."""


def now_ms() -> int:
    """The time in whole milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000
