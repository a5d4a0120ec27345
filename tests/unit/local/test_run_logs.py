"""A run that reads logs in batches gives what reading them line by line gives, whatever is in them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.sinks.objects import Folder
from streamtally.errors import WorkerError
from streamtally.local import raw_batches, team
from streamtally.local.arrival import ReadLine, arrive_when_logged, read_lines
from streamtally.local.folder import read_folder
from streamtally.local.line_lists import read_line_lists
from streamtally.local.logs import read_log
from streamtally.local.raw_batches import RawLog
from streamtally.local.run import LocalRun
from streamtally.local.sample import generate
from streamtally.local.team import Job, Team
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline, load_pipeline

FILE_MS = 1_504_860_423_000
PLAIN = b'198.51.100.7 - - [08/Sep/2017:08:%02d:00 +0000] "GET /%d HTTP/1.1" 200 5316 "-" "test"\n'
LINES = b"".join(PLAIN % (n % 60, n) for n in range(40))
UNTIMED = LINES[:500] + b"at com.example.Main(Main.java:1)\n" * 9 + PLAIN % (59, 1) + b"Caused by: x\n"
IIS = (
    b"#Software: Microsoft Internet Information Services 7.5\n#Fields: date time c-ip cs-method cs-uri-stem sc-status\n"
    + b"".join(b"2025-06-11 00:00:%02d 192.0.2.1 GET /a 200\n" % n for n in range(20))
    + b"#Fields: date time c-ip sc-status\n2025-06-11 00:01:00 192.0.2.2 404\n"
)
FLOW = b"srcaddr action start\n" + b"".join(b"192.0.2.%d REJECT 162000000%d\n" % (n, n) for n in range(1, 9))
CRI = b"2025-06-11T00:00:0%d.000000000Z stdout %s %s\n"
PARTS = (
    CRI % (1, b"P", b"one ") + CRI % (2, b"F", b"line") + CRI % (3, b"F", LINES[:85].strip()) + CRI % (4, b"P", b"x")
)
JSON = b"".join(b'{"time":"2025-06-11T00:00:%02dZ","status":200,"path":"/%d"}\n' % (n, n) for n in range(20))
SYSLOG = b"".join(b"Oct 11 22:14:%02d host app[1]: message %d\n" % (n, n) for n in range(20))
ESCAPED = rb'192.0.2.9 - - [08/Sep/2017:09:00:00 +0000] "GET /\"x HTTP/1.1" 404 1 "-" "a\tb"' + b"\n"
LOGS = {
    "plain": [LINES],
    "two": [LINES, LINES[:700]],
    "without an end": [LINES[:-1], LINES],
    "carriage returns": [LINES.replace(b"\n", b"\r\n")],
    "a mark": [b"\xef\xbb\xbf" + LINES[:300] + b"\xef\xbb\xbf" + LINES[300:]],
    "empty lines": [b"\n\n" + LINES[:200] + b"\n\r\n" + LINES[200:] + b"\n"],
    "untimed": [UNTIMED * 4],
    "no time at all": [b"x\n" * 50],
    "untimed first": [b"Traceback\n  File x\n" + LINES],
    "mixed": [LINES + JSON + SYSLOG + ESCAPED + LINES],
    "headers": [IIS, LINES, FLOW, IIS],
    "a header at the end": [LINES + b"#Fields: date time\n", b"2025-06-11 00:01:00\n"],
    "parts": [LINES + PARTS + LINES],
    "too long": [LINES + b"y" * 1_100_000 + b"\n" + LINES + b"z" * 1_024_001],
    "unordered": [LINES + PLAIN % (1, 1) + ESCAPED * 3 + PLAIN % (2, 1)],
    "gzip's magic": [LINES + b"\x1f\x8bnot gzip\n" + LINES],
    "not utf-8": [LINES + b"\xff\xfe 192.0.2.1\n" + LINES],
    "the same often": [b"no such format at all\n" * 30 + JSON[:60] * 5],
    "several objects": [b'{"a":1}{"b":2}\n' * 3 + LINES],
}


class Store:
    """Keeps documents."""

    def __init__(self) -> None:
        self.documents: list[bytes] = []

    def put(self, documents: Any) -> None:
        self.documents += documents


def pipeline_of(**source: Any) -> Pipeline:
    document = json.loads(json.dumps(read_folder(None)))
    document["source"] = {**document["source"], **source}
    return load_pipeline(document, ZoneInfo)


@pytest.fixture(scope="module")
def default() -> Pipeline:
    return pipeline_of()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_batches, "BUFFER_BYTES", 1_500)
    monkeypatch.setattr(team, "BATCHES_ALONE", 1)


def outcome(local: LocalRun, folder: Path, store: Store) -> Any:
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    data = asdict(local.summary.report_data(local.ledger, "p", [], "now"))
    data["status_by_minute"] = sorted(data["status_by_minute"], key=repr)
    return local.ledger, data, local.summary.read_as(["a", "b"]), files, store.documents


def read_names(names: list[str], pipeline: Pipeline) -> Iterator[ReadLine]:
    for name in names:
        yield from arrive_when_logged(read_lines(read_log(name), pipeline.source, FILE_MS), FILE_MS)


def raw_logs(names: list[str]) -> Iterator[RawLog]:
    for name in names:
        yield RawLog(read_line_lists(name, lambda _: None), FILE_MS, None)


def write(tmp_path: Path, contents: list[bytes]) -> list[str]:
    names = []
    for number, content in enumerate(contents):
        path = tmp_path / f"{number}.log"
        path.write_bytes(content)
        names.append(str(path))
    return names


def run_in_batches(pipeline: Pipeline, names: list[str], folder: Path, per_record: int, workers: int = 1) -> Any:
    store = Store()
    local = LocalRun(pipeline, Folder(folder), store, "r")
    local.run_logs(raw_logs(names), per_record, Team(Job(pipeline, "r", {}), workers))
    return outcome(local, folder, store)


@pytest.mark.parametrize("per_record", [1, 3])
@pytest.mark.parametrize("name", LOGS)
def test_as_line_by_line(default: Pipeline, name: str, per_record: int, tmp_path: Path) -> None:
    names = write(tmp_path, LOGS[name])
    store = Store()
    local = LocalRun(default, Folder(tmp_path / "a"), store, "r")
    local.run(read_names(names, default), per_record)
    by_line = outcome(local, tmp_path / "a", store)
    in_batches = run_in_batches(default, names, tmp_path / "b", per_record)
    assert in_batches == by_line
    ledger: Ledger = in_batches[0]
    assert ledger.imbalance() == []
    assert ledger.lines > 0


@pytest.mark.parametrize(
    "source",
    [
        {"format": "apache_combined"},
        {"format": "apache_common"},
        {"format": "nginx"},
        {"format": "w3c"},
        {"unescape": True},
    ],
)
@pytest.mark.parametrize("name", ["mixed", "headers", "untimed"])
def test_other_sources(source: dict[str, Any], name: str, tmp_path: Path) -> None:
    pipeline = pipeline_of(**source)
    names = write(tmp_path, LOGS[name])
    store = Store()
    local = LocalRun(pipeline, Folder(tmp_path / "a"), store, "r")
    local.run(read_names(names, pipeline), 1)
    assert run_in_batches(pipeline, names, tmp_path / "b", 1) == outcome(local, tmp_path / "a", store)


@pytest.mark.large
@pytest.mark.parametrize("name", ["plain", "untimed", "no time at all", "headers", "too long", "mixed"])
def test_as_with_one_process(default: Pipeline, name: str, tmp_path: Path) -> None:
    names = write(tmp_path, LOGS[name])
    alone = run_in_batches(default, names, tmp_path / "a", 1)
    assert run_in_batches(default, names, tmp_path / "b", 1, workers=2) == alone
    assert run_in_batches(default, names, tmp_path / "c", 1, workers=3) == alone


# Of a quiet site's days there is one object, whose name says no hour: nothing that looks for an hour may skip it.
def test_a_quiet_log_is_few_objects(default: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_batches, "BUFFER_BYTES", 1_000_000)
    line = '192.0.2.1 - - [{:02}/Sep/2017:{:02}:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\n'
    log = "".join(line.format(day, hour) for day in range(1, 29) for hour in range(24))
    ledger, _, _, files, documents = run_in_batches(default, write(tmp_path, [log.encode()]), tmp_path / "out", 1)
    (key,) = files
    assert key.startswith("2017/09/01/")
    assert key.count("/") == 3
    assert ledger.rows == 672
    statuses = ledger.outputs["DESTINATION_SQL_STREAM"]
    assert (statuses.emitted, statuses.out_of_range) == (672, 0)
    assert len(documents) == 672


@pytest.mark.large
def test_a_process_that_dies_fails_the_run(default: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = write(tmp_path, [LINES * 3])
    monkeypatch.setattr(team, "_serve", _killed)
    with pytest.raises(WorkerError, match=r"died \(signal 9\) in lines \d+ to \d+ of .*0\.log: nothing was written"):
        run_in_batches(default, names, tmp_path / "out", 1, workers=2)


def _killed(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_one_process_is_used_for_a_short_log(
    default: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "BATCHES_ALONE", 1_000)
    monkeypatch.setattr(team, "Processes", None)
    text = "".join(f"{line}\n" for line in generate(100, 4))
    ledger, *_ = run_in_batches(default, write(tmp_path, [text.encode()]), tmp_path / "out", 1, workers=8)
    assert ledger.lines == 100
