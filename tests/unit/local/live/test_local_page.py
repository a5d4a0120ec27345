"""The page of `local`: what agents sent is counted once, shown in both languages, and the JSON beside it."""

from __future__ import annotations

import base64
import gzip
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from streamtally.local.destinations import EmbeddedDestination
from streamtally.local.folder import read_folder
from streamtally.local.live.arrivals import Arrivals
from streamtally.local.live.local_page import LocalPage
from streamtally.local.live.status import Status
from streamtally.local.live.tap import Tap
from streamtally.local.pipeline import InProcessFunction, Laptop
from streamtally.local.sample import generate
from streamtally.local.simulator.handler import Events
from streamtally.local.stream_names import INGESTION, SUMMARY
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.response import DROPPED, FAILED, OK

NOW = 1_740_830_400_000  # 2025-03-01 12:00 UTC
HOSTILE = '"><script>alert(1)</script>\u202e\x1b[2J'
# Of the combined log: the path without its query, where the request has one, and the class of the status.
LINE = re.compile(rb' \+0000\] "(?:[A-Z]+ (/[^ ?"]*))?(?:[^"\\]|\\.)*" (\d)\d\d ')


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return load_pipeline(read_folder(None), ZoneInfo)


class Local(NamedTuple):
    page: LocalPage
    laptop: Laptop
    arrivals: Arrivals
    function: InProcessFunction

    def put(self, *records: bytes) -> None:
        data = [{"Data": base64.b64encode(record).decode()} for record in records]
        self.laptop.api.call("PutRecordBatch", {"DeliveryStreamName": INGESTION, "Records": data})
        assert self.laptop.drain()

    def body(self) -> str:
        html: str = self.page.show("/", True)
        return html[html.index("<main>") : html.index("</main>")]


@pytest.fixture
def local(pipeline: Pipeline, tmp_path: Path) -> Iterator[Local]:
    yield from started(pipeline, tmp_path)


def started(pipeline: Pipeline, folder: Path, language: str = "en") -> Iterator[Local]:
    arrivals = Arrivals(pipeline)
    function = InProcessFunction(pipeline, lambda: NOW, arrivals.take)
    destination = EmbeddedDestination(folder, pipeline)
    tap = Tap([SUMMARY])
    laptop = Laptop(folder, function, {SUMMARY: destination.sink(SUMMARY)}, now=lambda: NOW, tap=tap.take)
    times = iter(range(1_000_000))
    page = LocalPage(laptop, destination, function, arrivals, tap, lambda: NOW, language, lambda: 10.0 * next(times))
    yield Local(page, laptop, arrivals, function)
    laptop.close()
    destination.close()


# Lines by themselves, many in a record, and compressed ones: each row is counted once, by what is written in its line.
def test_rows_are_counted_once(local: Local) -> None:
    lines = [(line + "\n").encode() for line in generate(600, 3)]
    local.put(*lines[:200])
    local.put(b"".join(lines[200:400]), gzip.compress(b"".join(lines[400:])))
    ledger = local.function.ledger
    data = local.arrivals.report_data(ledger)
    wanted = [match for line in lines if (match := LINE.search(line))]
    assert sum(count for _, _, count in data.status_by_minute) == ledger.rows == len(wanted)
    classes: Counter[int] = Counter()
    for _, status, count in data.status_by_minute:
        assert isinstance(status, int)
        classes[status // 100] += count
    assert classes == Counter(int(match[2]) for match in wanted)
    paths = Counter(match[1].decode() for match in wanted if match[1])
    shown = dict(data.top_paths.entries) | dict(data.static_files.entries)
    assert shown == {path: paths[path] for path in shown}
    assert len(shown) > 20
    assert len(local.arrivals.newest()) == min(ledger.unparsed, 50) > 0


# The answer decides: a record that goes back to the stream is counted when it comes again, a refused one is not.
def test_the_answer_decides(pipeline: Pipeline) -> None:
    line = b'192.0.2.1 - - [01/Mar/2025:11:59:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"\n'
    arrivals = Arrivals(pipeline)
    results = {"1": OK, "2": DROPPED, "3": FAILED}
    records = [
        {"recordId": name, "approximateArrivalTimestamp": NOW, "data": base64.b64encode(line + b"bad\n").decode()}
        for name in results
    ]
    answer = {"records": [{"recordId": name, "result": result} for name, result in results.items()]}
    event = {"deliveryStreamArn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/orders", "records": records}
    arrivals.take(event, answer, NOW)
    assert list(arrivals.report_data(Ledger()).status_by_minute) == [(NOW - 60_000, 200, 1)]
    assert [(line.file, line.text) for line in arrivals.newest()] == [("orders", "bad"), ("orders", "bad")]


# A fault of the page's own counting does not fail the batch, and is logged.
def test_a_fault_is_logged(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    arrivals = Arrivals(pipeline)
    arrivals.take({"records": [{"recordId": "1", "data": "eA=="}]}, {"records": []}, NOW)
    assert "a batch is not on the live page" in caplog.text
    assert arrivals.newest() == []


def test_the_page_has_the_reports_parts(local: Local) -> None:
    local.put(*[(line + "\n").encode() for line in generate(100, 3)], HOSTILE.encode())
    local.page.settle()
    local.page.note_rate()
    html = local.page.show("/?filter=login", True)
    for heading in (
        "Newest lines that did not parse", "Output DESTINATION_SQL_STREAM", "Status classes over time",
        "Last lines in with &#34;login&#34;", "Paths, without the query", "Unique visitors", "Methods", "Bots",
        "Ledger",
        "Why lines were not counted", "Delivery streams",
    ):  # fmt: skip
        assert f"<h2>{heading}</h2>" in html, heading
    assert "lines a second, now" in html
    assert html.count("<script>") == 1
    assert not re.search("[\u202e\x1b]", html)


def test_in_japanese(pipeline: Pipeline, tmp_path: Path) -> None:
    for local in started(pipeline, tmp_path, "ja"):
        local.put(b'192.0.2.1 - - [01/Mar/2025:11:59:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"\nbad\n')
        html: str = local.page.show("/", True)
        assert '<html lang="ja">' in html
        for heading in (
            "解析できなかった最新の行",
            "確定した集計値",
            "最近受信した行",
            "処理件数の内訳",
            "配信ストリーム",
        ):
            assert f"<h2>{heading}</h2>" in html, heading
        events: Any = local.page.show("/events", False)
        assert "\\u89e3\\u6790" in next(events.texts)  # 解析, in another thread's context


def test_json_beside_it(local: Local) -> None:
    local.put(b'192.0.2.1 - - [01/Mar/2025:11:59:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"\n')
    assert local.page.show("/counts", False) == [
        {"datetime": "2025-03-01T11:59:00.000", "status": 200, "statusCount": 1}
    ]
    assert local.page.show("/ledger", False)["lines"] == 1
    assert local.page.show("/", False)[INGESTION]["IncomingRecords"] == 1
    assert isinstance(local.page.show("/events?filter=x", True), Events)
    assert local.page.show("/other", True) is None


# Parts that all pages show are made once for all, at most a tenth of the time.
def test_parts_are_shared(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    monkeypatch.setattr(local.page, "_status", lambda: made.append(1) or Status())  # type: ignore[func-returns-value]
    monkeypatch.setattr(local.page, "_clock", lambda: 5.0)
    for _ in range(3):
        local.body()
    assert made == [1]
