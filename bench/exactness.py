"""What exactness costs: how much of the function's time its ledger and derived ids take, in one run.

Timed inside each call: the batch's digest, groups and id, the documents' ids, counting of results, and publishing of
the ledger. What a call takes beside them is the same call's, so a machine that gets slower slows both. Asked is a
share under 0.05; ``--check`` fails where it is not kept. (The classes themselves are a few additions a chunk of lines,
too few to time.)
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

from bench.contestants import make_function
from bench.events import Shape, big_event, small_records
from bench.transform import WARM_UP_ROUNDS, Nowhere, use_one_core
from streamtally.transform import documents, records, transform

LIMIT = 0.05


class Costs:
    """Seconds of CPU by what was called."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def of(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*given: Any) -> Any:
            start = time.process_time()
            answer = function(*given)
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start
            return answer

        return timed


@contextlib.contextmanager
def timing(app: Any) -> Iterator[Costs]:
    """Within, all that ledger and ids need is timed. Args: app: the function's module."""
    costs = Costs()
    batch_id: Any = records.RecordGroup.batch_id
    patches = [
        mock.patch.object(transform, "describe_batch", costs.of("batch digest", transform.describe_batch)),
        mock.patch.object(records.RecordGroup, "batch_id", property(costs.of("batch id", batch_id.fget))),
        mock.patch.object(transform, "group_records", costs.of("groups", transform.group_records)),
        mock.patch.object(documents, "digest", costs.of("document ids", documents.digest)),
        mock.patch.object(transform, "count_results", costs.of("results counted", transform.count_results)),
        mock.patch.object(app, "add_ledger", costs.of("ledger published", app.add_ledger)),
    ]
    with contextlib.ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        yield costs


def shares(shape: Shape, rounds: int) -> dict[str, float]:
    """Part → its share of the function's time, the median over rounds; ``all``: of all parts together."""
    function: Any = make_function()
    found: dict[str, list[float]] = {}
    with timing(function.app) as costs, contextlib.redirect_stdout(Nowhere()):
        for number in range(WARM_UP_ROUNDS + rounds):
            gc.collect()
            costs.seconds.clear()
            start = time.process_time()
            function(shape.text)
            whole = time.process_time() - start
            if number >= WARM_UP_ROUNDS:
                for name, seconds in [*costs.seconds.items(), ("all", sum(costs.seconds.values()))]:
                    found.setdefault(name, []).append(seconds / whole)
    return {name: statistics.median(each) for name, each in found.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the shares. Returns: 1 if ``--check`` is given and one is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--check", action="store_true", help=f"fail from {LIMIT} on")
    options = parser.parse_args(arguments)
    use_one_core()
    print(f"Python {platform.python_version()} on {platform.machine()}, one core, CPU time")
    worst = 0.0
    for shape in (big_event(), small_records(), small_records(at_once=500)):
        found = shares(shape, options.rounds)
        whole = found.pop("all")
        worst = max(worst, whole)
        parts = ", ".join(f"{name} {share:.2%}" for name, share in found.items())
        print(f"  {shape.name}: ledger and ids take {whole:.1%} of the transform ({parts})")
    return 1 if options.check and worst >= LIMIT else 0


if __name__ == "__main__":
    raise SystemExit(main())
