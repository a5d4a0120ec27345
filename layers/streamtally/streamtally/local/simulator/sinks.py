"""Where the second stream ends: an OpenSearch, written to as Firehose does, or the embedded store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Protocol

import orjson

from streamtally.aws.opensearch.cluster import BULK_MAX_BYTES, Cluster, ClusterError
from streamtally.errors import SinkError
from streamtally.local.simulator.parts import Refusal, StoredRecord


class OpenSearchSink:
    """Bulk ``index`` operations into one index name, with ids that stay the same over the tries of a delivery."""

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
                refusals += [Refusal(start + one.position, one.status, f"{one.kind}: {one.reason}") for one in failed]
            except ClusterError as error:
                refusals += [Refusal(place, error.status, str(error)) for place in range(start, end)]
            start = end
        return refusals

    def _request(self, records: Sequence[StoredRecord], start: int) -> tuple[int, list[bytes]]:
        lines: list[bytes] = []
        size, place = 0, start
        while place < len(records) and (place == start or size + len(records[place].data) < BULK_MAX_BYTES):
            record = records[place]
            name = hashlib.sha256(record.id.encode()).hexdigest()[:40]
            # A line end inside would end the document in the bulk request.
            document = record.data.strip().replace(b"\n", b" ")
            lines += [orjson.dumps({"index": {"_index": self.index, "_id": name}}), document or b"{}"]
            size += len(document)
            place += 1
        return place, lines


class Store(Protocol):
    """The embedded store's part that is used."""

    def put(self, documents: Iterable[bytes]) -> None:
        """Keep documents; one with an id that is there already replaces it."""


class StoreSink:
    """The embedded store in place of OpenSearch; a record that is none of our documents is refused, as 400."""

    index = "embedded"

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, records: Sequence[StoredRecord]) -> list[Refusal]:
        good: list[bytes] = []
        refusals: list[Refusal] = []
        for place, record in enumerate(records):
            if _is_ours(record.data):
                good.append(record.data)
            else:
                refusals.append(Refusal(place, 400, "no document of an output of the pipeline"))
        try:
            self._store.put(good)
        except Exception as error:
            raise SinkError(f"the embedded store: {error}") from error
        return refusals


def _is_ours(data: bytes) -> bool:
    try:
        tally = orjson.loads(data)["tally"]
        return bool(tally.get("partial_id") or tally.get("row_id")) and bool(tally["output"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
