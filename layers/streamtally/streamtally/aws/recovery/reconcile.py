"""Compares what the lines in S3 count with what is settled, window by window."""

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
ColumnValues = Mapping[str, Any]


@dataclass(frozen=True)
class WindowDifference:
    """A window and key in which S3 and OpenSearch differ.

    Attributes:
        output: the output's name.
        window: the window's start in ISO 8601.
        in_s3: the columns recomputed from S3; None: S3 has no such row.
        settled: the columns of the settled document; None: there is none.
        reason: the probable reason.
    """

    output: str
    window: str
    in_s3: ColumnValues | None
    settled: ColumnValues | None
    reason: str


class SettledRow(NamedTuple):
    """A settled document.

    Attributes:
        window: its window's start, in ms since 1970.
        columns: its columns.
        out_of_range: the number of its rows that are counted by their arrival.
    """

    window: int
    columns: ColumnValues
    out_of_range: int = 0


def read_settled(cluster: Cluster, index: str, output: str) -> dict[str, SettledRow]:
    """The visible settled documents of an output, by the digest of their window and whole key.

    It is the group's id, unless a group has several documents (items, minutes), which add to the key.
    """
    return {
        _identity(output, source["tally"]): SettledRow(
            from_iso(source["tally"]["window_start"]),
            {name: value for name, value in source.items() if name != "tally"},
            source["tally"].get("out_of_range") or 0,
        )
        for source in _scan(cluster, index, output)
    }


def _identity(output: str, tally: Mapping[str, Any]) -> str:
    if "key" not in tally:
        return str(tally["group_id"])
    return digest([output, from_iso(tally["window_start"]), tally["key"]])


def _scan(cluster: Cluster, index: str, output: str) -> Iterator[dict[str, Any]]:
    body: dict[str, Any] = {
        "size": PAGE,
        "query": {"bool": {"filter": {"term": {"tally.output": output}}}},
        "sort": ["tally.window_start", "tally.group_id"],
    }
    for hit in scan(cluster, f"/{index}/_search", body, ignore=(404,)):
        yield hit["_source"]


def compare(
    recomputed: Mapping[tuple[str, int, str], ColumnValues],
    settled: Mapping[str, SettledRow],
    output: str,
    has_line_ids: bool,
    between: tuple[int, int],
    believed: tuple[int, int] | None = None,
) -> list[WindowDifference]:
    """The differences of one output, in the order of windows.

    Args:
        recomputed: (output, window's start in ms, key) → columns.
        settled: group id → the settled document.
        has_line_ids: whether the lines in S3 have ids, so that duplicates are known.
        between: the first window that is compared, and the first that is not, in ms.
        believed: the windows by event time that the lines can be in, as far as their arrivals are known.
    """
    mine = {
        digest([output, window, orjson.loads(key)]): SettledRow(window, columns)
        for (name, window, key), columns in recomputed.items()
        if name == output
    }
    differences = []
    for group in mine.keys() | settled.keys():
        one, other = mine.get(group), settled.get(group)
        window = (one or settled[group]).window
        if between[0] <= window < between[1] and not _equal(one, other):
            reason = _out_of_range(window, other, believed) or _reason(one, other, has_line_ids)
            columns = one and one.columns, other and other.columns
            differences.append(WindowDifference(output, to_iso(window), *columns, reason))
    return sorted(differences, key=lambda difference: (difference.window, repr(difference.in_s3)))


def _equal(one: SettledRow | None, other: SettledRow | None) -> bool:
    if one is None or other is None:
        return False
    return canonical_json(dict(one.columns)) == canonical_json(dict(other.columns))


def _out_of_range(window: int, other: SettledRow | None, believed: tuple[int, int] | None) -> str:
    if other is not None and other.out_of_range:
        return f"{other.out_of_range} rows out of range (max_past, max_ahead) are counted here by their arrival"
    if other is None and believed and not believed[0] <= window <= believed[1]:
        return "out of range (max_past, max_ahead): counted in the window of the arrival"
    return ""


def _reason(in_s3: SettledRow | None, in_index: SettledRow | None, has_line_ids: bool) -> str:
    if in_index is None:
        return "not settled yet, or its partials are parked or rejected"
    if in_s3 is None:
        return "its lines are not in S3 yet, are in an error prefix, or were deleted"
    one, other = in_s3.columns, in_index.columns
    numbers = [(a, other.get(name)) for name, a in one.items() if isinstance(a, int | float) and a != other.get(name)]
    if all(isinstance(b, int | float) and a > b for a, b in numbers) and numbers:
        missing = "partials are missing in the index (parked, rejected, or undecided by redrive)"
        return missing if has_line_ids else f"{missing}, or S3 has duplicates (line_id would show them)"
    return "lines are not in S3 yet, or are in an error prefix"
