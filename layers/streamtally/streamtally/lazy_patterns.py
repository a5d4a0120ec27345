"""Regular expressions that are compiled at their first use: a function's start needs few of them."""

from __future__ import annotations

import re
from typing import Any, cast


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
