"""Questions that settling asks of the cluster: which windows, which batches, which partials. All answers are paged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamtally.aws.opensearch import Cluster
from streamtally.indices.settling import CHECKPOINT_MARGIN_MS, MixedBatch, Partial, PlanShare, choose_plan
from streamtally.indices.spec import IndexSpec

PAGE = 10_000  # index.max_result_window, and the default of search.max_buckets is above it
TERMS = 5_000  # values in one terms query; 65,536 are allowed, but the request should stay small
WINDOWS_A_SEARCH = 1_000
LENIENT = {"ignore_unavailable": "true", "allow_no_indices": "true"}
_FIELDS = ["tally.state", "tally.batch_id", "tally.plan_id", "tally.out_of_range"]

Query = dict[str, Any]


@dataclass(frozen=True)
class Partials:
    """The partials of one output of the plan."""

    cluster: Cluster
    spec: IndexSpec
    output: str

    @property
    def path(self) -> str:
        return f"/partials-{self.spec.index}-2*"

    @property
    def settled_path(self) -> str:
        return f"/{self.spec.index}-2*"

    def refresh(self) -> None:
        """Make everything that was written searchable."""
        self.cluster.request("POST", f"{self.path}/_refresh", params=LENIENT)

    def windows(self, *filters: Query, path: str | None = None) -> Iterator[int]:
        """The starts (ms) of the windows that have partials fitting the filters, in order."""
        for bucket in self.composite(["tally.window_start"], filters, path=path):
            yield int(bucket["key"]["tally.window_start"])

    def counts(self, *filters: Query) -> dict[int, int]:
        """Window start → partial documents."""
        buckets = self.composite(["tally.window_start"], filters)
        return {int(bucket["key"]["tally.window_start"]): bucket["doc_count"] for bucket in buckets}

    def settled_counts(self, *filters: Query) -> dict[int, int]:
        """Window start → partials that the settled documents say they rest on."""
        sums = {"partials": {"sum": {"field": "tally.partials"}}}
        buckets = self.composite(["tally.window_start"], filters, sums, self.settled_path)
        return {int(b["key"]["tally.window_start"]): int(b["partials"]["value"]) for b in buckets}

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
            body = {"size": 0, "track_total_hits": False, "query": self._query(filters), "aggs": {"groups": groups}}
            answer = self.cluster.request("POST", f"{path or self.path}/_search", body, LENIENT)
            found = (answer.get("aggregations") or {}).get("groups") or {}
            yield from found.get("buckets", ())
            if len(found.get("buckets", ())) < PAGE:
                return
            after = {"after": found["after_key"]}

    def read(self, windows: Sequence[int]) -> Iterator[tuple[int, str, list[Partial]]]:
        """The partials of some windows, in order of window and group: (window, group, partials)."""
        for start in range(0, len(windows), WINDOWS_A_SEARCH):
            yield from self._groups(windows[start : start + WINDOWS_A_SEARCH])

    def _groups(self, windows: Sequence[int]) -> Iterator[tuple[int, str, list[Partial]]]:
        at: tuple[int, str] | None = None
        group: list[Partial] = []
        for window_ms, group_id, partial in self._hits(windows):
            if at != (window_ms, group_id):
                if at:
                    yield *at, group
                at, group = (window_ms, group_id), []
            group.append(partial)
        if at:
            yield *at, group

    def _hits(self, windows: Sequence[int]) -> Iterator[tuple[int, str, Partial]]:
        body: dict[str, Any] = {
            "size": PAGE,
            "track_total_hits": False,
            "query": self._query([{"terms": {"tally.window_start": list(windows)}}]),
            "_source": _FIELDS,
            "sort": [
                {"tally.window_start": "asc"},
                {"tally.group_id": {"missing": "_last"}},
                {"tally.partial_id": "asc"},
            ],
        }
        params = {**LENIENT, "filter_path": "hits.hits._source,hits.hits.sort"}
        while True:
            answer = self.cluster.request("POST", f"{self.path}/_search", body, params)
            hits = (answer.get("hits") or {}).get("hits", ())
            for hit in hits:
                yield _to_partial(hit)
            if len(hits) < PAGE:
                return
            body["search_after"] = hits[-1]["sort"]

    def _query(self, filters: Iterable[Query]) -> Query:
        return {"bool": {"filter": [{"term": {"tally.output": self.output}}, *filters]}}


def _to_partial(hit: Mapping[str, Any]) -> tuple[int, str, Partial]:
    window_ms, group_id, partial_id = hit["sort"]
    tally = hit["_source"]["tally"]
    found = Partial(
        partial_id, tally["batch_id"], tally["plan_id"], window_ms, tally["state"], tally.get("out_of_range") or 0
    )
    return window_ms, group_id or "", found


def since(checkpoint_ms: int) -> Query:
    """What was stamped after a checkpoint, with the margin that clocks and refreshes need."""
    return {"range": {"tally.ingested_at": {"gte": checkpoint_ms - CHECKPOINT_MARGIN_MS, "format": "epoch_millis"}}}


def before(window_ms: int) -> Query:
    """Windows that start earlier."""
    return {"range": {"tally.window_start": {"lt": window_ms, "format": "epoch_millis"}}}


def not_before(window_ms: int) -> Query:
    return {"range": {"tally.window_start": {"gte": window_ms, "format": "epoch_millis"}}}


def of_batches(batches: Sequence[str]) -> Query:
    return {"terms": {"tally.batch_id": list(batches)}}


def find_mixed(partials: Partials, pinned: Mapping[str, tuple[str, int]]) -> dict[str, MixedBatch]:
    """The batches that have partials of more than one plan, each with the plan that counts.

    A batch of two plans X and Y, X the one seen last earlier, has arrived before X's last partial was stamped: so only
    the few batches of Y that arrived by then are looked at, not all.
    """
    last = _last_stamped(partials)
    plans = sorted(last, key=lambda plan_id: (last[plan_id], plan_id))
    found: set[str] = set()
    for position, earlier in enumerate(plans):
        for later in plans[position + 1 :]:
            limit = {"lte": int(last[earlier]) + CHECKPOINT_MARGIN_MS, "format": "epoch_millis"}
            arrived: list[Query] = [{"term": {"tally.plan_id": later}}, {"range": {"tally.batch_arrival": limit}}]
            candidates = [b["key"]["tally.batch_id"] for b in partials.composite(["tally.batch_id"], arrived)]
            for chunk in _chunks(candidates):
                both: list[Query] = [{"term": {"tally.plan_id": earlier}}, of_batches(chunk)]
                found.update(b["key"]["tally.batch_id"] for b in partials.composite(["tally.batch_id"], both))
    mixed = _choose(partials, sorted(found))
    return {**mixed, **{batch: MixedBatch(plan_id, count) for batch, (plan_id, count) in pinned.items()}}


def _last_stamped(partials: Partials) -> dict[str, float]:
    last = {"last": {"max": {"field": "tally.ingested_at"}}}
    buckets = partials.composite(["tally.plan_id"], (), last)
    return {bucket["key"]["tally.plan_id"]: bucket["last"]["value"] or 0 for bucket in buckets}


def _choose(partials: Partials, batches: Sequence[str]) -> dict[str, MixedBatch]:
    shares: dict[str, dict[str, PlanShare]] = {}
    details = {
        "partials": {"cardinality": {"field": "tally.partial_id", "precision_threshold": 40_000}},
        "expected": {"max": {"field": "tally.batch_partials"}},
    }
    for chunk in _chunks(batches):
        for bucket in partials.composite(["tally.batch_id", "tally.plan_id"], [of_batches(chunk)], details):
            expected = bucket["expected"]["value"]
            share = PlanShare(bucket["partials"]["value"], None if expected is None else int(expected))
            shares.setdefault(bucket["key"]["tally.batch_id"], {})[bucket["key"]["tally.plan_id"]] = share
    return {batch: choose_plan(plans) for batch, plans in shares.items()}


def mixed_windows(partials: Partials, mixed: Mapping[str, MixedBatch], checkpoint_ms: int) -> set[int]:
    """All windows of batches of two plans that have new partials: the choice may have changed."""
    windows: set[int] = set()
    for chunk in _chunks(sorted(mixed)):
        filters = [of_batches(chunk), since(checkpoint_ms)]
        fresh = [bucket["key"]["tally.batch_id"] for bucket in partials.composite(["tally.batch_id"], filters)]
        if fresh:
            windows.update(partials.windows(of_batches(fresh)))
    return windows


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), TERMS):
        yield values[start : start + TERMS]
