"""What the page needs to follow a selection: counts by cell, complete or known not to be."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from streamtally.report.cells import CellCounts, fitting_width, split_cell, to_cell, widen_cell
from streamtally.report.counts_block import MAX_BLOCK_CHARS, counts_block, shrink
from streamtally.report.data import CellsOfList, ReportData, Selection, TopList
from streamtally.report.selection import MOST_STEPS, Cells, flatten
from streamtally.report.steps import to_steps
from streamtally.report.tops import TopCounter

START = 29_013_120  # minutes: 2025-03-01 00:00 UTC


def minutes_of(count: int) -> list[tuple[int, int | str | None, int]]:
    """A log with a row every minute."""
    return [(60_000 * (START + minute), 200 if minute % 3 else 503, 1) for minute in range(count)]


@pytest.mark.parametrize("kind", ["2xx", "5xx", "other", "error"])
def test_a_cell_is_a_step_and_a_class(kind: str) -> None:
    assert split_cell(to_cell(START + 7, kind)) == (START + 7, kind)
    assert split_cell(widen_cell(to_cell(START + 7, kind), 5)) == (START + 5, kind)
    assert split_cell(widen_cell(to_cell(-7, kind), 5)) == (-10, kind)  # before 1970


# Steps are as short as their number allows; one line of another year makes them no longer.
@pytest.mark.parametrize(
    ("minutes", "most", "width"),
    [(range(20), 20, 1), (range(21), 20, 5), (range(101), 20, 15), ([*range(19), 10**7], 20, 1), ([0], 1, 1)],
)
def test_the_width_of_steps(minutes: list[int], most: int, width: int) -> None:
    assert fitting_width(minutes, most) == width


# Counts of frequent texts are complete after those of rare ones are dropped; what a rare one lacks is known.
def test_rare_texts_are_dropped() -> None:
    counter = TopCounter()
    counter.cells = CellCounts(max_counts=2_000)
    expected: Counter[int] = Counter()
    for step in range(400):
        cell = to_cell(START + step, "2xx" if step % 2 else "5xx")
        counter.add_all({"often": 3, **{f"rare {step} {number}": 1 for number in range(20)}}, cell)
        expected[widen_cell(cell, counter.cells.width)] += 3
    rare = [f"rare {step} {number}" for step in range(400) for number in range(20)]
    cells = counter.cells.of_texts(["often", *rare], lambda cell: widen_cell(cell, 5))
    together: Counter[int] = Counter()
    for cell, count in expected.items():
        together[widen_cell(cell, 5)] += count
    assert cells["often"] == together
    assert 0 < sum(bool(cells[text]) for text in rare) <= 2_000
    assert sum(counter.cells.totals.values()) == counter.total == 400 * 23
    assert counter.top(1).entries == (("often", 1200),)


# The order in which batches come, and how they are merged, changes nothing.
def test_merging() -> None:
    parts = [(to_cell(START + step, "2xx"), {"a": step + 1, "b": 1}) for step in range(9)]
    one, other, whole = TopCounter(), TopCounter(), TopCounter()
    for index, (cell, counts) in enumerate(parts):
        (one, other)[index % 2].add_all(counts, cell)
        whole.add_all(counts, cell)
    other.merge(one)
    same = list(range(9))
    assert other.cells.of_texts("ab", int) == whole.cells.of_texts("ab", int)
    assert other.cells.totals == whole.cells.totals
    assert sorted(other.cells.of_texts("a", int)["a"].values()) == [number + 1 for number in same]


# A step is whole bars of the chart and whole rows of its table, in an hour or of whole hours, and there are few steps.
@pytest.mark.parametrize("count", [1, 2, 90, 121, 239, 241, 481, 700, 961, 1_441, 2_401, 10_000, 50_000])
@pytest.mark.parametrize("width", [1, 5, 60, 1440])
def test_steps_of_a_selection(count: int, width: int) -> None:
    minutes = minutes_of(count)
    cells = Cells(minutes, width)
    assert cells.width % width == 0
    for most in (480, 240):
        assert cells.width * 60_000 % to_steps(minutes, most).step_ms == 0
    assert 60 % cells.width == 0 or cells.width % 60 == 0
    selection = cells.selection(minutes, {}, {}, {})
    assert sum(selection.rows[1::2]) == count
    assert 0 <= max(selection.rows[::2]) // len(selection.classes) < MOST_STEPS
    assert selection.start_ms <= minutes[0][0] < selection.start_ms + selection.step_ms


# Entries that stand for several texts have the cells of all of them.
def test_groups() -> None:
    counts = CellCounts()
    counts.add(to_cell(START, "2xx"), {"agent 1": 2, "agent 2": 3, "agent 3": 7})
    counts.add(to_cell(START + 1, "5xx"), {"agent 2": 1})
    top = TopList([("Firefox", 6)], 13)
    cells = Cells(minutes_of(3), 1).of_groups(top, counts, {"Firefox": ["agent 1", "agent 2"], "Safari": ["agent 3"]})
    assert cells.cells == [[0, 5, 3, 1]]
    assert cells.totals == [0, 12, 3, 1]


def large_selection() -> Selection:
    """More than a page has room for: 17 lists of 60 entries in each of 480 cells."""
    flat = flatten({cell: 1000 + cell for cell in range(480)})
    cells = CellsOfList([(f"text {number}", sum(flat[1::2])) for number in range(60)], [flat] * 60, flat)
    return Selection(
        start_ms=60_000 * START,
        step_ms=900_000,
        classes=("2xx", "3xx", "4xx", "5xx"),
        rows=flat,
        hours=[0, 1],
        times=[(3, [100, 5, 200, 6]), (7, [100, 1])],
        lists={f"list {number}": cells for number in range(17)},
    )


# A page stays small: its lists become shorter, and then its steps longer; no row is lost.
def test_shrink() -> None:
    large = large_selection()
    small = shrink(large)
    data = ReportData(pipeline="p", generated_at="now", lines=0, rows=0, selection=large)
    assert len(json.dumps(counts_block(data), separators=(",", ":"))) < MAX_BLOCK_CHARS + 3_000
    assert small.step_ms % large.step_ms == 0
    assert sum(small.rows[1::2]) == sum(large.rows[1::2])
    for cells in small.lists.values():
        assert len(cells.entries) == len(cells.cells) == 20
        assert {sum(flat[1::2]) for flat in cells.cells} == {sum(large.rows[1::2])}
    assert sum(sum(flat[1::2]) for _, flat in small.times) == 12
    assert small.hours == () or small.step_ms % 3_600_000 == 0


# A small one is as it was; the page states what an entry lacks.
def test_what_is_missing_is_in_the_block() -> None:
    lists = {"top_paths": CellsOfList([("/a", 9), ("/b", 5)], [[0, 9], [0, 3]], [0, 14])}
    selection = replace(large_selection(), lists=lists, rows=[0, 14])
    assert shrink(selection) == selection
    data = ReportData(pipeline="p", generated_at="now", lines=0, rows=0, selection=selection)
    block = counts_block(data)
    assert block is not None
    assert (block["lists"]["top_paths"]["missing"], block["lists"]["top_paths"]["isWhole"]) == ([0, 2], False)
    assert "/a" not in json.dumps(block)
