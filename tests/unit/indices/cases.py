"""Random programs and the partials of random batches under them, for tests of the two ways of settling."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from hypothesis import strategies as st

from streamtally.ids import digest
from streamtally.indices.settling.plan_choice import PlanOutputs, shape_of
from streamtally.plan.window_rows import Groups
from streamtally.plan.windowed import WindowedOutput
from streamtally.times.iso import to_iso
from streamtally.transform.documents import encode_document, partial_document
from streamtally.transform.pipeline import load_pipeline

Document = dict[str, Any]
MINUTE_MS = 60_000
FIRST_MS = 1_773_143_880_000  # 2026-03-10T11:58:00Z
TYPES = {"k": "VARCHAR(40)", "n": "INTEGER", "x": "BIGINT", "d": "DOUBLE", "p": "DECIMAL(12,2)"}

MERGEABLE = [
    ("count", None, "BIGINT"), ("count", "x", "BIGINT"), ("sum", "x", "BIGINT"), ("avg", "x", "BIGINT"),
    ("min", "x", "BIGINT"), ("max", "x", "BIGINT"), ("sum", "n", "BIGINT"), ("min", "n", "INTEGER"),
]  # fmt: skip
OTHERS = [("sum", "d", "DOUBLE"), ("count_distinct", "k", "BIGINT"), ("max", "k", "VARCHAR(40)")]
OTHERS += [("sum", "p", "DECIMAL(18,2)"), ("avg", "d", "DOUBLE")]
KEYS: list[list[str]] = [[], ["k"], ["n"], ["k", "n"], ["p"], ["d", "k"]]


def aggregate_node(number: int, function: str, column: str | None) -> dict[str, Any]:
    return {"name": f"a{number}", "function": function, "argument": column and {"column": column}}


def make_plan(
    name: str, aggregates: list[tuple[str, str | None, str]], keys: list[str], having: int | None, where: int = 0
) -> dict[str, Any]:
    """A plan of one output over windows of arrival. Args: having: a number that the first aggregate must not be."""
    columns = [{"name": f"key {key}", "type": TYPES[key], "expr": {"key": key}} for key in keys]
    columns += [
        {"name": f"value {number}", "type": sql_type, "expr": {"aggregate": f"a{number}"}}
        for number, (_, _, sql_type) in enumerate(aggregates)
    ]
    condition = None
    if having is not None and aggregates[0][2] == "BIGINT":
        condition = {"op": "<>", "args": [{"aggregate": "a0"}, {"literal": having, "type": "BIGINT"}]}
    never = {"op": "<>", "args": [{"literal": where, "type": "INTEGER"}, {"literal": -1, "type": "INTEGER"}]}
    output = {
        "name": name, "kind": "windowed", "time": {"time": "arrival"}, "window_ms": MINUTE_MS, "where": never,
        "keys": [{"name": key, "type": TYPES[key], "expr": {"column": key}} for key in keys],
        "aggregates": [aggregate_node(number, *node[:2]) for number, node in enumerate(aggregates)],
        "columns": columns, "having": condition,
    }  # fmt: skip
    return {"version": 1, "outputs": [output]}


def load(plan: dict[str, Any]) -> PlanOutputs:
    """The output of a plan, as settling takes it."""
    name = plan["outputs"][0]["name"]
    document = {"source": {"types": TYPES}, "outputs": {name: {"index": "request_data"}}, "plan": plan}
    pipeline = load_pipeline(document, ZoneInfo)
    output = pipeline.output(name)
    assert isinstance(output, WindowedOutput)
    return PlanOutputs(pipeline.plan_id, output, shape_of(pipeline.document, name))


@dataclass
class Case:
    """Partials in an index: document id → document. ``plans`` has the one in force first."""

    plans: list[PlanOutputs]
    documents: dict[str, Document] = field(default_factory=dict)

    @property
    def windows(self) -> list[int]:
        return sorted({window_of(document) for document in self.documents.values()})


def window_of(document: Document) -> int:
    """A partial's window: `FIRST_MS` and the minutes of its start."""
    minutes = {to_iso(FIRST_MS + minute * MINUTE_MS): minute for minute in range(100)}
    return FIRST_MS + minutes[document["tally"]["window_start"]] * MINUTE_MS


def make_partials(plan: PlanOutputs, batch: str, rows: list[dict[str, Any]]) -> list[Document]:
    """The partials of one batch, stamped as the inbox's pipeline stamps them. Rows have their window in ``window``."""
    groups: Groups = {}
    for row in rows:
        arrival = FIRST_MS + row["window"] * MINUTE_MS
        plan.output.add(row, arrival, arrival - 1, arrival + 1, groups, row.get("times", 1))
    account = {
        "batch_id": digest([batch]), "batch_digest": digest([batch, 1]), "batch_records": 1,
        "batch_arrival": [to_iso(FIRST_MS)] * 2, "plan_id": plan.plan_id, "batch_partials": len(groups),
    }  # fmt: skip
    documents = []
    for key, group in groups.items():
        document = orjson.loads(encode_document(partial_document(plan.output, key, group, account)))
        document["tally"]["ingested_at"] = to_iso(FIRST_MS)
        if "merge" in document["tally"]:
            document["tally"]["merge"]["placed"] = True
        documents.append(document)
    return documents


def integers(bits: int) -> st.SearchStrategy[int]:
    """Integers of some size, the limits of a double's and of a long's among them."""
    edge = st.sampled_from([2**53 - 1, 2**53, 2**53 + 1, -(2**53), -(2**53) - 1, 2**63 - 1, -(2**63), 2**52])
    return st.integers(-(2**bits), 2**bits - 1) | edge if bits > 40 else st.integers(-(2**bits), 2**bits - 1)


@st.composite
def row_lists(draw: st.DrawFn, bits: int) -> list[dict[str, Any]]:
    number = st.none() | integers(bits)
    texts = st.sampled_from([None, "", "a", "é", '"quoted"', "\U0001f600", "a\x00b", "a" * 40])
    row = st.fixed_dictionaries(
        {
            "window": st.integers(0, 2), "k": texts, "n": st.none() | st.integers(-2, 2), "x": number,
            "d": st.sampled_from([None, 0.1, -0.0, 1e16, 2.0]), "p": st.sampled_from([None, "0.10", "-3.00", "7"]),
            "times": st.sampled_from([1, 1, 3]),
        }
    )  # fmt: skip
    return draw(st.lists(row, min_size=1, max_size=6))


@st.composite
def plans(draw: st.DrawFn, name: str, others: bool) -> list[PlanOutputs]:
    """Two plans of an output; the second has the same shape, or another."""
    kinds = MERGEABLE + (OTHERS if others and draw(st.integers(0, 4)) == 0 else [])
    aggregates = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4))
    keys = draw(st.sampled_from(KEYS))
    having = draw(st.none() | st.integers(0, 3))
    changed = aggregates if draw(st.booleans()) else [*aggregates, ("count", "k", "BIGINT")]
    return [load(make_plan(name, aggregates, keys, having)), load(make_plan(name, changed, keys, having, 1))]


@st.composite
def cases(draw: st.DrawFn, name: str, faults: bool = True) -> Case:
    """Partials of some batches: repeated, under two plans, of an earlier release, not stamped, there twice."""
    case = Case(draw(plans(name, faults)))
    bits = draw(st.sampled_from([3, 3, 40, 63]))
    for number in range(draw(st.integers(1, 6))):
        rows = draw(row_lists(bits))
        which = draw(st.sampled_from([0] * 8 + [1, 2])) if faults else 0
        for plan in {0: case.plans[:1], 1: case.plans[1:], 2: case.plans}[which]:
            made = make_partials(plan, f"{name} {number}", rows)
            if which == 2 and plan is case.plans[1]:
                made = made[: draw(st.integers(0, len(made)))]
            for document in made:
                _put(case, document, draw(st.sampled_from(_FAULTS)) if faults else "")
    return case


_FAULTS = ["", *[""] * 30, "earlier", "unstamped", "twin"]


def _put(case: Case, document: Document, fault: str) -> None:
    identity = document["tally"]["partial_id"]
    if fault == "earlier":
        document["tally"].pop("merge", None)
    if fault == "unstamped":
        del document["tally"]["ingested_at"]
    if fault == "twin":
        twin = orjson.loads(orjson.dumps(document))
        del twin["tally"]["ingested_at"]
        case.documents[f"twin of {identity}"] = twin
    case.documents[identity] = document


def groups_of(documents: list[Document]) -> dict[tuple[int, str], list[Document]]:
    """Partials by window and the key that they carry for the cluster."""
    groups: dict[tuple[int, str], list[Document]] = defaultdict(list)
    for document in documents:
        groups[window_of(document), document["tally"]["merge"]["key"]].append(document)
    return groups
