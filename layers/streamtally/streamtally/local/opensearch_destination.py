"""Where the simulator's documents go with ``--opensearch``: a real OpenSearch, managed and settled as in AWS."""

from __future__ import annotations

import time

from streamtally.aws.opensearch.manager import Manager
from streamtally.indices.spec import IndexSpec, read_specs
from streamtally.local.destinations import MAX_SHOWN, Settled
from streamtally.local.simulator.opensearch_sink import OpenSearchSink
from streamtally.local.simulator.parts import Sink
from streamtally.local.stream_names import SUMMARY
from streamtally.transform.pipeline import Pipeline

MANAGE_SECONDS = 3600.0


class OpenSearchDestination:
    """A real OpenSearch, prepared (ingest pipeline, templates) before the first document arrives."""

    def __init__(self, manager: Manager, pipeline: Pipeline, now_ms: int) -> None:
        self._manager = manager
        self._specs = read_specs(pipeline.document, SUMMARY)
        self._managed_at: float | None = None
        self.settle(now_ms)

    def sink(self, stream: str) -> Sink:
        return OpenSearchSink(self._manager.cluster, f"inbox-{stream}")

    def settle(self, now_ms: int) -> dict[str, Settled]:
        if self._managed_at is None or time.monotonic() - self._managed_at > MANAGE_SECONDS:
            self._manager.manage(now_ms, _no_limit)
            self._managed_at = time.monotonic()
        self._manager.settle(now_ms, _no_limit)
        return {spec.name: self._latest(spec) for spec in self._specs}

    def _latest(self, spec: IndexSpec) -> Settled:
        """What users see under the index's name, as far as it is searchable yet."""
        newest = [{field: {"order": "desc", "unmapped_type": "date"}} for field in ("tally.window_start", "tally.time")]
        body = {
            "size": MAX_SHOWN,
            "sort": newest,
            "_source": {"excludes": ["tally"]},
            "track_total_hits": True,
        }
        answer = self._manager.cluster.request("POST", f"/{spec.index}/_search", body, ignore=(404,))
        hits = answer.get("hits", {})
        sources = [hit["_source"] for hit in reversed(hits.get("hits", []))]
        documents = [{column.name: source.get(column.name) for column in spec.columns} for source in sources]
        return Settled(documents, hits.get("total", {}).get("value", 0))

    def close(self) -> None:
        pass


def _no_limit() -> float:
    return 3600.0
