"""Counts by minute become counts by longer steps where there are too many, whatever the parts in which they come."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.report.minute_counts import MinuteCounts

Key = tuple[int, int]


def floor(key: Key, width: int) -> Key:
    return key[0] - key[0] % width, key[1]


def added(parts: list[list[Key]], most: int | None) -> MinuteCounts[Key]:
    counts = MinuteCounts(floor, most)
    for part in parts:
        other = MinuteCounts(floor, most)
        other.counts.update(part)
        counts.update(other)
    return counts


KEYS = st.lists(st.tuples(st.integers(0, 3000), st.sampled_from([200, 404])), max_size=300)


# The independent count: the shortest step of which there are few enough, or the hour.
@given(keys=KEYS, cuts=st.lists(st.integers(0, 300), max_size=4), most=st.integers(0, 60))
def test_parts_do_not_matter(keys: list[Key], cuts: list[int], most: int) -> None:
    edges = [0, *sorted(cuts), len(keys)]
    parts = [keys[first:last] for first, last in pairwise(edges)]
    wanted = {width: Counter((minute // width * width, status) for minute, status in keys) for width in (1, 10, 60)}
    width = next((width for width in (1, 10) if len(wanted[width]) <= most), 60)
    counts = added(parts, most)
    assert (counts.width, counts.counts) == (width, wanted[width])


@pytest.mark.parametrize(("most", "width"), [(None, 1), (1000, 1), (999, 10), (100, 10), (99, 60), (0, 60)])
def test_steps(most: int | None, width: int) -> None:
    assert added([[(minute, 200) for minute in range(1000)]], most).width == width


# Counts that are widened already are taken in as they are.
def test_widened_counts_are_merged() -> None:
    wide, narrow = added([[(minute, 200) for minute in range(100)]], 50), added([[(7, 404)]], 50)
    narrow.update(wide)
    assert (narrow.width, narrow.counts[0, 200], narrow.counts[0, 404]) == (10, 10, 1)
