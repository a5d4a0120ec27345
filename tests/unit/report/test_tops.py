"""The bounded counters: exact while they can be, within their stated error after that."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from streamtally.report.tops import KEY_CHARS, TopCounter, Tops

texts = st.lists(st.integers(min_value=0, max_value=60).map(lambda number: f"t{number * number % 61}"), max_size=400)


# Up to its capacity a counter is exact; the order of equal counts does not depend on the order of the rows.
@given(texts)
def test_exact_up_to_capacity(rows: list[str]) -> None:
    counter = TopCounter(capacity=61)
    for text in rows:
        counter.add(text)
    top = counter.top(10)
    expected = sorted(Counter(rows).items(), key=lambda entry: (-entry[1], entry[0]))[:10]
    assert list(top.entries) == expected
    assert (top.total, top.error) == (len(rows), 0)


# Beyond it, no count is too low or too high by more than the error, and what is missing came no more often than it.
@given(texts, st.integers(min_value=2, max_value=20))
def test_error_bound(rows: list[str], capacity: int) -> None:
    counter = TopCounter(capacity)
    for text in rows:
        counter.add(text)
    top = counter.top(100)
    true = Counter(rows)
    shown = dict(top.entries)
    assert all(true[text] <= count <= true[text] + top.error for text, count in shown.items())
    assert all(count <= top.error for text, count in true.items() if text not in shown)
    assert len(shown) <= capacity


# A frequent text is found among very many rare ones, and the memory stays bounded.
def test_finds_the_frequent_ones() -> None:
    counter = TopCounter(capacity=1000)
    for number in range(100_000):
        counter.add(f"rare {number}")
        if number % 10 == 0:
            counter.add("often")
    top = counter.top(1)
    assert top.entries[0][0] == "often"
    assert 10_000 <= top.entries[0][1] <= 10_000 + top.error
    assert 0 < top.error < 1000
    assert len(counter._counts) <= 1000


# Texts of any length are counted by their beginning, so that a hostile log cannot fill the memory.
def test_long_texts() -> None:
    counter = TopCounter()
    for end in "ab":
        counter.add("x" * 1_000_000 + end)
    ((text, count),) = counter.top(5).entries
    assert count == 2
    assert len(text) == KEY_CHARS


# What is missing or null adds nothing; what is no text is counted as it is shown.
def test_fields_of_rows() -> None:
    tops = Tops()
    tops.add("GET / HTTP/1.1", "192.0.2.1", None)
    tops.add("graphql", "192.0.2.1", "curl")
    tops.add(None, 17, None)
    assert tops.hosts.top(5).entries == (("192.0.2.1", 2), ("17", 1))
    assert tops.requests.top(5).entries == (("GET / HTTP/1.1", 1), ("graphql", 1))
    assert (tops.agents.top(5).entries, tops.agents.total) == ((("curl", 1),), 1)
