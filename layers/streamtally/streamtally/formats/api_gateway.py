r"""Access logs of Amazon API Gateway in its common log format, of REST, HTTP and WebSocket APIs.

Fields that the common log format has are called as there: ``ident`` is the caller, ``authuser`` the user.
Source: Amazon API Gateway developer guide, "Set up CloudWatch logging for REST APIs" (access log formats: CLF, which
has no space before the request), "Configure logging for HTTP APIs" and "Configure logging for a WebSocket API".
"""

from __future__ import annotations

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Format, FormatOptions, Parser, Roles, Row
from streamtally.formats.engine.clients import USER
from streamtally.formats.engine.columns import BRACKETED_TIME, ESCAPABLE, Column, quoted
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout, furthest

NAME = "api_gateway"
XML = "<request"
XML_REASON = "API Gateway's XML format, which cannot be read: set the stage's log format to JSON or CLF"

REQUEST_ID = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # of a REST API
    r"|[0-9A-Za-z_\-]{11,62}+={1,2}"  # of an HTTP or WebSocket API
)
EXTENDED_ID = rf"{REQUEST_ID}|-"
# The id is mandatory: without one, a line with a space before the request is any server's common log line.
_IDS = (
    Column("request_id", "VARCHAR", "id of the request", REQUEST_ID, r"\x20{1,2}", nullable=False),
    Column("extended_request_id", "VARCHAR", "its extended id", EXTENDED_ID, optional=True),
    Column("extra", "VARCHAR", "text after these fields, unmodified", ".++", optional=True),
)
_CALLER = (
    Column("host", "VARCHAR", "address of the client", before=""),
    Column("ident", "VARCHAR", "identifier of the caller that signed the request"),
    Column("authuser", "VARCHAR", "identifier of the user", USER),
    Column("datetime", "VARCHAR", "time of the request, dd/MMM/yyyy:HH:mm:ss Z", BRACKETED_TIME),
)
_STATUS = Column("response", "INTEGER", "status code of the response", "[0-9]{3}|-")
_BYTES = Column("bytes", "BIGINT", "size of the response in bytes", "[0-9]{1,18}+|-")
_ANY_SPACE = r"\x20?+"  # documented without one

LAYOUT = Layout(
    NAME,
    "not an API Gateway log line (CLF)",
    (
        *_CALLER,
        quoted("request", "method, resource path (HTTP API: route key), protocol", before=_ANY_SPACE),
        _STATUS,
        _BYTES,
        *_IDS,
    ),
)
# The response to an event of a WebSocket has no length.
_EVENT = rf'"((?:CONNECT|MESSAGE|DISCONNECT)\x20{ESCAPABLE})"'
WEBSOCKET = Layout(
    NAME,
    LAYOUT.reason,
    (
        *_CALLER,
        Column("request", "VARCHAR", "event, route key, connection id", _EVENT, _ANY_SPACE, escaped=True),
        _STATUS,
        *_IDS,
    ),
)
_NAMES = tuple(column.name for column in LAYOUT.columns)


def compile_api_gateway(options: FormatOptions) -> Parser:
    """A parser of both layouts, whose rows have the same fields."""
    parse_request, parse_event = compile_layout(LAYOUT, options), compile_layout(WEBSOCKET, options)

    def parse(line: str) -> Row:
        try:
            return parse_request(line)
        except FormatError:
            if line.startswith(XML):
                raise FormatError(NAME, XML_REASON) from None
            row = parse_event(line)
            return {name: row.get(name) for name in _NAMES}

    return parse


FORMAT = Format(
    name=NAME,
    summary="Access log of Amazon API Gateway in its common log format (CLF).",
    source="Amazon API Gateway developer guide: Set up CloudWatch logging for REST APIs",
    fields=LAYOUT.fields,
    examples=(
        Example(
            '192.0.2.1 - - [10/Oct/2025:13:55:36 +0000]"GET /pets/{petId} HTTP/1.1" 200 184 '
            "c6af9ac6-7b61-11e6-9a41-93e8deadbeef JKJaXmPLvHcESHA=",
            {
                "host": "192.0.2.1",
                "ident": None,
                "authuser": None,
                "datetime": "10/Oct/2025:13:55:36 +0000",
                "request": "GET /pets/{petId} HTTP/1.1",
                "response": 200,
                "bytes": 184,
                "request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
                "extended_request_id": "JKJaXmPLvHcESHA=",
                "extra": None,
            },
        ),
        Example(
            '192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "CONNECT $connect L0SM9cOFvHcCIhw=" 200  L0SM9EaGvHcFQtg=',
            {
                "host": "192.0.2.1",
                "ident": None,
                "authuser": None,
                "datetime": "10/Oct/2025:13:55:36 +0000",
                "request": "CONNECT $connect L0SM9cOFvHcCIhw=",
                "response": 200,
                "bytes": None,
                "request_id": "L0SM9EaGvHcFQtg=",
                "extended_request_id": None,
                "extra": None,
            },
        ),
    ),
    compile=compile_api_gateway,
    time_field="datetime",
    time_format="dd/MMM/yyyy:HH:mm:ss Z",
    locate=furthest((LAYOUT, WEBSOCKET)),
    roles=Roles(
        status="response",
        client="host",
        ident="ident",
        user="authuser",
        request="request",
        bytes="bytes",
    ),
)
