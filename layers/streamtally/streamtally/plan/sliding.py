"""Sliding windows by the minute: one document per key and minute, composed of the minutes that its span covers.

A partial carries the inner states of its batch by minute and key. The minutes are kept in groups of a few
(:func:`group_ms`): a row belongs to the group of its minute, and to the later groups whose minutes look back on it. So
each group holds all that its documents need, and is settled like any other window: again for each late row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamtally.errors import PlanError
from streamtally.plan.aggregates.cells import Cell, Cells

MINUTE_MS = 60_000
MAX_SPAN_MS = 86_400_000
"""The longest span: each minute looks back on at most a day."""
_GROUP_MINUTES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 20, 24, 30, 36, 40)
"""Lengths of a group; each divides a day, so that no group spans two."""

Finish = Callable[[int, tuple[Any, ...], Sequence[Any]], "tuple[dict[str, Any], bool]"]
"""(start of the minute in ms, key, values of the aggregates) → (columns, visible)."""


def group_ms(span_ms: int) -> int:
    """The length of a group of minutes for a span: about the root of the span's minutes.

    Longer groups would rewrite more documents for a row, shorter ones need more partials.
    """
    minutes = span_ms // MINUTE_MS
    return MINUTE_MS * next(group for group in _GROUP_MINUTES if group * group >= minutes)


@dataclass(frozen=True, slots=True)
class Sliding:
    """How an output's documents are composed.

    Attributes:
        cells: the inner aggregates.
        group_ms: the length of a group of minutes.
        spans: for each aggregate, how far it looks back, in ms; whole minutes.
        finish: makes a document's columns.
    """

    cells: Cells
    group_ms: int
    spans: tuple[int, ...]
    finish: Finish

    @property
    def longest_ms(self) -> int:
        """How far the documents look back."""
        return max(self.spans)

    def places(self, cell: Cell) -> Iterator[Cell]:
        """The groups of minutes, with the key, that need a minute; its own is the first."""
        first = cell[0] - cell[0] % self.group_ms
        for start in range(first, cell[0] + self.longest_ms, self.group_ms):
            yield (start, *cell[1:])

    def documents(
        self, start_ms: int, key: tuple[Any, ...], cells: Mapping[Cell, list[Any]]
    ) -> Iterator[tuple[int, dict[str, Any], bool]]:
        """The documents of a group: (minute, columns, visible), one for each minute of it that has rows."""
        for minute in range(start_ms, start_ms + self.group_ms, MINUTE_MS):
            if (minute, *key) in cells:
                yield minute, *self.finish(minute, key, self._values(minute, key, cells))

    def _values(self, minute: int, key: tuple[Any, ...], cells: Mapping[Cell, list[Any]]) -> list[Any]:
        """The aggregates of the spans that end with a minute."""
        by_span: dict[int, list[Any]] = {}
        for span in set(self.spans):
            merged = self.cells.zeros()
            for start in range(minute + MINUTE_MS - span, minute + MINUTE_MS, MINUTE_MS):
                states = cells.get((start, *key))
                merged = merged if states is None else self.cells.merge_inner(merged, states)
            by_span[span] = self.cells.finish_inner(merged)
        return [by_span[span][index] for index, span in enumerate(self.spans)]


def read_spans(node: Mapping[str, Any]) -> tuple[int, ...]:
    """How far each aggregate of an output looks back, in ms. Raises: PlanError."""
    spans = tuple(aggregate.get("span_ms") for aggregate in node["aggregates"])
    if not spans or any(type(span) is not int or span % MINUTE_MS or not 0 < span <= MAX_SPAN_MS for span in spans):
        raise PlanError("each aggregate of a sliding output needs span_ms, whole minutes up to a day")
    return spans
