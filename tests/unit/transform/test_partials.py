"""Partials put together from texts are the bytes of :func:`partial_document`, whatever keys and states hold."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.ids import digest
from streamtally.plan.windowed import WindowedOutput
from streamtally.transform.documents import encode_document, partial_document
from streamtally.transform.partials import Partials
from tests.unit.transform.partial_cases import INFO, OUTPUTS, START_MS, Case, bytes_or_error, make_output, partials


@given(st.lists(partials(), min_size=1, max_size=4))
def test_texts_are_the_definitions_bytes(cases: list[Case]) -> None:
    writers = {id(output): Partials(output, INFO) for output in OUTPUTS}
    for output, key, group in cases:
        expected = bytes_or_error(lambda: encode_document(partial_document(output, key, group, INFO)))  # noqa: B023
        assert bytes_or_error(lambda: writers[id(output)].encode(key, group)) == expected  # noqa: B023


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda output: output.name)
def test_only_plain_outputs_have_texts(output: WindowedOutput) -> None:
    assert (output.partial_text is None) == (output.name in ("others", "floats", "decimals"))


def test_what_a_partial_holds() -> None:
    output = make_output("COUNTS", ["text"], [("count", None), ("sum", "number")])
    document = orjson.loads(Partials(output, INFO).encode((START_MS, 'a"'), [3, 1, None]))
    assert document["key text"] == 'a"'
    assert document["minute"] == "2026-03-10 11:58"
    assert (document["value 0"], document["value 1"]) == (3, None)
    assert document["tally"] == {
        "output": "COUNTS", "window_start": "2026-03-10T11:58:00.000Z",
        "partial_id": digest(["2" * 32, "COUNTS", START_MS, ['a"'], "1" * 32]),
        "group_id": digest(["COUNTS", START_MS, ['a"']]),
        **INFO, "state": {"key": ['a"'], "rows": 3, "aggregates": [3, None]},
        "merge": {"key": '["a\\""]', "values": 1, "v0": 3}, "out_of_range": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [("text", "\ud800"), ("text", "a" * 3_000), ("number", 2**70)],
    ids=["surrogate", "long", "large"],
)
def test_what_is_not_plain_is_written_all_the_same(name: str, value: Any) -> None:
    output = make_output("COUNTS", [name], [("count", None)])
    key, group = (START_MS, value), [1, 0]
    assert output.partial_text is not None
    assert Partials(output, INFO).encode(key, group) == encode_document(partial_document(output, key, group, INFO))
