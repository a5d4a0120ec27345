"""The counts of a selection, which the page has as a block of JSON, and the script that reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any, Final

from streamtally.report.data import CellsOfList, ReportData, Selection
from streamtally.report.selection import flatten
from streamtally.report.steps import step_name
from streamtally.report.texts import say

MAX_BLOCK_CHARS: Final = 300_000
_FEWEST_ENTRIES: Final = 20
_KEYS: Final = (
    *("hint", "is", "span", "none", "clear", "start", "end", "whole", "tile", "rows", "exact", "some", "missing"),
    *("empty", "caption", "hours"),
)


def script() -> str:
    """The page's script: its file without indentation and without lines of comments."""
    source = files("streamtally.report").joinpath("page.js").read_text("utf-8")
    return "\n".join(line for line in map(str.strip, source.splitlines()) if line and not _is_comment(line))


def _is_comment(line: str) -> bool:
    """Whether a line is nothing but a comment; one with a type before code is code."""
    if line.startswith("/*"):
        return "*/" not in line or line.endswith("*/")
    return line == "*" or line.startswith(("//", "* ", "*/"))


def counts_block(data: ReportData) -> dict[str, Any] | None:
    """The block as JSON values: numbers and texts of ours, and none of the log. None: the page has no selection."""
    if data.selection is None:
        return None
    selection = shrink(data.selection)
    return {**_numbers(selection), "shown": _FEWEST_ENTRIES, "texts": _texts(selection)}


def shrink(selection: Selection) -> Selection:
    """The selection with so few steps, and then so few entries, that the page stays small."""
    while _size(selection) > MAX_BLOCK_CHARS:
        most = max((len(cells.entries) for cells in selection.lists.values()), default=0)
        if most > _FEWEST_ENTRIES:
            limit = max(most * 2 // 3, _FEWEST_ENTRIES)
            selection = replace(selection, lists={name: _cut(cells, limit) for name, cells in selection.lists.items()})
        elif (coarser := _coarsen(selection)) != selection:
            selection = coarser
        else:
            return selection
    return selection


def _cut(cells: CellsOfList, limit: int) -> CellsOfList:
    return replace(cells, entries=cells.entries[:limit], cells=cells.cells[:limit])


def _coarsen(selection: Selection) -> Selection:
    """The selection with steps of twice the length."""
    width = len(selection.classes)

    def wider(number: int) -> int:
        step, kind = divmod(number, width)
        return step // 2 * width + kind

    def half(flat: Sequence[int]) -> list[int]:
        added: dict[int, int] = {}
        for number, count in zip(flat[::2], flat[1::2], strict=True):
            added[wider(number)] = added.get(wider(number), 0) + count
        return flatten(added)

    times: dict[int, dict[int, int]] = {}
    for number, flat in selection.times:
        together = times.setdefault(wider(number), {})
        for time, count in zip(flat[::2], flat[1::2], strict=True):
            together[time] = together.get(time, 0) + count
    lists = {
        name: replace(cells, cells=list(map(half, cells.cells)), totals=half(cells.totals))
        for name, cells in selection.lists.items()
    }
    return replace(
        selection,
        step_ms=2 * selection.step_ms,
        rows=half(selection.rows),
        bytes=half(selection.bytes),
        hours=selection.hours if 2 * selection.step_ms % 3_600_000 == 0 else (),
        times=[(number, flatten(counts)) for number, counts in sorted(times.items())],
        lists=lists,
    )


def _size(selection: Selection) -> int:
    return len(json.dumps(_numbers(selection), separators=(",", ":")))


def _texts(selection: Selection) -> dict[str, str]:
    step = step_name(selection.step_ms)
    texts = {key: say(f"selection.{key}", **{name: f"{{{name}}}" for name in _VALUES}) for key in _KEYS}
    return texts | {key: say(f"selection.{key}", step=step) for key in ("bytes", "times")}


_VALUES: Final = ("what", "rows", "total", "from", "to", "count", "heading")
"""What the script fills in."""


def _numbers(selection: Selection) -> dict[str, Any]:
    return {
        "start": selection.start_ms,
        "step": selection.step_ms,
        "classes": selection.classes,
        "rows": _differences(selection.rows),
        "bytes": _differences(selection.bytes),
        "hours": _differences(selection.hours),
        "times": [(number, _differences(counts)) for number, counts in selection.times],
        "lists": {name: _list(cells) for name, cells in selection.lists.items() if cells.entries},
    }


def _list(cells: CellsOfList) -> dict[str, Any]:
    known = sum(cells.totals[1::2])
    missing = [count - sum(flat[1::2]) for (_, count), flat in zip(cells.entries, cells.cells, strict=True)]
    return {
        "cells": list(map(_differences, cells.cells)),
        "totals": _differences(cells.totals),
        "missing": missing,
        "isWhole": sum(count for _, count in cells.entries) == known and not any(missing),
    }


def _differences(flat: Sequence[int]) -> list[int]:
    """The numbers of cells as differences, which are short."""
    before, result = 0, []
    for number, count in zip(flat[::2], flat[1::2], strict=True):
        result += [number - before, count]
        before = number
    return result
