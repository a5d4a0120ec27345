"""What is compiled at its first use: a function's start needs few of ``auto``'s formats, and few of their patterns."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast


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


class _Pattern:
    """A regular expression. Its methods become attributes of its own once they are used, as fast as the pattern's."""

    def __init__(self, expression: str, flags: int) -> None:
        self._expression, self._flags = expression, flags
        self._compiled: re.Pattern[str] | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what copy and pickle ask for is this object's
            raise AttributeError(name)
        if self._compiled is None:
            self._compiled = re.compile(self._expression, self._flags)
        value = getattr(self._compiled, name)
        setattr(self, name, value)
        return value


def pattern_when_used(expression: str, flags: int = 0) -> re.Pattern[str]:
    """A pattern for the scope of a module, compiled when one of its methods or attributes is first read.

    It has all of them, but is no instance of :class:`re.Pattern`. An expression that does not compile raises at the
    first use, so it must be a constant that the tests use.
    """
    return cast("re.Pattern[str]", _Pattern(expression, flags))
