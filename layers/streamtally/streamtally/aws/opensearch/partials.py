"""Questions that settling asks of the cluster: which windows, how many partials, which partials. All are paged.

Windows are asked for as ranges of their start, never as lists: a date in a list costs clauses, and a thousand of them
are more than a shard takes (`indices.query.bool.max_clause_count`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from streamtally.aws.opensearch.answers import TOO_MANY_BUCKETS
from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.indices.names import parse_index_name
from streamtally.indices.settling import CHECKPOINT_MARGIN_MS, Partial, read_partial
from streamtally.indices.spec import IndexSpec

PAGE = 10_000  # index.max_result_window, and the default of search.max_buckets is above it
PAGE_START = 1_000
PAGE_BYTES = 8_000_000
PAGE_SECONDS = 0.75  # a page that takes longer is not followed by a larger one: between two of them the clock is asked
SPANS_A_SEARCH = 50  # at most three clauses each, of the 1,024 that a shard takes
_NO_GROUPS = "Text fields are not optimised"  # OpenSearch's words for grouping by a text field
RED_SECONDS = 3
LENIENT = {"ignore_unavailable": "true", "allow_no_indices": "true"}
LAST = "\U0010ffff"  # after every partial's id
_FIELDS = [f"tally.{name}" for name in ("state", "batch_id", "plan_id", "out_of_range", "ingested_at")]

T = TypeVar("T")
Query = dict[str, Any]
Place = tuple[int, str | None]
"""(window start in ms, group id): all groups up to it, in that order; None: the whole window."""


@dataclass(frozen=True)
class SettledWindow:
    """What the settled documents of a window say: how many partials they rest on, under which plans, all final."""

    partials: int
    plans: frozenset[str]
    final: bool


@dataclass
class Pace:
    """How many documents a page has: it grows while pages stay small and quick, and shrinks when one is too large.

    Attributes: buckets: of a page of an aggregation; fewer where the cluster's `search.max_buckets` is low.
    """

    size: int = field(default_factory=lambda: PAGE_START)
    buckets: int = PAGE

    def note(self, size_bytes: int, seconds: float) -> None:
        if size_bytes > PAGE_BYTES:
            self.size = max(1, self.size * PAGE_BYTES // size_bytes)
        elif 2 * size_bytes <= PAGE_BYTES and seconds <= PAGE_SECONDS:
            self.size = min(PAGE, 2 * self.size)


@dataclass(frozen=True)
class Partials:
    """The partials of one output of the plan, and its settled documents.

    Args:
        clock: seconds that only differences are taken of; ``before_page`` is called before each page of partials, and
            may raise to stop the reading.
    """

    cluster: Cluster
    spec: IndexSpec
    output: str
    window_ms: int
    before_page: Callable[[], None] = lambda: None
    clock: Callable[[], float] = lambda: 0.0
    pace: Pace = field(default_factory=Pace)

    @property
    def path(self) -> str:
        return f"/partials-{self.spec.index}-2*"

    @property
    def settled_path(self) -> str:
        return f"/{self.spec.index}-2*"

    def refresh(self) -> None:
        """Make everything that was written searchable, partials and settled documents.

        Raises: ClusterError, also for a red index, of which a refresh would wait a minute without an answer.
        """
        red = self._red_indices()
        if red:
            more = f" and {len(red) - 3} more" if len(red) > 3 else ""
            raise ClusterError(
                f"{', '.join(red[:3])}{more}: red, a shard of it is on no node, so it cannot be read "
                "(GET /_cluster/allocation/explain says why)"
            )
        self.cluster.request("POST", f"{self.path},{self.settled_path[1:]}/_refresh", params=LENIENT)

    def _red_indices(self) -> list[str]:
        """The output's indices of which a primary shard is missing; one that was made just now gets some seconds."""
        params = {
            "level": "indices",
            "expand_wildcards": "open",
            "wait_for_status": "yellow",
            "timeout": f"{RED_SECONDS}s",
            "filter_path": "indices.*.status",
        }
        path = f"/_cluster/health{self.path},{self.settled_path[1:]}"
        answer = self.cluster.request("GET", path, params=params, ignore=(408,))
        indices = answer.get("indices") or {}
        return sorted(name for name, index in indices.items() if index.get("status") == "red")

    def closed_indices(self, closed_before_ms: int) -> list[str]:
        """The output's indices that somebody has closed: searches pass over them, as if nothing were there.

        Args: closed_before_ms: settled documents of a time before are looked at no more.
        """
        params = {**LENIENT, "expand_wildcards": "closed", "filter_path": "*.settings.index.uuid"}
        answer = self.cluster.request("GET", f"{self.path},{self.settled_path[1:]}", params=params)
        names = [parse_index_name(name, self.spec.index) for name in sorted(answer)]
        return [
            name.name
            for name in names
            if name
            and name.period
            and (name.kind == "partials" or (name.kind == "output" and name.period.end_ms > closed_before_ms))
        ]

    def windows(self, *filters: Query, path: str | None = None) -> Iterator[int]:
        """The starts (ms) of the windows that have partials fitting the filters, in order."""
        for bucket in self.composite(["tally.window_start"], filters, path=path):
            yield int(bucket["key"]["tally.window_start"])

    def counts(self, *filters: Query, path: str | None = None) -> dict[int, int]:
        """Window start → partial documents."""
        buckets = self.composite(["tally.window_start"], filters, path=path)
        return {int(bucket["key"]["tally.window_start"]): bucket["doc_count"] for bucket in buckets}

    def distinct(self, *filters: Query, path: str | None = None) -> dict[int, int]:
        """Window start → distinct partials: twins, under other ids, are one. Partials without an id are not counted."""
        counted: dict[int, int] = {}
        for bucket in self.composite(["tally.window_start", "tally.partial_id"], filters, path=path):
            window_ms = int(bucket["key"]["tally.window_start"])
            counted[window_ms] = counted.get(window_ms, 0) + 1
        return counted

    def settled(self, *filters: Query) -> dict[int, SettledWindow]:
        """Window start → what its settled documents say.

        An index that a stream wrote to before it had our mapping keeps a plan's id as text, by which nothing can be
        grouped. Then no window is known to be settled under the plan in force, and each is settled again.
        """
        try:
            return self._settled(("tally.window_start", "tally.plan_id"), filters)
        except ClusterError as error:
            if _NO_GROUPS not in str(error):
                raise
            return self._settled(("tally.window_start",), filters)

    def _settled(self, fields: Sequence[str], filters: Sequence[Query]) -> dict[int, SettledWindow]:
        sums = {"partials": {"sum": {"field": "tally.partials"}}, "final": {"min": {"field": "tally.final"}}}
        windows: dict[int, SettledWindow] = {}
        # A plan's id is in every settled document; one without would be left out, and its window settled again.
        for bucket in self.composite(fields, filters, sums, self.settled_path):
            window_ms = int(bucket["key"]["tally.window_start"])
            old = windows.get(window_ms, SettledWindow(0, frozenset(), True))
            partials = old.partials + int(bucket["partials"]["value"] or 0)
            plans = old.plans | {bucket["key"].get("tally.plan_id", "")}
            windows[window_ms] = SettledWindow(partials, plans, old.final and bucket["final"]["value"] == 1)
        return windows

    def composite(
        self,
        fields: Sequence[str],
        filters: Sequence[Query],
        aggregations: Mapping[str, Any] | None = None,
        path: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Every combination of values of some fields, page by page."""
        sources = [{field: {"terms": {"field": field}}} for field in fields]
        after: dict[str, Any] = {}
        while True:
            composite = {"size": PAGE, "sources": sources, **after}
            groups: dict[str, Any] = {"composite": composite, **({"aggs": dict(aggregations)} if aggregations else {})}
            body = {"size": 0, "track_total_hits": False, "query": self.query(filters), "aggs": {"groups": groups}}
            page = self.ask_page(body, composite, path)
            yield from page.get("buckets", ())
            if len(page.get("buckets", ())) < composite["size"]:
                return
            after = {"after": page["after_key"]}

    def ask_page(self, body: Query, composite: dict[str, Any], path: str | None = None) -> dict[str, Any]:
        """One page of the composite aggregation ``groups``, of fewer buckets where the cluster allows no more.

        Args: composite: the part of ``body`` that says its size; it is changed to the size that was asked for.
        """
        while True:
            composite["size"] = min(composite["size"], self.pace.buckets)
            try:
                answer = self.cluster.request("POST", f"{path or self.path}/_search", body, LENIENT)
            except ClusterError as error:
                if error.kind != TOO_MANY_BUCKETS or composite["size"] == 1:
                    raise
                self.pace.buckets = composite["size"] // 2
                continue
            page: dict[str, Any] = (answer.get("aggregations") or {}).get("groups") or {}
            return page

    def in_spans(self, windows: Sequence[int]) -> Iterator[tuple[Query, Sequence[int]]]:
        """Filters that take some windows in ranges, each with the windows that it takes; all in order."""
        for chunk in to_chunks(to_spans(windows, self.window_ms), SPANS_A_SEARCH):
            ranges = [_starts(span[0], span[-1]) for span in chunk]
            should = {"bool": {"should": ranges, "minimum_should_match": 1}}
            yield ranges[0] if len(ranges) == 1 else should, [window for span in chunk for window in span]

    def read(
        self, windows: Sequence[int], after: Place | None = None
    ) -> Iterator[tuple[int, str | None, list[Partial]]]:
        """The partials of some windows, in order of window and group: (window, group, partials).

        Args: after: begin with the group after this place, or with the window after it.
        Raises: ClusterError; whatever ``before_page`` raises: then the group that was begun is not given.
        """
        for spans, chunk in self.in_spans(remaining(windows, after)):
            begin = [after[0], after[1], LAST] if after and after[0] == chunk[0] else None
            yield from self._groups(self._hits(spans, frozenset(chunk), begin))

    def _groups(
        self, hits: Iterable[tuple[int, str | None, Partial]]
    ) -> Iterator[tuple[int, str | None, list[Partial]]]:
        at: tuple[int, str | None] | None = None
        group: list[Partial] = []
        for window_ms, group_id, partial in hits:
            if at != (window_ms, group_id):
                if at:
                    yield *at, group
                at, group = (window_ms, group_id), []
            group.append(partial)
        if at:
            yield *at, group

    def _hits(
        self, spans: Query, windows: frozenset[int], begin: list[Any] | None
    ) -> Iterator[tuple[int, str | None, Partial]]:
        body: dict[str, Any] = {
            "track_total_hits": False,
            "query": self.query([spans]),
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
            self.before_page()
            body["size"], started = self.pace.size, self.clock()
            answer = self.cluster.request("POST", f"{self.path}/_search", body, params)
            hits = (answer.get("hits") or {}).get("hits", ())
            for hit in hits:
                window_ms, group_id, partial_id = hit["sort"]
                if window_ms in windows:  # a range may hold windows of another length
                    yield window_ms, group_id, read_partial(window_ms, partial_id, hit.get("_source") or {})
            if len(hits) < body["size"]:
                return
            self.pace.note(len(orjson.dumps(hits)), self.clock() - started)
            body["search_after"] = hits[-1]["sort"]

    def query(self, filters: Iterable[Query]) -> Query:
        return {"bool": {"filter": [{"term": {"tally.output": self.output}}, *filters]}}


def remaining(windows: Sequence[int], after: Place | None) -> list[int]:
    """Those of some windows that have groups after a place, as far as the place tells."""
    if after is None:
        return list(windows)
    return [window for window in windows if window > after[0] or (window == after[0] and after[1] is not None)]


def to_spans(windows: Sequence[int], window_ms: int) -> list[list[int]]:
    """Sorted window starts, cut where a window is missing: each piece is a range of starts."""
    spans: list[list[int]] = []
    for window in windows:
        if spans and window - spans[-1][-1] <= window_ms:
            spans[-1].append(window)
        else:
            spans.append([window])
    return spans


def _starts(first_ms: int, last_ms: int) -> Query:
    return {"range": {"tally.window_start": {"gte": first_ms, "lte": last_ms, "format": "epoch_millis"}}}


def since(checkpoint_ms: int) -> Query:
    """What was stamped after a checkpoint, with the margin that clocks and refreshes need."""
    return {"range": {"tally.ingested_at": {"gte": checkpoint_ms - CHECKPOINT_MARGIN_MS, "format": "epoch_millis"}}}


def before(window_ms: int) -> Query:
    """Windows that start earlier."""
    return {"range": {"tally.window_start": {"lt": window_ms, "format": "epoch_millis"}}}


def not_before(window_ms: int) -> Query:
    return {"range": {"tally.window_start": {"gte": window_ms, "format": "epoch_millis"}}}


def to_chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Pieces of at most ``size`` values."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
