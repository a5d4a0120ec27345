"""Whole columns of lines for the report: sizes, and visitors who are new."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import filterfalse
from typing import Final

from streamtally.local.counted_columns import NONE
from streamtally.local.panel_fields import to_size
from streamtally.report.panels import MINUTES_A_DAY, Panels

VISITORS_KEPT: Final = 20_000
_MOST_DIGITS: Final = 18


def to_sizes(texts: Sequence[str]) -> list[int]:
    """What :func:`~streamtally.local.panel_fields.to_size` gives for each text, without a step for each."""
    known = ["0" if text == NONE else text for text in texts] if NONE in texts else texts
    digits = "".join(known)
    if digits.isascii() and digits.isdigit() and "" not in known and max(map(len, known)) <= _MOST_DIGITS:
        return list(map(int, known))
    return list(map(to_size, texts))


class NewVisitors:
    """Leaves out visitors of a day who were taken in before: taking one in again changes nothing and costs a hash."""

    def __init__(self) -> None:
        self._day = 0
        self._seen: set[tuple[str, str]] = set()

    def add(self, panels: Panels, minutes: Sequence[int], hosts: Sequence[str], agents: Sequence[str]) -> None:
        """Take in who asked. Args: minutes: since the epoch, at least one; hosts: the addresses."""
        day = min(minutes) // MINUTES_A_DAY
        visitors = zip(hosts, agents, strict=True)
        if day != max(minutes) // MINUTES_A_DAY:
            panels.add_visitors(minutes, visitors)
            return
        if day != self._day or len(self._seen) >= VISITORS_KEPT:
            self._day, self._seen = day, set()
        new = set(filterfalse(self._seen.__contains__, visitors))
        if new:
            self._seen |= new
            panels.add_visitors(minutes[:1], new)
