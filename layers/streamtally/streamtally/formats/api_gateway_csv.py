r"""Access logs of Amazon API Gateway as comma-separated values, of REST, HTTP and WebSocket APIs.

The fields are called as in API Gateway's JSON format.
Source: Amazon API Gateway developer guide, "Set up CloudWatch logging for REST APIs" (access log formats: CSV),
"Configure logging for HTTP APIs", "Configure logging for a WebSocket API".
"""

from __future__ import annotations

from streamtally.errors import FormatError
from streamtally.formats.alb_connection import ADDRESS
from streamtally.formats.api_gateway import EXTENDED_ID, REQUEST_ID, XML, XML_REASON
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, Roles, Row
from streamtally.formats.engine.columns import CLF_TIME, Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout, first_that_fits, furthest

NAME = "api_gateway_csv"
_REASON = "not an API Gateway log line (CSV)"

_CELL = r"[^,]++"
_PROTOCOL = r"HTTP/[0-9.]{1,3}|-"
# Nothing is quoted: a path may hold commas, and ends before the one that the protocol and the status follow.
_PATH = rf"(?:[^,]++|,(?!(?:{_PROTOCOL}),(?:[0-9]{{3}}|-),))++"


def _text(name: str, meaning: str, pattern: str = _CELL, optional: bool = False) -> Column:
    return Column(name, "VARCHAR", meaning, pattern, ",", optional)


_IP = Column("ip", "VARCHAR", "address of the client", ADDRESS, before="")
_USER = (_text("caller", "identifier of the caller that signed the request"), _text("user", "identifier of the user"))
_TIME = Column("requestTime", "VARCHAR", "time of the request, dd/MMM/yyyy:HH:mm:ss Z", CLF_TIME, ",", nullable=False)
_METHOD = _text("httpMethod", "method of the request", r"[^, ]{1,64}+")
_STATUS = Column("status", "INTEGER", "status code of the response", "[0-9]{3}|-", ",")
_LENGTH = Column("responseLength", "BIGINT", "size of the response in bytes", "[0-9]{1,18}|-", ",")
_IDS = (
    _text("requestId", "id of the request", f"{REQUEST_ID}|-"),
    _text("extendedRequestId", "its extended id", EXTENDED_ID, optional=True),
    Column("extra", "VARCHAR", "newer fields, unmodified", ".++", ",", optional=True),
)
_ROUTE = "key of the route (HTTP and WebSocket APIs)"

REST = Layout(
    NAME,
    _REASON,
    (
        _IP,
        *_USER,
        _TIME,
        _METHOD,
        _text("resourcePath", "path of the resource", _PATH),
        _text("protocol", "version of HTTP", _PROTOCOL),
        _STATUS,
        _LENGTH,
        *_IDS,
    ),
)
HTTP = Layout(
    NAME,
    _REASON,
    (
        _IP,
        _TIME,
        _METHOD,
        _text("routeKey", _ROUTE, _PATH),
        _text("protocol", "version of HTTP", _PROTOCOL),
        _STATUS,
        _LENGTH,
        *_IDS,
    ),
)
WEBSOCKET = Layout(
    NAME,
    _REASON,
    (
        _IP,
        *_USER,
        _TIME,
        _text("eventType", "CONNECT, MESSAGE or DISCONNECT (WebSocket APIs)", "CONNECT|MESSAGE|DISCONNECT"),
        _text("routeKey", _ROUTE),
        _text("connectionId", "id of the connection (WebSocket APIs)", r"[0-9A-Za-z_\-]{1,62}+={0,2}"),
        _STATUS,
        *_IDS,
    ),
)
_LAYOUTS = (REST, HTTP, WEBSOCKET)


def compile_api_gateway_csv(options: FormatOptions) -> Parser:
    """A parser of all three layouts, which refuses the XML format by name."""
    parse_any = first_that_fits([compile_layout(layout, options) for layout in _LAYOUTS])

    def parse(line: str) -> Row:
        if line.startswith(XML):
            raise FormatError(NAME, XML_REASON)
        return parse_any(line)

    return parse


def _fields() -> tuple[Field, ...]:
    return tuple({field.name: field for layout in _LAYOUTS for field in layout.fields}.values())


FORMAT = Format(
    name=NAME,
    summary="Access log of Amazon API Gateway as comma-separated values.",
    source="Amazon API Gateway developer guide: Set up CloudWatch logging for REST APIs",
    fields=_fields(),
    examples=(
        Example(
            "192.0.2.1,-,-,10/Oct/2025:13:55:36 +0000,GET,/pets/{petId},HTTP/1.1,200,184,"
            "c6af9ac6-7b61-11e6-9a41-93e8deadbeef,JKJaXmPLvHcESHA=",
            {
                "ip": "192.0.2.1",
                "caller": None,
                "user": None,
                "requestTime": "10/Oct/2025:13:55:36 +0000",
                "httpMethod": "GET",
                "resourcePath": "/pets/{petId}",
                "protocol": "HTTP/1.1",
                "status": 200,
                "responseLength": 184,
                "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
                "extendedRequestId": "JKJaXmPLvHcESHA=",
                "extra": None,
            },
        ),
        Example(
            "192.0.2.1,10/Oct/2025:13:55:36 +0000,GET,GET /pets,HTTP/1.1,200,184,JKJaXmPLvHcESHA=",
            {
                "ip": "192.0.2.1",
                "requestTime": "10/Oct/2025:13:55:36 +0000",
                "httpMethod": "GET",
                "routeKey": "GET /pets",
                "protocol": "HTTP/1.1",
                "status": 200,
                "responseLength": 184,
                "requestId": "JKJaXmPLvHcESHA=",
                "extendedRequestId": None,
                "extra": None,
            },
        ),
    ),
    compile=compile_api_gateway_csv,
    time_field="requestTime",
    time_format="dd/MMM/yyyy:HH:mm:ss Z",
    locate=furthest(_LAYOUTS),
    roles=Roles(
        status="status",
        client="ip",
        ident="caller",
        user="user",
        method="httpMethod",
        path="resourcePath",
        protocol="protocol",
        bytes="responseLength",
    ),
)
