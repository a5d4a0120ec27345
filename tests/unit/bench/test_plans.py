"""The plans that the bench compares do the same work. Nothing is timed here."""

from __future__ import annotations

from typing import Any

import pytest

from bench.plans import ARRIVAL, HOUR, PAIRS, load_pair, make_rows
from streamtally.plan.rows import RowOutput


# Both plans of a pair give the same documents.
@pytest.mark.parametrize("name", PAIRS)
def test_pair_gives_the_same(name: str) -> None:
    results: list[Any] = []
    for output in load_pair(name, PAIRS[name]).values():
        if isinstance(output, RowOutput):
            results.append([output.make(row, ARRIVAL, ARRIVAL - HOUR * 24, ARRIVAL + HOUR) for row in make_rows()])
            continue
        groups: dict[tuple[Any, ...], list[Any]] = {}
        for row in make_rows():
            output.add(row, ARRIVAL, ARRIVAL - HOUR * 24, ARRIVAL + HOUR, groups, 1)
        results.append(
            {key: output.finish(key[0], output.state_to_json(key[1:], state)) for key, state in groups.items()}
        )
    assert results[0] == results[1]
    assert results[0]
