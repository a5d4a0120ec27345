"""The logs in tests/samples/: written by real servers for fictitious clients, with what occurs on the Internet."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from pathlib import Path

import pytest

from streamtally.errors import FormatError
from streamtally.formats import FormatOptions
from streamtally.formats.auto import compile_auto

SAMPLES = Path(__file__).parents[2] / "samples"
LOGS = ("apache-combined", "apache-common", "nginx-combined", "nginx-graphql")
MADE_UP = [*map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"))]


def lines_of(log: str) -> list[str]:
    return (SAMPLES / f"{log}.log").read_bytes().decode("ascii").removesuffix("\n").split("\n")


# Every client is in a documentation range or on loopback, and nothing identifies the machine that ran the servers.
@pytest.mark.parametrize("log", LOGS)
def test_nobody_real(log: str) -> None:
    for line in lines_of(log):
        host = ipaddress.ip_address(line.split(" ", 1)[0])
        assert host.is_loopback or any(host in network for network in MADE_UP)
        assert not re.search(r"/(tmp|root|home|var)/", line)


# Every line of the servers' logs is complete and fits its format.
@pytest.mark.parametrize("log", LOGS[:3])
def test_every_line_parses(log: str) -> None:
    parse = compile_auto(FormatOptions())
    refused = []
    for line in lines_of(log):
        try:
            parse(line)
        except FormatError:
            refused.append(line)
    assert refused == []


# The logs contain the status codes, minutes and texts that their README lists.
@pytest.mark.parametrize(
    "log, statuses, parts",
    [
        (
            "apache-combined",
            "200 206 301 302 304 400 401 403 404 405 408 413 414 416 500 501 503",
            [
                '"PRI * HTTP/2.0" 400',
                r'"\x16\x03\x01" 400',
                r"o\"hara",
                " - jane doe [",
                '"-" "-"',
                '"" "',
                "><script>",
            ],
        ),
        (
            "nginx-combined",
            "200 206 301 302 304 400 401 403 404 405 408 413 414 416 499 500 502 504 505",
            [
                '"PRI * HTTP/2.0" 400',
                r'"\x16\x03\x01',
                r"\x22quoted\x22 agent \x5C",
                " - jane doe [",
                '"" 400',
                "-0330]",
                "><script>",
            ],
        ),
    ],
)
def test_what_the_logs_hold(log: str, statuses: str, parts: list[str]) -> None:
    lines = lines_of(log)
    counted = Counter(re.findall(r'" (\d\d\d) (?:\d+|-) "', "\n".join(lines)))
    assert set(statuses.split()) <= set(counted)
    for part in (*parts, "2001:db8:", "%C3%BC", r"\xff" if log.startswith("apache") else r"\xFF", "::1 "):
        assert any(part in line for line in lines), part
    assert len({line.split("[", 1)[1][:17] for line in lines}) >= 8
    assert max(map(len, lines)) > 2000
    assert len(lines) > 500


# Apache's two logs have the same requests: each common line is the beginning of a combined line.
def test_common_is_the_beginning_of_combined() -> None:
    for common, combined in zip(lines_of("apache-common"), lines_of("apache-combined"), strict=True):
        assert combined.startswith(f"{common} ")
