"""What stands before an access line's time: addresses, names, lists of them, users; and what stands there in no log."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, FormatOptions
from tests.endless import FLOOD_CHARS, FLOOD_SECONDS, must_end
from tests.examples import examples
from tests.unit.formats.engine.test_fast_ways import hostile, lines_of, result

COMMON = '[10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 5'
REST = {"apache_common": COMMON, "apache_combined": f'{COMMON} "-" "x"', "nginx": f'{COMMON} "-" "x"'}
PARSERS = {name: REGISTRY[name].compile(FormatOptions()) for name in REST}

Front = dict[str, Any]


def front(vhost: Any = ..., x_forwarded_for: Any = ..., host: Any = None, ident: Any = None, user: Any = None) -> Front:
    fields = {"vhost": vhost, "x_forwarded_for": x_forwarded_for, "host": host, "ident": ident, "authuser": user}
    return {name: value for name, value in fields.items() if value is not ...}


READ: dict[str, Front] = {
    # One address or name.
    "192.0.2.1 - -": front(host="192.0.2.1"),
    "192.0.2.1:51000 - ann": front(host="192.0.2.1:51000", user="ann"),
    "2001:db8::1 - -": front(host="2001:db8::1"),
    "2001:db8:0:0:0:0:0:1 - -": front(host="2001:db8:0:0:0:0:0:1"),
    "::ffff:192.0.2.9 - -": front(host="::ffff:192.0.2.9"),
    "[2001:db8::1]:443 - -": front(host="[2001:db8::1]:443"),
    "fe80::1%eth0 - -": front(host="fe80::1%eth0"),
    "host-1.example.com id ann": front(host="host-1.example.com", ident="id", user="ann"),
    "bücher.example - -": front(host="bücher.example"),
    "unix: - -": front(host="unix:"),  # nginx, of a client on a socket
    "unknown - -": front(host="unknown"),
    "192.0.2.* - -": front(host="192.0.2.*"),
    "- - -": front(),
    # Lists, as X-Forwarded-For in place of the host.
    "10.0.0.2, 10.0.0.1, 127.0.0.1 - -": front(host="10.0.0.2, 10.0.0.1, 127.0.0.1"),
    "10.0.0.2,10.0.0.1 - ann": front(host="10.0.0.2,10.0.0.1", user="ann"),
    "2001:db8::1, 198.51.100.7,10.0.0.1 - -": front(host="2001:db8::1, 198.51.100.7,10.0.0.1"),
    "unknown, 192.0.2.1:80 - ann lee": front(host="unknown, 192.0.2.1:80", user="ann lee"),
    '"192.0.2.1" - -': front(host="192.0.2.1"),
    '"192.0.2.1, 10.0.0.1" - -': front(host="192.0.2.1, 10.0.0.1"),
    '"192.0.2.1,10.0.0.1,10.0.0.2" id ann': front(host="192.0.2.1,10.0.0.1,10.0.0.2", ident="id", user="ann"),
    # Lists before the peer.
    '"192.0.2.10, 198.51.100.1" 10.2.1.185 - -': front(x_forwarded_for="192.0.2.10, 198.51.100.1", host="10.2.1.185"),
    "2001:db8::8000, 10.225.192.17 10.2.2.121 - -": front(
        x_forwarded_for="2001:db8::8000, 10.225.192.17", host="10.2.2.121"
    ),
    '"-" 10.2.1.185 - ann': front(x_forwarded_for=None, host="10.2.1.185", user="ann"),
    # With a virtual host.
    "www.example.com:443 192.0.2.9 - -": front("www.example.com:443", host="192.0.2.9"),
    "www.example.com host.example.net - ann": front("www.example.com", host="host.example.net", user="ann"),
    "example.com 192.0.2.2, 10.0.0.1, 127.0.0.1 - -": front("example.com", host="192.0.2.2, 10.0.0.1, 127.0.0.1"),
    'example.com "192.0.2.2, 10.0.0.1" - -': front("example.com", host="192.0.2.2, 10.0.0.1"),
    'example.com "192.0.2.2, 10.0.0.1" 10.0.0.9 - -': front("example.com", "192.0.2.2, 10.0.0.1", "10.0.0.9"),
    "example.com 192.0.2.2, 10.0.0.1 10.0.0.9 - ann": front(
        "example.com", "192.0.2.2, 10.0.0.1", "10.0.0.9", user="ann"
    ),
    # Users.
    "192.0.2.1 - O'Brien, Pat": front(host="192.0.2.1", user="O'Brien, Pat"),
    "192.0.2.1 - ann [admin]": front(host="192.0.2.1", user="ann [admin]"),
    "192.0.2.1 - ann@example.com": front(host="192.0.2.1", user="ann@example.com"),
    "192.0.2.1 - EXAMPLE\\ann": front(host="192.0.2.1", user="EXAMPLE\\ann"),
    "192.0.2.1 - 00:00:5e:00:53:01": front(host="192.0.2.1", user="00:00:5e:00:53:01"),  # an address of hardware
    "192.0.2.1 - 1.2.3.4.example": front(host="192.0.2.1", user="1.2.3.4.example"),
    "a.example - - bob": front(host="a.example", user="- bob"),  # a virtual host is not followed by no host
    '192.0.2.3 - ""': front(host="192.0.2.3", user=""),  # mod_log_config: an empty name
    '192.0.2.3 - "ann"': front(host="192.0.2.3", user='"ann"'),
}
_LINE = "192.0.2.1 - -"
REFUSED = [
    f"Nov 10 12:11:55 web1 nginx: {_LINE}",
    f"<190>Oct 10 13:55:36 web1 nginx: {_LINE}",
    f"<190>1 2025-10-10T13:55:36Z web1 nginx 77 - - {_LINE}",
    f"2025-10-10T13:55:36.123456789Z stdout F {_LINE}",
    f"2025-10-10T13:55:36.123456789Z {_LINE}",
    f"2025-10-10T13:55:36+02:00 web1 nginx: {_LINE}",
    f"web-1 | {_LINE}",
    f"web-1  | {_LINE}",
    f"[pod/web-1/nginx] {_LINE}",
    f"Fri 2025-10-10 13:55:36 UTC web1 nginx[7]: {_LINE}",
    f"[    5.123456] web1 nginx[7]: {_LINE}",
    f"1760104536.123456 web1 nginx[7]: {_LINE}",
    f"access.log: {_LINE}",
    f"web1 app: {_LINE}",
    "192.0.2.1 | -",
    "192.0.2.1 198.51.100.2 -",  # an address is no answer of identd
    "192.0.2.1 - 198.51.100.2",
    "192.0.2.1 - 2001:db8::1",
    "192.0.2.1 - ann 198.51.100.2",
    "192.0.2.1 - ann: lee",
    "192.0.2.1 - ann - lee",
    "10.0.0.1, 10.0.0.2 10.0.0.3 10.0.0.4 -",
    "12:11:55 - -",
    "a,,b - -",
    '"192.0.2.1 - -',
    '192.0.2.1" - -',
    "192.0.2.1,  10.0.0.1 - -",
    "{x - -",
    "a.example - - -",
]


@pytest.mark.parametrize("name", REST)
@pytest.mark.parametrize("text", READ)
def test_read(name: str, text: str) -> None:
    row = PARSERS[name](f"{text} {REST[name]}")
    assert {key: row[key] for key in row if key in front(..., ..., ..., ..., ...) or key in READ[text]} == READ[text]
    assert list(row)[: len(READ[text])] == list(READ[text])
    assert row["response"] == 200
    extended = PARSERS[name](f"{text} {REST[name]} 0.004")
    assert extended["extra"] == "0.004"
    assert list(extended)[: len(READ[text])] == list(READ[text])


@pytest.mark.parametrize("name", REST)
@pytest.mark.parametrize("text", REFUSED)
def test_refused(name: str, text: str) -> None:
    with pytest.raises(FormatError):
        PARSERS[name](f"{text} {REST[name]}")
    scanner = REGISTRY[name].scanner
    assert scanner is not None
    assert not scanner.findall(f"{text} {REST[name]}")[0][0]


# A scanner takes no line that the parser refuses, and gives the same row.
@pytest.mark.parametrize("name", REST)
def test_scanners_agree(name: str) -> None:
    scanner = REGISTRY[name].scanner
    assert scanner is not None
    lines = [*lines_of(name), *(f"{text} {REST[name]}" for text in (*READ, *REFUSED))]

    @settings(max_examples=examples(1000), deadline=None, suppress_health_check=list(HealthCheck))
    @given(hostile(lines))
    def check(line: str) -> None:
        if "\n" in line:
            return
        plain = scanner.findall(line)[0]
        if plain[0]:
            assert result(lambda _: scanner.row(plain), line) == result(PARSERS[name], line)

    check()


FLOODS = [
    "10.0.0.1, ", "10.0.0.1,", "a,", ", ", "::", "1:", "a", "a ", "- ", "a: ", "[", "[01/", " [01", '"', '""', "%",
    "-,", "[::]:",
]  # fmt: skip


# Long lists, names, users and names of identd take linear time.
@pytest.mark.large
@pytest.mark.parametrize("flood", FLOODS)
def test_linear_time(flood: str) -> None:
    text, rest = flood * (FLOOD_CHARS // len(flood)), REST["apache_combined"]
    for beginning in ("", '"', "a.example ", "192.0.2.1 - ", "10.0.0.1, 10.0.0.2 "):
        for end in ("", f" - - {rest}", f'" {_LINE} {rest}'):
            with must_end(FLOOD_SECONDS), suppress(FormatError):
                PARSERS["apache_combined"](beginning + text + end)


# A user may have many words, but not so many that a line of spaces takes long.
@pytest.mark.parametrize(("words", "is_read"), [(3, True), (200, True), (2_000, False)])
def test_words_of_a_user(words: int, is_read: bool) -> None:
    user = " ".join(["ann"] * words)
    line = f'192.0.2.1 - {user} [10/Oct/2025:13:55:36 -0700] "GET / HTTP/1.1" 200 5 "-" "x"'
    parse = REGISTRY["apache_combined"].compile(FormatOptions())
    if is_read:
        assert parse(line)["authuser"] == user
    else:
        with pytest.raises(FormatError):
            parse(line)
