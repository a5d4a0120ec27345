"""Plans for documents written before the ingest pipeline existed, and for an inbox index that should not exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streamtally.indices.actions import Action, Note
from streamtally.indices.load_entries import SETTLE_DOWN_MS
from streamtally.indices.observed import Observed, ObservedIndex, StoredInbox, own_indices
from streamtally.indices.spec import IndexSpec


def plan_repair(specs: Sequence[IndexSpec], observed: Observed, now_ms: int) -> Iterator[Action | Note]:
    """Repairs of indices with documents that bypassed the pipeline, and what becomes of an inbox index."""
    for inbox in sorted({spec.inbox for spec in specs}):
        index = observed.indices.get(inbox)
        if index is not None:
            yield from _plan_inbox(inbox, index, observed, now_ms)
    for spec in specs:
        for index, name in own_indices(spec, observed):
            count = observed.unstamped.get(index.name, 0)
            if count and name.kind in ("output", "view"):
                yield Action(
                    "repair", index.name, f"{count} documents were written before the pipeline existed", body=spec.inbox
                )


def _plan_inbox(inbox: str, index: ObservedIndex, observed: Observed, now_ms: int) -> Iterator[Action | Note]:
    if index.default_pipeline != inbox:
        yield Action(
            "put_settings", inbox, "it was created before its template", body={"index": {"default_pipeline": inbox}}
        )
    count = observed.unstamped.get(inbox, 0)
    empty_ms = observed.inboxes.get(inbox, StoredInbox()).empty_ms
    if count or index.docs:
        if empty_ms:
            yield Action("put_state", inbox, "it is no longer empty", body=0)
        if count:
            yield Action("repair", inbox, f"{count} documents were written before the pipeline existed", body=inbox)
        else:
            yield Note("stuck", inbox, f"{index.docs} documents in the inbox have neither a partial's nor a row's id")
    elif not empty_ms:
        yield Action("put_state", inbox, "empty: it is deleted if the next run finds it empty, too", body=now_ms)
    elif now_ms >= empty_ms + SETTLE_DOWN_MS:
        yield Action("delete_index", inbox, "empty in two runs")
