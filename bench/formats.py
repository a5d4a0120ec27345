"""make bench: lines a second of every format's parser, beside Apache combined's in the same rounds.

Each format reads its own typical line (its first example) over and over. Rounds alternate between the formats, CPU
time is counted, and a share is the median over rounds of this format's speed to combined's in that round: to combined's
as it is, and to combined's as it was before the other formats came, which the target of one half was set by.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Callable

from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, FormatOptions, Parser, find_format
from streamtally.formats.agent import compile_agent
from streamtally.formats.auto import compile_auto

LINES = 4_000
ROUNDS = 15
ASKED = 0.5  # of the lines a second of combined as it was before
BASE = "apache_combined"
BEFORE = "combined before"
_NGINX = (
    'nginx:$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent"'
)


def contestants() -> dict[str, tuple[Parser, str]]:
    """Name → parser and line."""
    described = [each for each in REGISTRY.values() if each.examples]
    found = {each.name: (each.compile(FormatOptions()), each.examples[0].line) for each in described}
    combined = found[BASE][1]
    found[BEFORE] = combined_before(), combined
    found["auto (combined)"] = compile_auto(FormatOptions()), combined
    found["nginx: directive"] = find_format(_NGINX).compile(FormatOptions()), combined
    found["agent_options"] = compile_agent([{"optionName": "LOGTOJSON", "logFormat": "COMBINEDAPACHELOG"}]), combined
    return found


def combined_before() -> Parser:
    """Combined's parser as it was when the other formats came: one pattern, one dict display."""
    quoted = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
    match = re.compile(
        r"(\S++) (\S++) ([^\[]{1,256}?) \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
        rf"{quoted} (\d{{3}}|-) (\d{{1,18}}|-) {quoted} {quoted}\Z",
        re.DOTALL | re.ASCII,
    ).match

    def parse(line: str) -> dict[str, object]:
        found = match(line)
        if found is None:
            raise FormatError(BASE, "not a combined log line")
        host, ident, user, datetime, request, response, size, referer, agent = found.groups()
        return {
            "host": None if host == "-" else host,
            "ident": None if ident == "-" else ident,
            "authuser": None if user == "-" else user,
            "datetime": datetime,
            "request": None if request == "-" else request,
            "response": None if response == "-" else int(response),
            "bytes": None if size == "-" else int(size),
            "referer": None if referer == "-" else referer,
            "agent": None if agent == "-" else agent,
        }

    return parse


def time_once(parse: Callable[[str], object], line: str) -> float:
    """Lines a second of CPU time."""
    started = time.process_time()
    for _ in range(LINES):
        parse(line)
    return LINES / (time.process_time() - started)


def measure(rounds: int) -> dict[str, list[float]]:
    """Lines a second of each format in each round."""
    found = contestants()
    speeds: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, (parse, line) in found.items():
            speeds[name].append(time_once(parse, line))
    return speeds


def share(mine: list[float], base: list[float]) -> float:
    """The median over rounds of the ratio in each."""
    return statistics.median(one / other for one, other in zip(mine, base, strict=True))


def main() -> int:
    """Print the table; with ``--check``, exit with 1 if a format is below what is asked."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=ROUNDS)
    arguments.add_argument("--check", action="store_true")
    options = arguments.parse_args()
    speeds = measure(options.rounds)
    print(f"\nformats: {LINES:,} lines a round, median of {options.rounds}")
    print(f"  {'':18}{'lines/s':>12}{'of combined':>13}{'of combined before':>20}{'chars/line':>12}")
    slow = []
    for name, (_, line) in contestants().items():
        now, before = share(speeds[name], speeds[BASE]), share(speeds[name], speeds[BEFORE])
        print(f"  {name:18}{statistics.median(speeds[name]):>12,.0f}{now:>13.2f}{before:>20.2f}{len(line):>12}")
        if name in REGISTRY and (before < ASKED or (name == BASE and before < 1)):
            slow.append(name)
    if slow:
        print(f"  below what is asked ({ASKED} of combined before): {', '.join(slow)}")
    return 1 if slow and options.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
