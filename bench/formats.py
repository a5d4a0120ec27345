"""make bench: lines per second of every format's parser, relative to Apache combined's in the same rounds.

Each format parses lines like its first example, in which times, clients, requests, ids, sizes and durations change from
line to line. Every round times all formats, in CPU time. A share is the ratio of a format's fastest pass to combined's,
as a shared machine slows down now this one, now that one: to the current parser's fastest pass, and to that of the one
from before the other formats existed.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import time
from collections.abc import Callable

from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, Example, FormatOptions, Parser, find_format
from streamtally.formats.auto import compile_auto
from streamtally.formats.wrappers.agent import compile_agent

LINES = 4_000
ROUNDS = 31
VARIANTS = 200
MIN_SHARE = 0.5
"""Of combined's lines per second, that every format must reach."""
_VARIED = re.compile(
    "host|client|client_ip|c_ip|remote_ip|time|date|datetime|timestamp|accept_date|request_creation_time|header|"
    "request|req|request_uri|cs_uri_stem|cs_uri_query|message|msg|bytes|size|received_bytes|sent_bytes|bytes_sent|"
    "bytes_read|sc_bytes|object_size|sc_content_len|trace_id|conn_trace_id|request_id|x_edge_request_id|host_id|"
    ".*_time|time_.*|reqtime|dur|time_to_first_byte|pid|processid|connection|c_port|client_port"
)
BASE = "apache_combined"
BEFORE = "combined before"
_NGINX = (
    'nginx:$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent"'
)

_HAPROXY = "haproxy:$HAPROXY_HTTP_LOG_FMT"


def contestants() -> dict[str, tuple[Parser, list[str]]]:
    """Name → parser and lines."""
    parsers = {
        log_format.name: (log_format.compile(FormatOptions()), variants(log_format.examples[0]))
        for log_format in REGISTRY.values()
        if log_format.examples
    }
    combined = parsers[BASE][1]
    parsers[BEFORE] = combined_before(), combined
    parsers["auto (combined)"] = compile_auto(FormatOptions()), combined
    parsers["nginx: directive"] = find_format(_NGINX).compile(FormatOptions()), combined
    bare = [line.partition("]: ")[2] for line in parsers["haproxy"][1]]
    parsers["haproxy: directive"] = find_format(_HAPROXY).compile(FormatOptions()), bare
    parsers["agent_options"] = compile_agent([{"optionName": "LOGTOJSON", "logFormat": "COMBINEDAPACHELOG"}]), combined
    return parsers


def variants(example: Example) -> list[str]:
    """Lines like the example: in the fields that change from line to line, the last digits of each number differ."""
    rng = random.Random(1)
    varied = [str(value) for name, value in example.row.items() if _VARIED.fullmatch(name) and value not in (None, "")]
    lines = []
    for _ in range(VARIANTS):
        line = example.line
        for text in varied:
            other = re.sub(r"[0-9]{1,2}(?![0-9])", lambda digits: _digits(rng, digits[0]), text)
            line = line.replace(text, other, 1)
        lines.append(line)
    return lines


def _digits(rng: random.Random, text: str) -> str:
    return str(rng.randint(1, 9)) if len(text) == 1 else str(rng.randint(10, 23))  # an hour stays valid


def combined_before() -> Parser:
    """Combined's parser from before the other formats existed: one pattern, one dict display."""
    quoted = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
    match = re.compile(
        r"(\S++) (\S++) ([^\[]{1,256}?) "  # host, ident, user
        r"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "  # time
        rf"{quoted} (\d{{3}}|-) (\d{{1,18}}|-) "  # request, status, bytes
        rf"{quoted} {quoted}\Z",  # referer, user agent
        re.DOTALL | re.ASCII,
    ).match

    def parse(line: str) -> dict[str, object]:
        matched = match(line)
        if matched is None:
            raise FormatError(BASE, "not a combined log line")
        host, ident, user, datetime, request, response, size, referer, agent = matched.groups()
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


def time_once(parse: Callable[[str], object], lines: list[str]) -> float:
    """Lines per second of CPU time, in the fastest of several passes: another process may slow down some of them."""
    fastest = math.inf
    for _ in range(LINES // VARIANTS):
        started = time.process_time()
        for line in lines:
            parse(line)
        fastest = min(fastest, time.process_time() - started)
    return VARIANTS / fastest


def measure(rounds: int) -> dict[str, list[float]]:
    """Lines per second of each format in each round."""
    parsers = contestants()
    speeds: dict[str, list[float]] = {name: [] for name in parsers}
    for _ in range(rounds):
        for name, (parse, lines) in parsers.items():
            speeds[name].append(time_once(parse, lines))
    return speeds


def share(speeds: list[float], base: list[float]) -> float:
    """The ratio of the fastest passes of all rounds."""
    return max(speeds) / max(base)


def main() -> int:
    """Print the table. Returns: 1 with ``--check`` if a format is below ``MIN_SHARE``, else 0."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=ROUNDS)
    arguments.add_argument("--check", action="store_true")
    options = arguments.parse_args()
    speeds = measure(options.rounds)
    print(f"\nformats: {LINES:,} lines per round, the fastest pass of {options.rounds}")
    print(f"  {'':18}{'lines/s':>12}{'of combined':>13}{'of combined before':>20}{'chars/line':>12}")
    slow = []
    for name, (_, lines) in contestants().items():
        now, before = share(speeds[name], speeds[BASE]), share(speeds[name], speeds[BEFORE])
        print(f"  {name:18}{max(speeds[name]):>12,.0f}{now:>13.2f}{before:>20.2f}{len(lines[0]):>12}")
        if (now if name != BASE else before - 1 + MIN_SHARE) < MIN_SHARE and name != BEFORE:
            slow.append(name)
    if slow:
        print(f"  below {MIN_SHARE} of combined: {', '.join(slow)}")
    return 1 if slow and options.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
