"""Which records of a batch are read, which are re-ingested, and which fail: one route per record, by index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamtally.config.source import SINGLE
from streamtally.transform.bounds import NO_BOUNDS, Bounds, choose_unread
from streamtally.transform.record import Record, Records, columns_of
from streamtally.transform.record_lines import MANY_EMPTY_LINES, has_several_lines, remove_empty_lines
from streamtally.transform.reingest import Reingestion, to_envelopes, to_single_lines
from streamtally.transform.response import Response
from streamtally.transform.source import Source

OVERFLOW = "the answer would pass 6 MB"
BEYOND = "more than one invocation reads"
SEVERAL_LINES = "several lines in a record, and framing is single"
SEVERAL_KEYS = "several lines in a record, and a record has one set of partition keys"
_RESPONSE_TIMES = 3
"""How many times its size a line is assumed to take in the response while it is unread: JSON with names, in base64."""


@dataclass(frozen=True, slots=True)
class Read:
    """The record's lines are read and counted."""


@dataclass(frozen=True, slots=True)
class Reingest:
    """The record is answered Dropped, and these envelopes go into the source stream; there is at least one."""

    envelopes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Fail:
    """The record is answered ProcessingFailed without being read."""

    reason: str


Route = Read | Reingest | Fail
READ = Read()


def choose_routes(
    source: Source, records: Sequence[Record], bounds: Bounds = NO_BOUNDS, reingestion: Reingestion | None = None
) -> list[Route]:
    """The route of each record before anything is read.

    Args:
        bounds: what this invocation reads.
        reingestion: how records are re-ingested; None: they cannot be, and fail.
    """
    routes: list[Route] = [READ] * len(records)
    if None in columns_of(records).payloads:
        routes = [READ if record.payload is not None else Fail(record.error) for record in records]
    for index in choose_unread(records, bounds):
        size_bytes = _RESPONSE_TIMES * len(records[index].payload or b"")
        routes[index] = _reingest_or_fail(records[index], size_bytes, BEYOND, reingestion)
    if source.settings.framing == SINGLE or source.settings.partition_keys:
        several = SEVERAL_LINES if source.settings.framing == SINGLE else SEVERAL_KEYS
        for index, record in enumerate(records):
            if routes[index] is READ and has_several_lines(record, source):
                envelopes = to_single_lines(record, reingestion) if reingestion is not None else []
                routes[index] = Reingest(tuple(envelopes)) if envelopes else Fail(several)
    return routes


def without_empty_lines(records: Sequence[Record], routes: Sequence[Route]) -> Sequence[Record]:
    """The records, those that are read without their empty lines where there are very many."""
    if max(map(len, filter(None, columns_of(records).payloads)), default=0) <= MANY_EMPTY_LINES:
        return records
    return Records(
        [
            remove_empty_lines(record)
            if len(record.payload or b"") > MANY_EMPTY_LINES and routes[index] is READ
            else record
            for index, record in enumerate(records)
        ]
    )


def route_overflow(record: Record, route: Route, response: Response, reingestion: Reingestion | None) -> Route:
    """The new route of a record whose response does not fit."""
    reason = BEYOND if route == Fail(BEYOND) else OVERFLOW
    return _reingest_or_fail(record, response.size_bytes(), reason, reingestion)


def _reingest_or_fail(record: Record, size_bytes: int, reason: str, reingestion: Reingestion | None) -> Route:
    envelopes = to_envelopes(record, size_bytes, reingestion) if reingestion is not None else []
    return Reingest(tuple(envelopes)) if envelopes else Fail(reason)
