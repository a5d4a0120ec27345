"""Long lines are split no further than it takes to see that they have too many cells."""

from __future__ import annotations

import random

import pytest

from streamtally.formats import w3c_rows
from streamtally.formats.w3c_header import Separator

PARTS = ("a", "-", "1", '"a b"', '"a ""b"" c"', '"', '""', "a,b", " ", "  ", "\t", ",", "\x0b", "é")


@pytest.mark.parametrize("separator", list(Separator))
@pytest.mark.parametrize("has_strings", [True, False])
def test_cells_are_the_same_however_long_the_line(
    separator: Separator, has_strings: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(1)
    lines = ["".join(rng.choices(PARTS, k=rng.randrange(1, 16))) for _ in range(400)]
    for line in lines:
        whole = w3c_rows.split_cells(line, len(line) + 1, separator, has_strings)
        for count in range(1, len(whole) + 3):
            monkeypatch.setattr(w3c_rows, "LONG", 1_000)
            usual = w3c_rows.split_cells(line, count, separator, has_strings)
            monkeypatch.setattr(w3c_rows, "LONG", 0)
            some = w3c_rows.split_cells(line, count, separator, has_strings)
            assert (len(some) == count) == (len(usual) == count)
            assert len(some) <= count + 2
            if len(usual) == count:
                assert some == usual


@pytest.mark.parametrize("token", ["a ", "a\t", "a,", '"a" '])
@pytest.mark.parametrize("separator", list(Separator))
def test_a_long_line_with_too_many_cells_is_not_split_whole(token: str, separator: Separator) -> None:
    assert len(w3c_rows.split_cells(token * 20_000, 15, separator, has_strings=True)) <= 17
