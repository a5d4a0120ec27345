"""Percentiles by nearest rank, against sorting all values."""

from __future__ import annotations

from collections import Counter
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.report.response_times import ResponseTimes, percentiles, round_time


@pytest.mark.parametrize(
    "microseconds, rounded",
    [(0, 0), (0.4, 0), (999, 999), (1234, 1230), (1235, 1240), (999_600, 1_000_000), (123_456_789, 123_000_000)],
)
def test_three_digits(microseconds: float, rounded: int) -> None:
    assert round_time(microseconds) == rounded


@given(st.lists(st.integers(min_value=0, max_value=10**7), min_size=1, max_size=300))
def test_nearest_rank(times: list[int]) -> None:
    ordered = sorted(times)
    expected = tuple(ordered[ceil(rank * len(times) / 100) - 1] for rank in (50, 90, 99))
    assert percentiles(Counter(times)) == expected


# The example of the nearest-rank method: of 5 values, p50 is the third, p90 and p99 are the fifth.
def test_five_values() -> None:
    assert percentiles(Counter([15, 20, 35, 40, 50])) == (35, 50, 50)


# Times are by minute and by path; parts add up to the whole.
def test_parts_add_up() -> None:
    whole, parts = ResponseTimes(), [ResponseTimes(), ResponseTimes()]
    for number in range(1, 201):
        for times in (whole, parts[number % 2]):
            times.add(number % 3, "/a" if number % 4 else "/b", number * 1000)
    parts[0].merge(parts[1])
    assert parts[0].over_time() == whole.over_time()
    assert parts[0].by_path(9) == whole.by_path(9)
    over_time = whole.over_time()
    assert [(point.start_ms, point.rows) for point in over_time.steps] == [(0, 66), (60_000, 67), (120_000, 67)]
    assert over_time.all is not None
    assert (over_time.all.rows, over_time.all.p50_us, over_time.all.p90_us) == (200, 100_000, 180_000)
    assert [(path.path, path.rows, path.total_us) for path in whole.by_path(9)] == [
        ("/a", 150, 15_000_000),
        ("/b", 50, 5_100_000),
    ]


# A log of many minutes is counted by longer steps; its rows are all there.
def test_longer_steps() -> None:
    times = ResponseTimes(max_slot_counts=100)
    for minute in range(5000):
        times.add(minute, None, minute % 7)
    over_time = times.over_time()
    assert sum(point.rows for point in over_time.steps) == 5000
    assert over_time.step_ms > 60_000
    other = ResponseTimes(max_slot_counts=100)
    other.add(4999, None, 3)
    other.merge(times)
    assert other.over_time().step_ms == over_time.step_ms


# With too many paths the rarer ones are left out; those that are listed have all their rows.
def test_too_many_paths() -> None:
    times = ResponseTimes(max_path_counts=50)
    for number in range(400):
        times.add(0, "/often", number % 5)
        times.add(0, f"/rare/{number}", 1)
    assert times.leaves_paths_out
    assert [(path.path, path.rows) for path in times.by_path(9)] == [("/often", 400)]
