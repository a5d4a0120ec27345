"""The generator of logs: the same bytes from the same seed, the traffic that it promises, in every format."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from itertools import islice

import orjson
import pytest

from streamtally.errors import FormatError, SettingsError, UnknownFormatError
from streamtally.formats import FormatOptions, Parser, find_format
from streamtally.formats.auto import compile_auto
from streamtally.local.sample import generate
from streamtally.local.sample_formats import FORMATS

GRAPHQL = (
    r'^([\d.]+) - - \[([\w:/]+).*\] "(\w+) /(\w+).*(\d.+)" (\d{3}) (\d+) "(\S+)" "(.*?)" ([\d.]+) "(.*?)" (\d+);(\d+)'
)
GRAPHQL_FIELDS = (
    *("client_ip", "time_stamp", "verb", "uri_path", "http_ver", "http_status", "bytes", "referrer", "agent"),
    *("response_time", "graphql", "company_id", "user_id"),
)

pytestmark = pytest.mark.xdist_group("sample")  # most tests read the same logs, which one process makes once


def parser_of(format: str) -> Parser:
    if format == "graphql":
        options = FormatOptions(pattern=GRAPHQL, fields=GRAPHQL_FIELDS)
        return find_format("regex").compile(options)
    return compile_auto(FormatOptions())


@cache
def statuses(format: str, lines: int, seed: int) -> tuple[Counter[int], list[str]]:
    """How often each status is found by the project's own parsers, and the lines that they refuse."""
    parse = parser_of(format)
    counts: Counter[int] = Counter()
    refused: list[str] = []
    for line in generate(lines, seed, format):
        try:
            row = parse(line)
        except FormatError:
            refused.append(line)
        else:
            counts[int(row["http_status" if format == "graphql" else "response"])] += 1
    return counts, refused


def digest_of(format: str) -> str:
    text = "".join(f"{line}\n" for line in generate(20_000, 7, format))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# The same seed gives the same bytes on every machine and version of Python: these digests were stored once.
@pytest.mark.parametrize(
    "format, stored",
    [
        ("apache_common", "3130b754606aee49"),
        ("apache_combined", "66ccf43791694fc6"),
        ("nginx", "66ccf43791694fc6"),
        ("json", "c1e8a63bab0d4210"),
        ("graphql", "6eab7c0748d84857"),
    ],
)
def test_same_seed_same_bytes(format: str, stored: str) -> None:
    assert digest_of(format) == stored


# Another seed gives another log, and a shorter log of a seed is the beginning of a longer one.
def test_seed_and_length() -> None:
    assert list(generate(500, 1)) != list(generate(500, 2))
    assert list(generate(500, 1)) == list(islice(generate(5000, 1), 500))
    assert list(generate(0, 1)) == []
    assert len(list(generate(12_345, 1))) == 12_345


# One traffic is written in every format, so that all of them count alike; 0.2 to 0.5 % of the lines parse as nothing.
@pytest.mark.large
@pytest.mark.parametrize("format", FORMATS)
def test_counts_agree_between_formats(format: str) -> None:
    counts, refused = statuses(format, 60_000, 3)
    as_combined, _ = statuses("apache_combined", 60_000, 3)
    assert counts == as_combined
    assert 0.002 <= len(refused) / 60_000 <= 0.005
    assert sum(counts.values()) + len(refused) == 60_000
    assert "" in refused


# The log holds what a shop's log does: ordinary and odd status codes, bots, IPv6, odd agents, escaped quotes.
def test_what_a_log_holds() -> None:
    lines = list(generate(60_000, 3))
    counts, _ = statuses("apache_combined", 60_000, 3)
    assert {200, 204, 206, 301, 302, 304, 400, 401, 403, 404, 405, 408, 500, 502, 503, 504} <= set(counts)
    assert counts[200] > 0.6 * 60_000
    for part in (
        "2001:db8:",
        "ExampleBot",
        '\\"',
        "\\x16\\x03",
        "<script>",
        '"" ',
        '""',
        "日本語",
        " - alice [",
        "%C3%BC",
    ):
        assert any(part in line for line in lines), part


# Bursts stand out: some minute has mostly 404 and some minute has many 5xx, and most minutes have neither.
def test_bursts() -> None:
    minutes: dict[str, Counter[str]] = {}
    for line in generate(60_000, 3):
        if match := re.search(r'\[([^\]]{17}).*?" (\d)(\d\d) ', line):
            kind = "404" if match[2] + match[3] == "404" else match[2]
            minutes.setdefault(match[1], Counter())[kind] += 1
    not_found = [minute["404"] / minute.total() for minute in minutes.values()]
    failing = [minute["5"] / minute.total() for minute in minutes.values()]
    assert max(not_found) > 0.4
    assert max(failing) > 0.2
    assert sorted(not_found)[len(not_found) // 2] < 0.06
    assert sorted(failing)[len(failing) // 2] < 0.02


# A day has a rhythm: about five times as much at its busiest hour as at its quietest.
def test_daily_rhythm() -> None:
    hours = Counter(
        line.split("[", 1)[1][12:14] for line in generate(90_000, 5, rate=1.0) if re.search(r"\[01/Mar", line[:60])
    )
    assert 3 < max(hours.values()) / hours["03"] < 9
    assert hours["19"] > hours["00"] > hours["03"]


# Times start where they are told, in UTC, in order, and the default does not depend on the seed.
def test_times() -> None:
    for seed in (1, 2, 3):
        assert "[01/Mar/2025:00:00:0" in next(generate(1, seed))
    start = datetime(2024, 12, 31, 23, 59, 58, tzinfo=timezone(timedelta(hours=1)))
    lines = list(generate(3000, 4, start=start))
    assert "[31/Dec/2024:22:59:5" in lines[0]
    stamps = [match[1] for line in lines if (match := re.search(r"\[(../.../....:..:..:.. \+0000)\]", line))]
    times = [datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z") for stamp in stamps]
    assert times == sorted(times)
    assert start <= times[0] < times[-1]


# JSON lines are as the Kinesis Agent makes them: its nine fields in its order, strings or null, compact.
def test_json_is_the_agents() -> None:
    objects = []
    for line in generate(5000, 6, "json"):
        try:
            objects.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            continue
        assert orjson.dumps(objects[-1]).decode() == line
    names = ["host", "ident", "authuser", "datetime", "request", "response", "bytes", "referer", "agent"]
    assert all(list(object_) == names for object_ in objects)
    values = {type(value) for object_ in objects for value in object_.values()}
    assert values == {str, type(None)}
    assert any(object_["bytes"] is None for object_ in objects)
    assert not any(value == "-" for object_ in objects for value in object_.values())


# What cannot be used is said at the call, before the first line is asked for.
@pytest.mark.parametrize(
    "arguments, error, text",
    [
        ({"lines": 1, "seed": 1, "format_name": "xml"}, UnknownFormatError, "unknown format 'xml'"),
        ({"lines": -1, "seed": 1}, SettingsError, "lines is -1"),
        ({"lines": 1, "seed": 1, "rate": 0.0}, SettingsError, "rate is 0.0"),
        ({"lines": 1, "seed": 1, "start": datetime(2025, 1, 1)}, SettingsError, "no time zone"),  # noqa: DTZ001
        ({"lines": 1, "seed": 1, "start": datetime.max.replace(tzinfo=UTC)}, SettingsError, "year"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        generate(**arguments)  # type: ignore[arg-type]
