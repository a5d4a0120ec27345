"""The memory with a bound: made once, forgotten all at once, never longer texts than it may hold."""

from __future__ import annotations

import pytest

from streamtally.memo import Memo


# Each key is made once, until one more than may be remembered comes.
def test_made_once_within_the_bound() -> None:
    made: list[str] = []

    def length(text: str) -> int:
        made.append(text)
        return len(text)

    memo = Memo(length, max_entries=2, max_characters=3)
    assert [memo["a"], memo["a"], memo["bb"], memo["a"]] == [1, 1, 2, 1]
    assert made == ["a", "bb"]
    assert memo["ccc"] == 3
    assert list(memo) == ["ccc"]


# A long text is made each time, and forgets nothing else; what raises is not remembered.
def test_what_is_not_remembered() -> None:
    memo = Memo(int, max_entries=1, max_characters=3)
    assert (memo["1"], memo["0001"]) == (1, 1)
    with pytest.raises(ValueError, match="invalid literal"):
        memo["x"]
    assert list(memo) == ["1"]
