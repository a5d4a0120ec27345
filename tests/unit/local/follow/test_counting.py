"""What followed lines come to is what a run over the same lines comes to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from streamtally.aws.sinks.objects import Folder
from streamtally.local.batch_work import BatchWorker
from streamtally.local.folder import read_folder
from streamtally.local.follow.counting import FollowCounting, Rate
from streamtally.local.follow.follower import Follower
from streamtally.local.follow.objects import MAX_SECONDS, CollectedObjects
from streamtally.local.line_lists import read_line_lists
from streamtally.local.raw_batches import RawLog
from streamtally.local.run import LocalRun
from streamtally.local.store import DuckDbStore
from streamtally.local.team import Job, Team
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline, load_pipeline

NOW_MS = 1_504_860_423_000
PLAIN = b'198.51.100.7 - - [08/Sep/2017:08:%02d:00 +0000] "GET /%d HTTP/1.1" 200 5316 "-" "test"\n'
LINES = b"".join(PLAIN % (n % 60, n) for n in range(40))
CRI = b"2025-06-11T00:00:0%d.000000000Z stdout %s %s\n"
LOGS = {
    "plain": LINES,
    "untimed": LINES[:500] + b"at com.example.Main(Main.java:1)\n" * 9 + PLAIN % (59, 1) + b"Caused by: x\n",
    "headers": b"#Software: IIS\n#Fields: date time c-ip cs-method cs-uri-stem sc-status\n"
    + b"".join(b"2025-06-11 00:00:%02d 192.0.2.1 GET /a 200\n" % n for n in range(20))
    + b"#Fields: date time c-ip sc-status\n2025-06-11 00:01:00 192.0.2.2 404\n",
    "parts": LINES[:170] + CRI % (1, b"P", b"one ") + CRI % (2, b"F", b"line") + CRI % (4, b"P", b"x") + LINES[:85],
    "too long": LINES[:170] + b"y" * 1_100_000 + b"\n" + LINES[:85] + b"z" * 1_024_001,
    "a mark": b"\xef\xbb\xbf" + LINES[:300] + b"\n\r\n\n" + LINES[300:],
    "not utf-8": LINES + b"\xff\xfe 192.0.2.1\n" + LINES[:-1],
}


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return load_pipeline(json.loads(json.dumps(read_folder(None))), ZoneInfo)


def settled(pipeline: Pipeline, store: DuckDbStore) -> dict[str, list[Any]]:
    return {name: list(store.documents(output)) for name, output in pipeline.outputs.items()}


def in_a_run(pipeline: Pipeline, names: list[str], folder: Path) -> tuple[Any, ...]:
    store = DuckDbStore(folder / "run.duckdb")
    run = LocalRun(pipeline, Folder(folder / "run"), store)
    raw = (RawLog(read_line_lists(name, lambda _: None), NOW_MS, None) for name in names)
    run.run_logs(raw, 1, Team(Job(pipeline, "", {})))
    return (
        counts(run.ledger),
        settled(pipeline, store),
        sorted(run.summary.minutes(), key=repr),
        s3_lines(folder / "run"),
    )


def counts(ledger: Ledger) -> Any:
    """A ledger without what depends on where batches end: records, documents, calls."""
    outputs = {
        name: (output.emitted, output.filtered, output.eval_failed, output.out_of_range, output.reasons)
        for name, output in ledger.outputs.items()
    }
    return ledger.line_classes(), ledger.reasons, outputs


def s3_lines(folder: Path) -> list[str]:
    """The delivered lines of all objects, without their ids, which depend on the order in which logs were read.

    The others say when they were tried, which depends on the batch.
    """
    lines = [orjson.loads(line) for path in folder.rglob("*") if path.is_file() for line in path.open("rb")]
    delivered = [line for line in lines if "errorCode" not in line]
    return sorted(json.dumps({name: line[name] for name in line if "id" not in name.lower()}) for line in delivered)


@pytest.mark.parametrize("per_record", [1, 3])
@pytest.mark.parametrize("name", LOGS)
def test_as_in_a_run(pipeline: Pipeline, name: str, per_record: int, tmp_path: Path) -> None:
    logs = {tmp_path / "a.log": LOGS[name], tmp_path / "b.log": LINES[:2_000]}
    follower = Follower([str(path) for path in logs])
    store = DuckDbStore(tmp_path / "follow.duckdb")
    objects = CollectedObjects(Folder(tmp_path / "follow"))
    run = LocalRun(pipeline, objects, store)
    counting = FollowCounting(run, BatchWorker(pipeline, "", {}), per_record, lambda: NOW_MS, arrives_now=False)
    for share in range(4):
        for path, data in logs.items():
            with path.open("ab") as file:
                file.write(data[share * len(data) // 4 : (share + 1) * len(data) // 4])
        counting.take(follower.poll())
        counting.forget(follower.logs)
    counting.take(list(follower.finish()))
    run.put()
    objects.write_due(is_last=True)
    counted, documents, minutes, lines = in_a_run(pipeline, [str(path) for path in logs], tmp_path)
    assert counts(run.ledger) == counted
    assert settled(pipeline, store) == documents
    assert sorted(run.summary.minutes(), key=repr) == minutes
    assert per_record > 1 or s3_lines(tmp_path / "follow") == lines
    assert sum(counting.classes.values()) == run.ledger.rows
    unread = run.ledger.unparsed + run.ledger.failed
    assert len(counting.newest) == min(unread, 50)


def test_objects_are_collected(tmp_path: Path) -> None:
    now = [0.0]
    objects = CollectedObjects(Folder(tmp_path), lambda: now[0])
    objects.put("2025/03/01/08/a", b"1\n")
    now[0] = MAX_SECONDS / 2
    objects.put("2025/03/01/08/b", b"2\n")
    objects.put("2025/03/01/09/c", b"3\n")
    objects.write_due()
    assert list(objects.keys()) == []
    now[0] = MAX_SECONDS
    objects.write_due()
    assert list(objects.keys()) == ["2025/03/01/08/a"]
    assert objects.get("2025/03/01/08/a") == b"1\n2\n"
    objects.write_due(is_last=True)
    assert objects.get("2025/03/01/09/c") == b"3\n"


def test_the_rate_is_of_the_last_interval() -> None:
    now = [0.0]
    rate = Rate(lambda: now[0])
    now[0] = 2.0
    assert rate.take(100) == 50.0
    assert rate.take(100) == 0.0
    now[0] = 4.0
    assert rate.take(110) == 5.0
