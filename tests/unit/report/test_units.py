"""Sizes and times as people read them: three digits."""

from __future__ import annotations

import pytest

from streamtally.report.units import size_text, time_text


@pytest.mark.parametrize(
    "size, text",
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1234, "1.23 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (3_150_225_234, "3.15 GB"),
        (10**18, "1 EB"),
        (10**22, "10,000 EB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    "microseconds, text",
    [(0, "0 s"), (7, "7 µs"), (12_300, "12.3 ms"), (1_230_000, "1.23 s"), (60_000_000, "60 s"), (10**10, "10,000 s")],
)
def test_times(microseconds: int, text: str) -> None:
    assert time_text(microseconds) == text
