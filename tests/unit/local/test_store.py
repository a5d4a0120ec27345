"""The embedded store: what is settled once is read as often as one likes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import orjson
import pytest

from streamtally.aws.sinks.objects import Folder
from streamtally.ids import canonical_json
from streamtally.local import kept as kept_module
from streamtally.local import run as run_module
from streamtally.local import store as store_module
from streamtally.local.arrival import ReadLine, arrive_when_logged, read_lines
from streamtally.local.logs import LogLine
from streamtally.local.run import LocalRun
from streamtally.local.sample import generate
from streamtally.local.store import DuckDbStore, interrupted_queries
from streamtally.transform.pipeline import Pipeline


def _lines(pipeline: Pipeline, count: int) -> Iterator[ReadLine]:
    parts = [f"{line}\n".encode() for line in generate(count, 4, rate=0.5)]
    lines = (LogLine("a.log", number, part, len(part)) for number, part in enumerate(parts, 1))
    return arrive_when_logged(read_lines(lines, pipeline.source, 0), 0)


# Documents are the same from the database, from memory and from a file.
@pytest.mark.parametrize("kept", [None, 0, 7, 50_000])
def test_what_is_settled_once_is_read_several_times(
    default_pipeline: Pipeline, kept: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kept is not None:
        monkeypatch.setattr(kept_module, "MAX_KEPT_DOCUMENTS", kept)
        monkeypatch.setattr(store_module, "can_settle", lambda _: False)
    store = DuckDbStore(tmp_path / "results.duckdb")
    run = LocalRun(default_pipeline, Folder(tmp_path / "bucket"), store)
    run.run(_lines(default_pipeline, 500), 25)
    store.settle(default_pipeline)
    output = next(iter(default_pipeline.outputs.values()))
    monkeypatch.setattr(DuckDbStore, "_settled", lambda *_: pytest.fail("it is settled a second time"))
    settled = list(store.documents(output))
    beside = store.documents(output)
    assert [next(beside) for _ in settled] == list(store.documents(output)) == settled
    monkeypatch.undo()
    assert sum(document["statusCount"] for document in settled) == run.ledger.rows
    # More documents of another run: what was kept no longer counts.
    again = LocalRun(default_pipeline, Folder(tmp_path / "bucket"), store, "1")
    again.run(_lines(default_pipeline, 500), 25)
    assert sum(document["statusCount"] for document in store.documents(output)) == 2 * run.ledger.rows
    store.close()


# A quiet site's log makes many batches of few documents. They are stored together; none waits when the run is over.
@pytest.mark.parametrize("at_once", [1, 100, 10_000])
def test_documents_are_stored_together(
    default_pipeline: Pipeline, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "DOCUMENTS_PER_PUT", at_once)
    puts: list[int] = []

    class Store:
        def put(self, documents: list[bytes]) -> None:
            puts.append(len(documents))

    run = LocalRun(default_pipeline, Folder(tmp_path), Store())  # type: ignore[arg-type]
    run.run(_lines(default_pipeline, 2_000), 25)
    partials = sum(output.documents for output in run.ledger.outputs.values())
    assert sum(puts) == partials
    assert all(size >= at_once for size in puts[:-1])
    assert len(puts) <= partials // at_once + 1


def _partial(key: list[object], rows: int = 1, partial_id: str = "", **columns: object) -> bytes:
    tally = {
        "output": "COUNTS",
        "window_start": "2024-02-29T23:59:00.000Z",
        "partial_id": partial_id or canonical_json(key).decode(),
        "batch_id": "b",
        "plan_id": "p",
        "state": {"key": key, "rows": rows, "aggregates": [rows]},
    }
    return orjson.dumps({**columns, "tally": tally})


_KEYS: list[list[object]] = [
    [], [200], ["a.b e1"], [1.0], [1e16, -0.5], [True, None], ["é"], ['"\\'], ["\x7f"], ["\x1f/"], [2**63, "x"],
    ["]", 2.5], ["e9", "\u2028"], [-(2**63)],
]  # fmt: skip


# The database reads most documents itself. A key has one text however it is read, or its partials would be two groups.
@pytest.mark.parametrize("key", _KEYS, ids=str)
def test_keys_are_canonical_json(key: list[object], tmp_path: Path) -> None:
    path = tmp_path / "results.duckdb"
    store = DuckDbStore(path)
    row = {"output": "ROWS", "time": "1969-12-31T23:59:59.001Z", "row_id": "r", "batch_id": "b", "plan_id": "p"}
    store.put([_partial(key) + b"\n", orjson.dumps({"tally": row})])
    store.close()
    with duckdb.connect(str(path)) as database:
        rows = database.execute("SELECT id, output, time, key, batch_id, plan_id FROM documents ORDER BY id").fetchall()
    text = canonical_json(key).decode()
    partial = (text, "COUNTS", 1_709_251_140_000, text, "b", "p")
    assert sorted(rows) == sorted([partial, ("r", "ROWS", -999, "", "b", "p")])


@pytest.mark.parametrize("is_keyed", [False, True])
def test_a_document_replaces_one_with_the_same_id(is_keyed: bool, tmp_path: Path) -> None:
    path = tmp_path / "results.duckdb"
    if is_keyed:  # as earlier versions made it
        with duckdb.connect(str(path)) as database:
            database.execute(
                "CREATE TABLE documents (id VARCHAR PRIMARY KEY, output VARCHAR NOT NULL, time BIGINT, key VARCHAR, "
                "batch_id VARCHAR NOT NULL, plan_id VARCHAR NOT NULL, document VARCHAR NOT NULL)"
            )
    store = DuckDbStore(path)
    store.put([_partial([1], 1, "x"), _partial([2], 1, "y"), _partial([1], 2, "x")])
    store.put([_partial([1], 3, "x")])
    store.close()
    with duckdb.connect(str(path)) as database:
        documents = database.execute("SELECT document FROM documents ORDER BY id").fetchall()
    assert [text.encode() for (text,) in documents] == [_partial([1], 3, "x"), _partial([2], 1, "y")]


@pytest.mark.parametrize(
    ("raised", "seen"), [("Query interrupted", KeyboardInterrupt), ("another error", RuntimeError)]
)
def test_an_interrupted_query_is_an_interruption(raised: str, seen: type[BaseException]) -> None:
    with pytest.raises(seen), interrupted_queries():
        raise RuntimeError(raised)
