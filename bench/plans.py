"""make bench: the cost of a row in a plan compiled from SQL, beside that in an equivalent plan written by hand."""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.definition import define_pipeline
from streamtally.local.folder import read_folder
from streamtally.plan.rows import RowOutput
from streamtally.plan.windowed import WindowedOutput
from streamtally.transform.pipeline import load_pipeline

ROOT = Path(__file__).resolve().parent.parent
PAIRS = {"counts": ROOT / "layers/pipeline/pipeline", "rows": ROOT / "pipelines/rows"}
"""Name of a comparison → the folder of its program; the plan written by hand is in bench/plans."""
ROWS = 20_000
ARRIVAL = 1_504_860_480_000
HOUR = 3_600_000


def make_rows() -> list[dict[str, Any]]:
    """An hour of rows, as the parser makes them."""
    return [
        {
            "host": f"198.51.100.{index % 250}",
            "ident": None,
            "authuser": None,
            "datetime": f"08/Sep/2017:{7 + index % 3600 // 1800:02d}:{index % 60:02d}:{index // 7 % 60:02d} +0000",
            "request": f"GET /shop/item/{index % 900}?page={index % 7} HTTP/1.1",
            "response": (200, 200, 200, 304, 404, 500)[index % 6],
            "bytes": 100 + index % 5000,
            "referer": None,
            "agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        }
        for index in range(ROWS)
    ]


def load_pair(name: str, folder: Path) -> dict[str, RowOutput | WindowedOutput]:
    """The output of the program in a folder, and that of the plan written by hand."""
    by_hand = json.loads((ROOT / "bench" / "plans" / f"{name}.json").read_text(encoding="utf-8"))
    definition = (folder / "pipeline.toml").read_text(encoding="utf-8")
    compiled = read_folder(folder)
    by_hand["outputs"] += compiled["plan"]["outputs"][1:]  # the definition has settings for all outputs
    documents = {"by hand": define_pipeline(definition, by_hand, ZoneInfo), "compiled": compiled}
    return {
        kind: next(iter(load_pipeline(document, ZoneInfo).outputs.values())) for kind, document in documents.items()
    }


def feed(output: RowOutput | WindowedOutput) -> Callable[[list[dict[str, Any]]], None]:
    """A function that feeds rows to an output, as the transform does."""
    low, high = ARRIVAL - 24 * HOUR, ARRIVAL + HOUR
    if isinstance(output, RowOutput):
        make = output.make

        def feed_rows(rows: list[dict[str, Any]]) -> None:
            for row in rows:
                make(row, ARRIVAL, low, high)

        return feed_rows
    add = output.add

    def feed_groups(rows: list[dict[str, Any]]) -> None:
        groups: dict[tuple[Any, ...], list[Any]] = {}
        for row in rows:
            add(row, ARRIVAL, low, high, groups, 1)

    return feed_groups


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Comparison → kind of plan → nanoseconds per row, the median over rounds. Each round times both kinds."""
    rows = make_rows()
    costs: dict[str, dict[str, float]] = {}
    for name, folder in PAIRS.items():
        feeds = {kind: feed(output) for kind, output in load_pair(name, folder).items()}
        seconds: dict[str, list[float]] = {kind: [] for kind in feeds}
        for number in range(rounds + 1):
            kinds = list(feeds) if number % 2 else list(feeds)[::-1]
            for kind in kinds:
                gc.collect()
                start = time.process_time()
                feeds[kind](rows)
                if number:  # the first round is a warm-up
                    seconds[kind].append(time.process_time() - start)
        costs[name] = {kind: statistics.median(taken) / ROWS * 1e9 for kind, taken in seconds.items()}
    return costs


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the cost of a row in each plan of a pair, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    print(f"\nThe plan's share of a row's time, {ROWS:,} rows, median")
    print(f"  {'':10}{'by hand':>12}{'compiled':>12}{'ratio':>8}")
    for name, taken in measure(parser.parse_args(arguments).rounds).items():
        by_hand, compiled = taken["by hand"], taken["compiled"]
        print(f"  {name:10}{by_hand:>9,.0f} ns{compiled:>9,.0f} ns{compiled / by_hand:>8.2f}")


if __name__ == "__main__":
    main()
