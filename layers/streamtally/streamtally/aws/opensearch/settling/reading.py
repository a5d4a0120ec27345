"""Reads partials group by group, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from streamtally.aws.opensearch.settling.partials import LENIENT, Partials
from streamtally.aws.opensearch.settling.queries import GroupPosition, Query, remaining
from streamtally.indices.settling.partial import Partial, read_partial

LAST_ID = "\U0010ffff"  # sorts after every partial's id
_FIELDS = [f"tally.{name}" for name in ("state", "batch_id", "plan_id", "out_of_range", "ingested_at")]

PartialHit = tuple[int, str | None, Partial]
"""(window start in ms, group id, partial)."""


def read_groups(
    partials: Partials, windows: Sequence[int], after: GroupPosition | None = None
) -> Iterator[tuple[int, str | None, list[Partial]]]:
    """The partials of some windows, in order of window and group: (window, group, partials).

    Args:
        after: begin with the group after this position, or with the window after it.
    Raises: ClusterError; what ``before_page`` raises: then the group being read is not yielded.
    """
    for spans, chunk in partials.in_spans(remaining(windows, after)):
        begin = [after[0], after[1], LAST_ID] if after and after[0] == chunk[0] else None
        yield from _to_groups(read_hits(partials, spans, frozenset(chunk), begin))


def _to_groups(hits: Iterable[PartialHit]) -> Iterator[tuple[int, str | None, list[Partial]]]:
    current: GroupPosition | None = None
    group: list[Partial] = []
    for window_ms, group_id, partial in hits:
        if current != (window_ms, group_id):
            if current:
                yield *current, group
            current, group = (window_ms, group_id), []
        group.append(partial)
    if current:
        yield *current, group


def read_hits(
    partials: Partials, spans: Query, windows: frozenset[int], begin: list[Any] | None
) -> Iterator[PartialHit]:
    """The partials of some windows in order, each alone.

    Args:
        spans: the ranges that contain the windows.
        begin: the sort values to begin after.
    """
    body: dict[str, Any] = {
        "track_total_hits": False,
        "query": partials.query([spans]),
        "_source": _FIELDS,
        "sort": [
            {"tally.window_start": "asc"},
            {"tally.group_id": {"missing": "_last"}},
            {"tally.partial_id": {"missing": "_last"}},
        ],
        **({"search_after": begin} if begin else {}),
    }
    params = {**LENIENT, "filter_path": "hits.hits._source,hits.hits.sort"}
    while True:
        partials.before_page()
        body["size"], started = partials.page_size.size, partials.clock()
        answer = partials.cluster.request("POST", f"{partials.path}/_search", body, params)
        hits = (answer.get("hits") or {}).get("hits", ())
        for hit in hits:
            window_ms, group_id, partial_id = hit["sort"]
            if window_ms in windows:  # a range may contain windows of another length
                yield window_ms, group_id, read_partial(window_ms, partial_id, hit.get("_source") or {})
        if len(hits) < body["size"]:
            return
        partials.page_size.note(len(orjson.dumps(hits)), partials.clock() - started)
        body["search_after"] = hits[-1]["sort"]
