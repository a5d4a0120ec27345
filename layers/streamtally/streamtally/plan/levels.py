"""Aggregates of aggregates: the results of inner windows and keys are the rows of an outer window.

A partial carries the inner states of its batch by inner window and key (its cells), under the outer window and key to
which they belong. Settling merges them, finishes every inner result, and only then computes the next level. So an outer
document is a function of all its inner results as they are now, late rows included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamtally.errors import EvaluationError, PlanError
from streamtally.plan.aggregates.base import Slot
from streamtally.plan.aggregates.cells import Cell, Cells
from streamtally.plan.codegen import make_function
from streamtally.plan.expression_code import Code, Scope, cast_code, compile_expression
from streamtally.plan.types import BOOLEAN, FLOATS, TIMESTAMP, parse_type
from streamtally.plan.window_rows import make_slots

MAX_CELLS = 200_000
"""Inner results of one outer window and key; the aggregates of a window with more are NULL, as it would not fit the
index manager's memory."""

Results = Mapping[Cell, Sequence[Any]]
"""(start in ms, *key values) → the values of the aggregates there."""
Evaluate = Callable[[int, tuple[Any, ...], Sequence[Any]], Any]
"""(start in ms, key values, values of the aggregates) of a result → a value; None if it cannot be evaluated."""


@dataclass(frozen=True, slots=True)
class Level:
    """A level above the inner windows: its rows are the results of the level below.

    Attributes:
        window_ms: the length of its windows, a multiple of those below.
        where: which results count; None: all.
        keys: the values of its key, over the start and the key of a result.
        arguments: those of its aggregates; None: COUNT(*).
        slots: its aggregates.
        key_codes: the code of its keys, for their types.
        argument_codes: the code of its arguments, for their types.
    """

    window_ms: int
    where: Evaluate | None
    keys: tuple[Evaluate, ...]
    arguments: tuple[Evaluate | None, ...]
    slots: tuple[Slot, ...]
    key_codes: list[Code]
    argument_codes: list[Code | None]

    def place(self, cell: Cell) -> Cell:
        """The window and key in which a result below counts."""
        start, key = cell[0], cell[1:]
        return (start - start % self.window_ms, *(evaluate(start, key, ()) for evaluate in self.keys))

    def results(self, below: Results) -> Results:
        """The results of this level."""
        groups: dict[Cell, list[Any]] = {}
        for cell, values in below.items():
            if self.where is not None and self.where(cell[0], cell[1:], values) is not True:
                continue
            place = self.place(cell)
            state = groups.get(place)
            if state is None:
                state = groups[place] = [0, 0, *(slot.aggregate.zero() for slot in self.slots if slot.index)]
            self._add(state, cell, values)
        return {place: self.finish(state) for place, state in groups.items()}

    def finish(self, state: Sequence[Any]) -> list[Any]:
        """The values of the aggregates."""
        return [slot.aggregate.finish(state[slot.index]) for slot in self.slots]

    def _add(self, state: list[Any], cell: Cell, values: Sequence[Any]) -> None:
        state[0] += 1
        for slot, evaluate in zip(self.slots, self.arguments, strict=True):
            if evaluate is None:
                continue
            value = evaluate(cell[0], cell[1:], values)
            if value is not None:
                state[slot.index] = slot.aggregate.add(state[slot.index], value, 1)


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels above the inner windows of an output, the lowest first."""

    cells: Cells
    levels: tuple[Level, ...]

    def place(self, cell: Cell) -> Cell:
        """The window and key of the output to which an inner window and key belong."""
        for level in self.levels:
            cell = level.place(cell)
        return cell

    def values(self, place: Cell, cells: Mapping[Cell, list[Any]]) -> Sequence[Any] | None:
        """The values of the outermost aggregates in a window and key; None: no inner result counts there."""
        results: Results
        if len(cells) > MAX_CELLS:
            return [None] * len(self.levels[-1].slots)
        results = {cell: self.cells.finish_inner(states) for cell, states in cells.items()}
        for level in self.levels:
            results = level.results(results)
        return results.get(place)


def compile_levels(nodes: Iterable[dict[str, Any]], inner: Cells, below: LevelLeaves) -> Levels:
    """The levels of a plan. Args: below: what a level's expressions may use of the inner windows. Raises: PlanError."""
    levels = []
    for node in nodes:
        level = _compile_level(node, below)
        levels.append(level)
        below = LevelLeaves(
            level.window_ms,
            [key["name"] for key in node["keys"]],
            level.key_codes,
            [slot.name for slot in level.slots],
            [slot.aggregate.result for slot in level.slots],
        )
    if not levels:
        raise PlanError("'levels' must have at least one level")
    return Levels(inner, tuple(levels))


@dataclass(frozen=True, slots=True)
class LevelLeaves:
    """What the expressions of a level may use of the level below it."""

    window_ms: int
    key_names: list[str]
    key_codes: list[Code]
    aggregate_names: list[str]
    aggregate_types: list[Any]

    def scope(self, with_aggregates: bool) -> Scope:
        """The scope of expressions over a result."""
        leaves: dict[str, Callable[[str], Code]] = {"window": self._window, "key": self._key}
        if with_aggregates:
            leaves["aggregate"] = self._aggregate
        return Scope(leaves)

    def _window(self, which: str) -> Code:
        if which not in ("start", "end"):
            raise PlanError(f"unknown window edge {which!r}: expected 'start' or 'end'")
        return Code("start" if which == "start" else f"(start + {self.window_ms})", TIMESTAMP)

    def _key(self, name: str) -> Code:
        if name not in self.key_names:
            raise PlanError(f"unknown key {name!r}: the keys are {', '.join(self.key_names) or 'none'}")
        index = self.key_names.index(name)
        return Code(f"key[{index}]", self.key_codes[index].type)

    def _aggregate(self, name: str) -> Code:
        if name not in self.aggregate_names:
            raise PlanError(f"unknown aggregate {name!r}: the aggregates are {', '.join(self.aggregate_names)}")
        index = self.aggregate_names.index(name)
        return Code(f"values[{index}]", self.aggregate_types[index])


def _compile_level(node: dict[str, Any], below: LevelLeaves) -> Level:
    window_ms = node["window_ms"]
    if type(window_ms) is not int or window_ms <= 0 or window_ms % below.window_ms:
        raise PlanError("the window of a level must be a multiple of the window below it")
    # A key that depended on an inner result would move documents when late rows change the result.
    places = below.scope(with_aggregates=False)
    key_codes = [cast_code(compile_expression(k["expr"], places), parse_type(k["type"]), places) for k in node["keys"]]
    scope = below.scope(with_aggregates=True)
    argument_codes = [
        None if aggregate.get("argument") is None else compile_expression(aggregate["argument"], scope)
        for aggregate in node["aggregates"]
    ]
    slots = make_slots(node["aggregates"], argument_codes)
    if any(slot.aggregate.is_ordered for slot in slots):
        raise PlanError("FIRST_VALUE and LAST_VALUE need rows: the results of a window have no order")
    return Level(
        window_ms,
        _compile_where(node, scope),
        tuple(_evaluator(code, places) for code in key_codes),
        tuple(None if code is None else _evaluator(code, scope) for code in argument_codes),
        slots,
        key_codes,
        argument_codes,
    )


def _compile_where(node: dict[str, Any], scope: Scope) -> Evaluate | None:
    if node.get("where") is None:
        return None
    condition = compile_expression(node["where"], scope)
    if condition.type != BOOLEAN:
        raise PlanError(f"WHERE must be a condition, not {condition.type}")
    return _evaluator(condition, scope)


def _evaluator(code: Code, scope: Scope) -> Evaluate:
    evaluate = make_function("evaluate", "start, key, values", [f"return {code.source}"], scope.namespace)
    may_be_negative_zero = code.type.name == "DECIMAL" or code.type.name in FLOATS

    def evaluate_or_null(start: int, key: tuple[Any, ...], values: Sequence[Any]) -> Any:
        try:
            value = evaluate(start, key, values)
        except (EvaluationError, ArithmeticError, ValueError):
            return None  # as in the column of a settled document
        return abs(value) if may_be_negative_zero and value == 0 else value

    return evaluate_or_null
