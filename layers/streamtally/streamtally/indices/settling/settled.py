"""Settled documents: one a window and key, under a version that counts what it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from streamtally.ids import digest


@dataclass(frozen=True, slots=True)
class SettledDocument:
    """A document to write unless a newer one is there."""

    id: str
    window_ms: int
    version: int
    """Counts the partials that the document rests on."""
    source: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Aside:
    """A partial that is in no settled document."""

    window_ms: int
    partial_id: str
    """"" if it has none."""
    reason: str


Finished = tuple[list[Any], dict[str, Any], bool]
"""What `WindowedOutput.finish_all` returns for a document: (what to add to the key, columns, visible)."""


def to_settled(
    window_ms: int,
    shape: str,
    tally: dict[str, Any],
    merged: Iterable[Finished],
    more_versions: int = 0,
    is_sliding: bool = False,
) -> list[SettledDocument]:
    """The documents of a window and key; the same whichever way merged its partials.

    Args:
        tally: of the group: output, window_start, group_id, key, plan_id, partials, out_of_range, final.
        merged: from ``finish_all``.
        more_versions: partials elsewhere that the version counts too.
        is_sliding: whether every document is to be missed if it is not written.
    """
    version = 2 * (tally["partials"] + more_versions) + tally["final"]
    documents = []
    finished = list(merged)
    for position, (more, columns, visible) in enumerate(finished):
        # An output that expands its items has one document for each; the first counts the partials, for the audit.
        partials = 0 if position else tally["partials"]
        if is_sliding:  # the sum is right only if all are there: the first has one too many for each of the others
            partials = -1 if position else tally["partials"] + len(finished) - 1
        whole = {**tally, "key": [*tally["key"], *more], "partials": partials, "visible": visible}
        source = {**columns, "tally": whole}
        documents.append(SettledDocument(digest([tally["group_id"], shape, *more]), window_ms, version, source))
    return documents
