"""Ids are hashes of canonical JSON: the fast way to it writes the same bytes."""

from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streamtally.ids import canonical_json, digest, digest_texts, numbered_digests

TEXTS = st.text() | st.text(st.characters(max_codepoint=127))
SCALARS = TEXTS | st.integers() | st.integers(2**62, 2**66) | st.booleans() | st.none() | st.floats(allow_nan=False)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)


def slow(value: Any) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()[:32]


# Whatever a key may hold: any text, integers past 64 bits, floats, nested lists and objects.
@given(st.lists(VALUES, max_size=5))
def test_the_digest_is_of_the_canonical_json(value: list[Any]) -> None:
    try:
        wanted = slow(value)
    except ValueError:  # an infinite float
        return
    assert digest(value) == wanted


# Many texts at once, a lone surrogate among them or not.
@given(st.lists(TEXTS | st.just("\ud800"), max_size=5))
def test_of_texts(texts: list[str]) -> None:
    assert digest_texts(texts) == slow(texts)


# Types stay apart.
def test_types_stay_apart() -> None:
    values: list[Any] = [[1], ["1"], [1.0], [True], ["true"], [None], ["null"], [[1]], [{"1": 1}], []]
    assert len({digest(value) for value in values}) == len(values)


# The ids of a record's lines, made at once, are those of each line by itself, whatever the record's name.
@given(st.text(), st.integers(0, 30))
def test_numbered_digests(text: str, count: int) -> None:
    assert numbered_digests(text, count) == [digest([text, number]) for number in range(count)]
