"""reconcile, backfill and line_id, on a real OpenSearch."""

from __future__ import annotations

import gzip
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import boto3
import pytest

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.connect import connect
from streamtally.aws.sinks.objects import Folder
from streamtally.local.folder import read_folder
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import transform
from tests.integration.moto.conftest import CREDENTIALS, REGION
from tests.integration.opensearch.conftest import wipe
from tests.integration.opensearch.server import Server
from tests.system.conformance.contract import events
from tests.system.faults.opensearch_end import OpenSearchEnd
from tests.system.faults.world import Faults, World, line_id_pipeline, make_line
from tests.unit.cli import operator_runner

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
    assert (status, "duplicates skipped: 1" in text) == (0, True)

    plain = re.sub(rb'"line_id":"\w+",', b"", whole)
    Folder.put(world.objects, key, plain + plain.splitlines(keepends=True)[0])
    status, text = run("reconcile", bucket, "--opensearch", opensearch.url)
    assert (status, "S3 has duplicates" in text, "1 difference" in text) == (1, True, True)

    world.objects.put(key, b"".join(whole.splitlines(keepends=True)[1:]))
    status, text = run("reconcile", bucket, "--opensearch", opensearch.url)
    assert (status, "error prefix" in text) == (1, True)
    assert run("reconcile", bucket, "--opensearch", opensearch.url, "--to", "2001-01-01T00:00")[0] == 0

    Folder.put(world.objects, key, whole + make_line(world.now - 3 * 3_600_000, 418))
    status, text = run("reconcile", bucket, "--opensearch", opensearch.url)
    assert (status, "not settled yet" in text) == (1, True)


# A line that is too old for its arrival counts in the arrival's window: both sides say so.
def test_out_of_range(world: World, opensearch: Server) -> None:
    world.put([(world.now - 30 * DAY_MS, [418])])
    world.finish()
    assert settled(opensearch)[418] == 1
    status, text = run("reconcile", str(world.folder / "log-bucket"), "--opensearch", opensearch.url)
    assert (status, "2 differences" in text) == (1, True)
    assert "out of range (max_past, max_ahead): counted in the window of the arrival" in text
    assert "1 rows out of range (max_past, max_ahead) are counted here by their arrival" in text


# Old logs, raw and gzip, twice: the counts are those of the lines, once.
def test_backfill(opensearch: Server, tmp_path: Path) -> None:
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


def settled(opensearch: Server) -> dict[int, int]:
    """Status → lines, over all windows."""
    opensearch.request("POST", "/_all/_refresh")
    _, answer = opensearch.request("GET", "/request_data/_search?size=1000")
    counts: Counter[int] = Counter()
    for hit in answer["hits"]["hits"]:
        counts[hit["_source"]["status"]] += hit["_source"]["statusCount"]
    return dict(counts)


# Logs of the same name in two folders are two logs; one that has grown since counts its new lines alone; a folder of
# folders is the same logs again; names may be anything that a file system takes.
def test_backfill_identities(opensearch: Server, tmp_path: Path) -> None:
    wipe(opensearch)
    now = time.time_ns() // 1_000_000 - DAY_MS
    hostile = os.fsdecode(b"a \x1b[31m\n\xff<b>.log")
    for folder, status in (("one", 200), ("two", 404)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "access.log").write_bytes(make_line(now, status) * 3)
    (tmp_path / "two" / hostile).write_bytes(make_line(now, 500))
    (tmp_path / "two" / "undelivered").mkdir()
    (tmp_path / "two" / "undelivered" / "x").write_bytes(make_line(now, 503))
    for folder in ("one", "two", ".", "two"):
        assert run("backfill", str(tmp_path / folder), "--opensearch", opensearch.url, "--yes")[0] == 0
    assert settled(opensearch) == {200: 3, 404: 3, 500: 1}
    with (tmp_path / "one" / "access.log").open("ab") as log:
        log.write(make_line(now, 200) * 2 + make_line(now, 301))
    for _ in range(2):
        assert run("backfill", str(tmp_path / "one"), "--opensearch", opensearch.url, "--yes")[0] == 0
    assert settled(opensearch) == {200: 5, 404: 3, 500: 1, 301: 1}
    (tmp_path / "two" / hostile).write_bytes(gzip.compress(b"x")[:-1])
    status, text = run("backfill", str(tmp_path / "two"), "--opensearch", opensearch.url, "--yes")
    assert (status, "not read: a \\x1b[31m\\x0a\\udcff<b>.log: " in text) == (1, True)


# From a bucket of S3, plain and gzip, twice, whole and by a prefix alone; and what reconcile then says of the bucket.
def test_bucket(opensearch: Server, moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wipe(opensearch)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto_url)
    s3 = boto3.client("s3", endpoint_url=moto_url, region_name=REGION)
    s3.create_bucket(Bucket="old-logs")
    now = time.time_ns() // 1_000_000 - DAY_MS
    hour = time.strftime("%Y/%m/%d/%H", time.gmtime(now // 1000))
    lines = make_line(now, 200) * 7 + make_line(now, 404) * 2
    for key, data in {
        f"logs/{hour}/s-1-x.gz": gzip.compress(lines),
        f"logs/{hour}/s-1-y": lines,
        "logs/2001/01/01/00/s-1-z": make_line(978_307_200_000, 200),
        "errors/processing-failed/2001/01/01/00/s-1-z": b"{}",
    }.items():
        s3.put_object(Bucket="old-logs", Key=key, Body=data)
    args = ["--opensearch", opensearch.url]
    for place in ("s3://old-logs", f"s3://old-logs/logs/{hour}", "s3://old-logs/"):
        assert run("backfill", place, *args, "--yes")[0] == 0
    assert settled(opensearch) == {200: 15, 404: 4}
    assert run("reconcile", "s3://old-logs", *args)[0] == 0
    s3.put_object(Bucket="old-logs", Key=f"logs/{hour}/s-1-w", Body=make_line(now, 404))
    ran = operator_runner.run("reconcile", "s3://old-logs", *args, "--from", f"{hour[:10].replace('/', '-')}", "--json")
    report = json.loads(ran.stdout)
    assert (ran.status, len(report["differences"]), report["lines"], report["objects_left_out"]) == (1, 1, 19, 1)
    assert report["differences"][0]["in_s3"]["statusCount"] == 5
    assert report["differences"][0]["settled"]["statusCount"] == 4


# Whatever is wrong with what is given is one line, and exit status 2.
@pytest.mark.parametrize("command", [["reconcile"], ["backfill", "--yes"]])
def test_bad_input(command: list[str], opensearch: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    good = ["--opensearch", opensearch.url]
    (tmp_path / "file").write_text("x")
    bad = [
        [str(tmp_path / "nothing"), *good],
        [str(tmp_path / "file"), *good],
        ["s3://", *good],
        ["s3://nobodys-bucket", *good],
        [str(tmp_path), "--opensearch", "http://127.0.0.1:9"],
        [str(tmp_path), "--opensearch", "nonsense"],
        [str(tmp_path), "--pipeline", str(tmp_path / "nothing"), *good],
    ]
    if command[0] == "reconcile":
        bad.append([str(tmp_path), "--from", "yesterday", *good])
        bad.append([str(tmp_path), "--from", "2025-03-02", "--to", "2025-03-01", *good])
    for args in bad:
        ran = operator_runner.run(*command, *args)
        assert ran.status == 2, args
        assert ran.error.strip()
        assert "\n" not in ran.error, args


# With line_id each line has an id, the same on a repeat and another for each line; JSON stays JSON, and parses again.
def test_line_id() -> None:
    document = read_folder(None)
    document["source"]["line_id"] = True
    pipeline = load_pipeline(document, ZoneInfo)
    sent = events.event(events.LINE + b"\n" + events.LINE, b'{"response": 200}', b" { }", events.BROKEN_LINE + b"\n{}")
    first, again = (transform(pipeline, decode_records(sent["records"], 0)) for _ in range(2))
    lines = b"".join(result.data for result in first.responses).splitlines()
    ids = [json.loads(line)["line_id"] for line in lines]
    assert len(lines) == len(set(ids)) >= 4
    assert [result.data for result in first.responses] == [result.data for result in again.responses]
