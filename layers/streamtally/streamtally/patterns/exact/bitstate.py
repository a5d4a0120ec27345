"""A backtracking matcher that tries no (instruction, place) twice: linear time, and a count of steps bounds the rest.

It is for the patterns that neither Python's ``re`` can be trusted with (they may backtrack without end, or leave other
groups than Java) nor RE2 takes (lookaround, atomic groups, backreferences). Being Python it is slow, so it is the last
resort. The order in which ways are tried is Java's, so the groups are too; as in Java, what an atomic group or a
lookahead set stays set when the match goes another way behind it.

Source of the idea: the "bit state" matcher of RE2, described at swtch.com/~rsc/regexp/regexp3.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamtally.patterns import charset
from streamtally.patterns.exact.program import Program

MAX_STEPS = 300_000  # a few tenths of a second on one line


class TooManyStepsError(Exception):
    """The bound was reached before the answer was known."""


class Matcher:
    """One run over one text, counting its steps over all nested runs.

    Args:
        revisits: whether a way may end otherwise when it is tried again (backreferences, groups that stay set).
    """

    def __init__(self, program: Program, text: str, revisits: bool = False) -> None:
        self.program = program
        self.text = text
        self.steps = 0
        self._revisits = revisits
        self._slots = [-1] * program.slots  # as in Java, what stays set stays so for a search's next place too
        self._trail: list[tuple[int, int]] = []  # (slot, what it held), to be put back

    def run(self, start: int, to_end: bool) -> list[int] | None:
        """The slots (0 and 1 are the whole match), None for no match. Raises: TooManyStepsError."""
        self._trail.clear()
        size = len(self.text)
        end = self._run(self.program, start, (lambda at: at == size) if to_end else None)
        if end is None:
            return None
        self._slots[:2] = start, end
        return self._slots

    def _set(self, slot: int, value: int) -> None:
        self._trail.append((slot, self._slots[slot]))
        self._slots[slot] = value

    def _undo(self, to: int) -> None:
        while len(self._trail) > to:
            slot, value = self._trail.pop()
            self._slots[slot] = value

    def _run(  # noqa: C901 - one loop over the instructions: calls would cost more than they do
        self, program: Program, at: int, accept: Callable[[int], bool] | None
    ) -> int | None:
        code, text, size, slots = program.code, self.text, len(self.text), self._slots
        tried: set[Any] = set()
        begun = len(self._trail)
        stack: list[tuple[int, int, int]] = []
        place = 0
        while True:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise TooManyStepsError
            operation, x, y = code[place]
            if operation == "char":
                if at < size:
                    point = ord(text[at])
                    if x[point] if point < 128 else charset.contains(y, point):
                        place, at = place + 1, at + 1
                        continue
            elif operation == "split":
                key = (place, at, *[slots[slot] < at for slot in y]) if y else place * (size + 1) + at
                if self._revisits or key not in tried:
                    tried.add(key)
                    stack.append((x[1], at, len(self._trail)))
                    place = x[0]
                    continue
            elif operation == "jump":
                place = x
                continue
            elif operation == "match":
                if accept is None or accept(at):
                    return at
            else:
                after = self._rare(operation, x, y, place, at)
                if after is not None:
                    place, at = after
                    continue
            if not stack:
                self._undo(begun)
                return None
            place, at, trail = stack.pop()
            self._undo(trail)

    def _rare(self, operation: str, x: Any, y: Any, place: int, at: int) -> tuple[int, int] | None:
        """Where to go on after one of the instructions that come seldom; None: this way is at its end."""
        if operation == "save":
            self._set(x, at)
        elif operation == "group":
            self._set(2 * x, self._slots[y])
            self._set(2 * x + 1, at)
        elif operation == "unless_empty":
            if self._slots[y] == at:
                return None if x is None else (x, at)
        elif operation == "assert":
            return (place + 1, at) if x(self.text, at) else None
        else:
            after = self._nested(operation, x, y, at)
            return None if after is None else (place + 1, after)
        return place + 1, at

    def _nested(self, operation: str, x: Any, y: Any, at: int) -> int | None:
        if operation == "backref":
            return self._again(x, y, at)
        if operation == "look":
            return at if self._look(x, y, at) != y[0] else None
        return self._whole(x, at, None)

    def _whole(self, program: Program, at: int, accept: Callable[[int], bool] | None) -> int | None:
        begun = len(self._trail)
        end = self._run(program, at, accept)
        if end is not None:
            del self._trail[begun:]  # Java forgets what to put back
        return end

    def _look(self, program: Program, how: tuple[bool, range, bool], at: int) -> bool:
        _, reach, behind = how
        if not behind:
            return self._whole(program, at, None) is not None
        return any(
            self._whole(program, at - back, lambda end: end == at) is not None
            for back in range(reach.start, min(reach.stop, at + 1))
        )

    def _again(self, group: int | None, fold: bool, at: int) -> int | None:
        if group is None or self._slots[2 * group] < 0:
            return None
        matched = self.text[self._slots[2 * group] : self._slots[2 * group + 1]]
        here = self.text[at : at + len(matched)]
        return at + len(matched) if here == matched or (fold and _lower(here) == _lower(matched)) else None


def _lower(text: str) -> str:
    """ASCII letters in lower case, the others as they are: what Java compares under ``(?i)``."""
    return "".join(char.lower() if char.isascii() else char for char in text)
