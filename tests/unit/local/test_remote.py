"""``streamtally local --function``: the deployed handler in a process of its own, which puts its partials back here."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streamtally.errors import SettingsError, SinkError
from streamtally.local.folder import read_folder
from streamtally.local.remote import UrlFunction
from streamtally.local.stream_names import INGESTION, SUMMARY
from tests.system.conformance.contract import events
from tests.unit.local.simulator.test_simulator import Process, wait_for

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(folder: Path, simulator: int | None = None) -> Iterator[int]:
    """The function behind a port. Args: simulator: the port that its documents are put to; None: they are logged."""
    function = free_port()
    pipeline = folder / "pipeline.json"
    pipeline.write_text(json.dumps(read_folder(None)))
    environment = {
        "PIPELINE": str(pipeline), "SUMMARY_STREAM": SUMMARY, "AWS_SAM_LOCAL": "true", "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
    }  # fmt: skip
    if simulator is not None:
        environment["AWS_ENDPOINT_URL_FIREHOSE"] = f"http://127.0.0.1:{simulator}"
    call = [sys.executable, "-W", "ignore", "-m", "tests.unit.local.start_lambda", str(function)]
    process = subprocess.Popen(call, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while not is_open(function):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        yield function
    finally:
        process.terminate()
        process.wait(60)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# Lines go in here, the function is called by its URL (its first failure is tried again), and its partials come back.
@pytest.mark.large
def test_counts_by_way_of_a_url(tmp_path: Path) -> None:
    simulator = free_port()
    with serving(tmp_path, simulator) as function:
        url = f"http://127.0.0.1:{function}/TransformFunction"
        process = Process(tmp_path / "state", "--function", url, port=simulator)
        try:
            put_and_count(process)
            with pytest.raises(SinkError, match="404"):
                UrlFunction(f"http://127.0.0.1:{function}/Another")(events.event())
        finally:
            process.end(signal.SIGTERM)


def put_and_count(process: Process) -> None:
    records = [{"Data": base64.b64encode(events.line(n) + b"\n").decode()} for n in range(40)]
    assert process.call("PutRecordBatch", {"DeliveryStreamName": INGESTION, "Records": records})[0] == 200
    wait_for(40, process)
    counters = process.fetch(process.url)[1][INGESTION]
    assert (counters["ExecuteProcessing.Invocations"], counters["ExecuteProcessing.Success"]) == (2, 1)
    assert process.fetch(f"{process.url}/ledger")[0] == 404  # the function's own log has it


# What is no address of a function is said before anything begins; nobody there fails the invocation.
def test_addresses() -> None:
    for wrong in ("nonsense", "http://127.0.0.1:3001", "ftp://127.0.0.1/F", "http:///F"):
        with pytest.raises(SettingsError, match="write http://"):
            UrlFunction(wrong)
    with pytest.raises(SinkError, match="refused"):
        UrlFunction(f"http://127.0.0.1:{free_port()}/F")(events.event())
