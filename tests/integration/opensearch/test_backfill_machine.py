"""The state machine of old logs, state by state, with its functions' code on a real server and folders as buckets."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.connect import connect
from streamtally.aws.sinks.objects import Folder
from streamtally.backfill import reading
from streamtally.backfill.steps import run_step
from streamtally.cli.main import cli
from streamtally.local.folder import read_folder
from streamtally.transform.pipeline import load_pipeline
from tests.integration.opensearch.conftest import wipe
from tests.integration.opensearch.server import Server
from tests.integration.opensearch.state_machine import Execution, Failed, Json
from tests.integration.opensearch.test_spark_load import settled
from tests.unit.template.cfn import Deployment, load_template
from tests.unit.template.test_template import OLD_LOGS

LINE = '198.51.100.%d - - [08/Sep/2017:%02d:%02d:00 +0000] "GET /%d HTTP/1.1" %d 100 "-" "test"\n'
ENVIRONMENT = {"FAILED_BUCKET": "failed", "SUMMARY_STREAM": "log-summary"}


def definition() -> Json:
    parameters = {**OLD_LOGS, "FailedBucket": "existing", "FailedBucketName": "failed"}
    return json.loads(
        Deployment(load_template(), **parameters).resources()["BackfillMachine"]["Properties"]["DefinitionString"]
    )


class Account:
    """The buckets ``old-logs`` and ``failed`` as folders, and the functions.

    Attributes:
        fails: is called with each event; what it raises is an invocation that was killed, after its work.
    """

    def __init__(self, root: Path, url: str) -> None:
        self._root, self._url = root, url
        self._pipeline = load_pipeline(read_folder(None), ZoneInfo)
        self.fails: Callable[[Json], None] = lambda event: None
        self.seconds = 900.0
        self.events: list[Json] = []

    def invoke(self, arn: str, event: Json) -> Json:
        assert arn == f"<Backfill{'Read' if event['step'] == 'read' else 'Load'}Function.Arn>"
        self.events.append(event)
        open_store = lambda address: Folder(self._root / address.removeprefix("s3://"))  # noqa: E731
        result = run_step(
            event, self._pipeline, ENVIRONMENT, lambda: self.seconds, open_store, lambda: connect(self._url)
        )
        self.fails(event)
        return json.loads(json.dumps(result))

    def keys(self, bucket: str, prefix: str) -> list[str]:
        return list(Folder(self._root / bucket).keys(prefix))

    def run(self, name: str, retries: int | None = None) -> Execution:
        return Execution(definition(), name, self.invoke, self.keys, retries)


@pytest.fixture
def account(cluster: Cluster, opensearch: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr(reading, "PART_BYTES", 20_000)
    logs = tmp_path / "old-logs" / "2017"
    logs.mkdir(parents=True)
    for part in range(3):
        lines = [LINE % (n % 9, n % 24, n * 7 % 60, n % 5, (200, 304, 404)[n % 3]) for n in range(part, 3_000, 3)]
        data = "".join(lines).encode()
        (logs / f"access-{part}.log").write_bytes(gzip.compress(data) if part == 1 else data)
    (tmp_path / "old-logs" / "2018.log").write_text("this is not below the prefix\n")
    return Account(tmp_path, opensearch.url)


def loaded_by_backfill(opensearch: Server, cluster: Cluster, folder: Path) -> list[dict[str, Any]]:
    wipe(opensearch)
    arguments = ["backfill", str(folder), "--opensearch", opensearch.url, "--yes"]
    assert not cli.main(arguments, standalone_mode=False)
    return settled(cluster)


def test_the_counts_are_those_of_backfill_whatever_fails(
    account: Account, opensearch: Server, cluster: Cluster, tmp_path: Path
) -> None:
    killed: set[str] = set()

    def kill_once(event: Json) -> None:
        name = json.dumps(event, sort_keys=True)
        if name not in killed:
            killed.add(name)
            raise TimeoutError("the answer was lost")

    account.fails = kill_once
    output = account.run("first").start({"prefix": "2017/"})
    assert (output["settled"]["lines"], output["settled"]["rows"], output["settled"]["problems"]) == (3_000, 3_000, 0)
    steps = [event["step"] for event in account.events]
    assert {step: steps.count(step) for step in ("read", "open", "settle")} == {"read": 6, "open": 2, "settle": 2}
    assert steps.count("put") > 6  # several parts an object
    by_machine = settled(cluster)
    assert by_machine
    # Again, as another execution: recognised, or put over itself; nothing counts twice.
    account.run("second").start({"prefix": "2017/"})
    assert settled(cluster) == by_machine
    assert loaded_by_backfill(opensearch, cluster, tmp_path / "old-logs" / "2017") == by_machine


def test_a_redrive_goes_on_where_it_failed(
    account: Account, opensearch: Server, cluster: Cluster, tmp_path: Path
) -> None:
    expected = loaded_by_backfill(opensearch, cluster, tmp_path / "old-logs" / "2017")
    for step in ("read", "put", "settle"):
        wipe(opensearch)
        count = 0

        def kill(event: Json, step: str = step) -> None:
            nonlocal count
            count += event["step"] == step
            if event["step"] == step and count == (2 if step in ("read", "put") else 1):
                raise TimeoutError("killed")

        account.fails, account.events = kill, []
        execution = account.run(f"at-{step}", retries=0)
        with pytest.raises(Failed, match="killed"):
            execution.start({"prefix": "2017/"})
        before = len(account.events)
        assert execution.redrive()["settled"]["lines"] == 3_000
        again = [event["step"] for event in account.events[before:]]
        assert "read" not in again or step == "read"
        assert again.count("read") == (2 if step == "read" else 0)
        assert settled(cluster) == expected


def test_what_cannot_be_loaded_is_said_and_the_rest_counts(account: Account, cluster: Cluster, tmp_path: Path) -> None:
    folder = tmp_path / "old-logs" / "2017"
    (folder / "broken.gz").write_bytes(gzip.compress((LINE % (1, 1, 1, 1, 200)).encode() * 40_000)[:-2_000])
    row = {"line_id": "0" * 31 + "1", "host": "192.0.2.1", "datetime": "08/Sep/2017:08:47:00 +0000", "response": 200}
    (folder / "delivered").write_text(json.dumps(row, separators=(",", ":")) + "\n")
    with pytest.raises(
        Failed, match=r"^NotAllLoaded: 2 problems, all of them in .*report.json: 2017/broken.gz"
    ) as error:
        account.run("one").start({"prefix": "2017/"})
    assert "2017/delivered: its lines have a line_id: load it with streamtally backfill" in str(error.value)
    report = json.loads((tmp_path / "failed" / "backfill" / "one" / "report.json").read_text())
    assert (report["lines"], len(report["problems"])) == (3_000, 2)
    assert settled(cluster)


def test_an_object_that_takes_too_long_is_said(account: Account) -> None:
    account.seconds = 40
    with pytest.raises(Failed, match=r"access-0\.log: does not end within one invocation"):
        account.run("slow").start({"prefix": "2017/"})
    assert not account.keys("failed", "backfill/slow/parts/")


@pytest.mark.parametrize("data", [{}, {"prefix": 1}, {"prefix": "2017"}])
def test_a_wrong_input_is_refused(account: Account, data: Json) -> None:
    with pytest.raises(Failed, match="BadInput: The input must be"):
        account.run("wrong").start(data)
    assert account.events == []
