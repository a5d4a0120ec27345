"""Sinks of the summary stream: an OpenSearch, written to as Firehose does, or the embedded store."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import orjson

from streamtally.aws.opensearch.cluster import BULK_MAX_BYTES, Cluster, ClusterError
from streamtally.errors import SinkError
from streamtally.local.simulator.parts import Refusal, Store, StoredRecord


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


class StoreSink:
    """The embedded store instead of OpenSearch; a record that is not a document of an output is refused with 400."""

    index = "embedded"

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, records: Sequence[StoredRecord]) -> list[Refusal]:
        good: list[bytes] = []
        refusals: list[Refusal] = []
        for position, record in enumerate(records):
            if _is_document(record.data):
                good.append(record.data)
            else:
                refusals.append(Refusal(position, 400, "not a document of an output of the pipeline"))
        try:
            self._store.put(good)
        except Exception as error:
            raise SinkError(f"the embedded store: {error}") from error
        return refusals


def _is_document(data: bytes) -> bool:
    try:
        tally = orjson.loads(data)["tally"]
        return bool(tally.get("partial_id") or tally.get("row_id")) and bool(tally["output"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
