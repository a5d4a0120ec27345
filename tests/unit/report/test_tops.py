"""The bounded counters: exact while they can be, within their stated error after that."""

from __future__ import annotations

import pickle
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.report.data import PathErrors, TopList
from streamtally.report.request_parts import split_request, split_requests
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


requests = st.lists(
    st.sampled_from(
        [
            *(
                "GET / HTTP/1.1",
                "GET /a?b=1 HTTP/1.1",
                "POST /a?b=1 HTTP/2.0",
                "HEAD /x.css?v HTTP/1.0",
                "GET /a? HTTP/1.1",
            ),
            *(
                "PROPFIND /a HTTP/1.1",
                "GET http://example.com/a HTTP/1.1",
                "GET /a b HTTP/1.1",
                "GET /a",
                "/a?b",
                "",
                "x",
            ),
            *(
                "GET ?x HTTP/1.1",
                "\\x16\\x03",
                "OPTIONS * HTTP/1.1",
                "GET /é HTTP/1.1",
                "GET / HTTP/1.1 ",
                "get / HTTP/1.1",
            ),
            *(
                "GET /a\nGET /b HTTP/1.1",
                "GET /" + "y" * 300 + " HTTP/1.1",
                "GET /\u2028 HTTP/1.1",
                "GET /a?b?c#d HTTP/1.1",
            ),
        ]
    ),
    max_size=12,
)
statuses = st.sampled_from([None, 200, 399, 400, 404, 499, 500, 599, 600])


# Many requests at once give what one at a time gives.
@given(st.lists(st.tuples(requests.map(lambda some: some[0] if some else "-"), statuses), max_size=12))
def test_many_requests_at_once(rows: list[tuple[str, int | None]]) -> None:
    singly, together = Tops(), Tops()
    for request, status in rows:
        singly.add(request, None, None, status)
    texts = [request for request, _ in rows]
    failed = {index: status for index, (_, status) in enumerate(rows) if status is not None and status >= 400}
    together.add_requests(texts, split_requests(texts), failed)
    assert together.report_fields(50) == singly.report_fields(50)


@given(requests)
def test_the_parts_of_many_requests(texts: list[str]) -> None:
    parts = zip(*split_requests(texts), strict=True)
    expected = [split_request(text) for text in texts]
    assert [(method, path, query or None, protocol) for method, path, query, protocol in parts] == [
        (part.method, part.path, part.query, part.protocol) for part in expected
    ]


# Counts of parts are added up as their texts are, also after pickling, and where texts are forgotten.
@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "c", "d" * 201, "e" * 202, "f"]), max_size=9), max_size=6),
    st.integers(2, 9),
)
def test_parts(parts: list[list[str]], capacity: int) -> None:
    counted, merged, unpickled = (TopCounter(capacity) for _ in range(3))
    for texts in parts:
        counted.add_all(Counter(texts))
        part = TopCounter()
        for some in (texts[:2], texts[2:]):
            part.add_all(Counter(some), cell=7)
        merged.merge(part)
        unpickled.merge(pickle.loads(pickle.dumps(part)))
    assert merged.top(9) == unpickled.top(9) == counted.top(9)
    assert merged.cells.totals == unpickled.cells.totals == ({7: merged.total} if merged.total else {})


# Texts that occurred 0 times take their place among those that are kept, however often the others occurred.
@pytest.mark.parametrize("count", [0, 1, 100])
def test_nothing_is_counted(count: int) -> None:
    counter, part = TopCounter(2), TopCounter()
    counter.add_all({"a": 5})
    part.add_all({"b": 0, "c": count})
    counter.merge(part)
    assert counter.top(9) == TopList((("a", 5),) if count < 5 else (("c", 100),), 5 + count, count if count < 5 else 5)


# Errors by path: both classes of each path, with all of its rows; a request without a path counts by its text.
def test_path_errors() -> None:
    tops = Tops()
    for request, status, count in (
        ("GET /a?x=1 HTTP/1.1", 404, 3),
        ("GET /a HTTP/1.1", 403, 1),
        ("GET /a HTTP/1.1", 500, 2),
        ("GET /a HTTP/1.1", 200, 4),
        ("GET /b.png HTTP/1.1", 503, 5),
        ("GET /fine HTTP/1.1", 200, 9),
        ("\x16\x03", 400, 2),
        ("GET /odd HTTP/1.1", 600, 1),
    ):
        for _ in range(count):
            tops.add(request, None, None, status)
    expected = (PathErrors("/a", 4, 2, 10), PathErrors("/b.png", 0, 5, 5), PathErrors("\x16\x03", 2, 0, 2))
    assert tops.path_errors(9) == expected
    assert tops.path_errors(1) == expected[:1]
