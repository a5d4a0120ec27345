"""The sink of the summary stream that is an OpenSearch, written to as Firehose does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import orjson

from streamtally.aws.opensearch.cluster import BULK_MAX_BYTES, Cluster, ClusterError
from streamtally.local.simulator.parts import Refusal, StoredRecord


class OpenSearchSink:
    """Bulk ``index`` operations into one index, with ids that stay the same over the retries of a delivery."""

    def __init__(self, cluster: Cluster, index: str) -> None:
        self.index = index
        self._cluster = cluster

    def write(self, records: Sequence[StoredRecord]) -> list[Refusal]:
        refusals: list[Refusal] = []
        start = 0
        while start < len(records):
            end, lines = self._request(records, start)
            try:
                failed = self._cluster.bulk(lines)
                refusals += [
                    Refusal(start + item.position, item.status, f"{item.kind}: {item.reason}") for item in failed
                ]
            except ClusterError as error:
                refusals += [Refusal(position, error.status, str(error)) for position in range(start, end)]
            start = end
        return refusals

    def _request(self, records: Sequence[StoredRecord], start: int) -> tuple[int, list[bytes]]:
        lines: list[bytes] = []
        size, position = 0, start
        while position < len(records) and (position == start or size + len(records[position].data) < BULK_MAX_BYTES):
            record = records[position]
            name = hashlib.sha256(record.id.encode()).hexdigest()[:40]
            # A line end within the document would end it in the bulk request.
            document = record.data.strip().replace(b"\n", b" ")
            lines += [orjson.dumps({"index": {"_index": self.index, "_id": name}}), document or b"{}"]
            size += len(document)
            position += 1
        return position, lines
