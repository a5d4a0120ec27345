"""Writes settled documents by version, so that an older or slower run never overwrites a newer one."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from streamtally.aws.opensearch.cluster import BULK_MAX_BYTES, BulkItem, Cluster, ClusterError
from streamtally.indices.settling.settled import SettledDocument
from streamtally.indices.state import OutputState
from streamtally.times.iso import to_iso
from streamtally.transform.documents import encode_document

BULK_MAX_ITEMS = 5_000
OUTRUN = 409
# The document itself is at fault, so a retry would be rejected too. Other 400s are the cluster's (shard limits).
UNFIT = ("mapper_parsing_exception", "strict_dynamic_mapping_exception")


class SettledWriter:
    """Collects settled documents and writes them in bulk requests of bounded size.

    Attributes:
        written: documents written.
        outrun: documents that lost to a newer version.
        unfit: window start in ms → why its first rejected document does not fit the index.
    """

    def __init__(self, cluster: Cluster, index: str, state: OutputState) -> None:
        self.cluster, self.index, self.state = cluster, index, state
        self.lines: list[bytes] = []
        self.windows: list[int] = []
        self.size_bytes = 0
        self.written = 0
        self.outrun = 0
        self.unfit: dict[int, str] = {}

    def add(self, documents: Iterable[SettledDocument]) -> None:
        """Write documents, now or later. Raises: ClusterError: see `flush`."""
        for document in documents:
            index = self.state.output_name(self.index, document.window_ms)
            version = self.state.version_base(document.window_ms) + document.version
            head = {"_index": index, "_id": document.id, "version": version, "version_type": "external_gte"}
            body = encode_document(document.source)
            self.lines += [orjson.dumps({"index": head}), body]
            self.windows.append(document.window_ms)
            self.size_bytes += len(body) + 200
            if self.size_bytes > BULK_MAX_BYTES or len(self.windows) >= BULK_MAX_ITEMS:
                self.flush()

    def flush(self) -> None:
        """Write all that was added. Raises: ClusterError: a document was rejected through no fault of its own."""
        if not self.lines:
            return
        windows, lines = self.windows, self.lines
        self.lines, self.windows, self.size_bytes = [], [], 0
        failed = self.cluster.bulk(lines, {"pipeline": "_none"})
        self.written += len(windows) - len(failed)
        self.outrun += sum(item.status == OUTRUN for item in failed)
        for item in failed:
            if item.kind in UNFIT:
                self.unfit.setdefault(windows[item.position], _explain(item))
        refused = [item for item in failed if item.status != OUTRUN and item.kind not in UNFIT]
        if refused:
            text = f"{len(refused)} settled documents rejected: {refused[0].status} {_explain(refused[0])}"
            raise ClusterError(f"{self.index}: {text}", refused[0].status, refused[0].kind)

    def refused_lines(self) -> list[str]:
        """One line if documents did not fit: a problem of their windows, which the audit finds again."""
        if not self.unfit:
            return []
        first_ms = min(self.unfit)
        return [
            f"settled documents of {len(self.unfit)} windows from {to_iso(first_ms)} on do not fit their index: "
            f"{self.unfit[first_ms]}"
        ]


def _explain(item: BulkItem) -> str:
    return f"{item.kind} {item.reason}"
