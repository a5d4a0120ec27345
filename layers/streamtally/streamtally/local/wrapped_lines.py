"""What stands around a log's lines, and which format they have inside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from streamtally.formats.auto import compile_auto
from streamtally.formats.base import Format, FormatOptions, last_format, last_wrappers

_MIN_SHARE = 0.5  # of the lines that must be wrapped alike for that to be reported


class WrappedFit(NamedTuple):
    """The format of most lines, inside what stands around them.

    Attributes:
        format: The format of the lines inside.
        wrappers: What stands around them, from the outside in.
        taken: How many lines are so.
    """

    format: Format
    wrappers: tuple[str, ...]
    taken: int


def find_wrapped(lines: Iterable[str]) -> WrappedFit | None:
    """What stands around most lines; None if most have no known wrapper. Args: lines: without their line ends."""
    parse = compile_auto(FormatOptions())
    formats: dict[str, Format] = {}
    counts: Counter[tuple[tuple[str, ...], str]] = Counter()
    total = 0
    for line in lines:
        total += bool(line)
        try:
            parse(line)
        except Exception:  # noqa: S112 - a hostile line may make a parser raise anything
            continue
        log_format, wrappers = last_format(parse), last_wrappers(parse)
        if log_format is not None and wrappers:
            formats[log_format.name] = log_format
            counts[wrappers, log_format.name] += 1
    if not counts:
        return None
    (wrappers, name), taken = counts.most_common(1)[0]
    return WrappedFit(formats[name], wrappers, taken) if taken >= _MIN_SHARE * total else None
