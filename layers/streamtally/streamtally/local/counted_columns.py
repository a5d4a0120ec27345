"""Lines as columns of what is counted of them, and their counts by step of time and class of status."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from streamtally.report.cells import fitting_width, split_cell, to_cell
from streamtally.report.panels import Panels
from streamtally.report.request_parts import RequestColumns, split_requests
from streamtally.report.tops import FIRST_ERROR, Tops

_FINE_STEPS: Final = 120
_LINES_A_STEP: Final = 512
_MANY_LINES: Final = 2_000
_FAILED: Final = ("4xx", "5xx")
NONE: Final = "-"


class Columns(NamedTuple):
    """What is counted of some lines: a sequence for each part, or nothing where no line has it."""

    minutes: Sequence[int]
    """Since the epoch."""
    kinds: Sequence[str]
    """The class of each line's status or level."""
    statuses: Sequence[int | None]
    requests: Sequence[str | None]
    hosts: Sequence[str | None]
    agents: Sequence[str | None]
    sizes: Sequence[int] = ()
    """In bytes."""
    referers: Sequence[str | None] = ()
    vhosts: Sequence[str | None] = ()
    durations: Sequence[tuple[float, str] | None] = ()
    """See :data:`streamtally.local.panel_fields.Duration`."""

    def pick(self, pick: Callable[[Sequence[Any]], Sequence[Any]]) -> Columns:
        """Some of the lines. Those of one class need not say it."""
        minutes, _, *others = self
        return Columns(pick(minutes), (), *map(pick, others))


def count_columns(columns: Columns, tops: Tops, panels: Panels, absent: str | None, is_fine: bool) -> None:
    """Count lines.

    Args:
        absent: stands for a text that a line does not have.
        is_fine: whether short steps are worth their time: a log of few batches gets them.
    """
    requests: Any = columns.requests
    if absent is None:
        requests = [NONE if request is None else request for request in requests]
    parts = split_requests(requests)
    minutes = columns.minutes
    steps = _FINE_STEPS if is_fine or len(minutes) < _MANY_LINES else max(len(minutes) // _LINES_A_STEP, 1)
    width = fitting_width(minutes, steps)
    tops.widen_cells(width)
    panels.widen_cells(width)
    for cell, indices in _cells(minutes, columns.kinds, width).items():
        if len(indices) == len(minutes):
            _count(cell, columns, parts, tops, panels, absent)
        else:
            pick = _picker(indices)
            some = RequestColumns(*map(pick, parts))
            _count(cell, columns.pick(pick), some, tops, panels, absent)


def _picker(indices: list[int]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    if len(indices) == 1:
        return lambda column: column[indices[0] :][:1]
    pick: Any = itemgetter(*indices)
    return lambda column: pick(column) if column else column


def _cells(minutes: Sequence[int], kinds: Sequence[str], width: int) -> dict[int, list[int]]:
    """Cell → the indices of its lines."""
    lines: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for index, key in enumerate(zip(minutes, kinds, strict=True)):
        lines[key].append(index)
    cells: dict[int, list[int]] = {}
    for (minute, kind), indices in lines.items():
        cell = to_cell(minute - minute % width, kind)
        cells[cell] = cells[cell] + indices if cell in cells else indices
    return cells


def _count(cell: int, columns: Columns, parts: RequestColumns, tops: Tops, panels: Panels, absent: str | None) -> None:
    for counter, texts in ((tops.hosts, columns.hosts), (tops.agents, columns.agents)):
        counts: Any = Counter(texts)
        del counts[absent]
        counter.add_all(counts, cell)
    if columns.sizes:
        panels.add_bytes(columns.minutes, parts.paths, columns.sizes, cell)
    for add, texts in ((panels.add_referers, columns.referers), (panels.add_vhosts, columns.vhosts)):
        if texts:
            counts = Counter(texts)
            del counts[absent]
            add(counts, cell)
    for index, duration in enumerate(columns.durations):
        if duration is not None:
            panels.add_time(columns.minutes[index], parts.paths[index], *duration, cell)
    _count_requests(cell, columns, parts, tops, absent)


def _count_requests(cell: int, columns: Columns, parts: RequestColumns, tops: Tops, absent: str | None) -> None:
    requests = columns.requests
    statuses = _failed(columns.statuses) if split_cell(cell)[1] in _FAILED else {}
    if absent in requests:
        kept = [index for index, request in enumerate(requests) if request != absent]
        statuses = {place: statuses[index] for place, index in enumerate(kept) if index in statuses}
        requests = [requests[index] for index in kept]
        parts = RequestColumns(*([column[index] for index in kept] for column in parts))
    tops.add_requests(requests, parts, statuses, cell)  # type: ignore[arg-type]


def _failed(statuses: Sequence[int | None]) -> Mapping[int, int]:
    """The index of each line with an error's status → that."""
    return {index: status for index, status in enumerate(statuses) if status is not None and status >= FIRST_ERROR}
