"""reconcile, backfill and line_id, on a real OpenSearch."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.objects import Folder
from streamtally.aws.opensearch import Cluster, connect
from streamtally.local.folder import read_folder
from streamtally.pipeline import load_pipeline, transform
from streamtally.records import decode_records
from tests.cli import operator_runner
from tests.conformance.contract import events
from tests.faults.opensearch_end import OpenSearchEnd
from tests.faults.world import Faults, World, line_id_pipeline, make_line
from tests.opensearch.conftest import wipe
from tests.opensearch.server import Server

pytestmark = [pytest.mark.opensearch, pytest.mark.xdist_group("opensearch")]
DAY_MS = 86_400_000


@pytest.fixture
def world(opensearch: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("COLUMNS", "300")
    wipe(opensearch)
    now = time.time_ns() // 1_000_000 - DAY_MS
    pipeline = line_id_pipeline()
    world = World(tmp_path, OpenSearchEnd(connect(opensearch.url), pipeline, Faults(), now), now, Faults())
    world.put([(now - 60_000, [200, 404]), (now, [200, 500, 500])], broken=1)
    world.finish()
    world.check()
    yield world
    world.laptop.close()


def run(command: str, *arguments: str) -> tuple[int, str]:
    ran = operator_runner.run(command, *arguments)
    return ran.status, ran.stdout + ran.error


# Nothing differs: status 0, also with a twin, which its line_id tells. A line more (with no id to tell), a line fewer,
# a window that the index does not know: each is a row, and status 1.
def test_reconcile(world: World, opensearch: Server) -> None:
    bucket = str(world.folder / "log-bucket")
    assert run("reconcile", bucket, "--opensearch", opensearch.url)[0] == 0
    key = next(iter(world.objects.keys("20")))
    whole = world.objects.get(key)

    world.objects.put(key, whole + whole.splitlines(keepends=True)[0])
    status, text = run("reconcile", bucket, "--opensearch", opensearch.url)
    assert (status, "twins left out: 1" in text) == (0, True)

    plain = re.sub(rb'"line_id":"\w+",', b"", whole)
    Folder.put(world.objects, key, plain + plain.splitlines(keepends=True)[0])
    status, text = run("reconcile", bucket, "--opensearch", opensearch.url)
    assert (status, "twins in S3" in text, "1 differences" in text) == (1, True, True)

    world.objects.put(key, b"".join(whole.splitlines(keepends=True)[1:]))
    status, text = run("reconcile", bucket, "--opensearch", opensearch.url)
    assert (status, "error prefix" in text) == (1, True)
    assert run("reconcile", bucket, "--opensearch", opensearch.url, "--to", "2001-01-01T00:00")[0] == 0

    Folder.put(world.objects, key, whole + make_line(world.now - 3 * 3_600_000, 418))
    status, text = run("reconcile", bucket, "--opensearch", opensearch.url)
    assert (status, "not settled yet" in text) == (1, True)


# Old logs, raw and gzip, twice: the counts are those of the lines, once.
def test_backfill(opensearch: Server, tmp_path: Path) -> None:
    import gzip

    wipe(opensearch)
    now = time.time_ns() // 1_000_000 - DAY_MS
    (tmp_path / "a.log").write_bytes(make_line(now, 200) * 30 + make_line(now, 404))
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(make_line(now, 200) * 5))
    (tmp_path / "c.log.gz").write_bytes(gzip.compress(make_line(now, 200) * 5)[:-5])
    for _ in range(2):
        status, text = run("backfill", str(tmp_path), "--opensearch", opensearch.url, "--yes")
        assert (status, "lines: 36; rows: 36" in text, "c.log.gz" in text) == (1, True, True)
    cluster: Cluster = connect(opensearch.url)
    cluster.request("POST", "/_all/_refresh")
    hits = cluster.request("POST", "/request_data/_search")["hits"]["hits"]
    assert {hit["_source"]["status"]: hit["_source"]["statusCount"] for hit in hits} == {200: 35, 404: 1}


# With line_id each line has an id, the same on a repeat and another for each line; JSON stays JSON, and parses again.
def test_line_id() -> None:
    document = read_folder(None)
    document["source"]["line_id"] = True
    pipeline = load_pipeline(document, ZoneInfo)
    sent = events.event(events.LINE + b"\n" + events.LINE, b'{"response": 200}', b" { }", events.BROKEN_LINE + b"\n{}")
    first, again = (transform(pipeline, decode_records(sent["records"], 0)) for _ in range(2))
    lines = b"".join(result.data for result in first.results).splitlines()
    ids = [json.loads(line)["line_id"] for line in lines]
    assert len(lines) == len(set(ids)) >= 4
    assert [result.data for result in first.results] == [result.data for result in again.results]
