"""Sliding windows by the minute: one document per key and minute, composed of the minutes that its span covers.

A partial carries the inner states of its batch by minute and key. The minutes are kept in groups of a few
(:func:`group_ms`): a row belongs to the group of its minute, and to the later groups whose minutes look back on it. So
each group holds all that its documents need, and is settled like any other window: again for each late row.

Spans that are no whole minutes are composed of seconds in the same way; ``step`` is the one or the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamtally.errors import PlanError
from streamtally.plan.aggregates.cells import Cell, Cells

MINUTE_MS = 60_000
SECOND_MS = 1_000
MAX_SPANS_MS = {MINUTE_MS: 86_400_000, SECOND_MS: 900_000}
"""The longest span by the length of a step: a minute looks back on at most a day, a second on a quarter of an hour."""
_GROUP_STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 20, 24, 30, 36, 40)
"""Lengths of a group in steps; each divides a day, so that no group spans two."""

Finish = Callable[[int, tuple[Any, ...], Sequence[Any]], "tuple[dict[str, Any], bool]"]
"""(start of the step in ms, key, values of the aggregates) → (columns, visible)."""


def step_ms(spans: Sequence[int]) -> int:
    """What spans are composed of: minutes if all are whole minutes, else seconds."""
    return SECOND_MS if any(span % MINUTE_MS for span in spans) else MINUTE_MS


def step_name(step: int) -> str:
    """The length of a step as ``sliding`` in ``pipeline.toml`` says it."""
    return "second" if step == SECOND_MS else "minute"


def group_ms(spans: Sequence[int]) -> int:
    """The length of a group of steps for the spans: about the root of the longest span's steps.

    Longer groups would rewrite more documents for a row, shorter ones need more partials.
    """
    step = step_ms(spans)
    return step * next(group for group in _GROUP_STEPS if group * group * step >= max(spans))


@dataclass(frozen=True, slots=True)
class Sliding:
    """How an output's documents are composed.

    Attributes:
        cells: the inner aggregates.
        step_ms: the length of a step, a minute or a second.
        group_ms: the length of a group of steps.
        spans: for each aggregate, how far it looks back, in ms; whole steps.
        finish: makes a document's columns.
    """

    cells: Cells
    step_ms: int
    group_ms: int
    spans: tuple[int, ...]
    finish: Finish

    @property
    def longest_ms(self) -> int:
        """How far the documents look back."""
        return max(self.spans)

    def places(self, cell: Cell) -> Iterator[Cell]:
        """The groups, with the key, that need a step; its own is the first."""
        first = cell[0] - cell[0] % self.group_ms
        for start in range(first, cell[0] + self.longest_ms, self.group_ms):
            yield (start, *cell[1:])

    def documents(
        self, start_ms: int, key: tuple[Any, ...], cells: Mapping[Cell, list[Any]]
    ) -> Iterator[tuple[int, dict[str, Any], bool]]:
        """The documents of a group: (its step, columns, visible), one for each step of it that has rows."""
        present = [step for step in range(start_ms, start_ms + self.group_ms, self.step_ms) if (step, *key) in cells]
        if not present:
            return
        by_span = {span: self._values(start_ms, span, key, cells) for span in set(self.spans)}
        for step in present:
            at = (step - start_ms) // self.step_ms
            values = [by_span[span][at][index] for index, span in enumerate(self.spans)]
            yield step, *self.finish(step, key, values)

    def _values(
        self, start_ms: int, span: int, key: tuple[Any, ...], cells: Mapping[Cell, list[Any]]
    ) -> list[list[Any]]:
        """The aggregates of the ranges of a span that end with each step of a group.

        The ranges of a group have most steps in common. These are merged once: a range is its own first steps, the
        common ones, and its own last steps. Merging gives the same in any order.
        """
        size, steps = self.group_ms // self.step_ms, span // self.step_ms
        states = [
            cells.get((start, *key))
            for start in range(start_ms + self.step_ms - span, start_ms + self.group_ms, self.step_ms)
        ]
        if steps < size:
            return [self.cells.finish_inner(self._running(states[at : at + steps])[-1]) for at in range(size)]
        firsts = self._running(states[: size - 1][::-1])[::-1]
        common = self._running(states[size - 1 : steps])[-1]
        lasts = self._running(states[steps:])
        merge = self.cells.merge_inner
        return [self.cells.finish_inner(merge(merge(firsts[at], common), lasts[at])) for at in range(size)]

    def _running(self, states: Sequence[list[Any] | None]) -> list[list[Any]]:
        """The merged states of the first none, one, two … of some steps."""
        merged = [self.cells.zeros()]
        for state in states:
            merged.append(merged[-1] if state is None else self.cells.merge_inner(merged[-1], state))
        return merged


def read_spans(node: Mapping[str, Any]) -> tuple[int, ...]:
    """How far each aggregate of an output looks back, in ms. Raises: PlanError."""
    spans = tuple(aggregate.get("span_ms") for aggregate in node["aggregates"])
    if not spans or any(type(span) is not int or span % SECOND_MS or span <= 0 for span in spans):
        raise PlanError("each aggregate of a sliding output needs span_ms, whole minutes or seconds")
    if max(spans) > MAX_SPANS_MS[step_ms(spans)]:
        raise PlanError("span_ms of a sliding output is at most a day, or 15 minutes if one is no whole minutes")
    return spans
