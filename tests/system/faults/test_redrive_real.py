"""redrive, the command: a real OpenSearch is asked, the simulator takes puts, objects lie in a folder or in S3."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import orjson
import pytest

from streamtally.aws.opensearch.connect import connect
from streamtally.aws.recovery.redrive import carry_out, plan_redrive
from streamtally.aws.sinks.objects import Bucket, Folder, ObjectStore
from streamtally.local.folder import read_folder
from streamtally.local.simulator.server import Server as HttpServer
from streamtally.local.stream_names import INGESTION, SUMMARY
from streamtally.recovery.decide import Rules
from streamtally.recovery.outcomes import GOES_BACK, S3_ALONE, STAYS, UNDECIDED
from streamtally.transform.pipeline import load_pipeline
from tests.integration.moto.conftest import CREDENTIALS
from tests.integration.opensearch.conftest import wipe
from tests.integration.opensearch.server import Server
from tests.system.faults.opensearch_end import OpenSearchEnd
from tests.system.faults.test_faults import changed_pipeline
from tests.system.faults.test_redrive import Dying
from tests.system.faults.world import SEAL, Faults, World, line_id_pipeline, make_line
from tests.unit.cli.operator_runner import Ran, run

pytestmark = [pytest.mark.opensearch, pytest.mark.xdist_group("opensearch")]
DAY_MS = 86_400_000
ROWS = Path(__file__).parents[3] / "pipelines" / "rows"


@pytest.fixture
def world(opensearch: Server, tmp_path: Path) -> Iterator[World]:
    wipe(opensearch)
    now = time.time_ns() // 1_000_000 // 60_000 * 60_000 - DAY_MS
    world = World(tmp_path, OpenSearchEnd(connect(opensearch.url), line_id_pipeline(), Faults(), now), now, Faults(1))
    world.max_failed_tries = 4
    yield world
    world.laptop.close()


@pytest.fixture
def firehose(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The world's streams over HTTP, found as AWS's are."""
    server = HttpServer(("127.0.0.1", 0), world.laptop.api, lambda path: None)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_FIREHOSE", url)
    yield url
    server.shutdown()
    server.server_close()


def fail_in_every_way(world: World) -> dict[str, bytes]:
    """Batches of which every try failed, one of each kind. Returns: lines that were taken out of an error file."""
    kinds = [
        ["error after the put"] * 4,  # counted
        ["put in part", "objects refused", *["throttled"] * 3],  # in part
        ["throttled"] * 4,  # not counted
        ["error after the put", "put refused", *["throttled"] * 3],  # parked
        ["error after the put", *["throttled"] * 3],  # counted; a line of its error file will be missing
    ]
    before: set[str] = set()
    for number, faults in enumerate(kinds):
        world.put([(world.now - 60_000 * n, [200, 404, 500][: n + 1]) for n in range(3)] + [(world.now, [301])])
        world.faults.next = list(faults)
        for _ in range(2):
            world.step(flush=True)
            world.now += 20_000
        assert world.faults.next == [], number
        (key,) = set(world.objects.keys("processing-failed/")) - before
        before.add(key)
    lines = world.objects.get(key).splitlines(keepends=True)
    world.objects.put(key, b"".join(lines[1:]))
    return {key + "-rest": lines[0]}


def add_more(world: World) -> None:
    """A line that no pipeline takes, and one that did not parse beside others, and now does."""
    world.laptop.api.put_record_batch(DeliveryStreamName=INGESTION, Records=[{"Data": b"no line of a log\n"}])
    world.put([(world.now, [200])])
    world.step(flush=True)
    key = next(key for key in world.objects.keys("20") if b'"response"' in world.objects.get(key))
    unparsed = {"line_id": "f" * 32, "unparsed": make_line(world.now, 418).decode().strip(), "reason": "x"}
    world.objects.put(key, world.objects.get(key) + orjson.dumps(unparsed) + b"\n")
    world.accepted[json_window(world.now), 418] += 1
    world.broken_lines += 2


def arguments(world: World, place: str, opensearch: Server) -> list[str]:
    """The command's, with the pipeline that the world has."""
    folder = world.folder / "pipeline"
    folder.mkdir(exist_ok=True)
    (folder / "pipeline.json").write_text(json.dumps(world.pipeline.document))
    secret = ["--secret", "envelope-secret"]  # see the fixture
    return ["redrive", place, "--opensearch", opensearch.url, "--pipeline", str(folder), "--json", *secret]


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command reads the secret that the world's function signs with."""
    monkeypatch.setattr("streamtally.cli.redrive.EnvelopeSecret", lambda client, name: lambda: SEAL)


def json_window(ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:00.000", time.gmtime(ms // 1000))


def check_told(ran: Ran) -> None:
    report = json.loads(ran.stdout)
    by_outcome: dict[str, int] = {}
    for group in report["groups"]:
        by_outcome[group["outcome"]] = by_outcome.get(group["outcome"], 0) + group["records"]
        assert group["examples"]
    assert by_outcome == {GOES_BACK: 5, S3_ALONE: 12, UNDECIDED: 3, STAYS: 1}
    assert (report["batches_found"], report["records"], ran.status) == (3, 20, 1)


def finish(world: World) -> None:
    world.finish(redrives=False)
    world.check()


# Batches counted, counted in part, parked, not counted, not to be told; a line that stays, one that works now: each is
# found to be what it is by what a real OpenSearch says, and each line counts once and is in S3 once.
def test_folder(world: World, firehose: str, opensearch: Server) -> None:
    rest = fail_in_every_way(world)
    add_more(world)
    args = arguments(world, str(world.folder / "log-bucket"), opensearch)
    args += ["--failed", str(world.folder / "log-summary-failed")]
    world.step(flush=True)
    dry = run(*args, "--dry-run")
    check_told(dry)
    keys = list(world.objects.keys(""))
    done = run(*args, "--yes")
    check_told(done)
    assert keys != list(world.objects.keys(""))
    for key, line in rest.items():  # what was missing comes late: nobody can tell, so it goes to S3 alone
        world.objects.put(key, line)
    world.finish(redrives=False)
    late = json.loads(run(*args, "--yes").stdout)
    assert [group["outcome"] for group in late["groups"]] == [UNDECIDED, STAYS]
    finish(world)
    assert json.loads(run(*args).stdout)["records"] == 0


# The same from a bucket of S3, with the template's prefixes, some of it gzip; without --failed nobody knows what was
# parked, so what the index does not know stays undecided.
def test_bucket(
    world: World, firehose: str, opensearch: Server, moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto_url)
    s3 = boto3.client("s3", endpoint_url=moto_url, region_name="us-east-1")
    fail_in_every_way(world)
    add_more(world)
    world.step(flush=True)
    for name, store in (("log-bucket", world.objects), ("log-summary-failed", world.failed_objects)):
        s3.create_bucket(Bucket=name)
        move(store, Bucket(s3, name))
    args = arguments(world, "s3://log-bucket", opensearch)
    blind = json.loads(run(*args, "--dry-run").stdout)
    assert len(blind["undecided"]) == 3 + 4 + 4  # covered; not counted; parked
    args += ["--failed", "s3://log-summary-failed"]
    check_told(run(*args, "--yes"))
    left = list(Bucket(s3, "log-bucket").keys(""))
    assert sum(key.startswith("processing-failed/") for key in left) == 1  # the line that no pipeline takes
    assert sum(key.startswith("redriven/2") for key in left) == 1
    parked = json.loads(
        run("redrive", "s3://log-summary-failed", "--json", "--yes", "--secret", "envelope-secret").stdout
    )
    assert parked["documents"] > 0
    assert list(Bucket(s3, "log-summary-failed").keys("")) == []
    world.finish(redrives=False)
    assert world.end.counts() == world.accepted
    assert json.loads(run(*args).stdout)["records"] == 0


def move(store: ObjectStore, bucket: Bucket) -> None:
    """What a stream with ``Prefix`` logs/ and GZIP would have written."""
    for number, key in enumerate(list(store.keys(""))):
        data = store.get(key)
        to = f"logs/{key}.gz" if key[:2] == "20" else key
        bucket.put(to, gzip.compress(data) if data[:2] != b"\x1f\x8b" and (number % 2 or key[:2] == "20") else data)
        store.delete(key)


# Killed after each of its requests in turn, what was put delivered or not, and run again: a real OpenSearch knows what
# the first run did.
@pytest.mark.parametrize("delivered", [False, True])
@pytest.mark.parametrize("requests", range(4))
def test_killed_half_way(world: World, requests: int, delivered: bool) -> None:
    for first in ("throttled", "error after the put"):
        world.put([(world.now - 60_000, [200, 404]), (world.now, [500])])
        world.faults.next = [first, *["throttled"] * 3]
        world.step(flush=True)
        world.now += 1_000
    world.step(flush=True)

    def redrive(client: Any) -> None:
        planned = plan_redrive(
            world.objects, Rules(world.pipeline, world.end.batches(), seal=SEAL), world.failed_objects
        )
        carry_out(world.objects, planned, client, INGESTION, SUMMARY)

    with contextlib.suppress(KeyboardInterrupt):
        redrive(Dying(world, requests))
    if delivered:
        for _ in range(3):
            world.step(flush=True)
    redrive(world.laptop.api)
    finish(world)


# Of windows that are closed nobody can tell, and they are not counted; the pipeline itself tells when that is.
def test_closed(world: World, firehose: str, opensearch: Server) -> None:
    world.put([(world.now, [200, 404])])
    world.faults.next = ["throttled"] * 4
    world.step(flush=True)
    args = arguments(world, str(world.folder / "log-bucket"), opensearch)
    (world.folder / "log-summary-failed").mkdir()
    args += ["--dry-run", "--failed", str(world.folder / "log-summary-failed")]
    assert json.loads(run(*args).stdout)["undecided"] == []
    name = f"inbox-{SUMMARY}"
    _, pipelines = opensearch.request("GET", f"/_ingest/pipeline/{name}")
    scripts = [processor["script"]["params"] for processor in pipelines[name]["processors"] if "script" in processor]
    for params in scripts:
        for output in params.get("outputs", {}).values():
            output["closed_before"] = world.now + 60_000
    assert opensearch.request("PUT", f"/_ingest/pipeline/{name}", pipelines[name])[0] == 200
    assert len(json.loads(run(*args).stdout)["undecided"]) == 1
    assert json.loads(run(*args, "--count").stdout)["undecided"] == []


# A pipeline that was never deployed there would make partials that nobody settles: refused, and nothing is done.
def test_another_pipeline(world: World, firehose: str, opensearch: Server) -> None:
    world.put([(world.now, [200])])
    world.faults.next = ["error after the put"] * 4
    world.step(flush=True)
    ran = run("redrive", str(world.folder / "log-bucket"), "--opensearch", opensearch.url, "--yes")
    assert (ran.status, "pass the deployed folder with --pipeline" in ran.error) == (2, True)
    assert "\n" not in ran.error
    assert list(world.objects.keys("processing-failed/"))


# A batch that was put in part by one pipeline is finished by the next, and one plan is chosen for all of it.
def test_across_a_deployment(world: World) -> None:
    assert isinstance(world.end, OpenSearchEnd)
    world.put([(world.now - 60_000 * n, [200, 404, 500][: n + 1]) for n in range(3)])
    world.faults.next = ["put in part", "objects refused", *["throttled"] * 3]
    for _ in range(2):
        world.step(flush=True)
    world.end.settle(world.now)
    assert 0 < world.end.counts().total() < world.accepted_lines
    world.pipeline = changed_pipeline(world)
    world.end.deploy(world.pipeline, world.now)
    assert world.redrive(world.objects, world.end.batches()).decision.batches_found == 1
    finish(world)


# Rows of a found batch: those that are there are left alone, those that are missing are put, by what the index says.
def test_rows(world: World, opensearch: Server) -> None:
    end = world.end
    assert isinstance(end, OpenSearchEnd)
    document = read_folder(ROWS)
    document["source"]["line_id"] = True
    world.pipeline = load_pipeline(document, ZoneInfo)
    end.deploy(world.pipeline, world.now)
    world.put([(world.now - 60_000 * n, [200, 404, 404][: n + 1]) for n in range(3)])
    world.faults.next = ["put in part", "objects refused", *["throttled"] * 3]
    for _ in range(2):
        world.step(flush=True)
    outputs = ",".join(f"{output.settings.index}-2*" for output in world.pipeline.outputs.values())

    def rows() -> int:
        opensearch.request("POST", "/_all/_refresh")
        return int(opensearch.request("GET", f"/{outputs}/_count")[1]["count"])

    assert 0 < rows() < 6
    for _ in range(2):
        assert plan_redrive(world.objects, Rules(world.pipeline, end.batches(), seal=SEAL)).decision.batches_found == 1
        planned = plan_redrive(world.objects, Rules(world.pipeline, end.batches(), seal=SEAL))
        keep = {key: world.objects.get(key) for key in world.objects.keys("processing-failed/")}
        carry_out(world.objects, planned, world.laptop.api, INGESTION, SUMMARY)
        world.finish(redrives=False)
        assert rows() == 6
        for key, data in keep.items():  # as if it had been killed before it took them out
            Folder.put(world.objects, key, data)
