"""Writes the documents of a load into the inbox."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from streamtally.aws.opensearch.cluster import BULK_MAX_BYTES, BulkItem
from streamtally.aws.opensearch.loading.load_run import AGAIN, LoadRun
from streamtally.aws.opensearch.stored_state import read_output_state
from streamtally.errors import IndexPlanError

BULK_TRIES = 6
_ACTION_BYTES = 200
"""What an action takes at most beside its document."""


def put_operations(load: LoadRun, operations: Iterable[tuple[Mapping[str, Any], bytes]]) -> int:
    """Write documents in requests of a bounded size. Returns: how many.

    Args: operations: the metadata of bulk's ``index`` action, and the document.
    Raises: IndexPlanError: as :func:`put_documents`.
    """
    lines: list[bytes] = []
    size = count = 0
    for metadata, document in operations:
        count += 1
        lines += [orjson.dumps({"index": metadata}), document]
        size += len(document) + _ACTION_BYTES
        if size > BULK_MAX_BYTES:
            put_documents(load, lines)
            lines, size = [], 0
    if lines:
        put_documents(load, lines)
    return count


def put_documents(load: LoadRun, lines: Sequence[bytes]) -> None:
    """Write action and document lines through the load's ingest pipeline, which accepts times closed to a stream.

    Raises: IndexPlanError: documents were rejected for good, or another run has taken over.
    """
    lines = list(lines)
    for attempt in range(BULK_TRIES):
        failed = load.cluster.bulk(lines, {"pipeline": load.pipeline_name()})
        if not failed:
            return
        busy = [item for item in failed if item.status in (429, 503)]
        if len(busy) < len(failed) or attempt == BULK_TRIES - 1:
            raise IndexPlanError(_explain(load, failed))
        lines = [line for item in busy for line in lines[2 * item.position : 2 * item.position + 2]]
        time.sleep(0.2 * 2**attempt)


def _explain(load: LoadRun, failed: Sequence[BulkItem]) -> str:
    """Why documents were rejected. Raises: IndexPlanError: because another run has taken over."""
    for spec in load.touched:
        load.own_entry(read_output_state(load.cluster, spec.index).state, spec.index)
    first = failed[0]
    return f"{len(failed)} documents rejected: {first.status} {first.kind} {first.reason}; {AGAIN}"
