"""A bounded cache: what recurs is looked up instead of being computed again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(dict[K, V], Generic[K, V]):
    """Key → ``make(key)``, cached. What ``make`` raises is raised on look-up, and is not cached.

    Args:
        make: a function whose result depends on the key alone.
        max_entries: the most keys; when one more comes, the cache is cleared.
        max_characters: a longer text is not cached.
    """

    __slots__ = ("_make", "_max_characters", "_max_entries")

    def __init__(self, make: Callable[[K], V], max_entries: int, max_characters: int) -> None:
        super().__init__()
        self._make = make
        self._max_entries = max_entries
        self._max_characters = max_characters

    def text_in(self, key: K) -> object:
        """The part of a key that may be a long text."""
        return key

    def __missing__(self, key: K) -> V:
        made = self._make(key)
        text = self.text_in(key)
        if type(text) is str and len(text) > self._max_characters:
            return made
        if len(self) >= self._max_entries:
            self.clear()
        self[key] = made
        return made
