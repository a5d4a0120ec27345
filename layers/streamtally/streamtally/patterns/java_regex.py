"""java.util.regex patterns, run with their own meaning and within a bound.

A pattern is read into a tree (java_syntax) and written again with its character classes spelled out, so that ``\\w``,
``\\s``, ``.`` and ``$`` mean what they mean in Java. One of three engines then runs it, chosen by pattern and line:

- Python's ``re`` where the work cannot grow beyond RE_WORK steps: always, if the pattern gives no choice (ambiguity);
- RE2, in linear time, where it is installed and knows the constructs;
- otherwise, and where only it leaves Java's groups (quirks), bitstate: slow, and it gives up after a number of steps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from streamtally.patterns import cost
from streamtally.patterns.exact.bitstate import MAX_STEPS, Matcher, TooManyStepsError
from streamtally.patterns.exact.program import compile_program
from streamtally.patterns.exact.quirks import has_backref, is_quirky, leaves_groups
from streamtally.patterns.linear import re2
from streamtally.patterns.syntax import parse
from streamtally.patterns.tree import Chars, Repeat, UnsupportedPatternError
from streamtally.patterns.writing import NotInRe2Error, without_end_anchors, write

RE_WORK = 1_000_000  # steps of ``re``, about 20 ms
SEARCH_STEPS = 4 * MAX_STEPS  # of all the searches in one text
_CHARS_A_STEP = 100  # RE2 is given the whole text again for each search
_SHORT_DELIMITER_CHARS = 64


class PatternLimitError(Exception):
    """The line would take this pattern more steps than are given to one line."""


class SearchWork:
    """What the searches in one text may cost together: one match after the other, each within its bound, adds up."""

    def __init__(self) -> None:
        self._left = SEARCH_STEPS

    def spend(self, steps: int) -> None:
        """Raises: PatternLimitError: more than is left."""
        self._left -= steps
        if self._left < 0:
            raise PatternLimitError


class JavaPattern:
    """A compiled pattern.

    Args:
        text: as Java takes it.
        mode: "matches" (the whole text), "looking_at" (from its start) or "find" (anywhere).
    Raises: JavaSyntaxError, UnsupportedPatternError.
    """

    def __init__(self, text: str, mode: str = "matches") -> None:
        node, self.group_count = parse(text)
        self.text = text
        self.mode = mode
        self.node = without_end_anchors(node, mode != "find", mode == "matches")
        groups_matter = mode != "looking_at" or has_backref(node)
        self._revisits = has_backref(node) or (groups_matter and leaves_groups(node))
        self._has_boundary = "boundary" in str(node)
        self.degree = self._work_degree()
        self._re = None if is_quirky(self.node, groups_matter, mode == "find") else self._compile_re()
        self._re2 = self._compile_re2() if self.degree and self._re is not None else None
        self._program: Any = compile_program(self.node, self.group_count) if self._re is None else None

    def _work_degree(self) -> int:
        degree = cost.degree(self.node)
        if self.mode != "find":
            return degree
        length = cost.max_length(self.node)
        single = isinstance(self.node, Repeat) and isinstance(self.node.item, Chars)
        # A search begins anew at every place, unless what it looks for is short or a run of one class.
        return degree if single or (length or _SHORT_DELIMITER_CHARS + 1) <= _SHORT_DELIMITER_CHARS else degree + 1

    def _compile_re(self) -> re.Pattern[str] | None:
        try:
            return re.compile(write(self.node))
        except re.error:  # a lookbehind of several lengths, a reference to a group that is open or comes later
            return None
        except (OverflowError, RecursionError) as error:
            raise UnsupportedPatternError(f"pattern {self.text!r}: {error}") from None

    def _compile_re2(self) -> Any:
        if re2 is None:
            return None
        options = re2.Options()
        options.log_errors = False
        try:
            return re2.compile(write(self.node, for_re2=True), options)
        except (NotInRe2Error, re2.error):
            return None

    def _engine(self, text: str) -> str:
        if self._re is None or (self._has_boundary and not text.isascii()):
            return "bitstate"
        if (len(text) + 1) ** (self.degree + 1 if self.degree else 0) <= RE_WORK:
            return "re"
        return "re2" if self._re2 is not None and _is_whole(text) else "bitstate"

    def _span(self, text: str, at: int, work: SearchWork | None = None) -> Sequence[tuple[int, int]] | None:
        """The spans of the match and its groups from ``at`` on; (-1, -1) for a group that took no part."""
        engine = self._engine(text)
        if engine == "bitstate":
            return self._span_by_steps(text, at, work)
        if engine == "re2" and work is not None:
            work.spend(len(text) // _CHARS_A_STEP)
        compiled = self._re if engine == "re" else self._re2
        method = {"matches": "fullmatch", "looking_at": "match", "find": "search"}[self.mode]
        found = getattr(compiled, method)(text, at)
        return None if found is None else [found.span(index) for index in range(self.group_count + 1)]

    def _span_by_steps(self, text: str, at: int, work: SearchWork | None = None) -> Sequence[tuple[int, int]] | None:
        if self._program is None:
            self._program = compile_program(self.node, self.group_count)
        matcher = Matcher(self._program, text, self._revisits)
        try:
            for start in range(at, len(text) + 1) if self.mode == "find" else (at,):
                slots = matcher.run(start, self.mode == "matches")
                if slots is not None:
                    return [(slots[2 * index], slots[2 * index + 1]) for index in range(self.group_count + 1)]
        except TooManyStepsError:
            raise PatternLimitError from None
        finally:
            if work is not None:
                work.spend(matcher.steps)
        return None

    def spans_from(self, text: str, at: int, work: SearchWork) -> Sequence[tuple[int, int]] | None:
        """Where the pattern and its groups match from a place on ((-1, -1): took no part), None without a match.

        Args: work: of all the searches in this text. Raises: PatternLimitError.
        """
        return self._span(text, at, work)

    def groups(self, text: str) -> list[str | None] | None:
        """What each group matched (None: took no part), None without a match. Raises: PatternLimitError."""
        if self.mode == "matches" and self._engine(text) == "re" and self._re is not None:
            match = self._re.fullmatch(text)
            return None if match is None else list(match.groups())
        spans = self._span(text, 0)
        return None if spans is None else [text[low:high] if low >= 0 else None for low, high in spans[1:]]

    def is_quick(self, text: str) -> bool:
        """Whether Python's ``re`` runs it on this text."""
        return self._engine(text) == "re"

    def is_match(self, text: str) -> bool:
        """Whether the pattern matches. Raises: PatternLimitError."""
        return self._span(text, 0) is not None

    def split(self, text: str) -> list[str]:
        """As ``String.split(regex)``: empty parts at the end are dropped, a text without a match is one part.

        Behind an empty match Java looks on in the middle of a surrogate pair; each half is a ``?`` when it is sent.
        """
        parts: list[str] = []
        begin = at = 0
        work = SearchWork()
        while at <= len(text) and (spans := self._span(text, at, work)) is not None:
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


def _is_whole(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def _halves(char: str) -> str:
    code = ord(char) - 0x10000
    return chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))


def _whole(text: str) -> str:
    """Halves that stand together as one character again, a half alone as the ``?`` that Java sends for it."""
    return (
        text
        if _is_whole(text)
        else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\ufffd", "?")
    )
