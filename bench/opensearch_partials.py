"""Partials for bench/opensearch.py, as the transform makes them and the inbox's ingest pipeline writes them."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from streamtally.ids import digest
from streamtally.indices.names import partials_name
from streamtally.times.iso import to_iso
from tests.integration.opensearch.data import MINUTE_MS, OUTPUT, Document, ms

NOW = ms("2026-03-10T12:00")
INDEX_SETTINGS = {"index": {"requests.cache.enable": False}}
"""Ensures that no response comes from a cache."""


def make_partials(
    plan_id: str, partials: int, windows: int, keys: int, now_ms: int = NOW, name: str = ""
) -> Iterator[tuple[str, Document]]:
    """Partials with the index of each, of batches that have rows in every window and of every key.

    Args:
        plan_id: The id of the plan.
        partials: How many there are.
        windows: Windows of a minute.
        keys: Keys per window.
        now_ms: The end of the last window.
        name: Distinguishes the batches of several calls.
    """
    per_batch = windows * keys
    for number in range(partials):
        batch, index = divmod(number, per_batch)
        window = now_ms - (windows - index // keys) * MINUTE_MS
        status = 100 + index % keys
        key = [status]
        tally = {
            "output": OUTPUT,
            "window_start": to_iso(window),
            "partial_id": digest([name, batch, window, status]),
            "group_id": digest([OUTPUT, window, key]),
            "batch_id": digest([name, batch]),
            "batch_digest": digest([name, batch, 1]),
            "batch_partials": per_batch,
            "batch_records": 500,
            "batch_arrival": [to_iso(window), to_iso(window + MINUTE_MS)],
            "plan_id": plan_id,
            "state": {"key": key, "rows": 3, "aggregates": [3]},
            "merge": {"key": orjson.dumps(key).decode(), "values": 1, "v0": 3, "placed": True},
            "out_of_range": 0,
            "ingested_at": to_iso(now_ms),
        }
        columns = {"datetime": to_iso(window)[:-1], "status": status, "statusCount": 3}
        yield partials_name("request_data", window), {**columns, "tally": tally}
