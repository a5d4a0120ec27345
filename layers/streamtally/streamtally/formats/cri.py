r"""Container logs as Kubernetes' runtimes write them: ``2025-10-10T13:55:36.123456789Z stdout F message``.

A line of a known format in place of the message is read by that format (``unwrapping/headers.py``).
Source: Kubernetes, design proposal "CRI: Log Management for Container Stdout/Stderr Streams", and the constants of its
container runtime interface (LogTagPartial, LogTagFull).
"""

from __future__ import annotations

from functools import partial

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, Row
from streamtally.formats.engine.columns import FLAGS
from streamtally.formats.engine.layout import match_end
from streamtally.formats.rfc3339_syslog import TIMESTAMP
from streamtally.lazy_patterns import pattern_when_used

PARTIAL = "P"
"""The tag of a line that the next one of its stream continues."""
PIECES = (
    rf"({TIMESTAMP})",
    r"\x20(stdout|stderr)",
    r"(?:\x20([FP])(?::[^\x20]*+)?(?=\x20|\Z))?+",  # further tags follow a colon; runtimes of 2017 wrote no tag
    r"(?:\x20(.*+))?+\Z",
)

_PATTERN = pattern_when_used("".join(PIECES), FLAGS)


def compile_cri(options: FormatOptions) -> Parser:
    """A parser of container logs. It uses no options."""

    def parse(line: str) -> Row:
        matched = _PATTERN.match(line)
        if matched is None:
            raise FormatError("cri", "not a line of a container's log")
        time, stream, tag, message = matched.groups()
        return {"time": time, "stream": stream, "tag": tag, "message": message or ""}

    return parse


FORMAT = Format(
    name="cri",
    summary="Container logs of Kubernetes' runtimes (CRI).",
    source="Kubernetes: CRI log format",
    fields=(
        Field("time", "VARCHAR", "ISO 8601 with an offset"),
        Field("stream", "VARCHAR", "stdout or stderr"),
        Field("tag", "VARCHAR", "F for a whole line, P for a part that the next line continues"),
        Field("message", "VARCHAR", "the line that the container wrote"),
    ),
    examples=(
        Example(
            "2025-10-10T13:55:36.123456789Z stderr F I1010 13:55:36.123456       1 server.go:200] Serving securely",
            {
                "time": "2025-10-10T13:55:36.123456789Z",
                "stream": "stderr",
                "tag": "F",
                "message": "I1010 13:55:36.123456       1 server.go:200] Serving securely",
            },
        ),
    ),
    compile=compile_cri,
    time_field="time",
    time_format="iso8601",
    locate=partial(match_end, PIECES),
)
