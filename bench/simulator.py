"""How fast the simulator is with the handler in process: one-line records over HTTP in, objects and partials out.

``python -m bench.simulator`` prints MiB/s and exits with 1 under the 5 MiB/s that it promises on two cores.
"""

from __future__ import annotations

import base64
import http.client
import json
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from streamtally.local.folder import read_folder
from streamtally.local.laptop import INGESTION, SUMMARY, InProcessFunction, Laptop
from streamtally.local.sample import generate
from streamtally.local.simulator.server import Server
from streamtally.local.simulator.sinks import StoreSink
from streamtally.local.store import DuckDbStore
from streamtally.pipeline import load_pipeline

PROMISED_MIB_A_SECOND = 5.0
LINES = 200_000
RECORDS_A_REQUEST = 500


def main() -> int:
    lines = [line.encode() + b"\n" for line in generate(LINES, 7, start=datetime.now(UTC), rate=2_000)]
    size = sum(map(len, lines)) / 2**20
    bodies = [request(lines[start : start + RECORDS_A_REQUEST]) for start in range(0, len(lines), RECORDS_A_REQUEST)]
    with tempfile.TemporaryDirectory() as folder:
        pipeline = load_pipeline(read_folder(None), ZoneInfo)
        function = InProcessFunction(pipeline, lambda: time.time_ns() // 1_000_000)
        sink = StoreSink(DuckDbStore(Path(folder) / "store.duckdb"))
        laptop = Laptop(Path(folder), function, {SUMMARY: sink})
        server = Server(("127.0.0.1", 0), laptop.api, lambda _: None)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        laptop.start()
        begun = time.monotonic()
        put(server.server_address[1], bodies)
        while laptop.journal.waiting(INGESTION) or laptop.journal.batches(INGESTION):
            time.sleep(0.05)
            assert time.monotonic() - begun < 300
        seconds = time.monotonic() - begun
        server.shutdown()
        laptop.close()
    rate = size / seconds
    print(f"{len(lines):,} one-line records, {size:.1f} MiB in {seconds:.1f} s: {rate:.1f} MiB/s")
    return 0 if rate >= PROMISED_MIB_A_SECOND else 1


def request(lines: list[bytes]) -> bytes:
    records = [{"Data": base64.b64encode(line).decode()} for line in lines]
    return json.dumps({"DeliveryStreamName": INGESTION, "Records": records}).encode()


def put(port: int, bodies: list[bytes]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for body in bodies:
        connection.request("POST", "/", body, {"X-Amz-Target": "Firehose_20150804.PutRecordBatch"})
        answer = json.loads(connection.getresponse().read())
        assert len(answer["RequestResponses"]) > 0


if __name__ == "__main__":
    sys.exit(main())
