"""``backfill``, ``invoke`` and ``local`` say what they did not count, why, and what to do, as ``run`` does."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.cli import backfill
from streamtally.cli import local as local_command
from streamtally.local.folder import read_folder
from streamtally.local.live.local_page import LocalPage
from streamtally.local.live.tap import Tap
from streamtally.local.pipeline import InProcessFunction
from streamtally.transform.pipeline import load_pipeline
from tests.unit.cli.operator_runner import Ran, run
from tests.unit.events import ARRIVAL, combined, records_of

STREAM = "DESTINATION_SQL_STREAM"
NO_TIME = b'{"status": 200, "path": "/"}\n'
NO_STATUS = b'{"time": "2017-09-08T08:47:00Z", "path": "/"}\n'


class Store:
    """Takes what backfill writes, in place of a cluster's."""

    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    left_out = 0

    def __init__(self, *_: Any) -> None:
        pass

    def put(self, documents: Iterable[bytes]) -> None:
        list(documents)

    def settle(self, _: Any) -> None:
        pass

    def close(self) -> None:
        pass


class Named:
    """A cluster of which only the name is read."""

    name = "http://127.0.0.1"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Objects' contents → what backfill prints."""
    monkeypatch.setattr(backfill, "open_cluster", lambda *_, **__: Named())
    monkeypatch.setattr(backfill, "OpenSearchStore", Store)

    def call(*objects: bytes, options: tuple[str, ...] = ()) -> Ran:
        for number, data in enumerate(objects):
            (tmp_path / f"{number}.log").write_bytes(data)
        return run("backfill", str(tmp_path), "--opensearch", "http://127.0.0.1:9", "--yes", *options)

    return call


# No row can be counted: one line that names the place and a setting, not an option that backfill does not have.
def test_backfill_without_a_count_is_a_finding(load: Any, tmp_path: Path) -> None:
    ran = load(NO_TIME, NO_TIME, options=("--json",))
    printed = json.loads(ran.stdout)
    assert ran.status == 1
    assert printed["counted"][STREAM] == {
        "emitted": 0, "filtered": 0, "eval_failed": 2, "out_of_range": 0,
        "reasons": {"STREAM_PUMP: no event time": 2},
    }  # fmt: skip
    (line,) = ran.error.splitlines()
    assert line.startswith("streamtally: ")
    assert "none of 2 rows was counted: no event time (2)" in line
    assert "set time_field under [source]" in line
    assert "--time-field" not in line


@pytest.mark.large
def test_backfill_notes_what_it_did_not_count(load: Any) -> None:
    ran = load(combined(200) + b"what is this\n" + NO_STATUS, options=("--json",))
    printed = json.loads(ran.stdout)
    assert ran.status == 0
    assert (printed["lines"], printed["rows"], printed["unparsed"]) == (3, 2, 1)
    assert printed["reasons"] == {"of no known format": 1}
    assert printed["counted"][STREAM]["emitted"] == 1
    notes = ran.error.splitlines()
    assert [note[:6] for note in notes] == ["note: ", "note: "]
    assert "1 line did not parse: of no known format (1); streamtally detect FILE" in notes[0]
    assert "1 of 2 rows not counted: the line has no status (1)" in notes[1]


# Lines that Firehose delivered as unparsed are not read again, which is a reason like others.
@pytest.mark.large
def test_backfill_counts_lines_delivered_as_unparsed(load: Any) -> None:
    ran = load(b'{"unparsed":"what is this","reason":"of no known format"}\n', options=("--json",))
    printed = json.loads(ran.stdout)
    assert (ran.status, printed["lines"], printed["unparsed"]) == (1, 0, 1)
    assert printed["reasons"] == {"delivered as unparsed": 1}
    assert "none of 1 line was counted: delivered as unparsed (1)" in ran.error


def test_backfill_of_nothing_is_noted(load: Any) -> None:
    ran = load()
    assert ran.status == 0
    assert ran.error.endswith(": no lines to load\n")


@pytest.mark.parametrize(
    ("lines", "status", "says"),
    [
        (combined(200), 0, ""),
        (combined(200) + b"what is this\n", 0, "note: event.json: 1 line did not parse: of no known format (1)"),
        (b"what is this\n", 1, "streamtally: event.json: none of 1 line was counted: of no known format (1)"),
        (NO_TIME, 1, "streamtally: event.json: none of 1 row was counted: no event time (1)"),
        (NO_STATUS, 1, "count by another column in the pipeline's program"),
    ],
)
def test_invoke(lines: bytes, status: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    records = [{"recordId": "1", "approximateArrivalTimestamp": ARRIVAL, "data": base64.b64encode(lines).decode()}]
    Path("event.json").write_text(json.dumps({"records": records}))
    ran = run("invoke", "event.json")
    assert ran.status == status
    notes = [line for line in ran.error.splitlines() if not line.startswith("{")]
    assert len(notes) == bool(says)
    assert says in "".join(notes)


# local says it since its start, after the counters.
def test_local(capsys: pytest.CaptureFixture[str]) -> None:
    pipeline = load_pipeline(read_folder(None), ZoneInfo)
    function = InProcessFunction(pipeline, lambda: ARRIVAL)
    function._deliver = lambda *_: None  # type: ignore[method-assign]
    page = LocalPage(None, None, function, None, Tap(()), lambda: ARRIVAL)  # type: ignore[arg-type]
    view = local_command._Watching(None, page, function, pipeline)  # type: ignore[arg-type]
    function({"records": records_of([combined(200) + b"what is this\n" + NO_STATUS])})
    view._print({"log-ingestion-stream": {"IncomingRecords": 1}})
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "log-ingestion-stream: 1 records in"
    assert lines[1].startswith("note: lines since the start: 1 line did not parse: of no known format (1)")
    assert lines[2].startswith(f"note: {STREAM}: 1 of 2 rows not counted: the line has no status (1)")
