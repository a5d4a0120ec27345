"""make bench: how fast the transform is, relative to its bounds. bench/README.md says how to read the numbers."""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.contestants import CONTESTANTS, ROOT, Transform, by_client
from bench.events import Shape, big_event, half_unknown, many_minutes, small_records, with_keys

WARM_UP_ROUNDS = 2


def time_once(transform: Transform, text: str) -> float:
    """Seconds of CPU of this process; other processes on the machine do not count."""
    gc.collect()
    start = time.process_time()
    with contextlib.redirect_stdout(Nowhere()):
        transform(text)
    return time.process_time() - start


class Nowhere:
    """A standard output that discards the metrics that the handler prints."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        pass


def time_rounds(transforms: dict[str, Transform], shape: Shape, rounds: int) -> dict[str, list[float]]:
    """Every contestant once per round. Each round begins with a different one, so that drift affects all equally."""
    names = list(transforms)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(WARM_UP_ROUNDS + rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            taken = time_once(transforms[name], shape.text)
            if number >= WARM_UP_ROUNDS:
                seconds[name].append(taken)
    return seconds


def peak_memory_mb(name: str, shape: Shape) -> float:
    """The peak resident size, in MB, of a new process that processes the event five times."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(shape.text)
        file.flush()
        command = [sys.executable, "-m", "bench.transform", "--memory-of", name, file.name]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])


def print_own_memory(name: str, event: Path) -> None:
    """In the new process: process the event, then print its peak size (getrusage would include the parent's)."""
    transform = CONTESTANTS[name]()
    with contextlib.redirect_stdout(Nowhere()):
        for _ in range(5):
            transform(event.read_text())
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(int(match[1]) / 1024 if match else float("nan"))


def report(shape: Shape, seconds: dict[str, list[float]], memory: dict[str, float]) -> None:
    """Print a table: lines per second (median), share of the identity's speed (median over rounds), peak memory."""
    print(f"\n{shape.name}: {shape.lines:,} lines in {shape.records:,} records, median of {len(seconds['identity'])}")
    print(f"  {'':15}{'lines/s':>12}{'ms/event':>10}{'of identity':>13}{'peak MB':>9}")
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        ratio = statistics.median(base / own for base, own in zip(seconds["identity"], taken, strict=True))
        print(f"  {name:15}{shape.lines / middle:>12,.0f}{middle * 1000:>10.1f}{ratio:>13.2f}{memory[name]:>9.0f}")


def use_one_core() -> None:
    """Restrict this process to one core, if the system supports that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def main(arguments: Sequence[str] | None = None) -> None:
    """Time all contestants on both shapes of event, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--all", action="store_true", help="more events, as a table without and with the kernel")
    parser.add_argument("--memory-of", nargs=2, metavar=("NAME", "EVENT"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.memory_of:
        print_own_memory(options.memory_of[0], Path(options.memory_of[1]))
        return
    use_one_core()
    print(f"Python {platform.python_version()} on {platform.machine()}, one core, CPU time")
    transforms = {name: make() for name, make in CONTESTANTS.items()}
    for shape in (big_event(), small_records()):
        seconds = time_rounds(transforms, shape, options.rounds)
        report(shape, seconds, {name: peak_memory_mb(name, shape) for name in CONTESTANTS})
    if options.all:
        print_table(options.rounds)


def print_table(rounds: int) -> None:
    """Print further events as a table: the share of the identity's speed, without and with the kernel."""
    ways = {"off": "function", "on": "with kernel"}
    plain = {kernel: CONTESTANTS[name]() for kernel, name in ways.items() if name in CONTESTANTS}
    keyed = {kernel: by_client(kernel) for kernel in plain}
    print(f"\n{'event':45}{'without':>9}{'with kernel':>13}")
    for functions, shape in (
        (plain, big_event()),
        (plain, small_records()),
        (plain, many_minutes()),
        (plain, big_event(1_000)),
        (keyed, with_keys(1_000)),
        (keyed, with_keys(10_000)),
        (plain, half_unknown()),
    ):
        seconds = time_rounds({"identity": CONTESTANTS["identity"](), **functions}, shape, rounds)
        ratios = [
            statistics.median(base / own for base, own in zip(seconds["identity"], seconds[kernel], strict=True))
            for kernel in functions
        ]
        widths = (9, 13)
        print(
            f"{shape.name:45}" + "".join(f"{ratio:>{width}.2f}" for ratio, width in zip(ratios, widths, strict=False))
        )


if __name__ == "__main__":
    main()
