"""A memory with a bound: what comes again is looked up instead of being worked out again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(dict[K, V], Generic[K, V]):
    """Key → what ``make`` makes of it, made once; what ``make`` raises is raised on look-up, and not remembered.

    Args:
        make: its result depends on the key alone.
        max_entries: the most keys that are remembered; before one more, all are forgotten.
        max_characters: a longer text is not remembered.
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
