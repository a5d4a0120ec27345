"""Lines that servers and proxies write in their own formats, with the values that their documentation gives them.

Addresses and names are replaced.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, FormatOptions
from streamtally.formats.auto import compile_auto
from streamtally.formats.base import last_format
from streamtally.formats.detect import detect

CLF = '192.0.2.1 - - [13/Sep/2025:08:43:45 +0000] "HEAD / HTTP/1.0" 301 93 "" "" 10976 828'
BSD = "Sep 13 10:43:45 lb haproxy[666]:"
COMBINED = '192.0.2.4 - - [12/Dec/2025:09:50:46 +0000] "GET / HTTP/1.1" 200 39740 "-" "curl/8.5.0"'
ID = "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2"

# (format, line, some of its values)
CASES: list[tuple[str, str, dict[str, Any]]] = [
    (
        "haproxy_tcp",
        "Sep 20 15:44:23 lb haproxy[25457]: 192.0.2.7:40962 [20/Sep/2025:15:44:23.285] main app/<NOSRV> -1/-1/1 212 SC "
        "1/1/0/0/0 0/0",
        {
            "client_ip": "192.0.2.7",
            "accept_date": "20/Sep/2025:15:44:23.285",
            "frontend": "main",
            "backend": "app",
            "server": "<NOSRV>",
            "time_queue": -1,
            "time_connect": -1,
            "time_total": 1,
            "bytes_read": 212,
            "termination_state": "SC",
            "actconn": 1,
        },
    ),
    # option logasap writes + before what has not ended, and HAProxy before retries that went to another server.
    (
        "haproxy_tcp",
        "2001:db8::9:51000 [06/Feb/2025:12:15:02.100] mysql~ db/db-1 1/0/+5 +29 CD 2/2/1/1/+2 0/0",
        {"header": None, "client_ip": "2001:db8::9", "time_total": 5, "bytes_read": 29, "retries": 2},
    ),
    (
        "haproxy_tcp",
        "<134>1 2025-02-06T12:14:14.655000+00:00 lb haproxy 14389 - - 198.51.100.4:33 [06/Feb/2025:12:14:14.655] fe "
        "be/s1 1/2/3 0 cD 1/1/1/1/0 0/0",
        {"client_port": 33, "termination_state": "cD"},
    ),
    ("haproxy_tcp", f"{BSD} unix:1 [06/Feb/2025:12:14:14.655] fe be/s1 1/2/3 0 -- 1/1/1/1/0 0/0", {"client_port": 1}),
    (
        "haproxy_clf",
        f'{BSD} {CLF} "https" "https" "<NOSRV>" 0 -1 -1 -1 0 LR-- 1 1 0 0 0 0 0 "" ""',
        {
            "client_ip": "192.0.2.1",
            "request": "HEAD / HTTP/1.0",
            "status_code": 301,
            "client_port": 10976,
            "milliseconds": 828,
            "server": "<NOSRV>",
            "time_queue": -1,
            "termination_state": "LR--",
            "captured_headers": None,
        },
    ),
    (
        "haproxy_clf",
        f'{BSD} {CLF} "a~" "b" "c" 0 0 0 191 191 --NI 45 45 3 1 +2 0 0 "" "id=7" "www.example.com" "text/html"',
        {"retries": 2, "captured_response_cookie": "id=7", "captured_headers": '"www.example.com" "text/html"'},
    ),
    # Squid: a denied tunnel, an invalid request, a user, a client by name, headers of log_mime_hdrs.
    (
        "squid",
        "1731576310.444      1 192.0.2.17 TCP_DENIED/403 4032 CONNECT www.example.com:443 - HIER_NONE/- text/html",
        {"time": 1731576310.444, "elapsed": 1, "code": "TCP_DENIED", "status": 403, "method": "CONNECT"},
    ),
    (
        "squid",
        "1731576312.000      0 192.0.2.17 NONE/400 3500 NONE error:invalid-request - HIER_NONE/- text/html",
        {"status": 400, "url": "error:invalid-request", "peerhost": None},
    ),
    (
        "squid",
        "1731576311.431  15257 2001:db8::5 TCP_TUNNEL/200 5411 CONNECT clients.example.com:443 ann "
        "HIER_DIRECT/2001:db8::142 -",
        {"remotehost": "2001:db8::5", "rfc931": "ann", "peerhost": "2001:db8::142", "type": None},
    ),
    (
        "squid",
        "1286536309.586    921 192.0.2.68 TCP_MISS/200 507 POST http://example.com/x - DIRECT/198.51.100.34 "
        "application/xml [User-Agent: a b\\r\\n] [HTTP/1.1 200 OK\\r\\n]",
        {"peerstatus": "DIRECT", "type": "application/xml", "extra": r"[User-Agent: a b\r\n] [HTTP/1.1 200 OK\r\n]"},
    ),
    (
        "squid",
        "1731576313.001 100042 a.example TCP_HIT/304 284 GET http://example.org/ - NONE/- -",
        {"elapsed": 100042},
    ),
    # Envoy: a request, one that failed upstream, an agent with quotes, an invalid request, TCP.
    (
        "envoy",
        '[2025-04-15T20:17:00.310Z] "POST /api/v1/locations HTTP/2" 204 - 154 0 226 100 "192.0.2.28" "nsq2http" '
        f'"{ID}" "locations" "tcp://198.51.100.1:80"',
        {
            "start_time": "2025-04-15T20:17:00.310Z",
            "request": "POST /api/v1/locations HTTP/2",
            "response_code": 204,
            "response_flags": None,
            "bytes_received": 154,
            "bytes_sent": 0,
            "duration": 226,
            "upstream_service_time": 100,
            "authority": "locations",
        },
    ),
    (
        "envoy",
        f'[2025-04-15T20:17:01.000Z] "GET /"a" HTTP/1.1" 503 UF,URX 0 91 29 - "192.0.2.28, 198.51.100.9" "an "odd" a" '
        f'"{ID}" "www.example.com:8443" "198.51.100.1:80"',
        {
            "request": 'GET /"a" HTTP/1.1',
            "response_flags": "UF,URX",
            "x_forwarded_for": "192.0.2.28, 198.51.100.9",
            "user_agent": 'an "odd" a',
        },
    ),
    (
        "envoy",
        '[2025-04-15T20:17:02.999Z] "- - HTTP/1.1" 400 DPE 0 11 0 - "-" "-" "-" "-" "-"',
        {"response_code": 400, "response_flags": "DPE", "user_agent": None, "upstream_host": None},
    ),
    (
        "envoy",
        '[2025-04-15T20:17:03Z] "- - -" 0 - 1024 2048 5000 - "-" "-" "-" "-" "198.51.100.1:3306"',
        {"response_code": 0, "bytes_sent": 2048},
    ),
    (
        "envoy",
        '[2025-03-06T09:31:27.360Z] "GET /status/418 HTTP/1.1" 418 - via_upstream - "-" 0 135 5 2 "-" "curl/8.5.0" '
        f'"{ID}" "httpbin:8000" "198.51.100.51:80" outbound|8000||httpbin.foo 198.51.100.52:37652 '
        "198.51.100.171:8000 192.0.2.52:46520 - default",
        {"response_code_details": "via_upstream", "bytes_sent": 135, "downstream_remote_address": "192.0.2.52:46520"},
    ),
]

# Formats whose lines auto reads as combined.
NAMED: list[tuple[str, str, dict[str, Any]]] = [
    (
        "traefik",
        f'{COMBINED} 50405 "web@docker" "http://198.51.100.11:8080" 881ms',
        {"request_count": 50405, "router_name": "web@docker", "duration": 881},
    ),
    ("traefik", f'{COMBINED} 1 "-" "-" 0ms', {"router_name": None, "server_url": None, "duration": 0}),
    ("traefik", COMBINED.replace("curl", 'a "b" c') + ' 1 "r" "u" 2ms', {"agent": 'a "b" c/8.5.0'}),
    ("nginx_main", f'{COMBINED} "-"', {"http_x_forwarded_for": None}),
    ("nginx_main", f'{COMBINED} "203.0.113.9, 192.0.2.8"', {"http_x_forwarded_for": "203.0.113.9, 192.0.2.8"}),
    (
        "ingress_nginx",
        f"{COMBINED} 34 0.003 [default-web-80] [] 198.51.100.12:80, 198.51.100.13:80 0, 612 0.001, 0.002 502, 200 5f6f",
        {
            "status": 200,
            "request_time": 0.003,
            "proxy_upstream_name": "default-web-80",
            "proxy_alternative_upstream_name": "",
            "upstream_addr": "198.51.100.12:80, 198.51.100.13:80",
            "upstream_response_length": "0, 612",
            "upstream_status": "502, 200",
            "req_id": "5f6f",
        },
    ),
    ("ingress_nginx", f"{COMBINED} 0 0.010 [] [] - - - - 5f", {"upstream_addr": None, "upstream_status": None}),
    ("lighttpd", COMBINED.replace(" - - ", " www.example.com ann "), {"vhost": "www.example.com", "authuser": "ann"}),
    ("lighttpd", COMBINED.replace(" - - ", " x - "), {"vhost": "x", "authuser": None}),
    ("lighttpd", COMBINED.replace(" - - ", " 198.51.100.1:8080 - "), {"vhost": "198.51.100.1:8080"}),
]


def _values(row: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in expected}


# Each line gives these values in its format, and auto reads it the same.
@pytest.mark.parametrize(("name", "line", "expected"), CASES)
def test_values(name: str, line: str, expected: dict[str, Any]) -> None:
    row = REGISTRY[name].compile(FormatOptions())(line)
    assert _values(row, expected) == expected
    parse = compile_auto(FormatOptions())
    assert parse(line) == row
    parsed_as = last_format(parse)
    assert parsed_as is not None
    assert parsed_as.name == name


# Formats that combined's lines can have too are read by their names.
@pytest.mark.parametrize(("name", "line", "expected"), NAMED)
def test_named_formats(name: str, line: str, expected: dict[str, Any]) -> None:
    row = REGISTRY[name].compile(FormatOptions())(line)
    assert _values(row, expected) == expected


# auto still reads them as combined, with what follows in extra.
@pytest.mark.parametrize("line", [line for name, line, _ in NAMED if name != "lighttpd" and '"b"' not in line])
def test_auto_reads_them_as_combined(line: str) -> None:
    row = compile_auto(FormatOptions())(line)
    assert row["response"] == 200
    assert row["extra"] == line.removeprefix(COMBINED + " ")


# A combined log with names of identd is not taken for lighttpd's.
def test_detect_takes_no_identd_for_a_host() -> None:
    best = detect([COMBINED.replace(" - - ", " frank - ")]).best
    assert best is not None
    assert best.format.name == "apache_combined"


# Lines that almost have these formats do not fit.
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("haproxy_tcp", "192.0.2.1:1 [06/Feb/2025:12:14:14.655] fe be/s1 1/2/3/4/5 200 0 - - ---- 1/1/1/1/0 0/0"),
        ("haproxy_clf", f"{BSD} {COMBINED}"),
        ("squid", "1731576310 1 192.0.2.17 TCP_DENIED/403 4032 CONNECT a:443 - HIER_NONE/- text/html"),
        ("squid", "1731576310.444 1 192.0.2.17 TCP_DENIED 4032 CONNECT a:443 - HIER_NONE/- text/html"),
        ("envoy", '[2025-04-15T20:17:03Z] "- - -" 0 - 1 2 3 - "-" "-" "-" "-"'),
        ("traefik", COMBINED),
        ("nginx_main", COMBINED),
        ("nginx_main", f"{COMBINED} text/html"),
    ],
)
def test_other_lines_do_not_fit(name: str, line: str) -> None:
    with pytest.raises(FormatError):
        REGISTRY[name].compile(FormatOptions())(line)


# A client may send any text as X-Forwarded-For, so the format takes it; that a log has this format, addresses show.
@pytest.mark.parametrize(
    ("last", "name"),
    [
        ("203.0.113.7", "nginx_main"),
        ("203.0.113.7, 198.51.100.2", "nginx_main"),
        ("2001:db8::1,[2001:db8::2]:443, unknown, 198.51.100.2:80", "nginx_main"),
        ("-", "nginx_main"),
        ("text/html; charset=utf-8", "apache_combined"),
        ("2.50", "apache_combined"),
        ("www.example.com", "apache_combined"),
        ("${jndi:ldap://203.0.113.7/a}", "apache_combined"),
    ],
)
def test_what_shows_the_format_main(last: str, name: str) -> None:
    line = f'{COMBINED} "{last}"'
    best = detect([line]).best
    assert best is not None
    assert best.format.name == name
    row = REGISTRY["nginx_main"].compile(FormatOptions())(line)
    assert row["http_x_forwarded_for"] == (None if last == "-" else last)


# Lines that fit in no way take time in proportion to their length.
@pytest.mark.parametrize("name", sorted({name for name, _, _ in (*CASES, *NAMED)}))
@pytest.mark.parametrize("unit", ['" ', '"', " 1", "a", '"a" ', "[", ", ", '" 1 "', "1:", '" 200'])
def test_hostile_lines(name: str, unit: str) -> None:
    log_format = REGISTRY[name]
    parse = log_format.compile(FormatOptions())
    for cut in (0, 20, 60):
        line = log_format.examples[0].line[:cut] + unit * (10_000 // len(unit))
        started = time.process_time()
        with pytest.raises(FormatError):
            parse(line)
        assert time.process_time() - started < 0.5


# Traefik 1 wrote a missing header without quotes (elastic/integrations, packages/traefik).
@pytest.mark.parametrize(
    ("headers", "referer", "agent"),
    [('- "curl/8.5.0"', None, "curl/8.5.0"), ('"http://a.example/" -', "http://a.example/", None), ("- -", None, None)],
)
def test_traefik_without_quotes(headers: str, referer: str | None, agent: str | None) -> None:
    line = COMBINED.replace('"-" "curl/8.5.0"', headers) + ' 13 "Host-a-0" "http://198.51.100.6:14008" 247ms'
    row = REGISTRY["traefik"].compile(FormatOptions())(line)
    assert (row["referer"], row["agent"]) == (referer, agent)
    assert (row["request_count"], row["router_name"], row["duration"]) == (13, "Host-a-0", 247)
