"""The way of settling in which the cluster merges: no partial is transferred where sums are exact and the set is sure.

A window is merged by the cluster if all its partials are of the plan in force, stamped, whole in the index, and of no
mixed batch. All other windows are fetched, and so is one whose sum turns out to be inexact. Both ways make the same
documents under the same versions, so consecutive runs may differ in which way they take.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import orjson

from streamtally.aws.opensearch.settling.groups import SettledGroup, SettleWork, fetch_groups
from streamtally.aws.opensearch.settling.mixed import windows_of
from streamtally.aws.opensearch.settling.partials import PageSize
from streamtally.aws.opensearch.settling.queries import GroupPosition, Query, not_before, remaining, starting_between
from streamtally.indices.names import partials_name
from streamtally.indices.settling.merging import (
    MergedGroup,
    read_bucket,
    settle_merged,
    to_aggregations,
    to_sound_filter,
)
from streamtally.plan.aggregates.merged import Operations

MOST_PARTIALS = 400_000
MOST_GROUPS = 10_000
"""About what one request covers: smaller windows are requested together, a larger one in slices."""
_SLICES_MAX = 4_096
_DIGITS = 8  # of a group id, by which a window is cut into slices


def merge_groups(work: SettleWork) -> Iterator[SettledGroup]:
    """Groups that the cluster merges, and fetched groups for the other windows."""
    operations = work.settler.current.output.operations
    windows = remaining(work.windows, work.after)
    if operations is None or not windows:
        yield from fetch_groups(work)
        return
    sure = _find_sure(work, windows)
    merging = _Merging(work, operations, sure)
    for is_sure, run in groupby(windows, sure.__contains__):
        if is_sure:
            yield from merging.merge(list(run))
        else:
            yield from fetch_groups(replace(work, windows=list(run)))


def _find_sure(work: SettleWork, windows: Sequence[int]) -> dict[int, int]:
    """Windows whose every partial the cluster can merge → about how many groups each has."""
    partials, settler = work.partials, work.settler
    groups = {"groups": {"cardinality": {"field": "tally.merge.key", "precision_threshold": 100}}}
    sound_filter = {"bool": {"filter": to_sound_filter(settler.current.plan_id)}}
    sound = {"sound": {"filter": sound_filter, "aggs": groups}}
    sure: dict[int, int] = {}
    unsure: set[int] = set()
    for spans, chunk in partials.in_spans(windows):
        inside = frozenset(chunk)
        for bucket in partials.composite(["tally.window_start", "_index"], [spans], sound):
            window_ms = int(bucket["key"]["tally.window_start"])
            # An index that was copied or restored under another name holds every partial a second time.
            is_own = bucket["key"]["_index"] == partials_name(partials.spec.index, window_ms)
            is_sure = is_own and window_ms in inside and bucket["sound"]["doc_count"] == bucket["doc_count"]
            if is_sure:
                sure[window_ms] = int(bucket["sound"]["groups"]["value"])
            else:
                unsure.add(window_ms)
    unsure |= windows_of(partials, sorted(settler.mixed)) if settler.mixed else set()
    return {window: count for window, count in sure.items() if window not in unsure}


@dataclass
class _Merging:
    """Merges windows in the cluster, one after another."""

    work: SettleWork
    operations: Operations
    groups: Mapping[int, int]
    page_size: PageSize = field(default_factory=PageSize)

    def merge(self, windows: Sequence[int]) -> Iterator[SettledGroup]:
        """The groups of some windows, in order."""
        for chunk in self._chunks(windows):
            if len(chunk) == 1 and (self._is_begun(chunk[0]) or self._share(chunk[0]) > 1):
                yield from self._slices(chunk[0])
            else:
                yield from self._whole(chunk)

    def _chunks(self, windows: Sequence[int]) -> Iterator[list[int]]:
        """Windows for one request; a larger window, and one that was begun, are alone."""
        chunk: list[int] = []
        size = 0.0
        for window in windows:
            share = self._share(window)
            if chunk and (size + share > 1 or self._is_begun(chunk[-1])):
                yield chunk
                chunk, size = [], 0.0
            chunk.append(window)
            size += share
        if chunk:
            yield chunk

    def _share(self, window_ms: int) -> float:
        """A window's share of what one request covers."""
        partials = self.work.counts.get(window_ms, 1)
        return max(partials / MOST_PARTIALS, self.groups.get(window_ms, 1) / MOST_GROUPS)

    def _is_begun(self, window_ms: int) -> bool:
        return self.work.after is not None and self.work.after[0] == window_ms

    def _whole(self, windows: Sequence[int]) -> Iterator[SettledGroup]:
        """Whole windows, of few partials each."""
        for spans, chunk in self.work.partials.in_spans(windows):
            inside = frozenset(chunk)  # a range may contain windows of another length
            for window_ms, buckets in groupby(self._buckets([spans]), _window_of):
                if window_ms in inside:
                    yield from self._window(window_ms, buckets, None)

    def _slices(self, window_ms: int) -> Iterator[SettledGroup]:
        """One window by ranges of its group ids, which are spread evenly, so that a run can stop inside it."""
        position = self.work.after if self._is_begun(window_ms) else None
        begin = position[1] if position else None
        slices = max(1, min(_SLICES_MAX, math.ceil(self._share(window_ms))))
        edges = [f"{16**_DIGITS * number // slices:0{_DIGITS}x}" for number in range(1, slices)]
        for low, high in zip(["", *edges], [*edges, None], strict=True):
            if begin and high and high <= begin:
                continue
            limits = {"gt": begin} if begin and begin >= low else {"gte": low}
            limits |= {"lt": high} if high else {}
            filters: list[Query] = [starting_between(window_ms, window_ms), {"range": {"tally.group_id": limits}}]
            was_fetched = False
            for group in self._window(window_ms, self._buckets(filters), position):
                position = window_ms, group.group_id
                was_fetched = was_fetched or group.fetched > 0
                yield group
            if was_fetched:  # that included the rest of the window
                return

    def _window(
        self, window_ms: int, buckets: Iterable[dict[str, Any]], after: GroupPosition | None
    ) -> Iterator[SettledGroup]:
        """The groups of a window or a slice of it, in order; if one is inexact, the rest of the window is fetched."""
        settler = self.work.settler
        groups: list[MergedGroup] = []
        for bucket in buckets:
            group = read_bucket(settler.name, self.operations, window_ms, bucket["key"]["key"], bucket)
            if group is None:
                yield from self._fetch(window_ms, after)
                return
            groups.append(group)
        for group in sorted(groups, key=lambda group: group.group_id):
            try:
                documents = settle_merged(settler, group)
            except (ArithmeticError, LookupError, TypeError, ValueError):
                yield from self._fetch(window_ms, after)
                return
            after = window_ms, group.group_id
            yield SettledGroup(window_ms, group.group_id, documents, group.partials, 0)

    def _fetch(self, window_ms: int, after: GroupPosition | None) -> Iterator[SettledGroup]:
        return fetch_groups(replace(self.work, windows=[window_ms], after=after))

    def _buckets(self, filters: Sequence[Query]) -> Iterator[dict[str, Any]]:
        """The groups of the partials that match, in order of window and key, page by page."""
        work, partials = self.work, self.work.partials
        sound = to_sound_filter(work.settler.current.plan_id)
        sources = [
            {"window": {"terms": {"field": "tally.window_start"}}},
            {"key": {"terms": {"field": "tally.merge.key"}}},
        ]
        composite: dict[str, Any] = {"sources": sources}
        groups = {"composite": composite, "aggs": to_aggregations(self.operations)}
        more: list[Query] = []
        while True:
            partials.before_page()
            composite["size"], started = self.page_size.size, partials.clock()
            query = partials.query([*filters, *sound, *more])
            body = {"size": 0, "track_total_hits": False, "query": query, "aggs": {"groups": groups}}
            page = partials.ask_page(body, composite)
            buckets = page.get("buckets", ())
            yield from buckets
            if len(buckets) < composite["size"]:
                return
            self.page_size.note(len(orjson.dumps(buckets)), partials.clock() - started)
            composite["after"] = page["after_key"]
            more = [not_before(page["after_key"]["window"])]  # windows that are done need no second look


def _window_of(bucket: dict[str, Any]) -> int:
    return int(bucket["key"]["window"])
