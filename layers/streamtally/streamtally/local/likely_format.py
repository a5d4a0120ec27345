"""Which format lines have that did not parse as another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from streamtally.formats.detect import detect
from streamtally.local.logs import is_read_once, read_log
from streamtally.local.wrapped_lines import find_wrapped
from streamtally.transform.payload_lines import to_text

MAX_LINES = 1_000
"""Lines that are looked at."""


def likely_format(logs: Sequence[str], kept: Sequence[str]) -> str:
    """The name for ``--format`` that most lines of the first log fit; "" if none does.

    Args: kept: lines that stand for a log that cannot be read twice.
    """
    texts = list(kept) if is_read_once(logs[0]) else read_texts(logs[0], MAX_LINES)
    if (wrapped := find_wrapped(texts)) is not None:
        return wrapped.format.name
    best = detect(texts).best
    return best.format.name if best is not None else ""


def read_texts(log: str, lines: int) -> list[str]:
    """The first lines of a log, without their line ends."""
    return [to_text(line.data.removesuffix(b"\n").removesuffix(b"\r")) for line in islice(read_log(log), lines)]
