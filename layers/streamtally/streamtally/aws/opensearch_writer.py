"""Writing settled documents: by version, so that an older or slower run never overwrites a newer one."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from streamtally.aws.opensearch import BULK_MAX_BYTES, Cluster, ClusterError
from streamtally.documents import encode_document
from streamtally.indices.settling import Settled
from streamtally.indices.state import OutputState

BULK_MAX_ITEMS = 5_000


class SettledWriter:
    """Settled documents on their way, in bulks of bounded size.

    Attributes: written, outrun: how many went, and how many a newer version outran.
    """

    def __init__(self, cluster: Cluster, index: str, state: OutputState) -> None:
        self.cluster, self.index, self.state = cluster, index, state
        self.lines: list[bytes] = []
        self.size_bytes = 0
        self.written = 0
        self.outrun = 0

    def add(self, documents: Iterable[Settled]) -> None:
        for document in documents:
            index = self.state.output_name(self.index, document.window_ms)
            head = {"_index": index, "_id": document.id, "version": document.version, "version_type": "external_gte"}
            body = encode_document(document.source)
            self.lines += [orjson.dumps({"index": head}), body]
            self.size_bytes += len(body) + 200
            if self.size_bytes > BULK_MAX_BYTES or len(self.lines) >= 2 * BULK_MAX_ITEMS:
                self.flush()

    def flush(self) -> None:
        """Write what is there. Raises: ClusterError: a document was refused for another reason than a newer one."""
        if not self.lines:
            return
        failed = self.cluster.bulk(self.lines, {"pipeline": "_none"})
        self.written += len(self.lines) // 2 - len(failed)
        self.outrun += sum(item.status == 409 for item in failed)
        self.lines, self.size_bytes = [], 0
        refused = [item for item in failed if item.status != 409]
        if refused:
            first = refused[0]
            text = f"{len(refused)} settled documents refused: {first.status} {first.kind} {first.reason}"
            raise ClusterError(f"{self.index}: {text}", first.status, first.kind)
