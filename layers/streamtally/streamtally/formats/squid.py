r"""Squid's native access log (``logformat squid``).

Source: Squid, ``logformat`` directive (``%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt``); Squid FAQ,
"Squid Log Files", access.log native format.
"""

from __future__ import annotations

from functools import partial

from streamtally.formats.base import Example, Format, Roles
from streamtally.formats.engine.columns import Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout

LAYOUT = Layout(
    "squid",
    "not a line of Squid's native log",
    (
        Column(
            "time", "DOUBLE", "when the request ended, seconds since 1970", r"[0-9]{1,11}\.[0-9]{3}", "", nullable=False
        ),
        Column(
            "elapsed", "BIGINT", "milliseconds that the request took", r"-?[0-9]{1,18}", r"\x20{1,10}+", repeats=True
        ),
        Column("remotehost", "VARCHAR", "the client's address or name"),
        Column("code", "VARCHAR", "how the request was handled, such as TCP_MISS", r"[A-Z_]{1,64}+"),
        Column("status", "INTEGER", "status code of the response, 0 if none", "[0-9]{1,3}", "/"),
        Column("bytes", "BIGINT", "bytes sent to the client", "[0-9]{1,18}"),
        Column("method", "VARCHAR", "the request's method, NONE if none"),
        Column("url", "VARCHAR", "the requested URL, host:port of a tunnel, error:… if invalid"),
        Column("rfc931", "VARCHAR", "the user's name"),
        Column("peerstatus", "VARCHAR", "how the next server was chosen, such as HIER_DIRECT", r"[A-Z0-9_]{1,64}+"),
        Column("peerhost", "VARCHAR", "the next server's address or name", before="/"),
        Column("type", "VARCHAR", "content type of the response"),
        Column("extra", "VARCHAR", "later text, such as headers of log_mime_hdrs, unmodified", ".++", optional=True),
    ),
    end=r"\x20?+\Z",
)

FORMAT = Format(
    name="squid",
    summary="Squid's native access log.",
    source="Squid: logformat; Squid FAQ: Squid Log Files",
    fields=LAYOUT.fields,
    examples=(
        Example(
            "1731576309.586    921 192.0.2.68 TCP_MISS/200 507 POST http://example.com/x - HIER_DIRECT/198.51.100.34 "
            "application/xml",
            {
                "time": 1731576309.586,
                "elapsed": 921,
                "remotehost": "192.0.2.68",
                "code": "TCP_MISS",
                "status": 200,
                "bytes": 507,
                "method": "POST",
                "url": "http://example.com/x",
                "rfc931": None,
                "peerstatus": "HIER_DIRECT",
                "peerhost": "198.51.100.34",
                "type": "application/xml",
                "extra": None,
            },
        ),
    ),
    compile=partial(compile_layout, LAYOUT),
    time_field="time",
    time_format="unix",
    time_is_utc=True,
    locate=LAYOUT.locate,
    roles=Roles(
        status="status",
        client="remotehost",
        user="rfc931",
        method="method",
        path="url",
        bytes="bytes",
        duration="elapsed",
    ),
)
