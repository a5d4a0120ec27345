"""What merging the partials of one group costs: COUNT DISTINCT and TOP_K over many partials without common items.

Prints CPU seconds, peak memory, and how much more twice as many partials cost: 2 if merging is linear.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from streamtally.plan.aggregates.base import Aggregate
from streamtally.plan.aggregates.registry import make_aggregate
from streamtally.plan.types import parse_type

ITEMS_A_PARTIAL = 1_000


def partials(aggregate: Aggregate, name: str, count: int) -> Iterator[Any]:
    """States as JSON, made one at a time; no two have an item in common."""
    for number in range(count):
        items = [f"198.51.100.{n}/{number}" for n in range(ITEMS_A_PARTIAL)]
        yield aggregate.to_json(set(items) if name == "count_distinct" else dict(Counter(items)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--partials", type=int, default=1_000)
    parser.add_argument("--aggregate", choices=("count_distinct", "top_items"), default="count_distinct")
    options = parser.parse_args()
    aggregate = make_aggregate(options.aggregate, parse_type("VARCHAR(64)"))
    merging, seconds = aggregate.merging(), 0.0
    marks: list[float] = []
    for number, value in enumerate(partials(aggregate, options.aggregate, options.partials), 1):
        started = time.process_time()
        merging.add(value)
        seconds += time.process_time() - started
        if number in (options.partials // 2, options.partials):
            marks.append(seconds)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
    print(f"{options.aggregate}: {options.partials} partials of {ITEMS_A_PARTIAL} items: {marks[-1]:.2f} s of CPU,")
    print(f"twice as many take {marks[-1] / marks[0]:.2f} times as long, peak {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
