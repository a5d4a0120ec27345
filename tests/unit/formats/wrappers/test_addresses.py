"""Addresses in any text: masked wherever they stand; what only looks like one is left alone.

Kinds from allinurl/goaccess#345, #1193 and #1923, elastic/beats#9292, gforcada/haproxy_log_analysis#49,
webfactory/mod_log_ipmask#1, primus/forwarded-for#7, RFC 7239 and the servers' own logs.
"""

from __future__ import annotations

import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.source import source_settings
from streamtally.formats.wrappers.addresses import list_entries, mask_names, mask_text, mask_value
from streamtally.transform.source import Source

FOUND = {
    # lists, as servers and proxies separate and quote them
    "203.0.113.77,198.51.100.9": "203.0.113.0,198.51.100.0",
    "203.0.113.77, 198.51.100.9": "203.0.113.0, 198.51.100.0",
    "203.0.113.77,+198.51.100.9": "203.0.113.0,+198.51.100.0",
    "203.0.113.77,%20198.51.100.9": "203.0.113.0,%20198.51.100.0",
    "203.0.113.77%2C198.51.100.9": "203.0.113.0%2C198.51.100.0",
    "203.0.113.77%2c%20198.51.100.9": "203.0.113.0%2c%20198.51.100.0",
    '"203.0.113.77, 198.51.100.9"': '"203.0.113.0, 198.51.100.0"',
    r"\x22203.0.113.77\x22,\x20198.51.100.9": r"\x22203.0.113.0\x22,\x20198.51.100.0",
    "www.example.com|203.0.113.77": "www.example.com|203.0.113.0",
    "203.0.113.77-203.0.113.99": "203.0.113.0-203.0.113.0",
    "203.0.113.77 - -": "203.0.113.0 - -",
    # Forwarded
    'for="[2001:db8:cafe::17]:4711";proto=https': 'for="[2001:db8:cafe::]:4711";proto=https',
    "For=192.0.2.43, for=198.51.100.17;by=203.0.113.60": "For=192.0.2.0, for=198.51.100.0;by=203.0.113.0",
    # brackets, ports, mapped addresses, zones
    "[client 192.0.2.7:52034] AH01071: error": "[client 192.0.2.0:52034] AH01071: error",
    "[client 2001:db8:1:2::7:52034] AH": "[client 2001:db8:1::]:52034] AH".replace("]:", ":"),
    "client: 2001:db8:1:2:3:4:5:6, server: x": "client: 2001:db8:1::, server: x",
    "interface:2001:db8:1:2::9": "interface:2001:db8:1::",
    "::ffff:192.0.2.77": "::ffff:192.0.2.0",
    "[::ffff:192.0.2.77]:443": "[::ffff:192.0.2.0]:443",
    "fe80::aa:1%eth0 up": "fe80::%eth0 up",
    "from 192.0.2.7.": "from 192.0.2.0.",
    "rhost=192.0.2.7 user=root": "rhost=192.0.2.0 user=root",
    "SRC=192.0.2.7 DST=198.51.100.1 LEN=60": "SRC=192.0.2.0 DST=198.51.100.0 LEN=60",
    "Failed password for root from 2001:db8:9:8::7 port 22": "Failed password for root from 2001:db8:9:: port 22",
    "outside:192.0.2.7/54321": "outside:192.0.2.0/54321",
    "80:443:192.0.2.7": "80:443:192.0.2.0",
    # targets, queries, referers
    "GET /lookup/203.0.113.77 HTTP/1.1": "GET /lookup/203.0.113.0 HTTP/1.1",
    "GET /?ip=203.0.113.77&x=1 HTTP/1.1": "GET /?ip=203.0.113.0&x=1 HTTP/1.1",
    "/?ip=2001%3Adb8%3A1%3A2%3A%3A7&x": "/?ip=2001%3Adb8%3A1%3A%3A&x",
    "/?ip=%5B2001:db8:1:2::7%5D": "/?ip=%5B2001:db8:1::%5D",
    r"/?ip=2001\x3Adb8\x3A1\x3A2\x3A\x3A7": r"/?ip=2001\x3Adb8\x3A1\x3A\x3A",
    "/?u=http%3A%2F%2F203.0.113.77%2Fa": "/?u=http%3A%2F%2F203.0.113.0%2Fa",
    "/?u=http%253A%252F%252F203.0.113.77": "/?u=http%253A%252F%252F203.0.113.0",
    "/?ip=203%2E0%2E113%2E77": "/?ip=203%2E0%2E113%2E0",
    "https://203.0.113.77/a": "https://203.0.113.0/a",
    "http://[2001:db8:1:2::7]/a": "http://[2001:db8:1::]/a",
    "203.0.113.77.nip.io": "203.0.113.0.nip.io",
    "HIER_DIRECT/203.0.113.77": "HIER_DIRECT/203.0.113.0",
    "DIRECT/203.0.113.77": "DIRECT/203.0.113.0",
    "TCP/192.0.2.7:1": "TCP/192.0.2.0:1",
    "bot (at 203.0.113.77)": "bot (at 203.0.113.0)",
    "192.000.002.077": "192.000.002.0",
    r"{\"ip\":\"203.0.113.77\"}": r"{\"ip\":\"203.0.113.0\"}",
    r"a\n203.0.113.77": r"a\n203.0.113.0",
}


@pytest.mark.parametrize("text", FOUND)
def test_found(text: str) -> None:
    assert mask_text(text) == FOUND[text]
    assert mask_text(FOUND[text]) == FOUND[text]
    assert mask_text(f"({text})") == f"({FOUND[text]})"


@pytest.mark.parametrize(
    "text",
    [
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Windows; U; rv:1.9.2.13) Gecko/20101203 Firefox/3.6.13",
        '"Chromium";v="120.0.0.0"',
        "OPR/98.0.0.0",
        "/wp.js?ver=1.2.3.4",
        "/jquery-1.2.3.4.min.js",
        "1.3.6.1.4.1.311",
        "v1.2.3.4",
        "999.1.1.1",
        "1.2.3",
        "10/Oct/2025:13:55:36 +0000",
        "06/Feb/2025:12:14:14.655",
        "2025-11-22T21:21:41.123Z",
        "00:11:22:33:44:55",
        "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89",
        "DBD::mysql std::a1 A::B ::",
        "/a%3Ab%3Ac",
        "12345.1.2.3.4567",
        "",
        "-",
    ],
)
def test_left_alone(text: str) -> None:
    assert mask_text(text) == text


# A client's field holds no versions.
@pytest.mark.parametrize(
    "text, expected",
    [
        ("host-203.0.113.77.example.net", "host-203.0.113.0.example.net"),
        ("v203.0.113.77", "v203.0.113.0"),
        ("Chrome/120.0.0.1", "Chrome/120.0.0.0"),
        ("203.0.113.77.443", "203.0.113.0.443"),
    ],
)
def test_clients(text: str, expected: str) -> None:
    assert mask_text(text, is_client=True) == expected


# JSON keeps its order; names are masked as well, and none is lost.
def test_json() -> None:
    value = {"b": [{"ip": "203.0.113.77"}, 7, None], "203.0.113.77": 1, "203.0.113.78": 2, "a": True}
    masked = mask_value(value, mask_text)
    assert masked == {"b": [{"ip": "203.0.113.0"}, 7, None], "203.0.113.0": 1, "203.0.113.0_2": 2, "a": True}
    assert list(masked) == ["b", "203.0.113.0", "203.0.113.0_2", "a"]
    row = {"a": 1}
    assert mask_names(row) is row
    deep: Any = "203.0.113.77"
    for _ in range(1_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        mask_value(deep, mask_text)


# Entries as true_client reads them.
@pytest.mark.parametrize(
    "text, entries",
    [
        ("203.0.113.77,+10.0.0.8", ["203.0.113.77", "10.0.0.8"]),
        ('"203.0.113.77, 10.0.0.8"', ["203.0.113.77", "10.0.0.8"]),
        ("203.0.113.77,%2010.0.0.8", ["203.0.113.77", "10.0.0.8"]),
        (r"\x22203.0.113.77\x22, 10.0.0.8", ["203.0.113.77", "10.0.0.8"]),
        ('for=203.0.113.77;proto=http, for="[2001:db8::1]:4711"', ["203.0.113.77", "[2001:db8::1]:4711"]),
        (r"For=\"[2001:db8::1]:4711\";by=10.0.0.1", ["[2001:db8::1]:4711"]),
        ("for=_hidden, for=unknown", ["_hidden", "unknown"]),
        ("unknown, 10.0.0.8", ["unknown", "10.0.0.8"]),
        ("-", ["-"]),
        ("", []),
    ],
)
def test_list_entries(text: str, entries: list[str]) -> None:
    assert list_entries(text) == entries


# A line of 200,000 characters of anything takes no longer than in proportion.
@pytest.mark.parametrize(
    "piece",
    ["1.1.1.", "1:", "::", "a:", "%3A", "1.2.3.4,", "%", "\\x3A", "2001:db8::1 ", "a" * 40 + "/1.2.3.4", "1.", "for="],
)
def test_time_is_linear(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    start = time.process_time()
    mask_text(text)
    list_entries(text)
    assert time.process_time() - start < 4


def source(**settings: Any) -> Source:
    return Source(source_settings(settings), ZoneInfo)


# Every field of a row, and what does not parse; a list of fields limits it to these, and to what does not parse.
def test_settings() -> None:
    line = '192.0.2.77 - - [10/Oct/2025:13:55:36 +0000] "GET /?a=203.0.113.7 HTTP/1.1" 200 5 "-" "x" "203.0.113.77"'
    row = source(anonymize=True).parse(line)
    assert (row["host"], row["request"], row["extra"]) == ("192.0.2.0", "GET /?a=203.0.113.0 HTTP/1.1", '"203.0.113.0"')
    row = source(anonymize=["host"]).parse(line)
    assert (row["host"], row["request"]) == ("192.0.2.0", "GET /?a=203.0.113.7 HTTP/1.1")
    for anonymize in (True, ["host"]):
        assert source(anonymize=anonymize).hide("what 203.0.113.77") == "what 203.0.113.0"
        assert source(anonymize=anonymize, anonymize_unparsed=False).hide("203.0.113.77") == "203.0.113.77"
    assert source().hide("203.0.113.77") == "203.0.113.77"


# The list of W3C has + for a space (elastic/beats#9292).
def test_true_client() -> None:
    w3c = source(format="w3c", true_client={"forwarded": "x_forwarded_for", "client": "c_ip"}).parser_for_record(0)
    with pytest.raises(Exception, match="header"):
        w3c("#Fields: date time c-ip cs-method sc-status X-Forwarded-For")
    row = w3c("2025-11-22 21:21:41 10.0.0.9 GET 200 203.0.113.77,+10.0.0.8")
    assert (row["c_ip"], row["proxy"]) == ("203.0.113.77", "10.0.0.9")
