"""make soak: many lines under random faults into a real OpenSearch; the report says what was done and what differs.

``python -m tests.system.soak --lines 10000000 --seed 1`` prints one JSON object; exit status 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from streamtally.aws.opensearch.connect import connect
from streamtally.aws.opensearch.settling import queries
from tests.integration.opensearch.server import running
from tests.system.faults.opensearch_end import OpenSearchEnd
from tests.system.faults.test_faults import changed_pipeline
from tests.system.faults.world import STATUSES, Faults, World, line_id_pipeline

SHARES = {
    "error before the put": 0.05, "error after the put": 0.05, "time-out after the put": 0.05,
    "crash after the put": 0.03, "reordered": 0.2, "put refused": 0.03, "put in part": 0.05, "put answer lost": 0.03,
    "crash in put": 0.02, "end away": 0.1, "end throttles": 0.1, "end answer lost": 0.05, "crash in delivery": 0.03,
    "end refuses one": 0.03, "objects refused": 0.05, "crash after object": 0.03, "settling killed": 0.03,
}  # fmt: skip
BURSTS = [
    ["throttled"] * 4,
    ["error before the put"] * 4,
    ["error after the put"] * 4,
    ["time-out after the put", *["throttled"] * 3],
    ["error after the put", "put refused", *["throttled"] * 3],
    ["error after the put", "put in part", *["throttled"] * 3],
]
BURST_STEPS = 6
SETTLING_MARGIN_MS = 2_000
BUFFER_BYTES = 1_750_000  # so much that some answers pass 6 MB
MAX_RECORDS = 16  # of a put: fewer bytes than a buffer holds, so that no two batches share a millisecond
MINUTE_MS, DAY_MS = 60_000, 86_400_000
PAUSE_STEP_MINUTES = 15
MIN_WAITING = 1_100  # windows that wait at once, after a day without settling: more than a query may have clauses


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with running() as server, tempfile.TemporaryDirectory(prefix="soak-") as folder:
        report = soak(server.url, Path(folder), given.lines, given.seed)
    print(json.dumps(report, indent=1))
    return 1 if report["difference"] else 0


def soak(url: str, folder: Path, lines: int, seed: int) -> dict[str, object]:
    """One soak. Returns: its report."""
    begun = time.monotonic()
    faults = Faults(seed, SHARES)
    # The clock of the world runs behind the server's, which stamps what it takes.
    now = time.time_ns() // 1_000_000 - 4 * DAY_MS
    pipeline = line_id_pipeline()
    killing = Faults(seed + 1, {"settling killed": SHARES["settling killed"]})
    killing.injected = faults.injected
    # Settling goes by the server's clock and with next to no margin, so that it leaves out what it may leave out.
    queries.CHECKPOINT_MARGIN_MS = SETTLING_MARGIN_MS
    end = OpenSearchEnd(connect(url), pipeline, killing, now, clock=lambda: time.time_ns() // 1_000_000)
    world = World(folder, end, now, faults, buffer_bytes=BUFFER_BYTES, keep_lines=False)
    world.max_failed_tries = 4
    steps = deployments = waiting = 0
    while world.accepted_lines < lines:
        steps += 1
        put_traffic(world)
        world.now += faults.random.choice([500, 2_000, 20_000])
        world.step()
        if steps % BURST_STEPS == 0:  # a batch of which every try fails, which redrive must end
            faults.next += faults.random.choice(BURSTS)
        if steps % (3 * BURST_STEPS) == 0:
            world.redrive_meanwhile()
        if steps % (5 * BURST_STEPS) == 0:  # a deployment; what waits is transformed by the other pipeline
            world.pipeline = pipeline if world.pipeline is not pipeline else changed_pipeline(world)
            end.deploy(world.pipeline, world.now)
            deployments += 1
        if not waiting and world.accepted_lines >= lines // 3:
            pause_settling(world)
            waiting = end.waiting()
        if steps % 5 == 0:
            world.redeliver()
            end.settle(world.now)
    killing.shares.clear()
    world.put_refused_again()
    world.finish()
    difference = ""
    try:
        world.check()
    except AssertionError as error:
        difference = str(error) or "differs"
    if waiting < MIN_WAITING:
        difference = difference or f"only {waiting} windows waited at once"
    ledger = world.ledger
    return {
        "seed": seed,
        "lines accepted": world.accepted_lines,
        "lines that do not parse": world.broken_lines,
        "windows and keys": len(world.accepted),
        "lines counted": end.counts().total(),
        "re-ingested records, in lines": ledger.reingested,
        "lines in S3": world.objects.delivered.lines,
        "of these, each once": sum(world.objects.delivered.count()[0].values()) + world.objects.delivered.count()[1],
        "windows that waited at once": waiting,
        "windows settled, again and again": end.windows_settled,
        "settling runs by way": dict(sorted(end.ways.items())),
        "deployments": deployments,
        "redriven records": dict(sorted(world.redriven.items())),
        "faults injected": dict(sorted(faults.injected.items())),
        "difference": difference,
        "seconds": round(time.monotonic() - begun),
    }


def put_traffic(world: World) -> None:
    """Some records: of now mostly, some hours or days late; of one line, of hundreds, or of a thousand."""
    random = world.faults.random
    for _ in range(random.choice([4, 8, 16])):
        records = []
        world.now += 1
        for _ in range(random.randint(1, MAX_RECORDS)):
            late = random.choice([0, 0, 0, 0, 3_600_000, 30 * 3_600_000])
            time_ms = world.now - late - random.randint(0, 120_000)
            mix = [random.choice(STATUSES) for _ in range(random.choice([1, 5, 20]))]
            records.append((time_ms, mix * random.choice([1, 10, 60])))
        world.put(records, broken=random.choice([0, 0, 0, 2]))


def pause_settling(world: World) -> None:
    """A day in which every minute has lines, and nobody settles."""
    random = world.faults.random
    for _ in range(DAY_MS // (PAUSE_STEP_MINUTES * MINUTE_MS)):
        world.now += PAUSE_STEP_MINUTES * MINUTE_MS
        minutes = [world.now - place * MINUTE_MS for place in range(PAUSE_STEP_MINUTES)]
        world.put([(minute, [random.choice(STATUSES) for _ in range(random.choice([1, 3]))]) for minute in minutes])
        world.step()


if __name__ == "__main__":
    sys.exit(main())
