"""A backtracking matcher that tries no (instruction, place) twice: linear time, and a count of steps bounds the rest.

It is for the patterns that neither Python's ``re`` can be trusted with (they may backtrack without end) nor RE2 takes
(lookaround, atomic groups, backreferences). Being Python it is slow, so it is the last resort. The order in which ways
are tried is a backtracking engine's, so the groups are too.

Source of the idea: the "bit state" matcher of RE2, described at swtch.com/~rsc/regexp/regexp3.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from streamtally.agent import charset
from streamtally.agent.ambiguity import first, max_length
from streamtally.agent.java_syntax import (
    Alt,
    Assertion,
    Atomic,
    Backref,
    Chars,
    Group,
    Look,
    Node,
    Repeat,
    Seq,
    UnsupportedPatternError,
)

MAX_INSTRUCTIONS = 20_000
MAX_STEPS = 300_000  # a few tenths of a second on one line

ASSERTIONS = {
    "start": r"\A",
    "end": r"\Z",
    "boundary": r"\b",
    "no_boundary": r"\B",
    # Java's line terminators are \n \r\n \r U+0085 U+2028 U+2029, and no place is between \r and \n.
    "end_or_break": "(?:(?=(?:\r\n|[\r\x85\u2028\u2029])?\\Z)|(?<!\r)(?=\n\\Z))",
    "line_start": "(?!\\Z)(?:\\A|(?<=[\n\x85\u2028\u2029])|(?<=\r)(?!\n))",
    "line_end": "(?:\\Z|(?=[\r\x85\u2028\u2029])|(?<!\r)(?=\n))",
}

Captures = tuple[int, ...]


class TooManyStepsError(Exception):
    """The bound was reached before the answer was known."""


@dataclass
class Program:
    """``code`` is a list of (operation, argument, argument); ``slots`` counts what the captures hold."""

    code: list[tuple[str, Any, Any]] = field(default_factory=list)
    slots: int = 0
    revisits: bool = False  # a backreference: what was tried may end otherwise with other groups

    def add(self, operation: str, x: Any = None, y: Any = None) -> int:
        """Append one instruction; returns its place."""
        if len(self.code) >= MAX_INSTRUCTIONS:
            raise UnsupportedPatternError("a pattern whose counted repeats make it too large is not taken")
        self.code.append((operation, x, y))
        return len(self.code) - 1


def compile_program(node: Node, groups: int) -> Program:
    """The program of a whole pattern. Raises: UnsupportedPatternError: too large."""
    counter = [2 * groups + 2]
    program = _program(node, counter)
    program.slots = counter[0]
    return program


def _program(node: Node, counter: list[int]) -> Program:
    program = Program()
    _emit(program, node, counter)
    program.add("match")
    return program


def _emit(program: Program, node: Node, counter: list[int]) -> None:  # noqa: C901 - a branch for each node
    match node:
        case Chars(chars):
            table = bytes(charset.contains(chars, code) for code in range(128))
            program.add("char", table, chars)
        case Seq(items):
            for item in items:
                _emit(program, item, counter)
        case Alt(branches):
            _emit_branches(program, branches, counter)
        case Group(item, index):
            program.add("save", 2 * index)
            _emit(program, item, counter)
            program.add("save", 2 * index + 1)
        case Repeat():
            _emit_repeat(program, node, counter)
        case Atomic(item):
            program.add("atomic", _program(item, counter))
        case Look(item, behind, negative):
            program.add("look", _program(item, counter), (negative, (max_length(item) or 0) if behind else None))
        case Backref(index):
            program.revisits = True
            program.add("backref", index)
        case Assertion(kind):
            program.add("assert", re.compile(ASSERTIONS[kind]).match)


def _emit_branches(program: Program, branches: tuple[Node, ...], counter: list[int]) -> None:
    jumps = []
    for branch in branches[:-1]:
        split = program.add("split")
        _emit(program, branch, counter)
        jumps.append(program.add("jump"))
        program.code[split] = ("split", split + 1, len(program.code))
    _emit(program, branches[-1], counter)
    for jump in jumps:
        program.code[jump] = ("jump", len(program.code), None)


def _emit_repeat(program: Program, node: Repeat, counter: list[int]) -> None:
    if node.mode == "+":
        return _emit(program, Atomic(Repeat(node.item, node.min_count, node.max_count, "")), counter)
    for _ in range(node.min_count):
        _emit(program, node.item, counter)
    if node.max_count is None:
        return _emit_endless(program, node, counter)
    splits = []
    for _ in range(node.max_count - node.min_count):
        splits.append(program.add("split"))
        _emit(program, node.item, counter)
    for split in splits:
        program.code[split] = _split(node.mode, split + 1, len(program.code))


def _emit_endless(program: Program, node: Repeat, counter: list[int]) -> None:
    split = program.add("split")
    if first(node.item)[1]:  # an empty round ends the repeat
        slot, counter[0] = counter[0], counter[0] + 1
        program.add("save", slot)
        _emit(program, node.item, counter)
        program.add("unless_empty", split, slot)
    else:
        _emit(program, node.item, counter)
        program.add("jump", split)
    program.code[split] = _split(node.mode, split + 1, len(program.code))


def _split(mode: str, into: int, past: int) -> tuple[str, int, int]:
    return ("split", past, into) if mode == "?" else ("split", into, past)


class Matcher:
    """One run over one text, counting its steps over all nested runs."""

    def __init__(self, program: Program, text: str) -> None:
        self.program = program
        self.text = text
        self.steps = 0

    def run(self, start: int, to_end: bool) -> Captures | None:
        """The captures (slots 0 and 1 are the whole match), None for no match. Raises: TooManyStepsError."""
        accept = (lambda at: at == len(self.text)) if to_end else (lambda at: True)
        found = self._run(self.program, start, (-1,) * self.program.slots, accept)
        return None if found is None else (start, found[0], *found[1][2:])

    def _run(  # noqa: C901 - one loop over the instructions: calls would cost more than they do
        self, program: Program, start: int, captures: Captures, accept: Callable[[int], bool]
    ) -> tuple[int, Captures] | None:
        code, text, size = program.code, self.text, len(self.text)
        tried: set[int] = set()
        stack = [(0, start, captures)]
        while stack:
            place, at, captures = stack.pop()
            while True:
                self.steps += 1
                if self.steps > MAX_STEPS:
                    raise TooManyStepsError
                operation, x, y = code[place]
                if operation == "char":
                    if at == size:
                        break
                    point = ord(text[at])
                    if not (x[point] if point < 128 else charset.contains(y, point)):
                        break
                    place, at = place + 1, at + 1
                elif operation == "split":
                    key = place * (size + 1) + at
                    if not program.revisits:
                        if key in tried:
                            break
                        tried.add(key)
                    stack.append((y, at, captures))
                    place = x
                elif operation == "jump":
                    place = x
                elif operation == "save":
                    captures = (*captures[:x], at, *captures[x + 1 :])
                    place += 1
                elif operation == "match":
                    if accept(at):
                        return at, captures
                    break
                else:
                    after = self._rare(operation, x, y, at, captures)
                    if after is None:
                        break
                    at, captures = after
                    place = x if operation == "unless_empty" and captures[y] != at else place + 1
        return None

    def _rare(self, operation: str, x: Any, y: Any, at: int, captures: Captures) -> tuple[int, Captures] | None:
        if operation == "assert":
            return (at, captures) if x(self.text, at) else None
        if operation == "atomic":
            return self._run(x, at, captures, lambda _: True)
        if operation == "look":
            return self._look(x, y[0], y[1], at, captures)
        if operation == "backref":
            begin, end = captures[2 * x], captures[2 * x + 1]
            same = begin >= 0 and end >= 0 and self.text.startswith(self.text[begin:end], at)
            return (at + end - begin, captures) if same else None
        return at, captures

    def _look(
        self, program: Program, negative: bool, behind: int | None, at: int, captures: Captures
    ) -> tuple[int, Captures] | None:
        found: tuple[int, Captures] | None = None
        if behind is None:
            found = self._run(program, at, captures, lambda _: True)
        else:
            for start in range(at, max(at - behind, 0) - 1, -1):
                found = found or self._run(program, start, captures, lambda end: end == at)
        if negative:
            return None if found else (at, captures)
        return (at, found[1]) if found else None
