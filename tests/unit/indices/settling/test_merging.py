"""A group's bucket becomes the documents that its partials would have made, or is refused; no server is needed."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamtally.indices.settling.merging import MergedGroup, read_bucket, settle_merged, to_aggregations
from streamtally.indices.settling.partial import read_partial
from streamtally.indices.settling.settled import SettledDocument
from streamtally.indices.settling.settler import Settler
from streamtally.plan.aggregates.merged import NUMBERS, Operations
from streamtally.transform.documents import encode_document
from tests.unit.indices.cases import Case, Document, cases, groups_of

WINDOW = 1_773_143_880_000


def stats(*values: int) -> dict[str, Any]:
    """What the aggregation answers: doubles, added as they come."""
    doubles = [float(value) for value in values]
    total = 0.0
    for value in doubles:
        total += value
    return {"count": len(values), "min": min(doubles, default=None), "max": max(doubles, default=None), "sum": total}


def bucket_of(documents: list[Document], count: int) -> dict[str, Any]:
    tallies = [document["tally"] for document in documents]
    columns = {
        name: stats(*[tally["merge"][name] for tally in tallies if name in tally["merge"]]) for name in NUMBERS[:count]
    }
    values = float(sum(tally["merge"]["values"] for tally in tallies))
    out = float(sum(tally["out_of_range"] for tally in tallies))
    return {"doc_count": len(documents), "values": {"value": values}, "out_of_range": {"value": out}, **columns}


def as_written(documents: list[SettledDocument]) -> list[tuple[str, int, bytes]]:
    return sorted((document.id, document.version, encode_document(document.source)) for document in documents)


# Whatever a cluster's doubles make of them, in any order: what is taken is what the partials make, byte for byte.
@pytest.mark.large
def test_both_ways_write_the_same() -> None:
    taken = {True: 0, False: 0}

    @given(case=cases("OUT", faults=False), final=st.booleans(), seed=st.integers(0, 9))
    @settings(max_examples=150, deadline=None, derandomize=True)
    def check(case: Case, final: bool, seed: int) -> None:
        plan = case.plans[0]
        settler = Settler("OUT", lambda _: plan, plan, {}, lambda _: final)
        documents = list(case.documents.values())
        random.Random(seed).shuffle(documents)
        assert plan.output.operations is not None
        whole = all("merge" in document["tally"] for document in documents)
        for (window_ms, key), group in groups_of(documents if whole else []).items():
            bucket = bucket_of(group, len(to_aggregations(plan.output.operations)) - 2)
            merged = read_bucket("OUT", plan.output.operations, window_ms, key, bucket)
            taken[merged is not None] += 1
            if merged is not None:
                partials = [read_partial(window_ms, document["tally"]["partial_id"], document) for document in group]
                assert as_written(settle_merged(settler, merged)) == as_written(settler.settle(window_ms, partials))

    check()
    assert min(taken.values()) > 5, taken


@pytest.mark.parametrize(
    ("operations", "values", "numbers"),
    [
        ((("sum",),), [(2**53 - 1,)], (2**53 - 1,)),
        ((("sum",),), [(2**53,)], None),
        ((("sum",),), [(2**52, 2**52 - 1)], None),  # 2 · 2^52: it may have been rounded on the way
        ((("sum",),), [(2**52 - 1, 2**52 - 1)], (2**53 - 2,)),
        ((("sum",),), [(-(2**53), 1)], None),
        ((("sum",),), [(-(2**53) + 1,)], (-(2**53) + 1,)),
        ((("sum",),), [(2**63 - 1, -(2**63))], None),
        ((("sum",),), [(1, -1)], (0,)),
        ((("min",),), [(2**63 - 1, -5, 2**60)], (-5,)),  # what is larger has no part in it
        ((("min",),), [(-(2**53), 0)], None),
        ((("max",),), [(-(2**63), 7)], (7,)),
        ((("max",),), [(2**53, 7)], None),
        ((("sum", "count"),), [(5, 6, 7), (1, 2, 3)], (18, 6)),
        ((("count",), ("max",)), [(3, 4, 5), ()], (12, None)),
        ((), [], ()),
    ],
)
def test_what_is_exact(operations: Operations, values: list[tuple[int, ...]], numbers: tuple[int, ...] | None) -> None:
    """By hand; a count is in every partial, other numbers may be NULL."""
    columns = {name: stats(*column) for name, column in zip(NUMBERS, values, strict=False)}
    carried = {"value": float(sum(map(len, values)))}
    docs = max(map(len, values), default=3)

    group_id = hashlib.sha256(b'["OUT",1773143880000,[200]]').hexdigest()[:32]

    group = read_bucket("OUT", operations, WINDOW, "[200]", _bucket(docs, carried, columns))

    assert (group and group.numbers) == numbers
    if numbers is not None:
        assert group == MergedGroup(WINDOW, group_id, "[200]", docs, 0, numbers)


def _bucket(docs: int, carried: Any, columns: dict[str, Any]) -> dict[str, Any]:
    return {"doc_count": docs, "values": carried, "out_of_range": {"value": 0.0}, **columns}


# A value that a partial carries and the index has not (an older mapping, not a long), a count that is missing, a key
# that is no JSON: the group is not taken.
@pytest.mark.parametrize(
    ("operations", "values", "carried", "key"),
    [
        ((("sum",),), [(1, 2)], 3.0, "[1]"),
        ((("sum",), ("sum",)), [(1, 2, 3), ()], 6.0, "[1]"),
        ((("count",), ("sum",)), [(1, 2), (1, 2, 3)], 5.0, "[1]"),
        ((("count",),), [(1, 2, 3)], 3.0, "no JSON"),
        ((("count",),), [(1, 2, 3)], 3.0, ""),
    ],
)
def test_what_is_not_taken(operations: Operations, values: list[tuple[int, ...]], carried: float, key: str) -> None:
    columns = {name: stats(*column) for name, column in zip(NUMBERS, values, strict=False)}

    assert read_bucket("OUT", operations, WINDOW, key, _bucket(3, {"value": carried}, columns)) is None
