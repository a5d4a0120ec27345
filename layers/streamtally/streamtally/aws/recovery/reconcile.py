"""What the S3 side says beside what is settled, window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.scan import scan
from streamtally.ids import canonical_json, digest
from streamtally.times.iso import from_iso, to_iso

PAGE = 5_000
Columns = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """A window and key of which the two sides differ; None: that side has none."""

    output: str
    window: str
    in_s3: Columns | None
    settled: Columns | None
    reason: str


class Settled(NamedTuple):
    """A settled document: its window's start in ms, its columns, and how many of its rows count by arrival."""

    window: int
    columns: Columns
    out_of_range: int = 0


def read_settled(cluster: Cluster, index: str, output: str) -> dict[str, Settled]:
    """The visible settled documents of an output, by group id."""
    return {
        source["tally"]["group_id"]: Settled(
            from_iso(source["tally"]["window_start"]),
            {name: value for name, value in source.items() if name != "tally"},
            source["tally"].get("out_of_range") or 0,
        )
        for source in _scan(cluster, index, output)
    }


def _scan(cluster: Cluster, index: str, output: str) -> Iterator[dict[str, Any]]:
    body: dict[str, Any] = {
        "size": PAGE,
        "query": {"bool": {"filter": {"term": {"tally.output": output}}}},
        "sort": ["tally.window_start", "tally.group_id"],
    }
    for hit in scan(cluster, f"/{index}/_search", body, ignore=(404,)):
        yield hit["_source"]


def compare(
    recomputed: Mapping[tuple[str, int, str], Columns],
    settled: Mapping[str, Settled],
    output: str,
    has_line_ids: bool,
    between: tuple[int, int],
    believed: tuple[int, int] | None = None,
) -> list[Difference]:
    """The differences of one output, windows of ``[from, to)`` in ms, in order of windows.

    Args: believed: the windows by event time that the lines can be in, as far as their arrivals are known.
    """
    mine = {
        digest([output, window, orjson.loads(key)]): Settled(window, columns)
        for (name, window, key), columns in recomputed.items()
        if name == output
    }
    found = []
    for group in mine.keys() | settled.keys():
        one, other = mine.get(group), settled.get(group)
        window = (one or settled[group]).window
        if between[0] <= window < between[1] and not _equal(one, other):
            reason = _out_of_range(window, other, believed) or _reason(one, other, has_line_ids)
            columns = one and one.columns, other and other.columns
            found.append(Difference(output, to_iso(window), *columns, reason))
    return sorted(found, key=lambda each: (each.window, repr(each.in_s3)))


def _equal(one: Settled | None, other: Settled | None) -> bool:
    if one is None or other is None:
        return False
    return canonical_json(dict(one.columns)) == canonical_json(dict(other.columns))


def _out_of_range(window: int, other: Settled | None, believed: tuple[int, int] | None) -> str:
    if other is not None and other.out_of_range:
        return f"{other.out_of_range} rows out of range (max_past, max_ahead) count here by their arrival"
    if other is None and believed and not believed[0] <= window <= believed[1]:
        return "out of range (max_past, max_ahead): counted in the window of the arrival"
    return ""


def _reason(in_s3: Settled | None, in_index: Settled | None, has_line_ids: bool) -> str:
    if in_index is None:
        return "not settled yet, or its partials are parked or refused"
    if in_s3 is None:
        return "its lines are not in S3 yet, or in an error prefix, or deleted"
    one, other = in_s3.columns, in_index.columns
    numbers = [(a, other.get(name)) for name, a in one.items() if isinstance(a, int | float) and a != other.get(name)]
    if all(isinstance(b, int | float) and a > b for a, b in numbers) and numbers:
        missing = "partials missing in the index (parked, refused, or undecided by redrive)"
        return missing if has_line_ids else f"{missing}, or twins in S3 (line_id would tell)"
    return "lines not in S3 yet, or in an error prefix"
