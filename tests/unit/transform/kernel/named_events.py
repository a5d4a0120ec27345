"""Random events of formats whose columns the log itself names, with other ones in the middle."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.system.fuzz.generate import ARRIVAL, EXAMPLES, make_line
from tests.unit.transform.kernel.random_events import make_record

# fmt: off
# Of IIS 6 to 10, and as the W3C's draft, Squid, HAProxy's and Windows' programs have them.
HEADERS = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) "
    "sc-status sc-substatus sc-win32-status time-taken",
    "#Fields: date time cs-method cs-uri-stem sc-status sc-bytes time-taken",
    "#Fields: date time cs-method cs-uri-stem sc-status sc-bytes time-taken ",
    "#Fields: time cs-method cs-uri-stem sc-status",  # the day is #Date's
    "#Fields: date time sc-status sc-status c-ip",  # the first of two counts
    "#Fields: date\ttime\tc-ip\tsc-status",
    "#Fields: date,time,c-ip,sc-status",
    "#Fields: date time x-edge-location sc-bytes sc-status",
    "#Fields:date time ---",
    "#Fields:",
)
_OTHER_DIRECTIVES = (
    "#Software: Microsoft Internet Information Services 10.0", "#Version: 1.0", "#Date: 2025-11-22 21:21:00",
    "#Remark: a", "#Software: other", "#Date: yesterday", "#fields: date time", "# Fields: date time sc-status", "#",
    "# a", "2025-11-22T21:21:41.000000001Z stdout F #Fields: date time c-ip sc-status",
    "version account-id interface-id",
)
_VALUES = {
    "date": ("2025-11-22", "2025-11-22", "2025-11-21", "-", "x"),
    "time": ("21:21:41", "21:22:07", "21:21:41.5", "24:00:00", "-"),
    "sc-status": ("200", "404", "-", "0200", "x", "-1"),
    "": ("-", "/a", "GET", "80", "0", "-5", "007", "1" * 19, "é", '"a b"', '"', "a\\b", "\x01", "\xa0", "#a", "a+b",
         "192.0.2.1"),
}
_LABELS = (
    ("time", "host", "req", "status", "size", "reqtime"), ("time", "status", "ua"), ("time", "status", "status"),
    ("time", "response", "bytes", "apptime"), ("status", "time"), ("host",),
)
_LABELED = {
    "time": ("[22/Nov/2025:21:21:41 +0000]", "[22/Nov/2025:21:22:00 +0100]", "22/Nov/2025:21:21:41 +0000", "-", ""),
    "status": ("200", "404", "-", "", "0200", "x", "200.0", "-1"),
    "reqtime": ("0.004", "1", "0.10", "-", "", ".5", "1e3", "00.1", "123456789012345.1"),
    "": ("-", "/a", "", "5", "a:b", 'a "b"', "a\\b", "\\x22", "\x01", "é\u2028", " ", "-5", "9" * 19, "0", "00"),
}
# fmt: on


def _value(drawn: Random, values: dict[str, tuple[str, ...]], name: str, oddness: float) -> str:
    known = values.get(name, values[""])
    return drawn.choice(known if drawn.random() < oddness else known[:3])


def _w3c_lines(drawn: Random, oddness: float, header: str) -> list[str]:
    lines, names = [], header.partition(":")[2].replace(",", " ").split()
    if drawn.random() < 0.8 and header:
        lines = [*drawn.choices(_OTHER_DIRECTIVES[:4], k=drawn.randrange(3)), header]
    for _ in range(drawn.choice((1, 2, 12))):
        if drawn.random() < oddness / 8:
            lines.append(drawn.choice((*_OTHER_DIRECTIVES, *HEADERS)))
        elif drawn.random() < oddness / 8:
            lines.append(make_line(drawn, "w3c"))
        elif not names:
            lines.append(drawn.choice(EXAMPLES["w3c"]))
        else:
            mark = drawn.choice(" \t,") if drawn.random() < oddness / 4 else " "
            lines.append(mark.join(_value(drawn, _VALUES, name, oddness / 4) for name in names))
    return lines


def _ltsv_lines(drawn: Random, oddness: float, labels: Sequence[str]) -> list[str]:
    lines = []
    for _ in range(drawn.choice((1, 2, 12))):
        some = drawn.choice(_LABELS) if drawn.random() < oddness / 8 else labels
        line = "\t".join(f"{label}:{_value(drawn, _LABELED, label, oddness / 4)}" for label in some)
        if drawn.random() < oddness / 8:
            line = drawn.choice(
                (make_line(drawn, "ltsv"), line + "\t", line.replace("\t", "\t\t"), line + "\tx", " " + line)
            )
        lines.append(line)
    return lines


def make_named_event(drawn: Random, name: str) -> dict[str, Any]:
    """An event; many of its lines have the columns of the first ones. Args: name: ``w3c`` or ``ltsv``."""
    oddness = drawn.choice((0.0, 0.1, 0.5, 1.0))
    header, labels = drawn.choice(("", *HEADERS[:2], *HEADERS)), drawn.choice(_LABELS)
    records = []
    for number in range(drawn.choice((1, 3, 8))):
        own = drawn.choice(HEADERS) if drawn.random() < oddness / 4 else header
        lines = _w3c_lines(drawn, oddness, own) if name == "w3c" else _ltsv_lines(drawn, oddness, labels)
        data = "".join(line + drawn.choice(("\n", "\n", "\n", "\r\n", "\n\n")) for line in lines).encode()
        if drawn.random() < oddness / 9:
            data = bytes(drawn.choice((byte,) * 60 + (drawn.randrange(256),)) for byte in data)
        record = {
            "recordId": f"id-{number:04}",
            "approximateArrivalTimestamp": ARRIVAL + drawn.choice((0, 5, -60_000)),
            "data": base64.b64encode(data).decode(),
        }
        records.append(make_record(drawn, number, oddness) if drawn.random() < oddness / 20 else record)
    return {"invocationId": "kernel", "region": "us-east-1", "records": records}
