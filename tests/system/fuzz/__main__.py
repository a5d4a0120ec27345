"""``make fuzz``: rounds of hostile lines and events until the time is up. What fails is kept and can be run again.

A round's seed is the first one plus its number, so ``--seed`` repeats a run from any round.
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from tests.system.fuzz.checks import LAYOUTS, check_event, check_line, parsers, pipelines, two_ways
from tests.system.fuzz.generate import make_event, make_line

LINES_A_ROUND, EVENTS_A_ROUND = 20, 1
OUT = Path(".fuzz")


class Checks:
    """Every check by the kind and name of its input, as a kept file names it."""

    def __init__(self) -> None:
        self.parsers = parsers()
        self.layouts = {name: two_ways(layout) for name, layout in LAYOUTS.items()}
        self.pipelines = pipelines()

    def run(self, kind: str, name: str, given: Any) -> None:
        """Raises: whatever is wrong with the input's outcome."""
        if kind == "line":
            check_line(self.parsers[name], given)
        elif kind == "two ways":
            self.layouts[name](given)
        else:
            check_event(self.pipelines[name], given)

    def inputs(self, seed: int) -> Any:
        """The inputs of a round: (kind, name, input)."""
        drawn = Random(seed)
        for name in self.parsers:
            yield from (("line", name, make_line(drawn, drawn.choice((name, "")))) for _ in range(LINES_A_ROUND))
        for name in self.layouts:
            yield from (("two ways", name, make_line(drawn, name)) for _ in range(LINES_A_ROUND))
        for name in self.pipelines:
            yield from (("event", name, make_event(drawn, name)) for _ in range(EVENTS_A_ROUND))


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns: 1 if an input failed, which is in a file then."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=time.time_ns() // 1_000_000)
    parser.add_argument("--out", type=Path, default=OUT, help="where failing inputs are kept")
    parser.add_argument("--replay", type=Path, help="run a kept input again")
    options = parser.parse_args(arguments)
    checks = Checks()
    if options.replay is not None:
        kept = json.loads(options.replay.read_text("utf-8"))
        return 0 if _holds(checks, kept["kind"], kept["name"], kept["input"]) else 1
    print(f"seed {options.seed}", flush=True)
    end, rounds, tried, failed = time.monotonic() + options.seconds, 0, 0, 0
    while time.monotonic() < end and not failed:
        seed = options.seed + rounds
        for kind, name, given in checks.inputs(seed):
            tried += 1
            if not _holds(checks, kind, name, given):
                failed += 1
                options.out.mkdir(parents=True, exist_ok=True)
                file = options.out / f"seed-{seed}-{tried}.json"
                file.write_text(json.dumps({"seed": seed, "kind": kind, "name": name, "input": given}), "utf-8")
                print(f"failed: {kind} of {name}, kept in {file}: again with --replay {file}", flush=True)
                break
            if time.monotonic() >= end:
                break
        rounds += 1
    print(f"{rounds} rounds, {tried:,} inputs, {failed} failed; seed {options.seed}")
    return 1 if failed else 0


def _holds(checks: Checks, kind: str, name: str, given: Any) -> bool:
    try:
        checks.run(kind, name, given)
    except Exception:
        traceback.print_exc()
        return False
    return True


if __name__ == "__main__":
    raise SystemExit(main())
