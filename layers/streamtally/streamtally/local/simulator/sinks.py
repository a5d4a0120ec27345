"""The sink of the summary stream that is the embedded store."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from streamtally.errors import SinkError
from streamtally.local.simulator.parts import Refusal, Store, StoredRecord


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
