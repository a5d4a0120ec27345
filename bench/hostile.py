"""Hostile lines: CPU time per byte and memory of every format's worst line, as ratios in one run.

Each format's example is stretched to 64 kB at several positions by tokens that its pattern looks for (spaces, quotes,
brackets, digits …). The slowest and those whose time grows most are then stretched to 1 MB. ``--check`` exits with
1 if a line takes more than 2.5 times as long as one of half its length, or more than 20 times the mean of all formats'
rows of its length.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import itertools
import re
import statistics
import sys
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from streamtally.formats import REGISTRY, FormatOptions, Parser
from streamtally.formats.auto import compile_auto
from streamtally.formats.wrappers.agent import compile_agent
from streamtally.formats.wrappers.embedded_line import LineFieldParser

SIZES = (1_000, 2_000, 32_000, 64_000, 500_000, 1_000_000)
DOUBLED = ((1_000, 2_000), (32_000, 64_000), (500_000, 1_000_000))
MAX_DOUBLING, MAX_OF_MEAN = 2.5, 20.0
TOO_LONG_SECONDS = 5.0
RETRIES = 6  # another process may have evicted the caches: a true excess persists
TRIES, FEW_TRIES, LONG_SECONDS = 5, 2, 0.01
ALL_UP_TO, SUSPECTS = 64_000, 12
SMALLEST_SECONDS = 0.0003  # a shorter time mostly measures the clock
SMALLEST_NS_A_BYTE = 10.0  # a third of a typical line's; less mostly measures memory, which is slower for larger texts
TOKENS = (
    *(" ", '"', "\\", "[", "] ", "{", ",", "\t", "=", ":", "a", "1"),
    *("a=b ", "a:b\t", '\\"', "<1>", "[x] ", "- ", "\x00", "é"),
)
POSITIONS = (0.0, 0.1, 0.35, 0.6, 0.85, 1.0)
"""Where an example is stretched, as shares of its length."""
REGEX = r'(?P<a>[^ ]*) \[(?P<b>[^\]]*)\] "(?P<c>(?:[^"\\]|\\.)*)" (?P<d>\d+)'


class Family(NamedTuple):
    """Lines that differ only in how often the token is repeated between head and tail."""

    head: str
    token: str
    tail: str

    def line(self, size: int) -> str:
        """The line of at most that many characters; ``#`` in the token is a different number in each repetition."""
        room = max(0, size - len(self.head) - len(self.tail))
        return self.head + _stretched(self.token, room) + self.tail


@functools.lru_cache(maxsize=64)
def _stretched(token: str, room: int) -> str:
    if "#" not in token:  # whole tokens: with half an escape only some lengths would be rows
        return token * (room // len(token))
    text = "".join(token.replace("#", f"{number:x}") for number in range(room // len(token) + 1))
    text = text[: text.rindex(token[-1], 0, room) + 1] if room > 2 * len(token) else ""
    return text + token[-1] * (room - len(text)) if token[-1] == " " else text


# Further lines that are parsed to their end, as most stretched examples are not.
ALSO = {
    "json": (
        *(Family("{", '"k#":1,', '"a":1}'), Family('{"a":[', "[],", "1]}"), Family('{"a":[', '{"a":1},', "1]}")),
        *(Family('{"b":1e999,"a":[', "[],", "1]}"), Family('{"a":"', r"\ud800", '"}'), Family('{"a":"', r"\n", '"}')),
    ),
    "logfmt": (
        *(Family("a=b ", "k#=v ", "c=d"), Family("a=b ", 'k#="v v" ', "c=d"), Family('a="', "a b ", '"')),
        *(Family('a="', r"\nx", '"'), Family('a="', r"\x41z", '"'), Family('a="', r"\x4#z", '"')),
        *(Family('a="', r"\n\x41z", '"'), Family('a="', r"\x41\\", '"')),
    ),
    "ltsv": (Family("a:b\t", "k#:v\t", "c:d"), Family("status:", "9", "\ta:b")),
    "csv": (Family("a,", "k#,", "b"), Family("a,", '"k#",', "b"), Family('a,"', '""', '"')),
    "tsv": (Family("a\t", "k#\t", "b"), Family("a\t", '"k#"\t', "b")),
}


def contestants() -> dict[str, tuple[Parser, list[str]]]:
    """Name → parser and the examples to stretch."""
    combined = REGISTRY["apache_combined"].examples[0].line
    made: dict[str, tuple[Parser, list[str]]] = {
        log_format.name: (log_format.compile(FormatOptions()), [log_format.examples[0].line])
        for log_format in REGISTRY.values()
        if log_format.examples
    }
    types = {"a": "BIGINT", "b": "DOUBLE", "c": "DECIMAL(18,2)", "d": "DOUBLE"}
    made["regex"] = REGISTRY["regex"].compile(FormatOptions(pattern=REGEX, types=types)), ['x [1] "GET /" 200']
    made["auto"] = compile_auto(FormatOptions()), [combined]
    agent = [{"optionName": "LOGTOJSON", "logFormat": "COMBINEDAPACHELOG"}]
    made["agent_options"] = compile_agent(agent), [combined]
    made["line_field"] = LineFieldParser(compile_auto(FormatOptions()), "log"), ['{"log":"a","b":[1,2.5e3]}']
    return made


def families(examples: list[str]) -> Iterator[Family]:
    """Every token at every position of every example."""
    for example, share, token in itertools.product(examples, POSITIONS, TOKENS):
        position = int(len(example) * share)
        yield Family(example[:position], token, example[position:])


def seconds(parse: Parser, line: str) -> float:
    """CPU time of one line: the minimum of several tries, scaled to the processor's speed at the start.

    A shared processor may run at half its speed for seconds.
    """
    best, spent, tries = 9.0, 0.0, 0
    while spent < 4 * SMALLEST_SECONDS or tries < (FEW_TRIES if best > LONG_SECONDS else TRIES):
        before = yardstick()
        started = time.process_time_ns()
        with contextlib.suppress(Exception):  # a line that does not fit counts too
            parse(line)
        took = max(1, time.process_time_ns() - started) / 1e9
        spent, tries = spent + took, tries + 1
        best = min(best, took * speed_at_the_start() / max(before, yardstick()))
        if took > TOO_LONG_SECONDS:
            break
    return best


_YARDSTICK = re.compile(r'(?:"[^"]*"|\[[^\]]*\]|\S+)(?: |\Z)')
_YARDSTICK_LINE = 'a [b c] "d e f" 200 12 "-" ' * 6


def yardstick() -> int:
    """Nanoseconds that a fixed piece of work takes now, the minimum of two."""
    taken = []
    for _ in range(2):
        started = time.perf_counter_ns()
        _YARDSTICK.findall(_YARDSTICK_LINE)
        taken.append(time.perf_counter_ns() - started)
    return min(taken)


@functools.cache
def speed_at_the_start() -> int:
    """Nanoseconds that the yardstick took at first, the minimum of many."""
    return min(yardstick() for _ in range(500))


def peak_bytes(parse: Parser, line: str) -> int:
    """The peak memory for parsing the line, in bytes, without the line itself."""
    gc.collect()
    tracemalloc.start()
    try:
        parse(line)
    except Exception:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak


Times = dict[Family, dict[int, float]]
"""Family → size in characters → seconds."""


def measure(parse: Parser, stretched: list[Family], sizes: tuple[int, ...]) -> Times:
    """Times all families of a format up to ``ALL_UP_TO``, then only the slowest and those whose time grows most."""
    times: Times = {family: {} for family in stretched}
    small = [size for size in sizes if size <= ALL_UP_TO]
    for family in stretched:
        _measure(parse, family, small, times)
    rate = {family: taken[max(taken)] for family, taken in times.items()}
    growth = {family: taken[max(taken)] / taken[min(taken)] for family, taken in times.items()}
    suspects = {family for key in (rate, growth) for family in sorted(key, key=key.__getitem__)[-SUSPECTS:]}
    for family in stretched:
        if family in suspects:
            _measure(parse, family, [size for size in sizes if size > ALL_UP_TO], times)
    return times


def _measure(parse: Parser, family: Family, sizes: list[int], times: Times) -> None:
    for size in sizes:
        if max(times[family].values(), default=0.0) > TOO_LONG_SECONDS:  # it has failed already
            return
        times[family][size] = seconds(parse, family.line(size))


def mean_of_rows(chosen: Mapping[str, tuple[Parser, list[str]]], measured: Mapping[str, Times], size: int) -> float:
    """Mean seconds of the lines of that length that are rows; most other lines are refused at their beginning."""
    return statistics.fmean(
        taken[size]
        for name, times in measured.items()
        for family, taken in times.items()
        if size in taken and is_row(chosen[name][0], family.line(size))
    )


def is_row(parse: Parser, line: str) -> bool:
    """Whether the line fits the format."""
    try:
        parse(line)
    except Exception:
        return False
    return True


def worst_doubling(times: Times, parse: Parser) -> tuple[float, Family]:
    """The largest ratio of the time of a line to that of a line of half its length, and the line's family."""
    return max((_doubling(taken, parse, family), family) for family, taken in times.items())


def worst_of_mean(times: Times, means: dict[int, float], parse: Parser) -> tuple[float, Family]:
    """The largest ratio of a line's time to the mean of the rows of its length, and the line's family."""
    ratios = [
        (_of_mean(took, means[size], parse, family.line(size)), family)
        for family, taken in times.items()
        for size, took in taken.items()
        if took >= _smallest(size)
    ]
    return max(ratios, default=(1.0, next(iter(times))))


def _of_mean(took: float, mean: float, parse: Parser, line: str) -> float:
    for _ in range(RETRIES):
        if took / mean > MAX_OF_MEAN:
            took = min(took, seconds(parse, line))
    return took / mean


def memory(times: Times, parse: Parser, size: int) -> float:
    """The most bytes per character that parsing the slowest lines takes, without the lines themselves."""
    slowest = sorted(times, key=lambda family: times[family].get(size, 9.0))[-3:]
    return max(peak_bytes(parse, family.line(size)) for family in slowest) / size


def _smallest(size: int) -> float:
    return max(SMALLEST_SECONDS, SMALLEST_NS_A_BYTE * size / 1e9)


def _doubling(taken: dict[int, float], parse: Parser, family: Family) -> float:
    worst = 0.0
    for small, large in DOUBLED:
        if taken.get(large, 0) < _smallest(large) or small not in taken:
            continue
        ratio = taken[large] / taken[small]
        for _ in range(RETRIES):
            if ratio > MAX_DOUBLING:
                ratio = min(ratio, seconds(parse, family.line(large)) / seconds(parse, family.line(small)))
        worst = max(worst, ratio)
    return worst


def main() -> int:
    """Print one line per format. Returns: 1 with ``--check`` if a format is not linear, else 0."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit with 1 if a format is not linear")
    arguments.add_argument("--format", action="append", help="test only this format (may be repeated)")
    arguments.add_argument("--max-size", type=int, default=SIZES[-1], help="maximum length of a line, in characters")
    options = arguments.parse_args()
    sizes = tuple(size for size in SIZES if size <= options.max_size)
    chosen = {name: made for name, made in contestants().items() if not options.format or name in options.format}
    gc.disable()  # garbage of earlier lines must not count for this line
    measured: dict[str, Times] = {}
    for name, (parse, examples) in chosen.items():
        started = time.process_time()
        measured[name] = measure(parse, [*families(examples), *ALSO.get(name, ())], sizes)
        seconds_taken = time.process_time() - started
        print(f"  {name}: {len(measured[name])} families, {seconds_taken:.0f} s", file=sys.stderr, flush=True)
    means = {size: mean_of_rows(chosen, measured, min(size, ALL_UP_TO)) * max(1.0, size / ALL_UP_TO) for size in sizes}
    failures: list[str] = []
    print(f"  {'':18}{'ns a byte':>10}{'doubling':>10}{'of mean':>9}{'memory':>8}")
    for name, times in measured.items():
        parse = chosen[name][0]
        doubling, of_mean = worst_doubling(times, parse), worst_of_mean(times, means, parse)
        slowest = max(took / size for taken in times.values() for size, took in taken.items()) * 1e9
        peak = memory(times, parse, sizes[-1])
        print(f"  {name:18}{slowest:>10.1f}{doubling[0]:>10.2f}{of_mean[0]:>9.1f}{peak:>7.1f}x", flush=True)
        if doubling[0] > MAX_DOUBLING:
            failures.append(f"{name}: not linear: {doubling[1]!r}")
        if of_mean[0] > MAX_OF_MEAN:
            failures.append(f"{name}: far from the mean: {of_mean[1]!r}")
    for failure in failures:
        print(f"  {failure}")
    return 1 if failures and options.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
