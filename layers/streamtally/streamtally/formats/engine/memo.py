"""A bounded cache of what parts of lines were converted to: recurring parts are looked up instead of parsed again.

The result for a part depends on its text alone, so the cache cannot change what a line means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from streamtally.memo import Memo

T = TypeVar("T")

MAX_PARTS = 2048
"""Cached parts; when one more comes, the cache is cleared."""
MAX_CHARACTERS = 1024
"""A longer part is not cached."""


class Remembered(Memo[str, T]):
    """Text → ``make(text)``, cached. What ``make`` raises is raised again, and is not cached."""

    __slots__ = ()

    def __init__(self, make: Callable[[str], T]) -> None:
        super().__init__(make, MAX_PARTS, MAX_CHARACTERS)
