"""The only way to run a user's pattern: Python's ``re`` if its work is bounded, else RE2, else it is refused.

``re`` runs a pattern on a line as long as backtracking could not cost more than RE_WORK steps on a line of that length.
A longer line goes to RE2, whose time is linear. A line that neither can run raises PatternLimitError. A pattern without
a bound in either engine is refused when it is compiled.

Nothing else in the package compiles a user's pattern, or loads RE2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from streamtally.errors import PatternLimitError, SettingsError, UnsupportedPatternError

RE_WORK = 1_000_000
"""Steps of ``re`` on one line: about 20 ms."""
LONG = 4_000
"""Characters of a line from which on RE2 is preferred even if ``re`` cannot backtrack: ``re`` keeps 200 bytes for each
character that a choice in a repeat matches, which is 1 GB for 5 MB."""
UNBOUNDED = 99
"""A degree that no line is short enough for."""
MAX_PATTERN_BYTES = 1 << 20
"""Memory of one compiled pattern of RE2 alone, with its automaton; a larger one is refused."""

HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair."""


def _load() -> ModuleType | None:
    try:
        return import_module("re2")
    except ImportError:
        return None


re2 = _load()
"""The module, where google-re2 is installed; else None."""


class BoundedPattern:
    """A compiled pattern, run within a bound.

    Args:
        shown: the pattern as its user wrote it, for messages.
        python: the pattern for ``re``.
        linear: the same pattern for RE2; None: RE2 cannot express it, or is not installed.
        degree: the exponent of the line's length in the work of ``re`` (see cost.degree); 0: it cannot backtrack.
        linear_is_ascii: RE2 agrees with ``re`` on ASCII lines alone.
    Raises: UnsupportedPatternError: backtracking has no bound, and RE2 does not support the pattern.
    """

    def __init__(
        self, shown: str, python: re.Pattern[str], linear: Any, degree: int, linear_is_ascii: bool = False
    ) -> None:
        if degree >= UNBOUNDED and linear is None:
            raise UnsupportedPatternError(
                f"pattern {shown!r} could backtrack without end: write repeats inside repeats so that only one way can "
                "match, or without lookaround, backreferences, possessive repeats and $"
            )
        self.python = python
        self.linear = linear
        self.degree = degree
        self._linear_is_ascii = linear_is_ascii
        self._bound = _longest(degree)

    def on(self, text: str) -> Any:
        """The compiled pattern, of ``re`` or of RE2, that runs on this text. Raises: PatternLimitError."""
        length = len(text)
        if length < (LONG if self.linear is not None and self.degree == 0 else self._bound):
            return self.python
        if self.linear is not None and self._suits_linear(text):
            return self.linear
        if length < self._bound:
            return self.python
        raise PatternLimitError

    def _suits_linear(self, text: str) -> bool:
        return text.isascii() or not (self._linear_is_ascii or HALF.search(text))

    def is_bounded(self, text: str) -> bool:
        """Whether ``re`` stays within RE_WORK steps on this text."""
        return len(text) < self._bound

    @property
    def fullmatch(self) -> Callable[[str], Any]:
        """A function of a text: the match of the whole text, or None. It raises PatternLimitError."""
        if self.linear is None and self.degree == 0:
            return self.python.fullmatch
        return lambda text: self.on(text).fullmatch(text)


def _longest(degree: int) -> float:
    """The length below which ``length + 1`` to the power of ``degree + 1`` is within RE_WORK."""
    if degree == 0:
        return float("inf")
    if degree >= UNBOUNDED:
        return 0
    root: int = round(RE_WORK ** (1 / (degree + 1)))
    return root if root ** (degree + 1) <= RE_WORK else root - 1


def compile_python(shown: str, text: str, flags: int = 0) -> re.Pattern[str]:
    """A pattern for ``re``. Raises: UnsupportedPatternError: ``re`` does not support it, or it is too large."""
    try:
        return re.compile(text, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise UnsupportedPatternError(f"pattern {shown!r}: {error}") from None


def compile_re2(text: str) -> Any:
    """A pattern for RE2, next to the same one for ``re``; None: RE2 does not support it, or is not installed."""
    if re2 is None:
        return None
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except (re2.error, UnicodeEncodeError):  # or a class that ends at half of a surrogate pair
        return None


def compile_linear(pattern: str, what: str) -> Any:
    """A pattern that only RE2 runs; ``.`` also matches line ends.

    Args: what: the name of the user's text in the refusal.
    Raises: SettingsError: RE2 does not support the pattern, or is not installed.
    """
    if re2 is None:
        raise SettingsError(f"{what} needs RE2: install google-re2")
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    options.max_mem = MAX_PATTERN_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "RE2 does not take it"
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise SettingsError(f"{what} cannot be matched in linear time: {text}") from None


def between_wildcards(parts: Sequence[str]) -> Callable[[str], bool]:
    """Whether a text is the parts, in this order, with any characters between two of them.

    Each part is matched at its first position, atomically: this loses no match and bounds the work.
    Args: parts: patterns of a fixed length, such as an escaped text; one more than there are wildcards.
    """
    if len(parts) == 1:
        expression = parts[0]
    else:
        middle = "".join(f"(?>.*?{part})" for part in parts[1:-1] if part)
        expression = f"{parts[0]}{middle}.*{parts[-1]}"
    fullmatch = re.compile(expression, re.DOTALL).fullmatch
    return lambda text: fullmatch(text) is not None
