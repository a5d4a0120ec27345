"""Partials of an aggregate of aggregates: their parts, their ids, and the account of the batch."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from streamtally.transform.records import decode_records
from streamtally.transform.transform import transform
from tests.unit.sql.programs import ARRIVAL, load_text
from tests.unit.sql.test_levels import PEAK, SAME

MINUTE = 60_000


def documents_of(text: str, hosts: list[str]) -> tuple[list[dict[str, Any]], Any]:
    """The documents of a batch with a line for each host, one a second; and the ledger of the output."""
    pipeline = load_text(text)
    line = '{} - - [08/Sep/2017:08:00:{:02d} +0000] "GET / HTTP/1.1" 200 10 "-" "-"'
    raw = [
        {
            "recordId": f"r{number}",
            "approximateArrivalTimestamp": ARRIVAL + number * 1000,
            "data": base64.b64encode(line.format(host, number % 60).encode()).decode(),
        }
        for number, host in enumerate(hosts)
    ]
    outcome = transform(pipeline, decode_records(raw, ARRIVAL))
    documents = [json.loads(data) for delivery in outcome.deliveries for data in delivery.documents]
    return documents, outcome.ledger.outputs["OUT"]


# One partial per outer window and key; its cells are the inner windows and keys, in an order of their own.
def test_partial_has_cells() -> None:
    documents, ledger = documents_of(SAME, ["192.0.2.2", "192.0.2.1", "192.0.2.2"])
    (tally,) = [document["tally"] for document in documents]
    start = ARRIVAL // MINUTE * MINUTE
    assert tally["state"] == {
        "key": [],
        "rows": 3,
        "aggregates": [[[start, ["192.0.2.1"], 1, [10]], [start, ["192.0.2.2"], 2, [20]]]],
    }
    assert (ledger.emitted, ledger.documents, tally["batch_partials"]) == (3, 1, 1)


# Many cells are split over several partials of the same group, always in the same way; rows are accounted for once.
def test_many_cells_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamtally.plan.aggregates.cells.MAX_PART_BYTES", 120)
    hosts = [f"192.0.2.{number}" for number in range(1, 31)]
    documents, ledger = documents_of(SAME, hosts)
    tallies = [document["tally"] for document in documents]
    assert len(tallies) > 5
    assert len({tally["partial_id"] for tally in tallies}) == len(tallies)
    assert len({tally["group_id"] for tally in tallies}) == 1
    assert {tally["batch_partials"] for tally in tallies} == {len(tallies)}
    assert sum(tally["state"]["rows"] for tally in tallies) == ledger.emitted == 30
    assert [d["tally"]["partial_id"] for d in documents_of(SAME, hosts)[0]] == [t["partial_id"] for t in tallies]


# What is not a cell raises what settling sets aside, before anything is merged.
@pytest.mark.parametrize(
    "cell", [1, [1], ["x", ["a"], 1, [1]], [0, "a", 1, [1]], [0, ["a", "b"], 1, [1]], [0, ["a"], -1, [1]],
             [0, ["a"], 1, [[1]]], [0, ["a"], 1, []], [0, ["a"], True, [1]]],
)  # fmt: skip
def test_hostile_cells_are_refused(cell: Any) -> None:
    output = load_text(PEAK).output("OUT")
    with pytest.raises((TypeError, ValueError)):
        output.merge_states([{"key": ["a"], "rows": 1, "aggregates": [[cell]]}])  # type: ignore[union-attr]
