"""A pattern's tree as a list of instructions for the matcher of bitstate.

What Java does to groups and repeats is in the instructions: a group is set when it closes; an empty round ends a loop,
whatever its count; rounds of a repeat that Java takes whole are programs of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from streamtally.patterns import charset
from streamtally.patterns.assertions import check_of
from streamtally.patterns.cost import first
from streamtally.patterns.tree import (
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


@dataclass
class Program:
    """``code`` is a list of (operation, argument, argument); ``slots`` counts what the captures hold."""

    code: list[tuple[str, Any, Any]] = field(default_factory=list)
    slots: int = 0


def compile_program(node: Node, groups: int) -> Program:
    """The program of a whole pattern. Raises: UnsupportedPatternError: too large."""
    compiler = _Compiler(groups)
    program = compiler.program(node)
    program.slots = compiler.slots
    return program


class _Compiler:
    """Writes one program after the other; ``slots`` and the size count over all of them."""

    def __init__(self, groups: int) -> None:
        self.groups = groups
        self.slots = 2 * groups + 2
        self.size = 0
        self.code: list[tuple[str, Any, Any]] = []
        self.open_rounds: tuple[int, ...] = ()  # slots of the loops around whose rounds may be empty

    def program(self, node: Node) -> Program:
        """The node, to the end of a run of its own."""
        return self._nested(lambda: self._emit(node))

    def _nested(self, emit: Callable[[], None]) -> Program:
        outer, rounds, self.code, self.open_rounds = self.code, self.open_rounds, [], ()
        emit()
        self._add("match")
        program, self.code, self.open_rounds = Program(self.code), outer, rounds
        return program

    def _add(self, operation: str, x: Any = None, y: Any = None) -> int:
        self.size += 1
        if self.size > MAX_INSTRUCTIONS:
            raise UnsupportedPatternError("a pattern whose counted repeats make it too large is not taken")
        self.code.append((operation, x, y))
        return len(self.code) - 1

    def _slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def _emit(self, node: Node) -> None:  # noqa: C901 - a branch for each node
        match node:
            case Chars(chars):
                self._add("char", bytes(charset.contains(chars, code) for code in range(128)), chars)
            case Seq(items):
                for item in items:
                    self._emit(item)
            case Alt(branches):
                self._branches(branches)
            case Group(item, index):
                self._group(item, index)
            case Repeat():
                self._repeat(node)
            case Atomic(item):
                self._add("atomic", self.program(item))
            case Look(item, behind, negative, reach):
                self._add("look", self.program(item), (negative, reach if behind else range(1), behind))
            case Backref(index, fold):
                self._add("backref", index if index <= self.groups else None, fold)
            case Assertion(kind):
                self._add("assert", check_of(kind))

    def _group(self, item: Node, index: int) -> None:
        begin = self._slot()
        self._add("save", begin)
        self._emit(item)
        self._add("group", index, begin)

    def _branches(self, branches: tuple[Node, ...]) -> None:
        jumps = []
        for branch in branches[:-1]:
            split = self._add("split")
            self._emit(branch)
            jumps.append(self._add("jump"))
            self._set(split, split + 1, len(self.code))
        self._emit(branches[-1])
        for jump in jumps:
            self.code[jump] = ("jump", len(self.code), None)

    def _set(self, split: int, into: int, past: int, mode: str = "") -> None:
        ways = (past, into) if mode == "?" else (into, past)
        self.code[split] = ("split", ways, self.open_rounds)

    def _repeat(self, node: Repeat) -> None:
        if node.mode == "+":
            greedy = Repeat(node.item, node.min_count, node.max_count, "")
            self._add("atomic", self._nested(lambda: self._whole_rounds(greedy, node.item, None)))
        elif not node.by_rounds:
            self._loop(node)
        elif isinstance(node.item, Group):
            self._whole_rounds(node, node.item.item, node.item.index)
        else:
            self._whole_rounds(node, node.item, None)

    def _loop(self, node: Repeat) -> None:
        """Rounds that can be gone back into; an empty one ends the loop, whatever its count."""
        can_be_empty, outer = first(node.item)[1], self.open_rounds
        begin = self._slot() if can_be_empty else 0

        def one_round(is_extra: bool) -> list[int]:
            if not can_be_empty:
                self._emit(node.item)
                return []
            self._add("save", begin)
            self.open_rounds = (*outer, begin)
            self._emit(node.item)
            self.open_rounds = outer
            return [self._add("unless_empty", None, begin)]

        self._rounds(node, one_round, begin)

    def _whole_rounds(self, node: Repeat, item: Node, group: int | None) -> None:
        """Rounds that are taken whole, and then set the group; an empty one beyond the least count sets nothing."""
        begin, can_be_empty = self._slot(), first(item)[1]

        def one_round(is_extra: bool) -> list[int]:
            self._add("save", begin)
            self._add("atomic", self.program(item))
            ends = [self._add("unless_empty", None, begin)] if is_extra and can_be_empty else []
            if group is not None:
                self._add("group", group, begin)
            return ends if node.mode != "?" else []  # an empty lazy round leads nowhere

        self._rounds(node, one_round, begin)

    def _rounds(self, node: Repeat, one_round: Callable[[bool], list[int]], begin: int) -> None:
        splits, ends = [], []
        for count in range(node.min_count + 1 if node.max_count is None else node.max_count):
            is_extra = count >= node.min_count
            if is_extra:
                splits.append(self._add("split"))
            ends += one_round(is_extra)
        if node.max_count is None:
            self._add("jump", splits[-1])
        for split in splits:
            self._set(split, split + 1, len(self.code), node.mode)
        for place in ends:
            self.code[place] = ("unless_empty", len(self.code), begin)
