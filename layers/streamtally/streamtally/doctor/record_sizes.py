"""Records that Firehose bills as many times their size: a note, since nothing is wrong with the counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from streamtally.cost.steps import FIX_SMALL_RECORDS, NOTABLE_MULTIPLE, billed_multiple
from streamtally.findings import Finding


def note_small_records(stream: str, metrics: Mapping[str, float | None]) -> Iterator[Finding]:
    """A note if the last hour's records were billed as a notable multiple of what was sent.

    Args: metrics: of the last hour, named as in ``streamtally status``.
    """
    multiple = billed_multiple(metrics.get("incoming_bytes") or 0, metrics.get("incoming_records") or 0)
    if multiple is not None and multiple >= NOTABLE_MULTIPLE:
        text = f"records are billed as at least {multiple:.1f} times what was sent: each counts as 5 KB or more"
        yield Finding("small-records", "note", text, FIX_SMALL_RECORDS, stream)
