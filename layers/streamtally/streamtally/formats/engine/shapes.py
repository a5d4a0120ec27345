"""Lines that name their own fields, read by a pattern for just these names once such lines have come a few times.

A program mostly writes the same keys in the same order. What a shape takes it reads as the format's own way does (a
test holds the two against each other), and every other line is left to that; so what was seen before changes no row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from streamtally.formats.base import Row

MAX_SHAPES = 64
"""Of one format; a further one takes the place of the oldest."""
MAX_KEYS = 64
SEEN_BEFORE = 4
"""As often a line's keys must have come before their shape is worth making."""
SEEN_TO_REPLACE = 100
"""… and before an older one gives way to it: to make a shape takes as long as to read many lines."""
_MAX_SEEN = 1000

Shape = Callable[[str], Row | None]
"""A line → its row, None for a line of another shape."""


class Shapes:
    """The shapes that lines have had, by a number that all lines of a shape mostly share.

    Args: make: keys in their order → their shape.
    """

    def __init__(self, make: Callable[[tuple[str, ...]], Shape]) -> None:
        self._make = make
        self._seen: dict[tuple[str, ...], int] = {}
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._by_number: dict[int, Shape] = {}
        self.find = self._by_number.get

    def learn(self, number: int, keys: tuple[str, ...]) -> None:
        """A line of these keys, each of which comes once, was read the format's own way."""
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
    """A shape's function, which unpacks the groups of ``match`` and shows a dict.

    No key of a line becomes code: a key is bound to the name ``k…`` in the function's globals.

    Args: unpack: the groups' variables; values: key and its value's expression; scope: the names that it uses.
    """
    items = ", ".join(f"k{place}: {value}" for place, (_, value) in enumerate(values))
    code = (
        "def shape(line):\n"
        "    found = match(line)\n"
        "    if found is None:\n"
        "        return None\n"
        f"    {unpack}, = found.groups()\n"
        f"    return {{{items}}}\n"
    )
    scope.update({f"k{place}": key for place, (key, _) in enumerate(values)})
    exec(code, scope)  # noqa: S102 - made of names with numbers
    shape: Shape = scope["shape"]
    return shape
