"""Stops what would run without end, so that its test fails and does not hang. No measure of speed (see bench/)."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

CPU_SECONDS = 60.0
"""Of the processor, so that a busy machine changes nothing: a hundred times what linear work takes, and far less than
what backtracking or a square of the length would take."""

FLOOD_CHARS = 50_000
"""The characters of a line that is read in linear time."""
FLOOD_SECONDS = CPU_SECONDS / 16
"""For a line of so many characters: at four times the length a square takes CPU_SECONDS."""


@contextmanager
def must_end(cpu_seconds: float = CPU_SECONDS) -> Iterator[None]:
    """Raise AssertionError in what is inside once it has taken so much processor time."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"it has not ended after {cpu_seconds:.0f} s of processor time")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
