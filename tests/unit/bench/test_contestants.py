"""The contestants of the benchmark do their work, and the same work. Nothing is timed here."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from bench.contestants import CONTESTANTS, ROOT, bare_loop, fast_identity, identity
from bench.events import Shape, big_event, small_records
from bench.transform import time_rounds
from streamtally.definition import define_pipeline

PLAN = {
    "version": 1,
    "outputs": [
        {
            "name": "COUNTS",
            "kind": "windowed",
            "time": {"time": "event"},
            "window_ms": 60_000,
            "where": None,
            "keys": [{"name": "k0", "type": "INTEGER", "expr": {"column": "response"}}],
            "aggregates": [{"name": "a0", "function": "count", "type": "BIGINT", "argument": None}],
            "columns": [{"name": "statusCount", "type": "BIGINT", "expr": {"aggregate": "a0"}}],
            "having": None,
        }
    ],
}


def lines_of(answer: str) -> list[bytes]:
    """All lines of a response's records, in order."""
    return [
        line
        for record in json.loads(answer)["records"]
        for line in base64.b64decode(record["data"]).splitlines()
        if record["result"] == "Ok"
    ]


def run_function(shape: Shape, folder: Path) -> str:
    """The handler's response, from a separate process, since the handler reads its settings when it is imported."""
    pipeline = folder / "pipeline.json"
    pipeline.write_text(json.dumps(define_pipeline('[outputs.COUNTS]\nindex = "counts"', PLAN, ZoneInfo)))
    event = folder / "event.json"
    event.write_text(shape.text)
    code = (
        "import sys, pathlib, bench.contestants as c\n"
        "f = c.make_function(pathlib.Path(sys.argv[1])); print(); print(f(pathlib.Path(sys.argv[2]).read_text()))"
    )
    command = [sys.executable, "-c", code, str(pipeline), str(event)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()[-1]


# The events have at most 3 MB in records of 25 lines, and 5,000 records of one line.
def test_events() -> None:
    big, small = big_event(), small_records()
    records = json.loads(big.text)["records"]
    sizes = [len(base64.b64decode(record["data"])) for record in records]
    assert 2_990_000 < sum(sizes) <= 3_000_000
    assert big.lines == 25 * len(records) > 10_000
    assert (small.records, small.lines) == (5000, 5000)
    assert len({record["recordId"] for record in records}) == len(records)


# Both identities return every byte, under the same ids and in order.
@pytest.mark.parametrize("transform", [identity, fast_identity])
def test_identity(transform: object) -> None:
    shape = small_records(200)
    assert callable(transform)
    answer = json.loads(transform(shape.text))["records"]
    event = json.loads(shape.text)["records"]
    assert [(record["recordId"], record["data"]) for record in answer] == [
        (record["recordId"], record["data"]) for record in event
    ]


# The bare loop and the function give the same JSON for every line that parses.
@pytest.mark.large
@pytest.mark.parametrize("shape", [small_records(1500), big_event(size_bytes=300_000)], ids=["small", "big"])
def test_bare_loop_does_the_functions_work(shape: Shape, tmp_path: Path) -> None:
    mine = [orjson.loads(line) for line in lines_of(bare_loop(shape.text))]
    its = [orjson.loads(line) for line in lines_of(run_function(shape, tmp_path))]
    assert mine == [line for line in its if "unparsed" not in line]
    assert 0.99 * shape.lines < len(mine) <= shape.lines


# Each contestant is timed once per round; warm-up rounds are not among the results.
@pytest.mark.large
def test_rounds() -> None:
    seconds = time_rounds({"a": identity, "b": fast_identity}, small_records(10), 3)
    assert {name: len(taken) for name, taken in seconds.items()} == {"a": 3, "b": 3}
    assert list(CONTESTANTS)[:4] == ["identity", "fast identity", "bare loop", "function"]
    assert list(CONTESTANTS)[4:] in ([], ["with kernel"])
