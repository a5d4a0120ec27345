"""What a windowed output settles to: aggregates of its rows, of inner windows (levels), or of the last minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streamtally.errors import PlanError
from streamtally.plan.aggregates.base import Slot
from streamtally.plan.aggregates.cells import Cells
from streamtally.plan.levels import LevelLeaves, Levels, compile_levels
from streamtally.plan.sliding import Sliding, group_ms, read_spans, step_ms
from streamtally.plan.types import SqlType
from streamtally.plan.window_columns import NO_ITEM, FinishWindow, WindowColumn, compile_window_columns
from streamtally.plan.window_rows import WindowRows

_CELLS_INDEX = 2
"""Position of the cells in a group's list, after the numbers of rows."""


@dataclass(frozen=True, slots=True)
class Composition:
    """The groups of an output, and how they become documents.

    Attributes:
        key_types: the types of the key's values.
        slots: the aggregates of a group; of an output that is composed, its cells.
        finish: makes the columns of a document.
        columns: each of them.
        levels, sliding: as in :class:`~streamtally.plan.windowed.WindowedOutput`.
    """

    key_types: tuple[SqlType, ...]
    slots: tuple[Slot, ...]
    finish: FinishWindow
    columns: tuple[WindowColumn, ...]
    levels: Levels | None = None
    sliding: Sliding | None = None


def compose(node: dict[str, Any], rows: WindowRows, rows_ms: int) -> Composition:
    """What an output of the plan settles to.

    Args:
        rows: its rows.
        rows_ms: the length of the windows into which they go.
    Raises: PlanError.
    """
    key_types = tuple(code.type for code in rows.keys)
    cells = Cells(rows.slots, key_types)
    slots = (Slot("cells", cells, _CELLS_INDEX),)
    if "levels" in node:
        return _compose_levels(node, rows, rows_ms, slots, cells)
    finish, columns = compile_window_columns(node, rows.keys, rows.slots, rows.arguments, rows_ms)
    if "inner_ms" not in node:
        return Composition(key_types, rows.slots, finish, columns)
    if "expand" in node:
        raise PlanError("a sliding output cannot expand items")
    spans = read_spans(node)
    step, wanted = step_ms(spans), group_ms(spans)
    if rows_ms != step or node["window_ms"] != wanted:
        raise PlanError(f"a sliding output needs, for its spans, inner_ms {step} and window_ms {wanted}")
    sliding = Sliding(cells, step, wanted, spans, lambda start, key, values: finish(start, key, list(values), NO_ITEM))
    return Composition(key_types, slots, finish, columns, sliding=sliding)


def _compose_levels(
    node: dict[str, Any], rows: WindowRows, rows_ms: int, slots: tuple[Slot, ...], cells: Cells
) -> Composition:
    if "inner_ms" not in node or "expand" in node:
        raise PlanError("an output with levels needs inner_ms, and cannot expand items")
    leaves = LevelLeaves(
        rows_ms,
        [key["name"] for key in node["keys"]],
        rows.keys,
        [slot.name for slot in rows.slots],
        [slot.aggregate.result for slot in rows.slots],
    )
    levels = compile_levels(node["levels"], cells, leaves)
    last = levels.levels[-1]
    if last.window_ms != node["window_ms"]:
        raise PlanError("window_ms must be that of the last level")
    shown = {**node["levels"][-1], "columns": node["columns"], "having": node.get("having")}
    finish, columns = compile_window_columns(shown, last.key_codes, last.slots, last.argument_codes, last.window_ms)
    return Composition(tuple(code.type for code in last.key_codes), slots, finish, columns, levels=levels)
