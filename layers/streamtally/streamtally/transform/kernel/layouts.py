"""The layouts of formats as data for the kernel: each column of a scanner by the name of its shape."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache

from streamtally.formats.apache_common import PLAIN_COLUMNS
from streamtally.formats.base import Scanner
from streamtally.formats.engine import clients
from streamtally.formats.engine.columns import BRACKETED_TIME
from streamtally.formats.engine.scanner import PLAIN_INTEGER, PLAIN_QUOTED, PLAIN_STATUS
from streamtally.formats.unwrapping.parts import MARKS_OF_PARTS
from streamtally.transform.event import EARLIEST_MS, LATEST_MS
from streamtally.transform.kernel.protocol import Kernel, KernelLayout
from streamtally.transform.lines import CHUNK_BYTES, FIRST_BYTES_OF_JSON, MANY_EMPTY_LINES
from streamtally.transform.records import LONG_BYTES, MARKS

_HOSTS = dict(PLAIN_COLUMNS)["host"]
SHAPES = {
    _HOSTS: "host",
    f"({clients.PLAIN_IDENT})": "ident",
    clients.PLAIN_USER: "user",
    BRACKETED_TIME: "bracketed_time",
    PLAIN_QUOTED: "quoted",
    PLAIN_STATUS: "status",
    PLAIN_INTEGER: "integer",
}
"""Pattern of a plain column → the kernel's shape for it (``kernel/src/layout.rs``), which takes no text but those that
the pattern takes."""


def find_layout(kernel: Kernel, scanner: Scanner, has_escapes: bool = True) -> KernelLayout | None:
    """The kernel's layout of a scanner's plain lines; None if it has none.

    Args: has_escapes: whether the log's escapes are passed on; the scanner itself takes no line with any.
    """
    return _layout(kernel, scanner.columns, has_escapes)


@lru_cache(maxsize=16)
def _layout(kernel: Kernel, columns: tuple[tuple[str, str], ...], has_escapes: bool) -> KernelLayout | None:
    if not columns or any(pattern not in SHAPES for _, pattern in columns):
        return None
    with suppress(ValueError):  # a shape that this kernel does not have
        return kernel.Layout(
            columns=[(name, SHAPES[pattern]) for name, pattern in columns],
            has_escapes=has_escapes,
            first_bytes=bytes(sorted(FIRST_BYTES_OF_JSON)),
            marks=sorted(MARKS),
            marks_of_parts=MARKS_OF_PARTS,
            chunk_bytes=CHUNK_BYTES,
            empty_lines=MANY_EMPTY_LINES,
            record_bytes=LONG_BYTES,
            arrivals=(EARLIEST_MS, LATEST_MS),
        )
    return None
