"""Random traffic through random faults into a real OpenSearch, as a state machine that Hypothesis drives.

The number of examples is fixed (STREAMTALLY_EXAMPLES, default 6); ``make soak`` runs long.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from streamtally.aws.opensearch import connect
from tests.faults.opensearch_end import OpenSearchEnd
from tests.faults.test_faults import ROWS
from tests.faults.world import Faults, World, line_id_pipeline
from tests.opensearch.conftest import wipe
from tests.opensearch.server import Server

pytestmark = [pytest.mark.opensearch, pytest.mark.xdist_group("opensearch")]
NAMES = sorted({name for names in ROWS.values() for name in names})
DAY_MS = 86_400_000
STATUS = st.sampled_from([200, 301, 404, 500])
RECORD = st.tuples(st.integers(0, 2 * DAY_MS), st.lists(STATUS, min_size=1, max_size=5))


def make_machine(server: Server) -> type[RuleBasedStateMachine]:
    class Machine(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            wipe(server)
            self.folder = tempfile.TemporaryDirectory(prefix="machine-")
            self.killing = Faults()
            now = time.time_ns() // 1_000_000 - 3 * DAY_MS
            pipeline = line_id_pipeline()
            end = OpenSearchEnd(connect(server.url), pipeline, self.killing, now)
            self.world = World(Path(self.folder.name), end, now, Faults())
            self.world.max_failed_tries = 4

        @rule(records=st.lists(RECORD, min_size=1, max_size=8), broken=st.integers(0, 2))
        def put(self, records: list[tuple[int, list[int]]], broken: int) -> None:
            self.world.put([(self.world.now - late, statuses) for late, statuses in records], broken)

        @rule(name=st.sampled_from(NAMES))
        def fault(self, name: str) -> None:
            self.world.faults.next.append(name)

        @rule(seconds=st.sampled_from([1, 3, 60, 3_600]), flush=st.booleans())
        def step(self, seconds: int, flush: bool) -> None:
            self.world.now += seconds * 1000
            self.world.step(flush)

        @rule()
        def crash(self) -> None:
            self.world.restart()

        @rule(kill=st.booleans())
        def settle(self, kill: bool) -> None:
            self.killing.shares = {"settling killed": 0.2} if kill else {}
            self.world.redeliver()
            self.world.end.settle(self.world.now)

        def teardown(self) -> None:
            if not hasattr(self, "world"):
                return
            self.killing.shares = {}
            self.world.finish()
            self.world.check()
            self.world.laptop.close()
            self.folder.cleanup()

    return Machine


# Whatever happens in whatever order: settled counts are the accepted lines, the ledger balances, no line is gone.
def test_machine(opensearch: Server) -> None:
    examples = int(os.environ.get("STREAMTALLY_EXAMPLES", "6"))
    run_state_machine_as_test(
        make_machine(opensearch),
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
