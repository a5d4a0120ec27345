"""Random traffic through random faults into a real OpenSearch, as a state machine that Hypothesis drives.

The number of examples is fixed (STREAMTALLY_EXAMPLES, default 6); ``make soak`` runs long.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from streamtally.aws.opensearch.connect import connect
from tests.integration.opensearch.conftest import wipe
from tests.integration.opensearch.server import Server
from tests.system.faults.opensearch_end import OpenSearchEnd
from tests.system.faults.test_faults import ROWS, changed_pipeline
from tests.system.faults.world import Faults, World, line_id_pipeline

pytestmark = [pytest.mark.opensearch, pytest.mark.xdist_group("opensearch")]
NAMES = sorted({name for names in ROWS.values() for name in names} | {"throttled", "end refuses one"})
DAY_MS = 86_400_000
STATUS = st.sampled_from([200, 301, 404, 500])
RECORD = st.tuples(st.integers(0, 2 * DAY_MS), st.lists(STATUS, min_size=1, max_size=5))
TRAFFIC = st.lists(RECORD, min_size=1, max_size=8)


def real_now() -> int:
    return time.time_ns() // 1_000_000


class Machine(RuleBasedStateMachine):
    """What an operator, the clock and the faults may do, in any order. ``struck`` counts what did."""

    server: ClassVar[Server]
    struck: ClassVar[Counter[str]]
    ways: ClassVar[Counter[str]]

    # Faults strike by chance throughout, since Hypothesis's first examples are short ones; rules ask for more of them.
    @initialize(seed=st.integers(0, 2**20), share=st.sampled_from([0.15, 0.05]), real_clock=st.booleans())
    def begin(self, seed: int, share: float, real_clock: bool) -> None:
        wipe(self.server)
        self.folder = tempfile.TemporaryDirectory(prefix="machine-")
        self.killing = Faults(seed)
        now = real_now() - 3 * DAY_MS
        pipeline = line_id_pipeline()
        self.first = pipeline.plan_id
        clock = real_now if real_clock else None
        self.end = OpenSearchEnd(connect(self.server.url), pipeline, self.killing, now, clock=clock)
        faults = Faults(seed, dict.fromkeys(NAMES, share))
        self.world = World(Path(self.folder.name), self.end, now, faults)
        self.world.max_failed_tries = 4

    @rule(records=TRAFFIC, broken=st.integers(0, 2))
    def put(self, records: list[tuple[int, list[int]]], broken: int) -> None:
        self.world.put([(self.world.now - late, statuses) for late, statuses in records], broken)

    @rule(records=TRAFFIC, seconds=st.sampled_from([1, 3, 60, 3_600]))
    def put_and_deliver(self, records: list[tuple[int, list[int]]], seconds: int) -> None:
        self.put(records, 0)
        for _ in range(2):
            self.step(seconds, True)

    @rule(name=st.sampled_from(NAMES))
    def fault(self, name: str) -> None:
        self.world.faults.next.append(name)

    @rule(first=st.sampled_from(["error before the put", "error after the put", "throttled"]), parked=st.booleans())
    def every_try_fails(self, first: str, parked: bool) -> None:
        self.world.faults.next += ["error after the put", "put refused"] if parked else [first]
        self.world.faults.next += ["throttled"] * 3

    @rule(seconds=st.sampled_from([1, 3, 60, 3_600]), flush=st.booleans())
    def step(self, seconds: int, flush: bool) -> None:
        self.world.now += seconds * 1000
        self.world.step(flush)

    @rule()
    def crash(self) -> None:
        self.world.restart()

    @rule()
    def redrive(self) -> None:
        self.world.redrive_meanwhile()

    @rule()
    def deploy(self) -> None:
        """The other of two pipelines, so that what comes again makes partials of another plan."""
        world = self.world
        world.pipeline = line_id_pipeline() if world.pipeline.plan_id != self.first else changed_pipeline(world)
        self.end.deploy(world.pipeline, world.now)

    @rule(kill=st.booleans())
    def settle(self, kill: bool) -> None:
        self.killing.shares = {"settling killed": 0.2} if kill else {}
        self.world.redeliver()
        self.world.end.settle(self.world.now)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.killing.shares = {}
        self.world.put_refused_again()
        self.world.finish()
        self.world.check()
        self.struck.update(self.world.faults.injected + self.killing.injected + self.world.redriven)
        self.ways.update(self.end.ways)
        self.world.laptop.close()
        self.folder.cleanup()


# Whatever happens in whatever order, whichever way a settling run merges: settled counts are the accepted lines, the
# ledger balances, no line is gone. And it did happen: a machine whose faults do not strike shows nothing.
def test_machine(opensearch: Server) -> None:
    examples = int(os.environ.get("STREAMTALLY_EXAMPLES", "6"))
    machine = type("Bound", (Machine,), {"server": opensearch, "struck": Counter(), "ways": Counter()})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            phases=(
                Phase.generate,
            ),  # a failure is told as it came: on a real server, making it shorter takes too long
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert machine.struck.total() > 5 * examples, machine.struck
    assert min(machine.ways["merge_groups"], machine.ways["fetch_groups"]) > 0, machine.ways
