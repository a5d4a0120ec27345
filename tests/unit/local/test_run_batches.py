"""``streamtally run``'s batches fit into an invocation, however short or long the lines are."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from streamtally.aws.sinks.objects import Folder
from streamtally.local import run as module
from streamtally.local.arrival import ReadLine
from streamtally.local.logs import MAX_LINE_BYTES, LogLine
from streamtally.local.run import LocalRun, _batches, _records
from streamtally.local.simulator.transformation import MAX_PAYLOAD_BYTES, event_bytes, make_event
from streamtally.local.store import DuckDbStore
from streamtally.transform.pipeline import Pipeline

PLAIN = b'198.51.100.7 - - [08/Sep/2017:08:47:00 +0000] "GET / HTTP/1.1" 200 5316 "-" "test"\n'


def read_line(data: bytes, number: int) -> ReadLine:
    return ReadLine(LogLine("a.log", number, data, len(data)), None, "", None, 1_504_860_423_000)


@pytest.mark.large
@pytest.mark.parametrize("data", [b"\n", b"x\n", b"\r\n", PLAIN, b"y" * 700_000 + b"\n", b"z" * 1_023_999 + b"\n"])
@pytest.mark.parametrize("lines_per_record", [1, 7, 500])
def test_batches_fit_into_a_request(
    default_pipeline: Pipeline, data: bytes, lines_per_record: int, tmp_path: Path
) -> None:
    count = max(3, min(2 * module.BUFFER_LINES, 8_000_000 // len(data)))
    run = LocalRun(default_pipeline, Folder(tmp_path), None)  # type: ignore[arg-type]
    batches = list(_batches(_records((read_line(data, n) for n in range(count)), lines_per_record)))
    assert len(batches) > 1
    assert sum(len(record) for batch in batches for record in batch) == count
    for batch in batches:
        event = make_event("x", module.LOCAL_STREAM_ARN, run._stored(batch))
        size = sum(len(line.line.data) for record in batch for line in record)
        assert len(orjson.dumps(event)) <= event_bytes(size, len(batch))
        assert len(batch) == 1 or event_bytes(size, len(batch)) <= MAX_PAYLOAD_BYTES
        assert len(batch) == 1 or sum(map(len, batch)) <= module.BUFFER_LINES
        assert all(sum(len(line.line.data) for line in record) <= MAX_LINE_BYTES for record in batch)


# A log of lines that are next to nothing is counted, line by line, where each was refused with its whole log before.
@pytest.mark.large
@pytest.mark.parametrize(
    ("text", "lines", "expected"),
    [
        (b"\n", 60_000, {"empty": 60_000}),
        (b"\r\n", 60_000, {"empty": 60_000}),
        (b"x\n", 60_000, {"unparsed": 60_000}),
        (b"\n" * 3 + PLAIN + b"x\n", 80_000, {"empty": 48_000, "rows": 16_000, "unparsed": 16_000}),
    ],
)
def test_very_short_lines(
    default_pipeline: Pipeline, text: bytes, lines: int, expected: dict[str, int], tmp_path: Path
) -> None:
    pipeline = default_pipeline
    parts = text.splitlines(keepends=True)
    numbered = (read_line(parts[number % len(parts)], number) for number in range(lines))
    store = DuckDbStore(tmp_path / "results.duckdb")
    run = LocalRun(pipeline, Folder(tmp_path / "bucket"), store)
    run.run(numbered, lines_per_record=1)
    store.settle(pipeline)
    counted = sum(
        document["statusCount"] for output in pipeline.outputs.values() for document in store.documents(output)
    )
    store.close()
    ledger = run.ledger
    assert ledger.imbalance() == []
    assert (ledger.lines, ledger.records) == (lines, lines)
    assert {name: getattr(ledger, name) for name in expected} == expected
    assert counted == expected.get("rows", 0)
