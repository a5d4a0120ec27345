"""What exactness costs: the share of the function's time that its ledger and derived ids take, in one run.

Timed within each call: the batch's digest, groups and id, the documents' ids, counting results, and publishing the
ledger. The rest of the time is that of the same call, so a machine that becomes slower slows both. The share must be
below 0.05; ``--check`` fails otherwise. (The ledger's classes are a few additions per chunk of lines, too few to time.)
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
from streamtally.ids import hash_text
from streamtally.plan.windowed import WindowedOutput
from streamtally.transform import documents, records, transform
from streamtally.transform.pipeline import Pipeline

LIMIT = 0.05


class Costs:
    """Seconds of CPU, by name of what was timed."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time added up under a name."""

        def run(*arguments: Any) -> Any:
            start = time.process_time()
            result = function(*arguments)
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start
            return result

        return run


@contextlib.contextmanager
def timing(app: Any) -> Iterator[Costs]:
    """Within the context, everything for the ledger and ids is timed. Args: app: the function's module."""
    costs = Costs()
    batch_id: Any = records.RecordGroup.batch_id
    patches = [
        mock.patch.object(transform, "describe_batch", costs.timed("batch digest", transform.describe_batch)),
        mock.patch.object(records.RecordGroup, "batch_id", property(costs.timed("batch id", batch_id.fget))),
        mock.patch.object(transform, "group_records", costs.timed("groups", transform.group_records)),
        mock.patch.object(documents, "digest", costs.timed("document ids", documents.digest)),
        mock.patch.object(documents, "digest_texts", costs.timed("document ids", documents.digest_texts)),
        mock.patch.object(transform, "count_results", costs.timed("results counted", transform.count_results)),
        mock.patch.object(app, "add_ledger", costs.timed("ledger published", app.add_ledger)),
        *_compiled_ids(app.pipeline, costs),
    ]
    with contextlib.ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        yield costs


def _compiled_ids(pipeline: Pipeline, costs: Costs) -> Iterator[Any]:
    """Patches of the hash in the functions that were compiled to write partials."""
    hashed = costs.timed("document ids", hash_text)
    for output in pipeline.outputs.values():
        if isinstance(output, WindowedOutput) and output.partial_text is not None:
            names = output.partial_text.write.__globals__  # type: ignore[attr-defined]
            bound = {name: hashed for name, value in names.items() if value is hash_text}
            yield mock.patch.dict(names, bound)


def shares(shape: Shape, rounds: int) -> dict[str, float]:
    """Part → its share of the function's time, the median over rounds; ``all`` for all parts together."""
    function: Any = make_function()
    shares_by_part: dict[str, list[float]] = {}
    with timing(function.app) as costs, contextlib.redirect_stdout(Nowhere()):
        for number in range(WARM_UP_ROUNDS + rounds):
            gc.collect()
            costs.seconds.clear()
            start = time.process_time()
            function(shape.text)
            whole = time.process_time() - start
            if number >= WARM_UP_ROUNDS:
                for name, seconds in [*costs.seconds.items(), ("all", sum(costs.seconds.values()))]:
                    shares_by_part.setdefault(name, []).append(seconds / whole)
    return {name: statistics.median(values) for name, values in shares_by_part.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the shares. Returns: 1 with ``--check`` if a share reaches the limit, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--check", action="store_true", help=f"fail if a share is {LIMIT} or more")
    options = parser.parse_args(arguments)
    use_one_core()
    print(f"Python {platform.python_version()} on {platform.machine()}, one core, CPU time")
    worst = 0.0
    for shape in (big_event(), small_records(), small_records(per_put=500)):
        by_part = shares(shape, options.rounds)
        whole = by_part.pop("all")
        worst = max(worst, whole)
        parts = ", ".join(f"{name} {share:.2%}" for name, share in by_part.items())
        print(f"  {shape.name}: ledger and ids take {whole:.1%} of the transform ({parts})")
    return 1 if options.check and worst >= LIMIT else 0


if __name__ == "__main__":
    raise SystemExit(main())
