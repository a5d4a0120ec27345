"""The worst events within the bounds: CPU time and memory of one invocation, each in its own process.

``python -m bench.worst_event`` prints one row per event. A function of 1 GB has 0.58 of a processor, so its time is
that of a core of this machine divided by 0.58. The limits are 60 s and 600 MB.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parents[1]
SHARE = 0.58
"""Share of a processor of a function of 1 GB. Source: AWS Lambda developer guide, "Configure function memory"."""
LIMIT_SECONDS, LIMIT_MB = 60, 600
ARRIVAL_MS = 1_740_787_200_000
MIB = 2**20

LINE = b'192.0.2.7 - - [01/Mar/2025:%02d:%02d:%02d +0000] "GET /p%d HTTP/1.1" %d 5316 "-" "Mozilla/5.0"\n'


def line(number: int, status: int = 200) -> bytes:
    """A line of an access log; 1,440 consecutive ones have different minutes."""
    return LINE % (number // 60 % 24, number % 60, number % 60, number, status)


def packed(text: bytes, size_bytes: int = MIB // 2) -> list[bytes]:
    """Text as gzip records, each of at most so many bytes before compression."""
    return [gzip.compress(text[start : start + size_bytes]) for start in range(0, len(text), size_bytes)]


def valid(count: int) -> bytes:
    """So many lines of an access log."""
    return b"".join(line(number) for number in range(count))


def junk(count: int, chars: int) -> bytes:
    """So many lines of random characters, each of that length."""
    rng = random.Random(1)
    letters = 'abc "[]{}=:\t,\\%01'
    return "".join("".join(rng.choices(letters, k=chars - 1)) + "\n" for _ in range(count)).encode()


EVENTS: dict[str, tuple[str, Callable[[], Sequence[bytes]]]] = {
    "valid lines, 8 MiB": ("layers/pipeline/pipeline", lambda: packed(valid(88_000), 8 * MIB - MIB // 2)),
    "valid lines, 3 MB plain": ("layers/pipeline/pipeline", lambda: [valid(10_000)] * 3),
    "no format, 100,000 lines": ("layers/pipeline/pipeline", lambda: packed(junk(99_000, 60))),
    "no format, 8 MiB": ("layers/pipeline/pipeline", lambda: packed(junk(70_000, 115))),
    "five gzip records, 60 MB": ("layers/pipeline/pipeline", lambda: [gzip.compress(valid(125_000))] * 5),
    "bombs of 2 kB": ("layers/pipeline/pipeline", lambda: [gzip.compress(b"a\n" * 99_000)] * 2_000),
    "many keys and minutes": (
        "layers/pipeline/pipeline",
        lambda: packed(b"".join(line(number, 100 + number % 900) for number in range(88_000))),
    ),
    "rows, 8 MiB": ("pipelines/rows", lambda: packed(valid(88_000))),
    "rows, one gzip record of 16 MiB": ("pipelines/rows", lambda: [gzip.compress(valid(160_000))]),
    "rows, four of them": ("pipelines/rows", lambda: [gzip.compress(valid(160_000))] * 4),
    "5,000 tiny records": ("layers/pipeline/pipeline", lambda: [line(number) for number in range(5_000)]),
    "5,000 tiny records of no format": ("layers/pipeline/pipeline", lambda: [b"a b=c"] * 5_000),
    "wide JSON lines": (
        "layers/pipeline/pipeline",
        lambda: packed(b"".join(json.dumps({f"k{n}": n for n in range(9_000)}).encode() + b"\n" for _ in range(60))),
    ),
    "wide LTSV lines": (
        "layers/pipeline/pipeline",
        lambda: packed(b"".join(b"\t".join(b"k%d:v" % n for n in range(9_000)) + b"\n" for _ in range(90))),
    ),
    "one line of 8 MiB": ("layers/pipeline/pipeline", lambda: [gzip.compress(b"x " * (4 * MIB - 8))]),
    "one valid line of 8 MiB": (
        "layers/pipeline/pipeline",
        lambda: [gzip.compress(LINE.replace(b"/p%d", b"/" + b"x" * (8 * MIB - 500)) % (1, 1, 1, 200))],
    ),
    "deep JSON": ("layers/pipeline/pipeline", lambda: packed((b'{"a":' + b"[" * 4_000 + b"\n") * 1_900)),
    "a subscription of 8 MiB": (
        "layers/pipeline/pipeline",
        lambda: [
            gzip.compress(
                json.dumps(
                    {"messageType": "DATA_MESSAGE", "logEvents": [{"message": line(n).decode()} for n in range(60_000)]}
                ).encode()
            )
        ],
    ),
}


def measure(name: str) -> None:
    """One invocation, in this process: prints CPU seconds, peak MB, and numbers of lines and documents."""
    from streamtally.aws.sinks.firehose import put_documents
    from streamtally.local.folder import read_folder
    from streamtally.transform.envelope import Seal
    from streamtally.transform.pipeline import load_pipeline
    from streamtally.transform.records import decode_records
    from streamtally.transform.response import encode_response
    from streamtally.transform.transform import transform

    class Stream:
        def put_record_batch(self, **request: Any) -> Any:
            return {"FailedPutCount": 0, "RequestResponses": []}

    folder = EVENTS[name][0]
    pipeline = load_pipeline(read_folder(ROOT / folder), ZoneInfo)
    event = json.loads(sys.stdin.read())
    seal = Seal(b"k" * 64)
    before = time.process_time()
    records = decode_records(event["records"], ARRIVAL_MS, seal, pipeline.max_age_ms)
    outcome = transform(pipeline, records, can_reingest=True, seal=seal)
    for delivery in outcome.deliveries:
        put_documents(Stream(), "s", delivery.documents, 60.0)
    put_documents(Stream(), "s", outcome.envelopes, 60.0)
    json.dumps(encode_response(outcome.responses))
    seconds = time.process_time() - before
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    documents = sum(len(delivery.documents) for delivery in outcome.deliveries)
    ledger = outcome.ledger
    print(json.dumps([seconds, peak_mb, ledger.rows + ledger.unparsed, documents, len(outcome.envelopes)]))


def main() -> int:
    """Measure all events. Returns: 1 if one exceeds a limit or fails, else 0."""
    print(f"{'event':<34}{'s at 1 GB':>10}{'of limit':>10}{'peak MB':>9}{'lines':>9}{'documents':>11}{'back':>7}")
    status = 0
    for name, (_, make) in EVENTS.items():
        records = [
            {"recordId": f"{n:056d}", "approximateArrivalTimestamp": ARRIVAL_MS, "data": base64.b64encode(p).decode()}
            for n, p in enumerate(make())
        ]
        command = [sys.executable, "-m", "bench.worst_event", name]
        done = subprocess.run(
            command, input=json.dumps({"records": records}), capture_output=True, text=True, cwd=ROOT, timeout=600
        )
        if done.returncode:
            print(f"{name:<34} failed: {done.stderr[-300:]}")
            status = 1
            continue
        seconds, peak_mb, lines, documents, back = json.loads(done.stdout)
        seconds /= SHARE
        share = max(seconds / LIMIT_SECONDS, peak_mb / LIMIT_MB)
        print(
            f"{name:<34}{seconds:>10.1f}{share:>10.2f}{peak_mb:>9.0f}{lines:>9,}{documents:>11,}{back:>7,}", flush=True
        )
        status = max(status, int(share > 1))
    return status


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        sys.exit(main())
