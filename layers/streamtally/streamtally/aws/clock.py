"""The clock that the edges read and hand in to the core."""

from __future__ import annotations

import time


def now_ms() -> int:
    """The time in whole milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000
