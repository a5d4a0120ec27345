"""What a real OpenSearch tells redrive of batches."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.opensearch.connect import connect
from streamtally.aws.recovery import batches
from streamtally.aws.recovery.batches import IndexedBatches, read_closed
from streamtally.indices.spec import read_specs
from streamtally.local.folder import read_folder
from streamtally.local.opensearch_store import OpenSearchStore
from streamtally.local.stream_names import SUMMARY
from streamtally.recovery.batches import FoundBatch
from streamtally.transform.batch import describe_batch
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.record import Record
from streamtally.transform.transform import iter_documents, transform
from tests.integration.opensearch.conftest import wipe
from tests.integration.opensearch.server import Server
from tests.system.faults.world import make_line

pytestmark = [pytest.mark.opensearch, pytest.mark.xdist_group("opensearch")]
NOW = time.time_ns() // 1_000_000 // 60_000 * 60_000
ROWS = Path(__file__).parents[3] / "pipelines" / "rows"


def make_batch(number: int) -> list[Record]:
    """A record of an earlier minute, and one of now, in a batch."""
    times = [NOW - 600_000, NOW]
    lines = [make_line(at, status) for at in times for status in (200, 404)]
    return [
        Record(f"{number}-{place}", f"{number}-{place}", NOW + number, NOW + number, "", line, line)
        for place, line in enumerate(lines)
    ]


def arrivals(batches: Iterable[FoundBatch]) -> set[tuple[str, int, int, int]]:
    return {(batch.digest, batch.records, batch.first_arrival, batch.last_arrival) for batch in batches}


# Every batch that has a document in the index is found by its arrivals, each once, whatever its kind and page.
@pytest.mark.parametrize("folder", [None, ROWS], ids=["windowed", "rows"])
@pytest.mark.parametrize("page", [1, 2, 1_000])
def test_found_by_arrival(
    opensearch: Server,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path | None,
    page: int,
) -> None:
    wipe(opensearch)
    monkeypatch.setattr(batches, "PAGE", page)
    document = read_folder(folder)
    pipeline = load_pipeline(document, ZoneInfo)
    cluster = connect(opensearch.url)
    specs = read_specs(document, SUMMARY)
    assert IndexedBatches(cluster, specs).find(NOW, NOW + 10) == []

    store = OpenSearchStore(cluster, pipeline, "run")
    made = [make_batch(number) for number in range(4)]
    for batch in made:
        store.put(iter_documents(transform(pipeline, batch).deliveries))
    store.settle(pipeline)

    expected = {(describe_batch(records).digest, 4, NOW + n, NOW + n) for n, records in enumerate(made)}
    find = IndexedBatches(cluster, specs).find
    assert arrivals(find(NOW, NOW + 10)) == expected
    assert len(find(NOW + 1, NOW + 2)) == 2
    assert set(read_closed(cluster, specs)) == {output.name for spec in specs for output in spec.outputs}
