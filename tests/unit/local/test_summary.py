"""What a run remembers for its report goes by the fields' roles, whatever the log calls them."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.source import source_settings
from streamtally.local.arrival import read_lines
from streamtally.local.logs import LogLine
from streamtally.local.summary import Summary
from streamtally.transform.ledger import Ledger
from streamtally.transform.source import Source

ALB = (
    "https 2025-08-22T08:54:35.744551Z app/lb/446a260db6d4e6f1 192.0.2.5:47772 10.0.0.105:3000 0.000 0.006 0.000 404 "
    '404 945 11891 "GET https://example.com:443/x.png HTTP/1.1" "agent" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:x "r" '
    '"example.com" "session-reused" 20 2025-08-22T08:54:35.738000Z "waf,forward" "-" "-" "10.0.0.105:3000" "404" "-" '
    '"-"'
)
W3C = "#Fields: date time cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status\n" + (
    "2025-06-11 00:00:01 GET /a x=1 192.0.2.7 curl 200"
)
ECS = (
    '{"@timestamp":"2025-10-10T13:55:36Z","client":{"ip":"192.0.2.8"},"http":{"request":{"method":"GET"}},'
    '"url":{"path":"/ecs"},"user_agent":{"original":"curl"},"host":{"name":"web1"}}'
)
SQUID = "1760104536.586    921 192.0.2.68 TCP_MISS/200 507 POST http://example.com/x - DIRECT/198.51.100.34 text/html"
NO_METHOD = '{"time":"2025-10-10T13:55:36Z","client_ip":"192.0.2.9","uri":"/u"}'
ERROR = '2025/10/10 13:55:36 [error] 7#7: *1 open() failed, client: 192.0.2.10, server: s, request: "GET /e HTTP/1.1"'
AGENT = "GET / HTTP/1.1\t192.0.2.11\tcurl"


@pytest.mark.parametrize(
    ("text", "settings", "tops"),
    [
        (ALB, {}, ("GET https://example.com:443/x.png HTTP/1.1", "192.0.2.5", "agent")),
        (ALB, {"format": "alb"}, ("GET https://example.com:443/x.png HTTP/1.1", "192.0.2.5", "agent")),
        (W3C, {"format": "w3c"}, ("GET /a?x=1", "192.0.2.7", "curl")),
        (ECS, {}, ("GET /ecs", "192.0.2.8", "curl")),
        (SQUID, {}, ("POST http://example.com/x", "192.0.2.68", None)),
        (NO_METHOD, {}, ("/u", "192.0.2.9", None)),
        (ERROR, {}, ("GET /e HTTP/1.1", "192.0.2.10", None)),
        (
            '192.0.2.12 "http://example.com/x?y" 206',
            {"format": 'nginx:$remote_addr "$scheme://$host$request_uri" $status'},
            ("/x?y", "192.0.2.12", None),
        ),
        (
            AGENT,
            {
                "format": "tsv",
                "fields": ["what", "who", "with"],
                "rename": {"what": "request", "who": "host", "with": "agent"},
            },
            ("GET / HTTP/1.1", "192.0.2.11", "curl"),
        ),
    ],
)
def test_tops_go_by_roles(text: str, settings: dict[str, Any], tops: tuple[str | None, ...]) -> None:
    source = Source(source_settings(settings), ZoneInfo)
    summary = Summary(source)
    lines = [
        LogLine("a.log", number, data + b"\n", len(data) + 1)
        for number, data in enumerate(text.encode().split(b"\n"), 1)
    ]
    for line in read_lines(lines, source, 0):
        summary.add(line)
    data = summary.report_data(Ledger(), "default", ["a.log"], "now")
    lists = (data.top_requests, data.top_hosts, data.top_agents)
    assert tuple(top.entries[0][0] if top.entries else None for top in lists) == tops
