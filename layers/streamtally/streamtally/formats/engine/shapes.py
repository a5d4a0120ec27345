"""Shapes: faster parsers for lines that name their own fields, each for one sequence of names.

A program mostly writes the same keys in the same order, so a shape is made for keys that have come a few times. A shape
gives the same row as the format's general parser (a test compares the two) and leaves every other line to it, so
earlier lines never change the row of a later one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from streamtally.formats.base import Row

MAX_SHAPES = 64
"""Shapes of one format; a further one replaces the oldest."""
MAX_KEYS = 64
"""Keys of a shape; lines with more are always left to the general parser."""
SEEN_BEFORE = 4
"""How many lines must have had the same keys before their shape is made."""
SEEN_TO_REPLACE = 100
"""The same, if the shape replaces an older one: making a shape takes as long as parsing many lines."""
_MAX_SEEN = 1000

Shape = Callable[[str], Row | None]
"""A line → its row; None for a line of another shape."""


class Shapes:
    """The shapes of the lines so far, by a number that the lines of a shape usually share, such as a count of tabs.

    Args:
        make: Keys in their order → their shape.
    """

    def __init__(self, make: Callable[[tuple[str, ...]], Shape]) -> None:
        self._make = make
        self._seen: dict[tuple[str, ...], int] = {}
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._by_number: dict[int, Shape] = {}
        self.find = self._by_number.get

    def learn(self, number: int, keys: tuple[str, ...]) -> None:
        """Note that the general parser has read a line of these keys, all distinct."""
        shape = self._shapes.get(keys)
        if shape is None:
            if len(keys) > MAX_KEYS:
                return
            if len(self._seen) >= _MAX_SEEN:
                self._seen.clear()
            self._seen[keys] = self._seen.get(keys, 0) + 1
            is_full = len(self._shapes) >= MAX_SHAPES
            if self._seen[keys] <= (SEEN_TO_REPLACE if is_full else SEEN_BEFORE):
                return
            if is_full:
                self._forget_oldest()
            del self._seen[keys]
            shape = self._shapes[keys] = self._make(keys)
        if len(self._by_number) >= _MAX_SEEN:
            self._by_number.clear()
        self._by_number[number] = shape

    def _forget_oldest(self) -> None:
        oldest = self._shapes.pop(next(iter(self._shapes)))
        for number in [number for number, shape in self._by_number.items() if shape is oldest]:
            del self._by_number[number]


def write_shape(unpack: str, values: Sequence[tuple[str, str]], scope: dict[str, Any]) -> Shape:
    """A shape's function: it unpacks the groups of ``match`` and returns a dict.

    No key of a line becomes code: a key is bound to a name ``k…`` in the function's globals.

    Args:
        unpack: The groups' variables, separated by commas.
        values: Keys with the expressions of their values.
        scope: The names that the expressions use, and ``match``.
    """
    items = ", ".join(f"k{index}: {value}" for index, (_, value) in enumerate(values))
    code = (
        "def shape(line):\n"
        "    matched = match(line)\n"
        "    if matched is None:\n"
        "        return None\n"
        f"    {unpack}, = matched.groups()\n"
        f"    return {{{items}}}\n"
    )
    scope.update({f"k{index}": key for index, (key, _) in enumerate(values)})
    exec(code, scope)  # noqa: S102 - made of numbered names, never of a line
    shape: Shape = scope["shape"]
    return shape
