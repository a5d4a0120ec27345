"""What a live view shows at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streamtally.report.data import UnparsedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Counts so far, as plain numbers and texts. Texts are those of the logs: hostile until they are made visible."""

    logs: Sequence[str]
    lines: int
    rows: int
    unparsed: int
    """Lines that did not become rows and are not empty."""
    rate: float
    """Lines a second, over the last interval."""
    classes: Mapping[str, int]
    """Rows by class of status or level."""
    paths: Sequence[tuple[str, int]]
    """The most frequent paths, or requests where rows have no path; the most frequent first."""
    newest: Sequence[UnparsedLine]
    """The newest lines that did not parse; the newest last."""
    notices: Sequence[str]
    """What happened to the logs; the newest last."""
