"""The embedded store: what is settled once is read as often as one likes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import streamtally.local.store as module
from streamtally.aws.sinks.objects import Folder
from streamtally.local import run as run_module
from streamtally.local.arrival import ReadLine, arrive_when_logged, read_lines
from streamtally.local.logs import LogLine
from streamtally.local.run import LocalRun
from streamtally.local.sample import generate
from streamtally.local.store import DuckDbStore
from streamtally.transform.pipeline import Pipeline


def _lines(pipeline: Pipeline, count: int) -> Iterator[ReadLine]:
    parts = [f"{line}\n".encode() for line in generate(count, 4, rate=0.5)]
    lines = (LogLine("a.log", number, part, len(part)) for number, part in enumerate(parts, 1))
    return arrive_when_logged(read_lines(lines, pipeline.source, 0), 0)


@pytest.mark.parametrize("kept", [0, 7, 50_000])
def test_documents_are_the_same_from_memory_and_from_a_file(
    default_pipeline: Pipeline, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_KEPT_DOCUMENTS", kept)
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
