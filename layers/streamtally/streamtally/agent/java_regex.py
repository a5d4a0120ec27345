"""java.util.regex patterns, run with their own meaning and within a bound.

A pattern is read into a tree (java_syntax) and written again with its character classes spelled out, so that ``\\w``,
``\\s``, ``.`` and ``$`` mean what they mean in Java. One of three engines then runs it, chosen by pattern and line:

- Python's ``re`` where the work cannot grow beyond RE_WORK steps: always, if the pattern gives no choice (ambiguity);
- RE2, in linear time, where it is installed and knows the constructs;
- otherwise bitstate, in linear time but slow, which gives up after a number of steps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from streamtally.agent import ambiguity, charset
from streamtally.agent.bitstate import ASSERTIONS, Matcher, TooManyStepsError, compile_program
from streamtally.agent.java_syntax import (
    Alt,
    Assertion,
    Atomic,
    Backref,
    Chars,
    Group,
    Look,
    Node,
    Parser,
    Repeat,
    Seq,
    UnsupportedPatternError,
)
from streamtally.agent.linear import re2

RE_WORK = 1_000_000  # steps of ``re``, about 20 ms
RE_MAX_CHARS = 1 << 24
_SHORT_DELIMITER_CHARS = 64


class PatternLimitError(Exception):
    """The line would take this pattern more steps than are given to one line."""


class _NotInRe2Error(Exception):
    pass


def _bounds(node: Repeat) -> str:
    simple = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((node.min_count, node.max_count))
    if simple:
        return simple
    most = "" if node.max_count is None else node.max_count
    return f"{{{node.min_count}}}" if node.min_count == most else f"{{{node.min_count},{most}}}"


def write(node: Node, for_re2: bool = False) -> str:
    """The tree as pattern text for Python's ``re`` or for RE2. Raises: _NotInRe2Error."""
    match node:
        case Chars(chars):
            return charset.to_class(chars)
        case Seq(items):
            return "".join(
                f"(?:{write(item, for_re2)})" if isinstance(item, Alt) else write(item, for_re2) for item in items
            )
        case Alt(branches):
            return "|".join(write(branch, for_re2) for branch in branches)
        case Group(item):
            return f"({write(item, for_re2)})"
        case Repeat(item):
            inner = write(item, for_re2)
            inner = inner if isinstance(item, Chars | Group) else f"(?:{inner})"
            if for_re2 and (node.mode == "+" or (node.max_count is None and ambiguity.first(item)[1])):
                raise _NotInRe2Error
            return inner + _bounds(node) + node.mode
        case Assertion(kind) if for_re2:
            if kind not in ("start", "end", "boundary", "no_boundary"):
                raise _NotInRe2Error
            return {"end": r"\z"}.get(kind, ASSERTIONS[kind])
    if for_re2:
        raise _NotInRe2Error
    return _write_python_only(node)


def _write_python_only(node: Node) -> str:
    match node:
        case Atomic(item):
            return f"(?>{write(item)})"
        case Look(item, behind, negative):
            return f"(?{'<' if behind else ''}{'!' if negative else '='}{write(item)})"
        case Backref(index):
            return f"(?:\\{index})"
        case Assertion(kind):
            return ASSERTIONS[kind]
        case _:
            raise AssertionError(node)


def without_end_anchors(node: Node, head: bool, tail: bool) -> Node:
    """Drop ``^`` at the head and ``$`` at the tail, where a match of the whole line implies them."""
    match node:
        case Assertion("start") if head:
            return Seq(())
        case Assertion("end" | "end_or_break") if tail:
            return Seq(())
        case Group(item, index):
            return Group(without_end_anchors(item, head, tail), index)
        case Alt(branches):
            return Alt(tuple(without_end_anchors(branch, head, tail) for branch in branches))
        case Seq(items):
            last = len(items) - 1
            return Seq(
                tuple(
                    without_end_anchors(item, head and index == 0, tail and index == last)
                    for index, item in enumerate(items)
                )
            )
        case _:
            return node


class JavaPattern:
    """A compiled pattern.

    Args:
        text: as Java takes it.
        mode: "matches" (the whole text), "looking_at" (from its start) or "find" (anywhere).
    Raises: JavaSyntaxError, UnsupportedPatternError.
    """

    def __init__(self, text: str, mode: str = "matches") -> None:
        parser = Parser(text)
        self.text = text
        self.mode = mode
        self.node = without_end_anchors(parser.parse(), mode != "find", mode == "matches")
        self.group_count = parser.groups
        self.degree = self._work_degree()
        self._re = self._compile_re()
        self._re2 = self._compile_re2() if self.degree else None
        self._program: Any = None
        if self._re is None:
            self._program = compile_program(self.node, self.group_count)
        self._ascii_only_in_re2 = "boundary" in str(self.node)

    def _work_degree(self) -> int:
        degree = ambiguity.degree(self.node)
        if self.mode != "find":
            return degree
        length = ambiguity.max_length(self.node)
        single = isinstance(self.node, Repeat) and isinstance(self.node.item, Chars)
        # A search begins anew at every place, unless what it looks for is short or a run of one class.
        return degree if single or (length or _SHORT_DELIMITER_CHARS + 1) <= _SHORT_DELIMITER_CHARS else degree + 1

    def _compile_re(self) -> re.Pattern[str] | None:
        try:
            return re.compile(write(self.node))
        except (re.error, OverflowError, RecursionError) as error:
            if "look-behind" in str(error):  # Java takes bounded ones, bitstate does too
                return None
            raise UnsupportedPatternError(f"pattern {self.text!r}: {error}") from None

    def _compile_re2(self) -> Any:
        if re2 is None:
            return None
        options = re2.Options()
        options.log_errors = False
        try:
            return re2.compile(write(self.node, for_re2=True), options)
        except (_NotInRe2Error, re2.error):
            return None

    def _engine(self, size: int) -> str:
        if self._re is not None and (size + 1) ** (self.degree + 1 if self.degree else 0) <= RE_WORK:
            return "re"
        return "re2" if self._re2 is not None else "bitstate"

    def _span(self, text: str, at: int) -> Sequence[tuple[int, int]] | None:
        """The spans of the match and its groups from ``at`` on; (-1, -1) for a group that took no part."""
        engine = self._engine(len(text))
        if engine == "re2" and self._ascii_only_in_re2 and not text.isascii():
            engine = "bitstate"
        if engine == "bitstate":
            return self._span_by_steps(text, at)
        compiled = self._re if engine == "re" else self._re2
        method = {"matches": "fullmatch", "looking_at": "match", "find": "search"}[self.mode]
        found = getattr(compiled, method)(text, at)
        return None if found is None else [found.span(index) for index in range(self.group_count + 1)]

    def _span_by_steps(self, text: str, at: int) -> Sequence[tuple[int, int]] | None:
        if self._program is None:
            self._program = compile_program(self.node, self.group_count)
        matcher = Matcher(self._program, text)
        try:
            starts = range(at, len(text) + 1) if self.mode == "find" else (at,)
            for start in starts:
                slots = matcher.run(start, self.mode == "matches")
                if slots is not None:
                    return [
                        (slots[2 * index], slots[2 * index + 1]) if slots[2 * index + 1] >= 0 else (-1, -1)
                        for index in range(self.group_count + 1)
                    ]
        except TooManyStepsError:
            raise PatternLimitError from None
        return None

    def spans_from(self, text: str, at: int) -> Sequence[tuple[int, int]] | None:
        """Where the pattern and its groups match from a place on ((-1, -1): took no part), None without a match.

        Raises: PatternLimitError.
        """
        return self._span(text, at)

    def groups(self, text: str) -> list[str | None] | None:
        """What each group matched (None: took no part), None without a match. Raises: PatternLimitError."""
        if self.mode == "matches" and self._engine(len(text)) == "re" and self._re is not None:
            found = self._re.fullmatch(text)
            return None if found is None else list(found.groups())
        spans = self._span(text, 0)
        return None if spans is None else [text[low:high] if low >= 0 else None for low, high in spans[1:]]

    def is_match(self, text: str) -> bool:
        """Whether the pattern matches. Raises: PatternLimitError."""
        return self._span(text, 0) is not None

    def split(self, text: str) -> list[str]:
        """As ``String.split(regex)``: empty parts at the end are dropped, a text without a match is one part."""
        parts: list[str] = []
        begin = at = 0
        while at <= len(text) and (spans := self._span(text, at)) is not None:
            low, high = spans[0]
            at = high + 1 if high == low else high
            if high == 0:  # an empty match at the very beginning splits nothing
                continue
            parts.append(text[begin:low])
            begin = high
        if begin == 0:
            return [text]
        parts.append(text[begin:])
        while parts and not parts[-1]:
            parts.pop()
        return parts
