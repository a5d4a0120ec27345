"""java.util.regex patterns, run with Java's semantics and within a bound, or refused by name.

A pattern is read into a tree (syntax.py) and written again with its character classes written out, so that ``\\w``,
``\\s``, ``.`` and ``$`` mean what they mean in Java. Python's ``re`` or RE2 runs it (engine.py). What neither of them
matches as Java does is refused when the pattern is compiled (java_only.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from streamtally.errors import PatternLimitError, UnsupportedPatternError
from streamtally.patterns import cost
from streamtally.patterns.assertions import boundary_in, for_boundary
from streamtally.patterns.engine import HALF, UNBOUNDED, BoundedPattern, compile_python, compile_re2
from streamtally.patterns.java_only import find_difference
from streamtally.patterns.syntax import parse
from streamtally.patterns.tree import Chars, Repeat, has_backref, has_boundary
from streamtally.patterns.writing import NotInRe2Error, without_end_anchors, write, write_for_re2

SEARCH_STEPS = 1_200_000
"""Of all the searches in one text."""
_CHARS_A_STEP = 100  # RE2 reads the whole text again for each search
_SHORT_DELIMITER_CHARS = 64

Spans = Sequence[tuple[int, int]]
"""Of a match and its groups; (-1, -1) for a group that did not take part."""


class SearchWork:
    """The steps of all searches in one text together: many matches, each within its bound, add up."""

    def __init__(self) -> None:
        self._left = SEARCH_STEPS

    def spend(self, steps: int) -> None:
        """Count steps. Raises: PatternLimitError: more than are left."""
        self._left -= steps
        if self._left < 0:
            raise PatternLimitError


class JavaPattern:
    """A compiled pattern.

    Args:
        text: in Java's syntax.
        mode: "matches" (the whole text), "looking_at" (from its start) or "find" (anywhere).
    Raises: JavaSyntaxError, UnsupportedPatternError.
    """

    def __init__(self, text: str, mode: str = "matches") -> None:
        node, self.group_count = parse(text)
        self.text = text
        self.node = without_end_anchors(node, mode != "find", mode == "matches")
        self._refuse_differences(mode)
        self._mode = mode
        self._method = {"matches": "fullmatch", "looking_at": "match", "find": "search"}[mode]
        self._has_boundary = has_boundary(self.node)
        degree = self._degree()
        python = compile_python(text, write(self.node))
        linear = self._linear() if degree or mode != "find" else None
        self._bounded = BoundedPattern(text, python, linear, degree, linear_is_ascii=self._has_boundary)
        self._for_boundary = lru_cache(maxsize=16)(self._with_boundary)

    def _refuse_differences(self, mode: str) -> None:
        groups_matter = mode != "looking_at" or has_backref(self.node)
        difference = find_difference(self.node, groups_matter, end_matters=mode == "find")
        if difference is not None:
            raise UnsupportedPatternError(f"pattern {self.text!r}: {difference}")

    def _degree(self) -> int:
        degree = cost.degree(self.node)
        if self._mode != "find":
            return degree
        length = cost.lengths(self.node)[1]
        single = isinstance(self.node, Repeat) and isinstance(self.node.item, Chars)
        # A search begins again at every position, unless it looks for something short or for a run of one class.
        return degree if single or (length or _SHORT_DELIMITER_CHARS + 1) <= _SHORT_DELIMITER_CHARS else degree + 1

    def _linear(self) -> object:
        try:
            return compile_re2(write_for_re2(self.node))
        except NotInRe2Error:
            return None

    def _with_boundary(self, boundary: str) -> BoundedPattern | None:
        degree = self._bounded.degree
        python = compile_python(self.text, write(self.node, for_boundary(boundary)))
        return BoundedPattern(self.text, python, None, degree) if degree < UNBOUNDED else None

    def _on(self, text: str) -> BoundedPattern:
        if not self._has_boundary or text.isascii():
            return self._bounded
        bounded = self._for_boundary(boundary_in(text))
        if bounded is None:
            raise PatternLimitError
        return bounded

    def spans_from(self, text: str, at: int, work: SearchWork | None = None) -> Spans | None:
        """Where the pattern and its groups match from a position on, None without a match.

        Args: work: of all the searches in this text. Raises: PatternLimitError.
        """
        compiled = self._on(text).on(text)
        if work is not None and not isinstance(compiled, re.Pattern):
            work.spend(len(text) // _CHARS_A_STEP)
        match = getattr(compiled, self._method)(text, at)
        return None if match is None else [match.span(index) for index in range(self.group_count + 1)]

    def groups(self, text: str) -> list[str | None] | None:
        """What each group matched (None: it did not take part), None without a match. Raises: PatternLimitError."""
        match = getattr(self._on(text).on(text), self._method)(text)
        return None if match is None else list(match.groups())

    def is_bounded(self, text: str) -> bool:
        """Whether the work of Python's ``re`` is bounded on this text."""
        return self._bounded.is_bounded(text)

    def is_match(self, text: str) -> bool:
        """Whether the pattern matches. Raises: PatternLimitError."""
        return getattr(self._on(text).on(text), self._method)(text) is not None

    def split(self, text: str) -> list[str]:
        """As ``String.split(regex)``: empty parts at the end are dropped, a text without a match is one part.

        After an empty match Java goes on in the middle of a surrogate pair; each half is a ``?`` when it is sent.
        Raises: PatternLimitError.
        """
        parts: list[str] = []
        begin = at = 0
        work = SearchWork()
        while at <= len(text) and (spans := self.spans_from(text, at, work)) is not None:
            low, high = spans[0]
            at = high + 1 if high == low else high
            if high == low < len(text) and text[low] > "\uffff":
                text = text[:low] + _halves(text[low]) + text[low + 1 :]
            if high == 0:  # an empty match at the very beginning splits nothing
                continue
            parts.append(text[begin:low])
            begin = high
        if begin == 0:
            return [_whole(text)]
        parts.append(text[begin:])
        while parts and not parts[-1]:
            parts.pop()
        return [_whole(part) for part in parts]


def _halves(char: str) -> str:
    code = ord(char) - 0x10000
    return chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))


def _whole(text: str) -> str:
    """Two halves that stand together as one character again, a half alone as the ``?`` that Java sends for it."""
    if not HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\ufffd", "?")
