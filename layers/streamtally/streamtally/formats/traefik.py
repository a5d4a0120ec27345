r"""Traefik's access log in its common log format. Fields are named as combined's, the others as Traefik documents.

``auto`` reads such a line as combined, with Traefik's own fields in ``extra``. Traefik's JSON log is ``json``.
Source: Traefik documentation, "Access Logs", common log format.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from streamtally.formats.apache_common import COLUMNS as COMMON
from streamtally.formats.apache_common import HOSTS
from streamtally.formats.base import Example, Format
from streamtally.formats.engine.columns import Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout
from streamtally.formats.role_names import COMBINED_ROLES

_WORD = r'"([^"]*+)"'
_OR_NONE = "(?:{}|-)"  # Traefik 1 writes no quotes around what is missing
_AGENT = (
    r'"('
    r'[^"]*+(?:"(?!\x20[0-9]{1,18}\x20")[^"]*+)*+'  # Traefik escapes no quote: the count of requests ends it
    r')"'
)

_STATUS = "[0-9]{1,3}|-"  # 0 of a WebSocket, and of a request that the client gave up
_BYTES = "[0-9]{1,18}+|-"
_REQUEST = (
    r'"('
    rf'[^"]*+(?:"(?!\x20(?:{_STATUS})\x20(?:{_BYTES})\x20)[^"]*+)*+'  # nor here: the status and the size end it
    r')"'
)
_REQUEST_AND_ANSWER = (
    Column("request", "VARCHAR", "the request line", _REQUEST),
    Column("response", "INTEGER", "status code of the response, 0 if none was sent", _STATUS),
    Column("bytes", "BIGINT", "bytes of the response body", _BYTES),
)

LAYOUT = Layout(
    "traefik",
    "not a line of Traefik's common log",
    (
        HOSTS,  # Traefik writes all of X-Forwarded-For here if there is one
        *COMMON[1:-3],
        *_REQUEST_AND_ANSWER,
        Column("referer", "VARCHAR", "the Referer header", _OR_NONE.format(_WORD), can_be_empty=True),
        Column("agent", "VARCHAR", "the User-Agent header", _OR_NONE.format(_AGENT), can_be_empty=True),
        Column("request_count", "BIGINT", "requests since Traefik started", "[0-9]{1,18}"),
        Column("router_name", "VARCHAR", "the router", _WORD),
        Column("server_url", "VARCHAR", "the server's URL", _WORD),
        Column("duration", "BIGINT", "milliseconds that the request took", "([0-9]{1,18})ms"),
    ),
)

FORMAT = Format(
    name="traefik",
    summary="Traefik's access log in its common log format.",
    source="Traefik documentation: Access Logs",
    fields=LAYOUT.fields,
    examples=(
        Example(
            '192.0.2.4 - - [12/Dec/2025:09:50:46 +0000] "GET / HTTP/1.1" 200 39740 "-" "curl/8.5.0" 50405 '
            '"web@docker" "http://198.51.100.11:8080" 881ms',
            {
                "host": "192.0.2.4",
                "ident": None,
                "authuser": None,
                "datetime": "12/Dec/2025:09:50:46 +0000",
                "request": "GET / HTTP/1.1",
                "response": 200,
                "bytes": 39740,
                "referer": None,
                "agent": "curl/8.5.0",
                "request_count": 50405,
                "router_name": "web@docker",
                "server_url": "http://198.51.100.11:8080",
                "duration": 881,
            },
        ),
    ),
    compile=partial(compile_layout, LAYOUT),
    time_field="datetime",
    time_format="dd/MMM/yyyy:HH:mm:ss Z",
    locate=LAYOUT.locate,
    roles=replace(COMBINED_ROLES, vhost="", duration="duration"),
)
