"""Functions of a line that are compiled at their first call: a function's start needs few of ``auto``'s formats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Lazy:
    """A function of a line. Args: make: compiles it; raises nothing."""

    def __init__(self, make: Callable[[], Callable[[str], Any]]) -> None:
        self._make = make
        self._made: Callable[[str], Any] | None = None

    def __call__(self, line: str, /) -> Any:
        return self.made(line)

    @property
    def made(self) -> Callable[[str], Any]:
        """The function itself."""
        if self._made is None:
            self._made = self._make()
        return self._made


def made(function: Callable[[str], Any]) -> Callable[[str], Any]:
    """A function without the way around it, if it is a lazy one."""
    return function.made if isinstance(function, Lazy) else function
