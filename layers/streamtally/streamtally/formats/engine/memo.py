"""What a line's parts were made of last time: parts that come again are looked up instead of being read again.

The result for a part hangs on its text alone, so nothing that is remembered can change what a line means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_PARTS = 2048
"""Parts that are remembered; with one more it begins anew."""
MAX_CHARACTERS = 1024
"""A longer part is read each time."""


class Remembered(dict[str, T], Generic[T]):
    """Text → what ``make`` makes of it; what that raises is raised, and not remembered."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[str], T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, text: str) -> T:
        made = self._make(text)
        if len(self) >= MAX_PARTS:
            self.clear()
        if len(text) <= MAX_CHARACTERS:
            self[text] = made
        return made
