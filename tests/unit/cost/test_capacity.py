"""The rate at which settling ends is that of the table in docs/indices.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streamtally.cost.capacity import batches_a_minute, find_capacity
from tests.unit.cost.cases import counted, rows

PAGE = Path(__file__).resolve().parents[3] / "docs/indices.md"


def test_as_the_table_has_it() -> None:
    section = PAGE.read_text().partition("### Capacity of one run")[2]
    table = dict(re.findall(r"^\| ([0-9,]+) \| ([^|]+) \|$", section, re.MULTILINE))
    assert set(table) == {"10", "1,000", "10,000", "27,000"}
    assert batches_a_minute(1_000) == pytest.approx(int(table["1,000"].replace(",", "")), rel=0.05)
    assert batches_a_minute(10_000) == pytest.approx(int(table["10,000"]), rel=0.05)
    assert (batches_a_minute(27_000), table["27,000"]) == (0.0, "none")
    few = find_capacity(counted(1e7, 1, keys=10))
    assert few.batches_a_minute > few.indexed_batches_a_minute  # more than a domain indexes
    assert table["10"] == "more than a domain indexes"


def test_lines_a_day_are_of_full_batches() -> None:
    capacity = find_capacity(counted(1e7, 1, keys=10_000))
    fewer = min(capacity.batches_a_minute, capacity.indexed_batches_a_minute)
    assert capacity.lines_a_day == pytest.approx(fewer * 5_000 * 1440)
    assert find_capacity(counted(1e7, 1, keys=30_000)).lines_a_day == 0
    assert find_capacity(rows()).lines_a_day == float("inf")
