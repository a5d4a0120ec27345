"""``streamtally local`` killed with -9 while several callers put: what was acknowledged is counted and in S3, once."""

from __future__ import annotations

import base64
import json
import random
import signal
import threading
import time
import urllib.error
from collections import Counter
from http.client import HTTPException
from pathlib import Path

import pytest

from streamtally.local.stream_names import INGESTION
from tests.system.conformance.contract import events
from tests.unit.local.simulator.test_simulator import Process
from tests.unit.local.test_remote import free_port

KILLS = 3
CALLERS = 3


class Caller(threading.Thread):
    """Puts numbered lines over and over; knows which were acknowledged, and which nobody can tell of."""

    def __init__(self, process: Process, number: int) -> None:
        super().__init__(daemon=True)
        self.process = process
        self.acknowledged: set[int] = set()
        self.unknown: set[int] = set()
        self.stop = threading.Event()
        self._next = number * 1_000_000

    def run(self) -> None:
        while not self.stop.is_set():
            numbers = range(self._next, self._next + 20)
            self._next += 20
            records = [{"Data": base64.b64encode(events.line(n) + b"\n").decode()} for n in numbers]
            try:
                status, _ = self.process.call("PutRecordBatch", {"DeliveryStreamName": INGESTION, "Records": records})
                assert status == 200
                self.acknowledged.update(numbers)
            except (urllib.error.URLError, HTTPException, OSError, ValueError):
                self.unknown.update(numbers)  # the answer is lost: it may have been taken
                time.sleep(0.1)


def wait_for_acknowledged(callers: list[Caller], lines: int) -> None:
    """However busy the machine is, each kill has something to lose."""
    end = time.monotonic() + 120
    while sum(len(caller.acknowledged) for caller in callers) < lines:
        assert time.monotonic() < end
        time.sleep(0.1)


def numbers_in(folder: Path) -> Counter[int]:
    """The numbers of all lines on the S3 side, and how often each is there."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    lines = [line for path in files for line in path.read_bytes().splitlines()]
    return Counter(int(json.loads(line)["request"].split()[1].rpartition("-")[2]) for line in lines)


# At random moments, under the callers' eyes; the next process finds whatever the last one had taken. No line is there
# twice, though callers went on, and none half.
@pytest.mark.large
def test_killed_under_load(tmp_path: Path) -> None:
    random_ = random.Random(7)
    port = free_port()
    process = Process(tmp_path, port=port)
    callers = [Caller(process, number) for number in range(CALLERS)]
    for caller in callers:
        caller.start()
    for kill in range(KILLS):
        time.sleep(random_.uniform(1.0, 4.0))
        wait_for_acknowledged(callers, 400 * (kill + 1))
        process.end(signal.SIGKILL)
        process = Process(tmp_path, port=port)
    for caller in callers:
        caller.stop.set()
        caller.join(60)
    acknowledged = set.union(*(caller.acknowledged for caller in callers))
    unknown = set.union(*(caller.unknown for caller in callers))
    assert len(acknowledged) > 1_000
    try:
        stored, counted = numbers_in(tmp_path / "log-bucket"), process.counted()
        end = time.monotonic() + 120
        # Counts are settled every few seconds, and behind the lines in S3.
        while not (acknowledged <= stored.keys() and counted == len(stored)) and time.monotonic() < end:
            time.sleep(1)
            stored, counted = numbers_in(tmp_path / "log-bucket"), process.counted()
        assert acknowledged <= stored.keys() <= acknowledged | unknown
        assert set(stored.values()) == {1}
        assert counted == len(stored)
    finally:
        process.end(signal.SIGTERM)
