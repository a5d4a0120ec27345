"""How fast the simulator is with the handler in process: one-line records in over HTTP, objects and partials out.

``python -m bench.simulator`` prints MiB/s of log lines, from the first request to the last object and document, and
exits with 1 below 5 MiB/s, which is the goal on two cores. The client, in the role of an agent, is a separate process.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from streamtally.local.folder import read_folder
from streamtally.local.pipeline import InProcessFunction, Laptop
from streamtally.local.sample import generate
from streamtally.local.simulator.server import Server
from streamtally.local.simulator.sinks import StoreSink
from streamtally.local.store import DuckDbStore
from streamtally.local.stream_names import INGESTION, SUMMARY
from streamtally.transform.pipeline import load_pipeline

MIN_MIB_A_SECOND = 5.0
RECORDS_A_REQUEST = 500
HEADERS = {"X-Amz-Target": "Firehose_20150804.PutRecordBatch", "Content-Type": "application/x-amz-json-1.1"}


def main() -> int:
    """Print the rate. Returns: 1 if it is below the goal, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=400_000)
    lines = [line.encode() + b"\n" for line in generate(parser.parse_args().lines, 7, start=_now(), rate=2_000)]
    size = sum(map(len, lines)) / 2**20
    bodies = [request(lines[start : start + RECORDS_A_REQUEST]) for start in range(0, len(lines), RECORDS_A_REQUEST)]
    with tempfile.TemporaryDirectory() as folder:
        pipeline = load_pipeline(read_folder(None), ZoneInfo)
        store = DuckDbStore(Path(folder) / "store.duckdb")
        function = InProcessFunction(pipeline, lambda: time.time_ns() // 1_000_000)
        laptop = Laptop(Path(folder), function, {SUMMARY: StoreSink(store)})
        server = Server(("127.0.0.1", 0), laptop.api, lambda *_: None)
        # Forked before any thread exists; the child inherits the bodies, so they need not be sent to it.
        client = multiprocessing.get_context("fork").Process(target=put, args=(server.server_address[1], bodies))
        client.start()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        laptop.start()
        started, used = time.monotonic(), time.process_time()
        client.join()
        accepted = time.monotonic() - started
        laptop.stop()
        delivered = laptop.drain()
        seconds, used = time.monotonic() - started, time.process_time() - used
        counters = laptop.counters()
        server.shutdown()
        laptop.close()
        output = next(iter(pipeline.outputs.values()))
        counted = sum(int(document["statusCount"]) for document in store.documents(output))
    assert client.exitcode == 0
    assert delivered
    # A few lines are broken: they are unmodified in an error object, or empty.
    assert counters[INGESTION]["DeliveryToS3.Records"] == function.ledger.rows
    assert (function.ledger.lines, function.ledger.imbalance()) == (len(lines), [])
    assert counted == function.ledger.rows
    rate = size / seconds
    print(f"{len(lines):,} one-line records, {size:.1f} MiB in {seconds:.1f} s: {rate:.1f} MiB/s")
    print(f"accepted after {accepted:.1f} s; {used:.1f} s of processor time, {size / used:.1f} MiB per second of it")
    return 0 if rate >= MIN_MIB_A_SECOND else 1


def _now() -> datetime:
    return datetime.now(UTC)


def request(lines: list[bytes]) -> bytes:
    """The body of a PutRecordBatch of these lines, one per record."""
    records = [{"Data": base64.b64encode(line).decode()} for line in lines]
    return json.dumps({"DeliveryStreamName": INGESTION, "Records": records}).encode()


def put(port: int, bodies: list[bytes]) -> None:
    """The client: one connection, and each request is sent after the response to the previous one."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for body in bodies:
        connection.request("POST", "/", body, HEADERS)
        response = json.loads(connection.getresponse().read())
        assert response["FailedPutCount"] == 0
        assert len(response["RequestResponses"]) == RECORDS_A_REQUEST


if __name__ == "__main__":
    sys.exit(main())
