"""What the panels count goes by the fields' roles; a response time's unit is stated by a format, a name or the user."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.source import source_settings
from streamtally.local.arrival import read_lines
from streamtally.local.logs import LogLine
from streamtally.local.panel_fields import to_number, to_size
from streamtally.local.report_counts import ReportOptions
from streamtally.local.summary import Summary
from streamtally.report.data import ReportData
from streamtally.transform.ledger import Ledger
from streamtally.transform.source import Source

ENVOY = (
    '[2025-10-10T13:55:36.123Z] "GET /e HTTP/1.1" 200 - 0 512 226 100 "192.0.2.9" "curl/8" "id" "www.example.com" '
    '"192.0.2.50:80"'
)
SQUID = "1760104536.586    921 192.0.2.68 TCP_MISS/200 507 POST http://example.com/x - DIRECT/198.51.100.34 text/html"
ALB = (
    "http 2025-10-10T13:55:36.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.0.2.39:2817 10.0.0.1:80 0.000 {} 0.000 "
    '200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:aws:elasticloadbalancing:us-east-2:'
    '123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 '
    '2025-10-10T13:55:36.000000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"'
)
CLB = (
    "2025-10-10T13:55:36.945958Z my-loadbalancer 192.0.2.131:2817 10.0.0.1:80 0.000073 {} 0.000057 200 200 0 29 "
    '"GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -'
)
TIME = '"time":"2025-10-10T13:55:36Z"'


def report(text: str, settings: dict[str, Any], options: ReportOptions = ReportOptions()) -> ReportData:  # noqa: B008
    source = Source(source_settings(settings), ZoneInfo)
    summary = Summary(source, options)
    lines = [
        LogLine("a.log", number, line + b"\n", len(line) + 1) for number, line in enumerate(text.encode().split(b"\n"))
    ]
    for line in read_lines(lines, source, 0):
        summary.add(line)
    return summary.report_data(Ledger(), "default", ["a.log"], "now")


@pytest.mark.parametrize(
    "text, settings, microseconds",
    [
        (ENVOY, {"format": "envoy"}, 226_000),  # milliseconds
        (SQUID, {}, 921_000),  # milliseconds
        ('192.0.2.1 "GET / HTTP/1.1" 0.234', {"format": 'nginx:$remote_addr "$request" $request_time'}, 234_000),
        ('192.0.2.1 "GET / HTTP/1.1" 1234', {"format": 'apache:%h "%r" %D'}, 1230),
        ('192.0.2.1 "GET / HTTP/1.1" 12', {"format": 'apache:%h "%r" %{ms}T'}, 12_000),
        (f'{{{TIME},"method":"GET","uri":"/","Duration":2500000}}', {"format": "json"}, 2500),  # Traefik: nanoseconds
        (f'{{{TIME},"httpRequest":{{"latency":"0.012s"}}}}', {"format": "json"}, 12_000),  # Google Cloud
        (f'{{{TIME},"event":{{"duration":1500000000}}}}', {"format": "json"}, 1_500_000),  # ECS: nanoseconds
        (f'{{{TIME},"responseLatency":"7"}}', {"format": "json"}, 7000),  # API Gateway: milliseconds
        (f'{{{TIME},"responseTime":7}}', {"format": "json"}, 7000),  # pino-http: milliseconds
        (ALB.format("0.012"), {}, 12_000),  # target_processing_time: seconds
        (CLB.format("0.000028"), {}, 28),  # backend_processing_time: seconds
        ("time:2025-10-10T13:55:36Z\treqtime:0.5", {"format": "ltsv"}, 500_000),  # ltsv.org: seconds
    ],
)
def test_stated_units(text: str, settings: dict[str, Any], microseconds: int) -> None:
    data = report(text, settings)
    assert data.response_times.all is not None
    assert data.response_times.all.p50_us == microseconds
    assert data.unknown_units == ()


# -1: the load balancer could not send the request to a target.
def test_no_target() -> None:
    assert report(ALB.format("-1"), {}).response_times.all is None


# A duration whose unit nothing states is left out by name, until the user states it.
def test_unknown_unit() -> None:
    text = f'{{{TIME},"duration":3}}\n{{{TIME},"duration":-1}}\n{{{TIME},"duration":true}}'
    data = report(text, {"format": "json"})
    assert (data.response_times.all, data.unknown_units) == (None, ("duration",))
    data = report(text, {"format": "json"}, ReportOptions(True, "ms"))
    assert data.response_times.all is not None
    assert (data.response_times.all.rows, data.response_times.all.p50_us, data.unknown_units) == (1, 3000, ())


# The host that was asked for, the bytes and the site are read from the fields that have these roles.
def test_roles() -> None:
    data = report(ENVOY, {"format": "envoy"})
    assert data.virtual_hosts.entries == (("www.example.com", 1),)
    assert data.bytes_by_minute == [(1_760_104_500_000, 512)]
    text = (
        f'{{{TIME},"client":{{"ip":"192.0.2.1"}},"url":{{"path":"/p","domain":"shop.example.com"}},"http":{{"request":'
        '{"method":"GET","referrer":"https://site.example/x"},"response":{"status_code":200,"body":{"bytes":42}}}}'
    )
    data = report(text, {"format": "json"})
    assert data.virtual_hosts.entries == (("shop.example.com", 1),)
    assert data.referring_sites.entries == (("site.example", 1),)
    assert data.path_bytes.entries == (("/p", 42),)
    assert [day.visitors for day in data.visitors] == [1]


# Caddy, encoder "json": its ``request`` is an object, whose members have roles beside the request line made of them.
def test_an_object_named_like_a_column() -> None:
    request = (
        '"request":{"client_ip":"192.0.2.1","proto":"HTTP/2.0","method":"GET","host":"www.example.com","uri":"/a?b=1",'
        '"headers":{"User-Agent":["curl/8"],"Referer":["https://site.example/x"]}}'
    )
    data = report(f'{{"ts":1760104536.5,"logger":"http.log.access",{request},"size":42,"status":200}}', {})
    assert data.top_requests.entries == (("GET /a?b=1 HTTP/2.0", 1),)
    assert data.top_hosts.entries == (("192.0.2.1", 1),)
    assert data.top_agents.entries == (("curl/8", 1),)
    assert data.referring_sites.entries == (("site.example", 1),)
    assert data.virtual_hosts.entries == (("www.example.com", 1),)


@pytest.mark.parametrize(
    "text, client",
    [
        (f'{{{TIME},"remote_addr":"192.0.2.1","host":"www.example.com","status":"200"}}', "192.0.2.1"),  # nginx's $host
        (f'{{{TIME},"remote_addr":"","host":"192.0.2.2","status":"200"}}', "192.0.2.2"),
        ("time:2025-10-10T13:55:36Z\thost:192.0.2.3\tstatus:200", "192.0.2.3"),  # ltsv.org: the client
        ("[Fri Oct 10 13:55:36.1 2025] [core:error] [pid 1:tid 2] [client 192.0.2.4:5000] x", "192.0.2.4"),
        ("[Fri Oct 10 13:55:36.1 2025] [core:error] [pid 1:tid 2] [client 2001:db8::5:5000] x", "2001:db8::5"),
        ("[Fri Oct 10 13:55:36 2025] [error] [client 192.0.2.6] x", "192.0.2.6"),  # Apache 2.2 logs no port
    ],
)
def test_clients(text: str, client: str) -> None:
    assert report(text, {}).top_hosts.entries == ((client, 1),)


# nginx's $host is the host that was asked for; the host of LTSV is the client.
@pytest.mark.parametrize(
    ("text", "settings", "vhosts"),
    [
        (
            'www.example.com 192.0.2.1 [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200',
            {"format": 'nginx:$host $remote_addr [$time_local] "$request" $status'},
            (("www.example.com", 1),),
        ),
        (
            '192.0.2.1 [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200',
            {"format": 'apache:%h %t "%r" %>s'},
            (),
        ),
        (
            f'{{{TIME},"remote_addr":"192.0.2.1","host":"www.example.com","status":"200"}}',
            {},
            (("www.example.com", 1),),
        ),
        ("time:2025-10-10T13:55:36Z\thost:192.0.2.3\tstatus:200", {}, ()),
        ("time:2025-10-10T13:55:36Z\thost:192.0.2.3\tvhost:a.example\tstatus:200", {}, (("a.example", 1),)),
    ],
)
def test_virtual_hosts(text: str, settings: dict[str, Any], vhosts: tuple[tuple[str, int], ...]) -> None:
    data = report(text, settings)
    assert data.virtual_hosts.entries == vhosts
    assert len(data.top_hosts.entries) == 1
    assert data.top_hosts.entries[0][0].startswith("192.0.2.")


# journalctl --output=json: microseconds, and the severity's number as text (systemd.journal-fields(7)).
@pytest.mark.parametrize(("priority", "level"), [("3", "error"), ("4", "warning"), ("6", "info"), ("8", "other")])
def test_the_journal(priority: str, level: str) -> None:
    text = (
        f'{{"__REALTIME_TIMESTAMP":"1728568536123456","_HOSTNAME":"web1","PRIORITY":"{priority}","MESSAGE":"started"}}'
    )
    data = report(text, {})
    assert data.status_by_minute == [(1_728_568_500_000, level, 1)]


# Field names and values as the services' documentation shows them.
@pytest.mark.parametrize(
    "text, path, host, size",
    [
        (  # Cloudflare, Logpush, HTTP requests
            '{"ClientIP":"192.0.2.1","ClientRequestHost":"www.example.com","ClientRequestMethod":"GET",'
            '"ClientRequestURI":"/a?b","EdgeResponseBytes":42,"EdgeResponseStatus":200,'
            '"EdgeStartTimestamp":"2025-10-10T13:55:36Z"}',
            "/a", "www.example.com", 42,
        ),
        (  # pino-http
            '{"level":30,"time":1760104536500,"req":{"method":"GET","url":"/a?b","headers":{"host":"www.example.com"},'
            '"remoteAddress":"192.0.2.1"},"res":{"statusCode":200,"headers":{"content-length":"42"}},"responseTime":12}',
            "/a", "www.example.com", 42,
        ),
        (  # Google Cloud's load balancer logs no protocol, and the whole URL
            f'{{{TIME},"httpRequest":{{"requestMethod":"GET","requestUrl":"https://www.example.com/a?b","status":200,'
            '"responseSize":"42","remoteIp":"192.0.2.1"}}',
            "/a", None, 42,
        ),
    ],
)  # fmt: skip
def test_names_of_services(text: str, path: str, host: str | None, size: int) -> None:
    data = report(text, {})
    assert data.top_paths.entries == ((path, 1),)
    assert data.top_methods.entries == (("GET", 1),)
    assert data.top_hosts.entries == (("192.0.2.1", 1),)
    assert data.virtual_hosts.entries == (() if host is None else ((host, 1),))
    assert [size for _, size in data.bytes_by_minute] == [size]


# Clients are masked before they are counted and shown.
def test_anonymized() -> None:
    line = '192.0.2.{} - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 5 "-" "curl"'
    text = "\n".join(line.format(number) for number in (17, 18, 19))
    data = report(text, {"format": "apache_combined", "anonymize": True})
    assert data.top_hosts.entries == (("192.0.2.0", 3),)
    assert [day.visitors for day in data.visitors] == [1]
    assert [day.visitors for day in report(text, {"format": "apache_combined"}).visitors] == [3]


# Without a report, nothing is counted for it, and what the terminal shows is.
def test_no_report() -> None:
    data = report(ENVOY, {"format": "envoy"}, ReportOptions(False))
    assert data.top_requests.entries == ()
    assert data.bytes_by_minute == []
    assert data.response_times.all is None
    assert data.status_by_minute == [(1_760_104_500_000, 200, 1)]


@pytest.mark.parametrize(
    "value, number",
    [
        (1, 1.0), (0.5, 0.5), ("0.012s", 0.012), ("7", 7.0), ("", None), ("-", None), ("1e5", 1e5), (-1, None),
        ("-1", None),
        (True, None), (None, None), ([1], None), (float("inf"), None), (10**400, None), ("1e999", None),
        ("9" * 99, None),
        ("0.1, 0.2", None), ("١", None),
    ],
)  # fmt: skip
def test_to_number(value: Any, number: float | None) -> None:
    assert to_number(value) == number


@pytest.mark.parametrize(
    "value, size",
    [(5, 5), ("5", 5), ("-", 0), (None, 0), (-5, 0), (True, 0), (1.5, 0), ("٥", 0), (10**30, 0), ("9" * 30, 0)],
)
def test_to_size(value: Any, size: int) -> None:
    assert to_size(value) == size
