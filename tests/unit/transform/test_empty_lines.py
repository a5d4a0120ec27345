"""A record with very many empty lines is read without them, and each of them is still counted, once."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streamtally.local.folder import read_folder
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import transform
from tests.system.conformance.contract import events

FOLDER = Path(__file__).parents[3] / "layers/pipeline/pipeline"


# Whatever way the batch is run (by row when a time is out of some records' range, or with a record left out).
@pytest.mark.parametrize("arrival_ms", [0, 8 * 86_400_000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_every_empty_line_is_counted_once(arrival_ms: int, end: bytes) -> None:
    pipeline = load_pipeline(read_folder(FOLDER), ZoneInfo)
    many = end * 50_000 + events.line(1) + end * 50_001 + events.line(2)
    sent = events.event(many, events.line(3), end * 20_000)
    sent["records"][1]["approximateArrivalTimestamp"] += arrival_ms

    ledger = transform(pipeline, decode_records(sent["records"], 0)).ledger

    assert (ledger.empty, ledger.rows) == (120_000, 3)
    assert ledger.imbalance() == []
