"""What the S3 side says beside what is settled, window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from streamtally.aws.opensearch import Cluster
from streamtally.canonical import canonical_json, digest
from streamtally.times import from_iso, to_iso

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


def read_settled(cluster: Cluster, index: str, output: str) -> dict[str, tuple[int, Columns]]:
    """The visible settled documents of an output: group id → (window start in ms, columns)."""
    return {
        source["tally"]["group_id"]: (
            from_iso(source["tally"]["window_start"]),
            {name: value for name, value in source.items() if name != "tally"},
        )
        for source in _scan(cluster, index, output)
    }


def _scan(cluster: Cluster, index: str, output: str) -> Iterator[dict[str, Any]]:
    body: dict[str, Any] = {
        "size": PAGE,
        "query": {"bool": {"filter": {"term": {"tally.output": output}}}},
        "sort": ["tally.window_start", "tally.group_id"],
    }
    while True:
        answer = cluster.request("POST", f"/{index}/_search", body, ignore=(404,))
        hits = answer.get("hits", {}).get("hits", [])
        yield from (hit["_source"] for hit in hits)
        if len(hits) < PAGE:
            return
        body["search_after"] = hits[-1]["sort"]


def compare(
    recomputed: Mapping[tuple[str, int, str], Columns],
    settled: Mapping[str, tuple[int, Columns]],
    output: str,
    has_line_ids: bool,
    between: tuple[int, int],
) -> list[Difference]:
    """The differences of one output, windows of ``[from, to)`` in ms, in order of windows."""
    mine = {
        digest([output, window, orjson.loads(key)]): (window, columns)
        for (name, window, key), columns in recomputed.items()
        if name == output
    }
    found = []
    for group in mine.keys() | settled.keys():
        window = (mine.get(group) or settled[group])[0]
        one = mine[group][1] if group in mine else None
        other = settled[group][1] if group in settled else None
        if between[0] <= window < between[1] and not _equal(one, other):
            found.append(Difference(output, to_iso(window), one, other, _reason(one, other, has_line_ids)))
    return sorted(found, key=lambda each: (each.window, repr(each.in_s3)))


def _equal(one: Columns | None, other: Columns | None) -> bool:
    return one is not None and other is not None and canonical_json(dict(one)) == canonical_json(dict(other))


def _reason(one: Columns | None, other: Columns | None, has_line_ids: bool) -> str:
    if other is None:
        return "not settled yet, or its partials are parked or refused"
    if one is None:
        return "its lines are not in S3 yet, or in an error prefix, or deleted"
    numbers = [(a, other.get(name)) for name, a in one.items() if isinstance(a, int | float) and a != other.get(name)]
    if all(isinstance(b, int | float) and a > b for a, b in numbers) and numbers:
        missing = "partials missing in the index (parked, refused, or undecided by redrive)"
        return missing if has_line_ids else f"{missing}, or twins in S3 (line_id would tell)"
    return "lines not in S3 yet, or in an error prefix"
