"""Searches over the partials and the settled documents of one output, all of them paged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.opensearch.settling.queries import Query, starting_between, to_chunks, to_spans
from streamtally.aws.opensearch.transport.answers import TOO_MANY_BUCKETS
from streamtally.indices.spec import IndexSpec

PAGE = 10_000  # index.max_result_window; the default of search.max_buckets is above it
PAGE_START = 1_000
PAGE_BYTES = 8_000_000
PAGE_SECONDS = 0.75  # a slower page is not followed by a larger one: the clock is checked between pages
SPANS_A_SEARCH = 50  # at most three clauses each, of the 1,024 that a shard accepts
LENIENT = {"ignore_unavailable": "true", "allow_no_indices": "true"}
_NO_GROUPS = "Text fields are not optimised"  # OpenSearch's words for grouping by a text field


@dataclass(frozen=True)
class SettledWindow:
    """What the settled documents of a window say."""

    partials: int
    """How many partials they rest on."""
    plans: frozenset[str]
    """The ids of the plans that they were settled under."""
    final: bool
    """Whether all of them are final."""


@dataclass
class PageSize:
    """How many documents a page has: it grows while pages are small and quick, and shrinks when one is too large."""

    size: int = field(default_factory=lambda: PAGE_START)
    """Documents of a page of hits, or buckets of a page of merged groups."""
    buckets: int = PAGE
    """The most buckets of a page of an aggregation; lower where the cluster's `search.max_buckets` is low."""

    def note(self, size_bytes: int, seconds: float) -> None:
        """Take the size and the duration of a full page into account."""
        if size_bytes > PAGE_BYTES:
            self.size = max(1, self.size * PAGE_BYTES // size_bytes)
        elif 2 * size_bytes <= PAGE_BYTES and seconds <= PAGE_SECONDS:
            self.size = min(PAGE, 2 * self.size)


@dataclass(frozen=True)
class Partials:
    """The partials of one output of the plan, and its settled documents."""

    cluster: Cluster
    spec: IndexSpec
    output: str
    window_ms: int
    before_page: Callable[[], None] = lambda: None
    """Called before each page of partials; it may raise to stop the reading."""
    clock: Callable[[], float] = lambda: 0.0
    """Seconds, of which only differences are used."""
    page_size: PageSize = field(default_factory=PageSize)

    @property
    def path(self) -> str:
        """The path of all indices of partials."""
        return f"/partials-{self.spec.index}-2*"

    @property
    def settled_path(self) -> str:
        """The path of all indices of settled documents."""
        return f"/{self.spec.index}-2*"

    def windows(self, *filters: Query, path: str | None = None) -> Iterator[int]:
        """The starts (ms) of the windows that have partials matching the filters, in order."""
        for bucket in self.composite(["tally.window_start"], filters, path=path):
            yield int(bucket["key"]["tally.window_start"])

    def counts(self, *filters: Query, path: str | None = None) -> dict[int, int]:
        """Window start → partial documents."""
        buckets = self.composite(["tally.window_start"], filters, path=path)
        return {int(bucket["key"]["tally.window_start"]): bucket["doc_count"] for bucket in buckets}

    def distinct(self, *filters: Query, path: str | None = None) -> dict[int, int]:
        """Window start → distinct partials: duplicates under other ids count once; partials without an id do not."""
        counted: dict[int, int] = {}
        for bucket in self.composite(["tally.window_start", "tally.partial_id"], filters, path=path):
            window_ms = int(bucket["key"]["tally.window_start"])
            counted[window_ms] = counted.get(window_ms, 0) + 1
        return counted

    def settled(self, *filters: Query) -> dict[int, SettledWindow]:
        """Window start → what its settled documents say.

        An index that a stream wrote to before it had the mapping stores a plan's id as text, which cannot be grouped.
        Then no window is known to be settled under the plan in force, so each is settled again.
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
        # Every settled document has a plan id; one without would be left out, and its window settled again.
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
        """Every combination of values of some fields, page by page: the aggregation's buckets."""
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
        """One page of the composite aggregation ``groups``, with fewer buckets where the cluster has a lower limit.

        Args:
            composite: the part of ``body`` that holds the page's size; it is changed to the size that was requested.
        """
        while True:
            composite["size"] = min(composite["size"], self.page_size.buckets)
            try:
                answer = self.cluster.request("POST", f"{path or self.path}/_search", body, LENIENT)
            except ClusterError as error:
                if error.kind != TOO_MANY_BUCKETS or composite["size"] == 1:
                    raise
                self.page_size.buckets = composite["size"] // 2
                continue
            page: dict[str, Any] = (answer.get("aggregations") or {}).get("groups") or {}
            return page

    def in_spans(self, windows: Sequence[int]) -> Iterator[tuple[Query, Sequence[int]]]:
        """Filters that match some windows as ranges, each with the windows that it matches; all in order."""
        for chunk in to_chunks(to_spans(windows, self.window_ms), SPANS_A_SEARCH):
            ranges = [starting_between(span[0], span[-1]) for span in chunk]
            should = {"bool": {"should": ranges, "minimum_should_match": 1}}
            yield ranges[0] if len(ranges) == 1 else should, [window for span in chunk for window in span]

    def query(self, filters: Iterable[Query]) -> Query:
        """The output's documents that match all filters."""
        return {"bool": {"filter": [{"term": {"tally.output": self.output}}, *filters]}}
