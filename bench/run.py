"""How fast ``streamtally run`` is beside other programs that count a log. bench/README.md says how to read the numbers.

Every program reads the same log, in rounds, each round in another order. Times are CPU time of the program and of the
processes that it starts; the wall time and the largest resident size of one process are beside it.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
START = 1_704_067_200  # 2024-01-01, in seconds since the epoch
PEER_PYTHON = "BENCH_PYTHON"
"""The variable that names a Python with Polars; the developers' environment does not have it."""

_MAWK = r"""
{ split($4, t, ":"); count[substr(t[1], 2) ":" t[2] ":" t[3] " " $9]++ }
END { for (key in count) print key, count[key] }
"""
_DUCKDB = r"""
import duckdb, sys
pattern = r'^(\S+) (\S+) (\S+) \[([^:]+:\d\d:\d\d):\d\d [^\]]+\] "([^"]*)" (\d{3}) (\S+) "([^"]*)" "([^"]*)"$'
names = ["host", "ident", "user", "minute", "request", "status", "bytes", "referer", "agent"]
duckdb.execute("SET threads = " + sys.argv[2])
duckdb.execute(
    "SELECT f.minute, f.status, count(*) FROM (SELECT regexp_extract(line, ?, ?) AS f FROM read_csv(?, "
    "columns = {'line': 'VARCHAR'}, delim = '\x01', quote = '', escape = '', header = false)) GROUP BY ALL",
    [pattern, names, sys.argv[1]],
).fetchall()
"""
_POLARS = r"""
import polars as pl, sys
pattern = r'^(\S+) (\S+) (\S+) \[(?<minute>[^:]+:\d\d:\d\d):\d\d [^\]]+\] "([^"]*)" (?<status>\d{3}) '
lines = pl.scan_csv(sys.argv[1], has_header=False, separator="\x01", quote_char=None, new_columns=["line"])
fields = lines.select(pl.col("line").str.extract_groups(pattern)).unnest("line")
fields.group_by("minute", "status").len().collect()
"""


class Program(NamedTuple):
    """A program that counts a log.

    Attributes:
        name: In the table.
        command: Of a log's path and a folder for what is written.
        missing: Why it cannot run here; empty if it can.
    """

    name: str
    command: Callable[[Path, Path], list[str]]
    missing: str = ""


class Measured(NamedTuple):
    """One run of a program: seconds of CPU, seconds, and MB."""

    cpu: float
    wall: float
    peak_mb: float


def write_log(path: Path, lines: int, gap_seconds: float) -> None:
    """Write lines of the combined log whose times are so far apart on average; the same for the same arguments."""
    chosen = random.Random(5)
    seconds = float(START)
    with path.open("w") as file:
        for _ in range(lines):
            seconds += chosen.expovariate(1 / gap_seconds)
            when = datetime.fromtimestamp(seconds, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
            status = chosen.choices((200, 304, 404, 301, 500), (80, 10, 6, 3, 1))[0]
            page, agent = (
                f"/p/{chosen.randrange(2_000)}",
                f"Mozilla/5.0 (X11; Linux x86_64) Agent/{chosen.randrange(40)}",
            )
            file.write(
                f'192.0.2.{chosen.randrange(1, 255)} - - [{when}] "GET {page}?x={chosen.randrange(100)} HTTP/1.1" '
                f'{status} {chosen.randrange(100_000)} "https://example.com{page}" "{agent}.0 (KHTML, like Gecko)"\n'
            )


def programs() -> list[Program]:
    """All programs of the table; those that are not installed say so."""
    python = os.environ.get(PEER_PYTHON, "")
    streamtally = [sys.executable, "-m", "streamtally.cli.main", "run"]

    def installed(name: str) -> str:
        return "" if shutil.which(name) else f"{name} is not installed"

    def run(workers: int) -> Callable[[Path, Path], list[str]]:
        return lambda log, out: [*streamtally, str(log), "--out", str(out), "--json", "--workers", str(workers)]

    goaccess = ["goaccess", "--log-format=COMBINED", "--no-global-config", "--no-progress"]
    no_polars = "" if python else f"set {PEER_PYTHON} to a Python with polars"
    return [
        Program(
            "goaccess, HTML report", lambda log, out: [*goaccess, str(log), "-o", f"{out}.html"], installed("goaccess")
        ),
        Program("run --workers 1", run(1)),
        Program("run --workers 2", run(2)),
        Program("mawk, minute and status", lambda log, _: ["mawk", _MAWK, str(log)], installed("mawk")),
        Program("DuckDB, minute and status", lambda log, _: [sys.executable, "-c", _DUCKDB, str(log), "2"]),
        Program("Polars, minute and status", lambda log, _: [python, "-c", _POLARS, str(log)], no_polars),
    ]


def measure(command: Sequence[str]) -> Measured:
    """Run a program to its end. Raises: CalledProcessError."""
    started = time.monotonic()
    # As where it is installed: compiled files are kept, also where the environment says to write none.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, errors = process.communicate() if process.stderr is None else (None, process.stderr.read())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command)[:4], stderr=errors)
    return Measured(usage.ru_utime + usage.ru_stime, time.monotonic() - started, usage.ru_maxrss / 1024)


def time_rounds(log: Path, rounds: int) -> dict[str, list[Measured]]:
    """Every program once per round. Each round begins with a different one, so that drift affects all equally."""
    able = [program for program in programs() if not program.missing]
    measured: dict[str, list[Measured]] = {program.name: [] for program in able}
    for number in range(rounds):
        first = number % len(able)
        for program in able[first:] + able[:first]:
            with tempfile.TemporaryDirectory() as folder:
                measured[program.name].append(measure(program.command(log, Path(folder) / "out")))
    return measured


def report(name: str, lines: int, measured: dict[str, list[Measured]]) -> None:
    """Print a table: medians, and of GoAccess's lines per CPU second the median share over the rounds."""
    base = measured.get("goaccess, HTML report")
    print(f"\n{name}: {lines:,} lines, median of {len(next(iter(measured.values())))}\n")
    print("| program | lines per CPU second | lines per second | of GoAccess | peak MB of a process |")
    print("| --- | --: | --: | --: | --: |")
    for program, runs in measured.items():
        cpu, wall = (statistics.median(getattr(run, kind) for run in runs) for kind in ("cpu", "wall"))
        ratio = "–"
        if base:
            ratio = f"{statistics.median(one.cpu / own.cpu for one, own in zip(base, runs, strict=True)):.2f}"
        peak = max(run.peak_mb for run in runs)
        print(f"| {program} | {lines / cpu:,.0f} | {lines / wall:,.0f} | {ratio} | {peak:,.0f} |")


def main(arguments: Sequence[str] | None = None) -> None:
    """Time all programs on a busy and a quiet site's log, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["busy", "quiet"])
    options = parser.parse_args(arguments)
    for program in programs():
        if program.missing:
            print(f"{program.name}: missing: {program.missing}")
    with tempfile.TemporaryDirectory() as folder:
        for name, gap in (("busy", 0.02), ("quiet", 35.0)):
            if options.only in (None, name):
                log = Path(folder) / f"{name}.log"
                write_log(log, options.lines, gap)
                report(name, options.lines, time_rounds(log, options.rounds))


if __name__ == "__main__":
    main()
