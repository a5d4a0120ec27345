"""make bench: lines a second of every format's parser, beside Apache combined's in the same rounds.

Each format reads its own samples (tests/formats/samples), header lines left out. Rounds alternate between the formats,
CPU time is counted, and the share is the median over rounds of (this format's speed / combined's speed in that round).
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable
from itertools import cycle, islice

from scripts.make_formats_doc import sample_lines
from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, FormatOptions, Parser, find_format
from streamtally.formats.agent import compile_agent
from streamtally.formats.auto import compile_auto

LINES = 4_000
ROUNDS = 15
ASKED = 0.5  # of combined's lines a second
BASE = "apache_combined"
_NGINX = (
    'nginx:$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent"'
)


def usual_lines(name: str) -> list[str]:
    """The sample's lines that the format takes whole, as most of a real log is: over and over up to LINES."""
    taken: list[str] = []
    for line in sample_lines(name):
        with contextlib.suppress(FormatError):
            row = REGISTRY[name].compile(FormatOptions())(line)  # a new one each, which has seen no header
            if not {"vhost", "extra"} & {field for field, value in row.items() if value is not None}:
                taken.append(line)
    return list(islice(cycle(taken), LINES))


def contestants() -> dict[str, tuple[Parser, list[str]]]:
    """Name → parser and lines."""
    described = {name: each for name, each in REGISTRY.items() if each.examples}
    found = {name: (each.compile(FormatOptions()), usual_lines(name)) for name, each in described.items()}
    combined, nginx = found[BASE][1], found["nginx"][1]
    found["auto (combined)"] = compile_auto(FormatOptions()), combined
    found["nginx: directive"] = find_format(_NGINX).compile(FormatOptions()), nginx
    agent = [{"optionName": "LOGTOJSON", "logFormat": "COMBINEDAPACHELOG"}]
    plain = [line for line in combined if line.startswith("198.")]
    found["agent_options"] = compile_agent(agent), list(islice(cycle(plain), LINES))
    return found


def time_once(parse: Callable[[str], object], lines: list[str]) -> float:
    """Lines a second of CPU time."""
    started = time.process_time()
    for line in lines:
        parse(line)
    return len(lines) / (time.process_time() - started)


def measure(rounds: int) -> dict[str, list[float]]:
    """Lines a second of each format in each round."""
    found = contestants()
    speeds: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, (parse, lines) in found.items():
            speeds[name].append(time_once(parse, lines))
    return speeds


def main() -> int:
    """Print the table; with ``--check``, exit with 1 if a format is below what is asked."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=ROUNDS)
    arguments.add_argument("--check", action="store_true")
    options = arguments.parse_args()
    speeds = measure(options.rounds)
    slow = []
    print(f"\nformats: {LINES:,} lines a round, median of {options.rounds}; combined = 1")
    print(f"  {'':18}{'lines/s':>12}{'share':>8}{'chars/line':>12}")
    lines_of = {name: lines for name, (_, lines) in contestants().items()}
    for name, values in speeds.items():
        share = statistics.median(mine / base for mine, base in zip(values, speeds[BASE], strict=True))
        chars = sum(map(len, lines_of[name])) / LINES
        print(f"  {name:18}{statistics.median(values):>12,.0f}{share:>8.2f}{chars:>12.0f}")
        if share < ASKED and name in REGISTRY:
            slow.append(name)
    if slow:
        print(f"  below {ASKED} of combined: {', '.join(slow)}")
    return 1 if slow and options.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
