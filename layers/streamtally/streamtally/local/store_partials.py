"""Partials that a query of the embedded store gives, merged to settled documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import duckdb
import orjson

from streamtally.local.kept import Document
from streamtally.plan.windowed import WindowedOutput

ROWS_AT_ONCE = 10_000

Partial = tuple[int, str, str | None, str | None]
"""As ``SELECT_ALONE`` and ``SELECT_OTHERS`` give it."""


def windows(cursor: duckdb.DuckDBPyConnection) -> Iterator[list[Partial]]:
    """The partials of a query, some whole windows at once."""
    pending: list[Partial] = []
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        pending += rows
        last = pending[-1][0]
        ready = next((index for index in range(len(pending), 0, -1) if pending[index - 1][0] != last), 0)
        yield pending[:ready]
        pending = pending[ready:]
    yield pending


def merged(output: WindowedOutput, rows: Sequence[Partial]) -> Iterator[tuple[int, str, Document]]:
    """The settled documents of whole windows: (window start, key, columns), by window."""
    load = orjson.loads
    for (time, key), group in groupby(rows, key=itemgetter(0, 1)):
        partials = list(group)
        columns = partials[0][2]
        if columns is not None:
            yield time, key, load(columns + "}")
            continue
        state = output.merge_states(load(row[3])["tally"]["state"] for row in partials if row[3] is not None)
        yield time, key, output.finish(time, state)[0]


def in_order(documents: Iterable[tuple[int, str, Document]]) -> Iterator[Document]:
    """The columns of documents that are in the order of their windows, in that of their keys."""
    for _, window in groupby(documents, key=itemgetter(0)):
        settled = list(window)
        if len(settled) > 1:
            settled.sort(key=lambda document: [sort_key(value) for value in orjson.loads(document[1])])
        for _, _, columns in settled:
            yield columns


def sort_key(value: Any) -> tuple[int, Any]:
    """A sort key for JSON values of mixed types: nulls, then numbers, then text."""
    if value is None:
        return 0, 0
    return (2, value) if isinstance(value, str) else (1, value)
