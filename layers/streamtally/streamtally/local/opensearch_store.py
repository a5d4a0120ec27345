"""The second stream's end in a real OpenSearch: ``streamtally run --opensearch`` in place of the embedded store."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import orjson

from streamtally.aws.index_manager import make_manager
from streamtally.aws.opensearch import BULK_MAX_BYTES, Cluster
from streamtally.aws.opensearch_apply import describe_failures
from streamtally.aws.opensearch_scan import scan
from streamtally.errors import IndexPlanError, PartialWriteError
from streamtally.indices.observed import Observed
from streamtally.local.store import Document, sort_key
from streamtally.pipeline import Pipeline
from streamtally.plan.windowed import WindowedOutput
from streamtally.targets import Output
from streamtally.times import from_iso, to_iso

STREAM = "log-summary-stream"
PAGE = 5_000
TIME_LIMIT_SECONDS = 3_600


class OpenSearchStore:
    """Documents in a cluster, through the same inbox as Firehose's and settled by the same code.

    Making it prepares the cluster: pipeline, templates, alias. Old logs are taken as they are: nothing is closed.
    Raises: IndexPlanError: the cluster cannot be reached or prepared; PartialWriteError on putting.
    """

    def __init__(self, cluster: Cluster, pipeline: Pipeline, run_id: str) -> None:
        self._cluster = cluster
        self._manager = make_manager(cluster, pipeline, {"SUMMARY_STREAM": STREAM}, closing=False)
        self._inboxes = {output.name: spec.inbox for spec in self._manager.specs for output in spec.outputs}
        self._views = {output.name: spec.index for spec in self._manager.specs for output in spec.outputs}
        self._run_id = run_id
        self._number = 0
        self._late: dict[str, int] = {}
        observed = self._manage()
        self._closed = {
            output.name: observed.states[spec.index].state.closed_before_ms
            for spec in self._manager.specs
            for output in spec.outputs
        }

    def close(self) -> None:
        """Nothing is held open."""

    def put(self, documents: Iterable[bytes]) -> None:
        """Write documents as Firehose does: bulk `index` operations, with ids of its own, into the inbox."""
        lines: list[bytes] = []
        size = 0
        for document in documents:
            self._number += 1
            tally = orjson.loads(document)["tally"]
            inbox = self._inboxes[tally["output"]]
            if from_iso(tally.get("window_start") or tally["time"]) < self._closed[tally["output"]]:
                self._late[tally["output"]] = self._late.get(tally["output"], 0) + 1
            lines += [orjson.dumps({"index": {"_index": inbox, "_id": f"{self._run_id}-{self._number}"}}), document]
            size += len(document)
            if size > BULK_MAX_BYTES:
                self._write(lines)
                lines, size = [], 0
        self._write(lines)

    def settle(self, pipeline: Pipeline) -> None:
        """Settle every window that the run touched.

        Raises: IndexPlanError: it failed, or documents are of a time that this cluster has closed, and went past.
        """
        self._cluster.request("POST", "/_refresh")
        for report in self._manager.settle(_now_ms(), lambda: TIME_LIMIT_SECONDS):
            if report.problems:
                raise IndexPlanError(f"{report.output}: {'; '.join(report.problems)}")
        for output, count in self._late.items():
            closed = to_iso(self._closed[output])
            text = f"{count} documents are dated before {closed}, which this cluster has closed: they count as late"
            raise IndexPlanError(f"{output}: {text}")
        self._manage()  # an index that was made only now is put behind its alias
        for view in set(self._views.values()):
            self._cluster.request("POST", f"/{view}-*/_refresh", params={"ignore_unavailable": "true"})

    def documents(self, output: Output) -> Iterator[Document]:
        """An output's settled documents, columns only, by window and key (rows: by time)."""
        columns = [each.name for each in output.columns]
        windowed = isinstance(output, WindowedOutput)
        found = self._search(output.name, "window_start" if windowed else "time")
        for _, window in groupby(found, key=lambda hit: hit["sort"][0]):
            sources = [hit["_source"] for hit in window]
            if windowed:
                sources.sort(key=lambda source: [sort_key(value) for value in source["tally"].get("key") or ()])
            for source in sources:
                yield {name: source.get(name) for name in columns}

    def _search(self, output: str, time_field: str) -> Iterator[dict[str, Any]]:
        tie = "tally.group_id" if time_field == "window_start" else "tally.row_id"
        body: dict[str, Any] = {
            "size": PAGE,
            "query": {"bool": {"filter": [{"term": {"tally.output": output}}]}},
            "sort": [f"tally.{time_field}", {tie: {"missing": "_last"}}],
        }
        # The alias shows what HAVING lets show; partials and late documents are not behind it.
        path = f"/{self._views[output]}/_search"
        return scan(self._cluster, path, body, {"ignore_unavailable": "true"})

    def _write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        failed = self._cluster.bulk(lines)
        if failed:
            first = failed[0]
            text = f"{len(failed)} documents refused: {first.status} {first.kind} {first.reason}"
            raise PartialWriteError(text, [lines[2 * item.position + 1] for item in failed])

    def _manage(self) -> Observed:
        managed = self._manager.manage(_now_ms(), lambda: TIME_LIMIT_SECONDS)
        if managed.failed:
            raise IndexPlanError(describe_failures(managed.results))
        return managed.observed


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
