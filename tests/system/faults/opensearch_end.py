"""A real OpenSearch as the second stream's end, managed and settled by the project's own code, which may be killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.manager import Manager, make_manager
from streamtally.aws.opensearch.settling.groups import fetch_groups
from streamtally.aws.opensearch.settling.merge import merge_groups
from streamtally.aws.recovery.batches import IndexedBatches
from streamtally.indices.spec import read_specs
from streamtally.local.simulator.opensearch_sink import OpenSearchSink
from streamtally.local.simulator.parts import Sink
from streamtally.local.stream_names import SUMMARY
from streamtally.recovery.batches import Batches
from streamtally.transform.pipeline import Pipeline
from tests.system.faults.world import Counts, Faults, Killed


class DyingCluster:
    """A cluster whose caller is killed before one of its requests."""

    def __init__(self, cluster: Cluster, faults: Faults) -> None:
        self._cluster = cluster
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)

    def request(self, *given: Any, **more: Any) -> Any:
        if self._faults.strikes("settling killed"):
            raise Killed
        return self._cluster.request(*given, **more)

    def bulk(self, *given: Any, **more: Any) -> Any:
        if self._faults.strikes("settling killed"):
            raise Killed
        return self._cluster.bulk(*given, **more)


class OpenSearchEnd:
    """A real end.

    Args:
        now_ms: when it is managed first.
        through: how Firehose reaches it, if not as everybody else.
        clock: settling's own, in ms; default: it is told. With the server's clock, the checkpoint leaves out windows.

    Settling runs take one of the two ways by chance: merged by the cluster, or every partial fetched.
    """

    def __init__(
        self,
        cluster: Cluster,
        pipeline: Pipeline,
        faults: Faults,
        now_ms: int,
        through: Cluster | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._clock = clock
        self._cluster = cluster
        self._through = through or cluster
        self._dying: Any = DyingCluster(cluster, faults)
        self.windows_settled = 0
        self.ways: Counter[str] = Counter()
        self._chance = Random(faults.seed)
        self.deploy(pipeline, now_ms)

    def deploy(self, pipeline: Pipeline, now_ms: int) -> None:
        """Another pipeline from now on, managed as a deployment does."""
        self._pipeline = pipeline
        assert not self._manager(self._cluster).manage(now_ms, forever).failed

    def _manager(self, cluster: Cluster) -> Manager:
        return make_manager(cluster, self._pipeline, {"SUMMARY_STREAM": SUMMARY})

    def sink(self) -> Sink:
        return OpenSearchSink(self._through, f"inbox-{SUMMARY}")

    def settle(self, now_ms: int) -> None:
        way = self._chance.choice([merge_groups, fetch_groups])
        self.ways[way.__name__] += 1
        try:
            manager = replace(self._manager(self._dying), way=way)
            reports = manager.settle(self._clock() if self._clock else now_ms, forever)
        except Killed:
            return
        self.windows_settled += sum(report.windows for report in reports)

    def waiting(self) -> int:
        """How many windows the next settling run takes up."""
        self._cluster.request("POST", "/_all/_refresh")
        now_ms = self._clock() if self._clock else 0
        unsettled = self._manager(self._cluster).unsettled(now_ms)
        return max((count or 0 for count in unsettled.windows.values()), default=0)

    def counts(self) -> Counts:
        """What is settled, read page by page; a group that is there twice is a failure of its own."""
        self._cluster.request("POST", "/_all/_refresh")
        counts: Counts = Counter()
        body: dict[str, Any] = {"size": 10_000, "sort": ["_id"], "query": {"match_all": {}}}
        while True:
            hits = self._search(body)
            for hit in hits:
                key = (hit["_source"]["datetime"], hit["_source"]["status"])
                assert key not in counts, f"two documents for {key}"
                counts[key] = hit["_source"]["statusCount"]
            if len(hits) < 10_000:
                return counts
            body["search_after"] = hits[-1]["sort"]

    def batches(self) -> Batches:
        return IndexedBatches(self._cluster, read_specs(self._pipeline.document, SUMMARY))

    def _search(self, body: dict[str, Any]) -> list[Any]:
        answer = self._cluster.request("POST", "/request_data/_search", body, ignore=(404,))
        return list(answer["hits"]["hits"]) if "hits" in answer else []  # no alias: nothing is settled yet


def forever() -> float:
    return 3600.0
