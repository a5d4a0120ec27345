"""What the database settles is what Python settles: documents, their order, and their JSON, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamtally.local import store as store_module
from streamtally.local.settled_sql import can_settle, can_write
from streamtally.local.store import DuckDbStore
from streamtally.plan.rows import OutputColumn
from streamtally.plan.types import parse_type
from streamtally.plan.windowed import WindowedOutput
from streamtally.transform.documents import encode_document, partial_document
from streamtally.transform.pipeline import Pipeline
from tests.examples import examples

MINUTE = 60_000
INFO = {"batch_id": "b", "batch_digest": "d", "batch_records": 1, "batch_arrival": ["", ""], "plan_id": "p"}


@pytest.fixture(scope="module")
def outputs(default_pipeline: Pipeline) -> tuple[WindowedOutput, WindowedOutput]:
    """Counts by a number, and by a text."""
    by_status, by_level = default_pipeline.outputs.values()
    assert isinstance(by_status, WindowedOutput)
    assert isinstance(by_level, WindowedOutput)
    return by_status, by_level


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[DuckDbStore, DuckDbStore]]:
    pair = DuckDbStore(tmp_path / "a.duckdb"), DuckDbStore(tmp_path / "b.duckdb")
    yield pair
    for store in pair:
        store.close()


Counted = tuple[int, Any, int, str]
"""(minute, key, rows, batch)."""


def documents_of(output: WindowedOutput, counted: list[Counted]) -> list[bytes]:
    return [
        encode_document(partial_document(output, (minute * MINUTE, key), [rows, 0, rows], {**INFO, "batch_id": batch}))
        for minute, key, rows, batch in counted
    ]


def check_alike(
    stores: tuple[DuckDbStore, DuckDbStore], pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    """Settle one store in the database, and one in Python. Returns: all documents."""
    here, there = stores
    here.settle(pipeline)
    with monkeypatch.context() as context:
        context.setattr(store_module, "can_settle", lambda _: False)
        there.settle(pipeline)
    everything = []
    for output in pipeline.outputs.values():
        documents = list(here.documents(output))
        assert documents == list(there.documents(output))
        assert ", ".join(here.json_documents(output)) == ", ".join(there.json_documents(output))
        assert "[" + ", ".join(here.json_documents(output)) + "]" == json.dumps(documents)
        assert here.last_documents(output, 3) == there.last_documents(output, 3) == (documents[-3:], len(documents))
        everything += documents
    return everything


NUMBERS = st.none() | st.integers(-3, 600)
TEXTS = st.none() | st.sampled_from(["10", "9", "a", "A", "a!", "a b", 'say "x"', "\\u", "\x7f", "é", "\x00", "😀", ""])


@pytest.mark.large
@given(
    st.lists(st.tuples(st.integers(-2, 3), NUMBERS, st.integers(1, 9), st.sampled_from("xyz")), max_size=30),
    st.lists(st.tuples(st.integers(-2, 3), TEXTS, st.integers(1, 9), st.sampled_from("xyz")), max_size=30),
)
@settings(max_examples=examples(40), deadline=None)
def test_any_documents(
    tmp_path_factory: pytest.TempPathFactory,
    default_pipeline: Pipeline,
    outputs: tuple[WindowedOutput, WindowedOutput],
    by_status: list[Counted],
    by_level: list[Counted],
) -> None:
    folder = tmp_path_factory.mktemp("stores")
    stores = DuckDbStore(folder / "a.duckdb"), DuckDbStore(folder / "b.duckdb")
    documents = documents_of(outputs[0], by_status) + documents_of(outputs[1], by_level)
    for store in stores:
        store.put(documents)
    with pytest.MonkeyPatch.context() as monkeypatch:
        settled = check_alike(stores, default_pipeline, monkeypatch)
    groups = {(0, *counted[:2]) for counted in by_status} | {(1, *counted[:2]) for counted in by_level}
    assert len(settled) == len(groups)
    for store in stores:
        store.close()


# NULL, then numbers by their value, then texts by their characters; windows first.
def test_the_order_of_documents(
    stores: tuple[DuckDbStore, DuckDbStore], default_pipeline: Pipeline, outputs: tuple[WindowedOutput, WindowedOutput],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    counted = [(1, 9, 1, "x"), (1, 200, 1, "x"), (1, None, 1, "x"), (0, 503, 1, "x"), (1, -4, 1, "x"), (1, 9, 2, "y")]
    levels = [(0, text, 1, "x") for text in ("b", "9", "10", "a b", "a!", "a", "é", 'a"')]
    for store in stores:
        store.put(documents_of(outputs[0], counted) + documents_of(outputs[1], levels))  # type: ignore[arg-type]
    documents = check_alike(stores, default_pipeline, monkeypatch)
    statuses = [(row["status"], row["statusCount"]) for row in documents if "status" in row]
    assert statuses == [(503, 1), (None, 1), (-4, 1), (9, 3), (200, 1)]
    assert [row["level"] for row in documents if "level" in row] == ["10", "9", "a", "a b", "a!", 'a"', "b", "é"]


# Such as half of a surrogate pair, which is a text of Python's that no database has.
def test_what_the_database_cannot_read_is_settled_by_python(
    stores: tuple[DuckDbStore, DuckDbStore], default_pipeline: Pipeline, outputs: tuple[WindowedOutput, WindowedOutput],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(store_module, "settle_statement", lambda *_: "SELECT json_extract('\"\\ud800\"', '$') -- ?")
    store = stores[0]
    store.put(documents_of(outputs[1], [(0, "b", 1, "x"), (0, "a", 1, "x"), (0, "a", 1, "y")]))
    store.settle(default_pipeline)
    assert [row["levelCount"] for row in store.documents(outputs[1])] == [2, 1]
    assert store.last_documents(outputs[1], 1)[1] == 2


@pytest.mark.parametrize(
    ("sql_type", "name", "settles", "writes"),
    [
        ("BIGINT", "n", True, True),
        ("BOOLEAN", "is there", True, True),
        ("TIMESTAMP", "t", True, True),
        ("DOUBLE", "d", True, False),  # written in another way
        ("REAL", "r", False, False),  # a table holds less of it than JSON
        ("DECIMAL(9,2)", "d", False, False),
        ("VARCHAR(9)", 'a"b', False, True),
        ("VARCHAR(9)", "it's", False, True),
        ("VARCHAR(9)", "größe", False, True),
    ],
)
def test_which_outputs_the_database_settles(
    outputs: tuple[WindowedOutput, WindowedOutput], sql_type: str, name: str, settles: bool, writes: bool
) -> None:
    output = replace(outputs[0], columns=(OutputColumn(name, parse_type(sql_type), None),))
    assert (can_settle(output), can_write(output)) == (settles, writes)
    assert not can_settle(replace(output, is_settled_alone=False))
