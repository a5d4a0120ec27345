"""The store in a real OpenSearch: ``streamtally run --opensearch``, instead of the embedded store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from streamtally.aws.clock import now_ms
from streamtally.aws.opensearch.apply_plan import describe_failures
from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.loading.filling import put_operations
from streamtally.aws.opensearch.loading.load_run import AGAIN, LoadRun
from streamtally.aws.opensearch.loading.opening import open_load
from streamtally.aws.opensearch.loading.settle_load import settle_load
from streamtally.aws.opensearch.manager import make_manager
from streamtally.aws.opensearch.scan import scan
from streamtally.errors import IndexPlanError
from streamtally.indices.observed import Observed
from streamtally.local.kept import Document
from streamtally.local.load_spool import LoadOptions, Spool
from streamtally.local.store_partials import sort_key
from streamtally.local.stream_names import SUMMARY
from streamtally.plan.windowed import WindowedOutput
from streamtally.times.iso import to_iso
from streamtally.transform.output_writer import Output
from streamtally.transform.pipeline import Pipeline

PAGE = 5_000
TIME_LIMIT_SECONDS = 3_600


class OpenSearchStore:
    """Documents of a load of old logs, in a cluster.

    They are kept on disk first, so that the whole span is known and nothing is written that the cluster cannot take;
    then they are written to the same inbox as Firehose's and settled by the same code. The constructor prepares the
    cluster: ingest pipeline, templates, alias.

    Args:
        load_id: the same for the same logs.
        options: which part of them is loaded, and whether closed counts may be replaced.
    Raises: IndexPlanError: the cluster cannot be reached or prepared.
    """

    def __init__(self, cluster: Cluster, pipeline: Pipeline, load_id: str, options: LoadOptions | None = None) -> None:
        self._cluster = cluster
        self._manager = make_manager(cluster, pipeline, {"SUMMARY_STREAM": SUMMARY}, closing=False)
        self._inboxes = {output.name: spec.inbox for spec in self._manager.specs for output in spec.outputs}
        self._views = {output.name: spec.index for spec in self._manager.specs for output in spec.outputs}
        self._load_id = load_id
        self._options = options or LoadOptions()
        self._spool = Spool(self._manager.specs, self._options.between)
        self.notes: tuple[str, ...] = ()
        self.problems: tuple[str, ...] = ()
        self._manage()

    @property
    def left_out(self) -> int:
        """Documents outside the requested times."""
        return self._spool.left_out

    def close(self) -> None:
        """Delete what is kept on disk."""
        self._spool.close()

    def put(self, documents: Iterable[bytes]) -> None:
        """Keep documents until `settle` writes them."""
        for document in documents:
            self._spool.add(document)

    def settle(self, pipeline: Pipeline) -> None:
        """Open the spans of all documents, write these, settle all their windows and close the spans.

        Raises: IndexPlanError: nothing was written, because the cluster does not keep such times or has closed them
            with counts in them; or the load was interrupted and stays open.
        """
        observed = self._manage()
        contents = self._spool.contents
        if contents:
            load = LoadRun(self._cluster, pipeline, self._manager.specs, self._load_id, contents, now_ms)
            self.notes = load.check(observed)
            self._load(load, observed)
        self._manage()  # an index created just now is added to its alias
        for view in set(self._views.values()):
            self._cluster.request("POST", f"/{view}-*/_refresh", params={"ignore_unavailable": "true"})

    def _load(self, load: LoadRun, observed: Observed) -> None:
        try:
            open_load(load, observed, self._options.replace_span, self._options.agree)
            for index, loaded_ms in load.loaded.items():
                text = f"{index}: the same log was loaded before ({to_iso(loaded_ms)}) and closed: nothing was loaded"
                self.notes += (text,)
            self._put_all(load)
            settle_load(load)
            self.problems = tuple(load.problems)
        except IndexPlanError as error:
            if load.is_open and AGAIN not in str(error):
                raise IndexPlanError(f"{error}; {AGAIN}") from None
            raise

    def _put_all(self, load: LoadRun) -> None:
        """Write documents to the inbox as Firehose does: bulk `index` operations with ids of their own."""
        numbered = enumerate(self._spool.documents())
        put_operations(
            load,
            (
                ({"_index": self._inboxes[output], "_id": f"{self._load_id}-{number}"}, document)
                for number, (output, document) in numbered
                if self._views[output] not in load.loaded
            ),
        )

    def documents(self, output: Output) -> Iterator[Document]:
        """An output's settled documents, columns only, by window and key (rows: by time)."""
        columns = [column.name for column in output.columns]
        windowed = isinstance(output, WindowedOutput)
        hits = self._search(output.name, "window_start" if windowed else "time")
        for _, window in groupby(hits, key=lambda hit: hit["sort"][0]):
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
        # The alias filters by HAVING; it does not contain partials and late documents.
        path = f"/{self._views[output]}/_search"
        return scan(self._cluster, path, body, {"ignore_unavailable": "true"})

    def _manage(self) -> Observed:
        managed = self._manager.manage(now_ms(), lambda: TIME_LIMIT_SECONDS)
        if managed.failed:
            raise IndexPlanError(describe_failures(managed.results))
        return managed.observed
