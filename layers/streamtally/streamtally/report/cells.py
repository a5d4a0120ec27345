"""Counts of texts by step of time and class of status: what the page needs to follow a selection.

A cell is a step and a class as one number. Steps begin as minutes; they are widened where a log is long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from heapq import nlargest
from typing import Final

from streamtally.report.steps import CLASSES

WIDTHS: Final = (1, 5, 15, 60, 360, 1_440, 14_400, 144_000, 1_440_000, 14_400_000, 144_000_000)
"""Lengths of a step in minutes; each divides the next one, so that counts of different lengths can be added."""
MAX_STEPS: Final = 240
MAX_CELL_COUNTS: Final = 200_000
_MOST_TEXTS: Final = 1_000
_FEWEST_TEXTS: Final = 100
_KINDS: Final = len(CLASSES)
_INDEX: Final = {kind: index for index, kind in enumerate(CLASSES)}


def to_cell(minute: int, kind: str) -> int:
    """A cell. Args: minute: the first one of the step, since the epoch; kind: one of ``CLASSES``."""
    return minute * _KINDS + _INDEX[kind]


def split_cell(cell: int) -> tuple[int, str]:
    """The inverse of :func:`to_cell`."""
    minute, index = divmod(cell, _KINDS)
    return minute, CLASSES[index]


def widen_cell(cell: int, width: int) -> int:
    """The cell of a longer step that a cell is in. Args: width: in minutes."""
    minute, index = divmod(cell, _KINDS)
    return (minute - minute % width) * _KINDS + index


def fitting_width(minutes: Iterable[int], max_steps: int, width: int = 1) -> int:
    """The least of the lengths, from ``width`` on, with which the minutes are in at most ``max_steps`` steps."""
    distinct = set(minutes)
    fitting = (wide for wide in WIDTHS if wide >= width and len({minute // wide for minute in distinct}) <= max_steps)
    return next(fitting, WIDTHS[-1])


class CellCounts:
    """Counts of texts by cell.

    They are complete for texts that have been frequent all the time. When there are too many counts, those of rare
    texts are dropped; what a text lacks is then the difference between its total and the sum of its cells.
    """

    def __init__(self, max_counts: int = MAX_CELL_COUNTS) -> None:
        self.width = 1
        """The length of a step, in minutes."""
        self._max_counts = max_counts
        self.totals: dict[int, int] = {}
        """Cell → the rows of all texts, also of those that are dropped."""
        self._parts: list[tuple[int, Mapping[str, int]]] = []
        self._counts = 0

    def add(self, cell: int, counts: Mapping[str, int]) -> None:
        """Take in counts of a cell. Args: counts: text → rows; it is kept, and must not be changed."""
        self._parts.append((cell, counts))
        self.totals[cell] = self.totals.get(cell, 0) + sum(counts.values())
        self._counts += len(counts)

    def widen(self, width: int) -> None:
        """Note that cells that are taken in have steps of this length. Args: width: in minutes."""
        self.width = max(self.width, width)

    def merge(self, other: CellCounts) -> None:
        """Take in those of other lines."""
        self.width = max(self.width, other.width)
        for cell, rows in other.totals.items():
            self.totals[cell] = self.totals.get(cell, 0) + rows
        self._parts += other._parts
        self._counts += other._counts

    @property
    def is_full(self) -> bool:
        """Whether it is time to :meth:`shrink`."""
        return self._counts > self._max_counts

    def shrink(self, totals: Mapping[str, int]) -> None:
        """Drop the counts of rare texts. Args: totals: text → rows in all cells."""
        self.width = fitting_width((cell // _KINDS for cell, _ in self._parts), MAX_STEPS, self.width)
        texts = _MOST_TEXTS
        while True:
            wanted = set(nlargest(texts, totals, key=totals.__getitem__))
            self._parts = list(self._add_up(wanted).items())
            self._counts = sum(len(counts) for _, counts in self._parts)
            if 2 * self._counts <= self._max_counts or texts <= _FEWEST_TEXTS:
                return
            texts = max(texts // 2, _FEWEST_TEXTS)

    def _add_up(self, wanted: set[str]) -> dict[int, dict[str, int]]:
        added: dict[int, dict[str, int]] = {}
        for cell, counts in self._parts:
            known = added.setdefault(widen_cell(cell, self.width), {})
            for text in counts.keys() & wanted:
                known[text] = known.get(text, 0) + counts[text]
        return added

    def of_texts(self, texts: Iterable[str], place: Callable[[int], int]) -> dict[str, dict[int, int]]:
        """For each of these texts its counts. Args: place: a cell → by what its counts are added."""
        cells: dict[str, dict[int, int]] = {text: {} for text in texts}
        wanted = cells.keys()
        for cell, counts in self._parts:
            number = place(cell)
            for text in counts.keys() & wanted:
                known = cells[text]
                known[number] = known.get(number, 0) + counts[text]
        return cells
