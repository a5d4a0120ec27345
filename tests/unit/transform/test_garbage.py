"""A batch is freed when it is answered: it is in no reference cycle that waits for the garbage collector.

An event and what is made of it are tens of MB, and an exception that is kept in a variable of its own frame holds all
of it.
"""

from __future__ import annotations

import gc

import pytest

from streamtally.transform.pipeline import Pipeline
from streamtally.transform.record import Record
from streamtally.transform.records import decode_records
from streamtally.transform.transform import transform
from tests.unit.events import ARRIVAL, combined, records_of

LINES = {
    "plain": combined(),
    "of no known format": b"plain text\n",
    "a broken combined line": combined()[:-20] + b"\n",
    "a broken object": b'{"status":\n',
    "a broken syslog line": b"<34>1 2026-01-01T00:00:00Z\n",
    "bytes": b"\xff\xfe\x00\n",
}


@pytest.mark.parametrize("name", LINES)
def test_no_record_is_left(default_pipeline: Pipeline, name: str) -> None:
    raw = records_of([LINES[name] + combined(), combined()])
    gc.collect()
    gc.disable()
    try:
        transform(default_pipeline, decode_records(raw, ARRIVAL))
        left = [item for item in gc.get_objects() if type(item) is Record]
    finally:
        gc.enable()
    assert left == []
