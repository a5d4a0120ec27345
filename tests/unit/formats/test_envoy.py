"""Istio's text formats of all its versions: the fields are those that the version writes, in its order."""

from __future__ import annotations

import random
import re

import pytest

from streamtally.formats import REGISTRY, FormatOptions
from streamtally.formats.auto import compile_auto
from streamtally.formats.base import Row
from streamtally.formats.engine.layout import common_beginning
from streamtally.formats.envoy import _AGENT, _LAYOUTS, _REQUEST, compile_envoy

ENDS = {
    "upstream_cluster": "outbound|5000||helloworld.sample.svc.cluster.local", "upstream_local_address": None,
    "downstream_local_address": "198.51.100.235:5000", "downstream_remote_address": "192.0.2.10:36840",
}  # fmt: skip
END = (
    '"-" "curl/7.60.0" "58cfb92b" "helloworld.sample:5000" "192.0.2.246:15443" '
    "outbound|5000||helloworld.sample.svc.cluster.local - 198.51.100.235:5000 192.0.2.10:36840"
)
HELLO = '[2019-05-25T08:06:11.468Z] "GET /hello HTTP/1.1" 200 -'


# Sources: Istio's manuals of 1.0 to 1.9 ("Getting Envoy's Access Logs"); istio/proxy#1990, istio/istio#15620,
# istio/istio#56356, istio/istio.io#8404, nitishm/engarde#8.
@pytest.mark.parametrize(
    ("line", "row"),
    [
        (f"{HELLO} 0 60 177 176 {END}", {"requested_server_name": None}),
        (f"{HELLO} 0 60 177 176 {END} -", {"requested_server_name": None}),
        (f'{HELLO} "-" 0 60 177 176 {END} -', {"istio_policy_status": None, "requested_server_name": None}),
        (f'{HELLO} "PERMISSION_DENIED:denied" 0 60 177 176 {END} a.example',
         {"istio_policy_status": "PERMISSION_DENIED:denied", "requested_server_name": "a.example"}),
        (f'{HELLO} "-" "-" 0 60 177 176 {END} -',
         {"istio_policy_status": None, "upstream_transport_failure_reason": None, "requested_server_name": None,
          "route_name": None}),
        (f'{HELLO} "-" "TLS error: Secret is not supplied by SDS" 0 60 177 176 {END} - default',
         {"istio_policy_status": None, "requested_server_name": None, "route_name": "default",
          "upstream_transport_failure_reason": "TLS error: Secret is not supplied by SDS"}),
        (f'{HELLO} "-" 0 60 177 176 {END} outbound_.80_._.a.svc.cluster.local default',
         {"upstream_transport_failure_reason": None, "route_name": "default",
          "requested_server_name": "outbound_.80_._.a.svc.cluster.local"}),
        (f'{HELLO} via_upstream - "-" 0 60 177 176 {END} a.example -',
         {"response_code_details": "via_upstream", "connection_termination_details": None, "route_name": None,
          "upstream_transport_failure_reason": None, "requested_server_name": "a.example"}),
    ],
)  # fmt: skip
def test_istio_versions(line: str, row: Row) -> None:
    expected = {
        "start_time": "2019-05-25T08:06:11.468Z", "request": "GET /hello HTTP/1.1", "response_code": 200,
        "response_flags": None, "bytes_received": 0, "bytes_sent": 60, "duration": 177, "upstream_service_time": 176,
        "x_forwarded_for": None, "user_agent": "curl/7.60.0", "request_id": "58cfb92b",
        "authority": "helloworld.sample:5000", "upstream_host": "192.0.2.246:15443",
    }  # fmt: skip
    assert compile_envoy(FormatOptions())(line) == compile_auto(FormatOptions())(line) == expected | ENDS | row


# TCP connections have no request; what has no status is no line of Envoy's.
def test_tcp() -> None:
    line = (
        '[2025-05-19T13:09:04.747Z] "- - -" 0 UF,URX - - "-" 0 0 9995 - "-" "-" "-" "-" "192.0.2.200:443" '
        "InboundPassthroughCluster - 192.0.2.200:443 192.0.2.2:55322 api.example.com -"
    )
    row = compile_envoy(FormatOptions())(line)
    assert (row["request"], row["response_code"], row["response_flags"]) == ("- - -", 0, "UF,URX")
    assert (row["upstream_cluster"], row["requested_server_name"]) == ("InboundPassthroughCluster", "api.example.com")


# Emissary's own format string begins with a word (elastic/integrations, packages/envoyproxy).
def test_emissary() -> None:
    line = (
        '[2024-04-25T17:51:55.294Z] "GET /backend/ HTTP/1.1" 200 - 0 141 0 0 "192.0.2.9" "curl/8.4.0" "b7ba9b4c" '
        '"localhost:9001" "198.51.100.113:80"'
    )
    parse = compile_auto(FormatOptions())
    assert parse(f"ACCESS {line}") == compile_envoy(FormatOptions())(f"ACCESS {line}") == parse(line)


# A line that does not begin as Envoy's lines do is tried once, not by the layout of each version.
def test_all_layouts_begin_with_the_same_columns() -> None:
    beginning = common_beginning(_LAYOUTS)
    for log_format_line in (example.line for example in REGISTRY["envoy"].examples):
        match = beginning.match(log_format_line)
        assert match is not None
        assert match.groups()[:2] == tuple(REGISTRY["envoy"].compile(FormatOptions())(log_format_line).values())[:2]
    assert beginning.match('[2025-04-15T20:17:00.310Z] "GET / HTTP/1.1" 20"""4 - 154') is None


# Quotes inside a request do not end it, however many stand together.
@pytest.mark.parametrize("quotes", ['"', '""', '"""', '" "', '"x""'])
def test_quotes_in_a_request(quotes: str) -> None:
    line = REGISTRY["envoy"].examples[0].line.replace("/api/v1", f"/a{quotes}b")
    assert REGISTRY["envoy"].compile(FormatOptions())(line)["request"] == f"POST /a{quotes}b/locations HTTP/2"


def test_the_agent_ends_at_the_first_quote_that_three_fields_follow() -> None:
    quote_by_quote = re.compile(r'"([^"]*(?:"(?!(?: "[^ "]*"){3})[^"]*)*+)"')
    agent, rng = re.compile(_AGENT), random.Random(1)
    matches = 0
    for _ in range(5000):
        line = '"' + "".join(rng.choices(('"', ' "', '" ', " ", "a", '" "a" "" "b"'), k=rng.randrange(12)))
        matched, expected = agent.match(line), quote_by_quote.match(line)
        matches += expected is not None
        assert (matched and matched.regs) == (expected and expected.regs)
    assert matches > 500


def test_the_request_ends_at_the_first_quote_that_a_status_follows() -> None:
    quote_by_quote = re.compile(r'"([^"]*(?:"(?! [0-9]{1,3} )[^"]*)*+)"')
    request, rng = re.compile(_REQUEST), random.Random(1)
    matches = 0
    for _ in range(5000):
        line = '"' + "".join(rng.choices(('"', '" ', " ", "a", "\\", '" 200', '" 200 '), k=rng.randrange(12)))
        matched, expected = request.match(line), quote_by_quote.match(line)
        matches += expected is not None
        assert (matched and matched.regs) == (expected and expected.regs)
    assert matches > 500
