"""Lines of API Gateway in the formats that its documentation shows, with the values that they must have."""

from __future__ import annotations

from typing import Any

import pytest

from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, FormatOptions
from streamtally.formats.api_gateway import XML_REASON
from streamtally.formats.auto import compile_auto
from streamtally.formats.base import last_format

CLF, CSV = REGISTRY["api_gateway"], REGISTRY["api_gateway_csv"]
TIME = "10/Oct/2025:13:55:36 +0000"
UUID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
ID = "JKJaXmPLvHcESHA="

# (line, some of its values); those without the space are of the format api_gateway under auto too
CLF_CASES: list[tuple[str, dict[str, Any]]] = [
    (
        f'192.0.2.1 - - [{TIME}]"GET /pets HTTP/1.1" 200 5 {UUID}',
        {"host": "192.0.2.1", "datetime": TIME, "request": "GET /pets HTTP/1.1", "response": 200, "bytes": 5},
    ),
    (
        f'192.0.2.1 - - [{TIME}]"GET /pets HTTP/1.1" 200 5 {UUID} {ID}',
        {"request_id": UUID, "extended_request_id": ID, "extra": None},
    ),
    (
        f'192.0.2.1 AIDAEXAMPLE AIDAEXAMPLE2 [{TIME}]"GET /{{proxy+}} HTTP/1.1" 403 36 {UUID}',
        {"ident": "AIDAEXAMPLE", "authuser": "AIDAEXAMPLE2", "request": "GET /{proxy+} HTTP/1.1", "response": 403},
    ),
    (
        f'2001:db8::1 - - [{TIME}]"DELETE /pets/{{petId}} HTTP/2.0" 204 - {UUID}',
        {"host": "2001:db8::1", "bytes": None, "response": 204},
    ),
    (f'192.0.2.1 - - [{TIME}]"GET GET /pets HTTP/1.1" 200 5 {ID}', {"request": "GET GET /pets HTTP/1.1"}),
    (f'192.0.2.1 - - [{TIME}]"GET $default HTTP/1.1" 500 35 {ID} - rest', {"extra": "rest", "response": 500}),
    (
        f'192.0.2.1 - - [{TIME}] "CONNECT $connect L0SM9cOFvHcCIhw=" 200  {ID}',
        {"request": "CONNECT $connect L0SM9cOFvHcCIhw=", "response": 200, "bytes": None, "request_id": ID},
    ),
    (f'192.0.2.1 - - [{TIME}] "MESSAGE send L0SM9cOFvHcCIhw=" 502 {ID}', {"response": 502, "request_id": ID}),
    (f'192.0.2.1 - - [{TIME}]"DISCONNECT $disconnect L0SM9cOFvHcCIhw=" 200 {ID} {ID}', {"extended_request_id": ID}),
]
CSV_CASES: list[tuple[str, dict[str, Any]]] = [
    (
        f"192.0.2.1,-,-,{TIME},GET,/pets,HTTP/1.1,200,5,{UUID}",
        {
            "ip": "192.0.2.1",
            "caller": None,
            "user": None,
            "requestTime": TIME,
            "httpMethod": "GET",
            "resourcePath": "/pets",
            "protocol": "HTTP/1.1",
            "status": 200,
            "responseLength": 5,
            "requestId": UUID,
            "extendedRequestId": None,
        },
    ),
    (f"192.0.2.1,-,-,{TIME},GET,/pets,HTTP/1.1,200,5,{UUID},{ID}", {"extendedRequestId": ID, "extra": None}),
    (f"192.0.2.1,AIDA,AROA:bob,{TIME},POST,/,HTTP/1.1,403,23,{UUID}", {"caller": "AIDA", "user": "AROA:bob"}),
    (f"2001:db8::1,-,-,{TIME},GET,/,HTTP/2.0,304,-,{UUID}", {"ip": "2001:db8::1", "responseLength": None}),
    (f"192.0.2.1,-,-,{TIME},GET,/at/52.5,13.4,HTTP/1.1,200,5,{UUID}", {"resourcePath": "/at/52.5,13.4", "status": 200}),
    (f"192.0.2.1,-,-,{TIME},GET,-,HTTP/1.1,403,5,{UUID},{ID},Missing Token", {"extra": "Missing Token"}),
    (
        f"192.0.2.1,{TIME},GET,GET /pets,HTTP/1.1,200,184,{ID}",
        {"routeKey": "GET /pets", "httpMethod": "GET", "status": 200, "responseLength": 184},
    ),
    (f"192.0.2.1,{TIME},GET,$default,HTTP/1.1,404,23,{ID},{ID}", {"routeKey": "$default", "extendedRequestId": ID}),
    (
        f"192.0.2.1,-,-,{TIME},CONNECT,$connect,L0SM9cOFvHcCIhw=,200,{ID}",
        {"eventType": "CONNECT", "routeKey": "$connect", "connectionId": "L0SM9cOFvHcCIhw=", "status": 200},
    ),
    (f"192.0.2.1,-,-,{TIME},MESSAGE,send,L0SM9cOFvHcCIhw=,502,{ID}", {"eventType": "MESSAGE", "status": 502}),
]


# Each line has its values, under its own format and under auto.
@pytest.mark.parametrize(
    ("log_format", "line", "values"),
    [(CLF, *case) for case in CLF_CASES] + [(CSV, *case) for case in CSV_CASES],
)
def test_values(log_format: Any, line: str, values: dict[str, Any]) -> None:
    row = log_format.compile(FormatOptions())(line)
    assert {field: row[field] for field in values} == values
    parse = compile_auto(FormatOptions())
    assert parse(line) == row
    assert last_format(parse) is log_format


# With a space before the request, auto reads the line as the common log format, as it always did; by name, the id is a
# field.
def test_with_a_space() -> None:
    line = f'192.0.2.1 - - [{TIME}] "GET /pets HTTP/1.1" 200 5 {UUID}'
    row = compile_auto(FormatOptions())(line)
    common = REGISTRY["apache_common"].compile(FormatOptions())(line)
    assert row == common
    assert (row["request"], row["response"], row["bytes"], row["extra"]) == ("GET /pets HTTP/1.1", 200, 5, UUID)
    own = CLF.compile(FormatOptions())(line)
    assert {name: own[name] for name in row if name != "extra"} == {k: v for k, v in row.items() if k != "extra"}
    assert own["request_id"] == UUID


# What follows a common log line is API Gateway's only if it is an id as API Gateway has them: here it is not.
@pytest.mark.parametrize("rest", ["", " 123456", " example-host", ' "-" "curl/8"', " 0/1834", " -"])
def test_other_common_lines(rest: str) -> None:
    line = f'192.0.2.1 - - [{TIME}] "CONNECT example.com:443 HTTP/1.1" 405 559{rest}'
    with pytest.raises(FormatError):
        CLF.compile(FormatOptions())(line)
    parse = compile_auto(FormatOptions())
    parse(line)
    assert last_format(parse) is not CLF


# The XML format is refused by name.
@pytest.mark.parametrize("line", [f'<request id="{UUID}"> <ip>192.0.2.1</ip> <status>200</status> </request>'])
def test_xml(line: str) -> None:
    for parse in (compile_auto(FormatOptions()), *(log_format.compile(FormatOptions()) for log_format in (CLF, CSV))):
        with pytest.raises(FormatError) as caught:
            parse(line)
        assert caught.value.reason == XML_REASON


# What is like these lines and is not documented is of no format.
@pytest.mark.parametrize(
    "line",
    [
        f'192.0.2.1 - - [{TIME}] "GET /pets HTTP/1.1" 200 {UUID}',  # no length, and no event of a WebSocket
        f'192.0.2.1 - - [{TIME}] "CONNECT $connect L0SM9cOFvHcCIhw=" 200 5f',
        f'192.0.2.1 - - [{TIME}]"GET /pets HTTP/1.1" OK 5 {UUID}',
        f"192.0.2.1,-,-,{TIME},GET,/pets,HTTP/1.1,OK,5,{UUID}",
        f"192.0.2.1,-,-,{TIME},GET,/pets,HTTP/1.1",
        f"192.0.2.1,{TIME},GET",
    ],
)
def test_others_are_unparsed(line: str) -> None:
    with pytest.raises(FormatError):
        compile_auto(FormatOptions())(line)
