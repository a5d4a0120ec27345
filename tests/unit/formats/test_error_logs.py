"""Error logs of nginx (requests, streams, UDP, mail) and Apache (2.2, 2.4, Windows), as their sources write them."""

from __future__ import annotations

import random
import re
import time
from typing import Any

import pytest

from streamtally.formats import FormatOptions, find_format
from streamtally.formats.auto import compile_auto
from streamtally.formats.nginx_error import _LAST, _quoted
from streamtally.times.iso import from_iso
from streamtally.times.log_times import compile_log_time

NGINX = "2025/11/22 21:21:41 [error] 24252#24252: *194 "
APACHE = "[Fri Sep 09 10:42:29.902022 2025] [core:error] [pid 35708:tid 4328636416] "
STREAM = "connect() failed (111: Connection refused) while connecting to upstream"


def row_of(name: str, line: str) -> dict[str, Any]:
    row: dict[str, Any] = find_format(name).compile(FormatOptions())(line)
    assert compile_auto(FormatOptions())(line) == row
    return row


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # stream: ngx_stream_log_error, ngx_stream_proxy_log_error
        (f'{STREAM}, client: 192.0.2.7, server: 0.0.0.0:443, upstream: "10.0.0.1:80", bytes from/to client:0/0, '
         "bytes from/to upstream:0/0",
         {"message": STREAM, "client": "192.0.2.7", "server": "0.0.0.0:443", "upstream": "10.0.0.1:80",
          "bytes_from_client": 0, "bytes_to_upstream": 0, "request": None}),
        ('upstream timed out (110: Connection timed out) while proxying connection, client: 2001:db8::7, server: '
         '[::]:5432, upstream: "[2001:db8::1]:5432", bytes from/to client:517/1440, bytes from/to upstream:1441/518',
         {"client": "2001:db8::7", "server": "[::]:5432", "upstream": "[2001:db8::1]:5432", "bytes_from_client": 517,
          "bytes_to_client": 1440, "bytes_from_upstream": 1441, "bytes_to_upstream": 518}),
        ('no live upstreams while connecting to upstream, udp client: 192.0.2.8, server: 0.0.0.0:53, upstream: "dns", '
         "bytes from/to client:38/0, bytes from/to upstream:0/0",
         {"message": "no live upstreams while connecting to upstream", "client": "192.0.2.8", "transport": "udp",
          "upstream": "dns", "bytes_from_client": 38}),
        ("client 192.0.2.8:40000 connected to 0.0.0.0:443", {"message": "client 192.0.2.8:40000 connected to "
         "0.0.0.0:443", "client": None}),
        ("SSL_do_handshake() failed while SSL handshaking, client: 192.0.2.66, server: 0.0.0.0:443",
         {"message": "SSL_do_handshake() failed while SSL handshaking", "client": "192.0.2.66"}),
        ('access forbidden by rule, client: unix:, server: unix:/run/n.sock, bytes from/to client:0/0, '
         "bytes from/to upstream:0/0", {"client": "unix:", "server": "unix:/run/n.sock", "bytes_to_client": 0}),
        # mail: ngx_mail_log_error
        ('client login failed: "bad" while in http auth state, client: 192.0.2.7, server: 0.0.0.0:143, login: '
         '"ann@example.com"',
         {"message": 'client login failed: "bad" while in http auth state', "client": "192.0.2.7",
          "server": "0.0.0.0:143", "login": "ann@example.com", "upstream": None}),
        ('upstream sent invalid response: "* BAD" while reading response from upstream, client: 192.0.2.7 using '
         'starttls, server: 0.0.0.0:143, login: "a"b", upstream: 10.0.0.9:143',
         {"client": "192.0.2.7", "server": "0.0.0.0:143", "login": 'a"b', "upstream": "10.0.0.9:143"}),
        ("client timed out (110: Connection timed out) while waiting for request, client: 192.0.2.7, server: "
         "0.0.0.0:25", {"client": "192.0.2.7", "server": "0.0.0.0:25"}),
        # requests, as before
        ('limiting requests, excess: 5.500 by zone "a", client: 192.0.2.5, server: x.example, request: "GET / '
         'HTTP/2.0", host: "x.example", referrer: "https://a.example/?b="',
         {"message": 'limiting requests, excess: 5.500 by zone "a"', "host": "x.example",
          "referrer": "https://a.example/?b="}),
        ('x, client: 192.0.2.5, server: s, request: "GET / HTTP/1.1", upstream: "http://10.0.0.1/", bytes from/to '
         'client:0/0", host: "h"',
         {"upstream": 'http://10.0.0.1/", bytes from/to client:0/0', "host": "h"}),
    ],
)  # fmt: skip
def test_nginx(text: str, expected: dict[str, Any]) -> None:
    row = row_of("nginx_error", NGINX + text)
    assert {name: row[name] for name in expected} == expected


# A request's row has no field of sessions.
def test_nginx_rows_stay() -> None:
    row = row_of("nginx_error", f'{NGINX}a, client: 192.0.2.7, server: s, request: "GET /", upstream: "u", host: "h"')
    assert list(row)[-7:] == ["client", "server", "request", "subrequest", "upstream", "host", "referrer"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (APACHE + "(EAI 2)Name or service not known: [client 192.0.2.7:5000] AH00547: Could not resolve host name x",
         {"os_error": "(EAI 2)Name or service not known", "client": "192.0.2.7:5000", "code": "AH00547",
          "message": "Could not resolve host name x"}),
        ("[Tue Jan 14 21:20:15.123456 2025] [proxy_http:error] [pid 4424:tid 1056] (OS 10054)An existing connection "
         "was forcibly closed by the remote host.  : [client 192.0.2.7:50123] AH01102: error reading status line from "
         "remote server 192.0.2.80:8080, referer: https://x.example/",
         {"os_error": "(OS 10054)An existing connection was forcibly closed by the remote host.  ",
          "client": "192.0.2.7:50123", "code": "AH01102", "referer": "https://x.example/"}),
        ("[Tue Jan 14 21:20:15 2025] [error] (OS 10048)Only one usage of each socket address (protocol/network "
         "address/port) is normally permitted.  : make_sock: could not bind to address 0.0.0.0:80",
         {"os_error": "(OS 10048)Only one usage of each socket address (protocol/network address/port) is normally "
          "permitted.  ", "message": "make_sock: could not bind to address 0.0.0.0:80", "module": None}),
        (APACHE + "(70007)The timeout specified has expired: [client 192.0.2.7:5000] AH01075: Error dispatching "
         "request to : (polling)", {"os_error": "(70007)The timeout specified has expired", "code": "AH01075",
                            "message": "Error dispatching request to : (polling)"}),
        (APACHE + "(-3)Unknown error: [client 192.0.2.7:5000] AH1: x", {"os_error": "(-3)Unknown error"}),
        (APACHE + "(os 0x80070005)Access is denied.  : AH00072: x",
         {"os_error": "(os 0x80070005)Access is denied.  ", "code": "AH00072"}),
        (APACHE + "(EAI x)no: y", {"os_error": None, "message": "(EAI x)no: y"}),
        ("[2025-09-09 10:42:29.902022] [proxy:error] 192.0.2.7:5000 Wg AH00898: x",
         {"timestamp": "2025-09-09 10:42:29.902022", "module": "proxy", "severity": "error"}),
        ("[2025-09-09 10:42:29] [core:notice] [pid 1] AH00094: Command line: 'httpd'",
         {"timestamp": "2025-09-09 10:42:29", "processid": 1, "code": "AH00094"}),
        ("[Fri Sep 09 10:42:29 2025] [ssl:warn] [pid 9] AH01909: x.example:443:0 server certificate does NOT include "
         "an ID", {"module": "ssl", "severity": "warn", "client": None}),
        ("[Fri Sep 09 10:42:29.123 2025] [wsgi:error] [pid 9:tid 10] [remote 192.0.2.7:5000] Traceback (most recent "
         "call last):", {"client": "192.0.2.7:5000", "message": "Traceback (most recent call last):"}),
        ("[Fri Sep 09 10:42:29 2025] [notice] caught SIGTERM, shutting down",
         {"severity": "notice", "message": "caught SIGTERM, shutting down"}),
    ],
)  # fmt: skip
def test_apache(line: str, expected: dict[str, Any]) -> None:
    row = row_of("apache_error", line)
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-09-09 10:42:29.902022", "2025-09-09T10:42:29.902"),
        ("2025-09-09 10:42:29 +0200", "2025-09-09T08:42:29"),
        ("Tue Sep 09 10:42:29.902 2025", "2025-09-09T10:42:29.902"),
    ],
)
def test_apache_times(text: str, expected: str) -> None:
    assert compile_log_time("apache_error")(text, 0) == from_iso(expected)


@pytest.mark.parametrize(
    "text", [", client: ", ", udp client: 1", '", ', '", upstream: ', ", bytes from/to client:0/0", '"']
)
def test_hostile(text: str) -> None:
    parse: Any = find_format("nginx_error").compile(FormatOptions())
    started = time.process_time()
    for line in (NGINX + text * 100_000, f'{NGINX}x, client: a, server: b, request: "{text * 100_000}'):
        assert parse(line)["level"] == "error"
    assert time.process_time() - started < 3


def test_a_quoted_value_of_nginx_ends_before_the_next_value_or_the_end() -> None:
    quote_by_quote = re.compile(rf'(?:, host: "([^"]*(?:"(?!, [a-z]+: "|{_LAST})[^"]*)*+)")?', re.DOTALL)
    value, rng = re.compile(_quoted("host"), re.DOTALL), random.Random(1)
    matches = 0
    for _ in range(5000):
        parts = ('"', "a", ",", ', a: "', "\n", ", upstream: x", ", bytes from/to client:1/2")
        line = ', host: "' + "".join(rng.choices(parts, k=rng.randrange(8)))
        matched, expected = value.match(line), quote_by_quote.match(line)
        matches += expected is not None and expected[1] is not None
        assert (matched and matched.regs) == (expected and expected.regs)
    assert matches > 500
