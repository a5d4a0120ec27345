"""What a real server merges: the same documents as fetching every partial makes, or the window is fetched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.settling import merge
from streamtally.aws.opensearch.settling.groups import SettledGroup, SettleWork, Way, fetch_groups
from streamtally.aws.opensearch.settling.merge import merge_groups
from streamtally.aws.opensearch.settling.mixed import find_mixed
from streamtally.aws.opensearch.settling.partials import Partials
from streamtally.aws.opensearch.settling.queries import GroupPosition
from streamtally.ids import digest
from streamtally.indices.settling.settler import Settler
from streamtally.indices.spec import read_specs
from streamtally.transform.documents import encode_document
from streamtally.transform.pipeline import Pipeline
from tests.integration.opensearch.data import (
    STREAM,
    bulk,
    counts,
    expected,
    forever,
    make_documents,
    make_pipeline,
    manager_of,
    put_stamped,
    refresh,
    settled,
)
from tests.unit.indices.cases import (
    FIRST_MS,
    MINUTE_MS,
    Case,
    Document,
    cases,
    load,
    make_partials,
    make_plan,
    window_of,
)

INDEX = "partials-request_data-2026-03-10"
COUNT = [("count", None, "BIGINT")]


@pytest.fixture
def managed(cluster: Cluster) -> Cluster:
    assert not manager_of(cluster, closing=False).manage(FIRST_MS, forever).failed
    return cluster


def put(cluster: Cluster, documents: Iterable[tuple[str, Document]]) -> None:
    """Write documents where the inbox's pipeline would, and make them searchable."""
    lines: list[bytes] = []
    for identity, document in documents:
        lines += [orjson.dumps({"index": {"_index": INDEX, "_id": identity}}), orjson.dumps(document)]
    assert cluster.bulk(lines, {"pipeline": "_none"}) == []
    refresh(cluster)


def work_of(cluster: Cluster, case: Case, after: GroupPosition | None = None) -> SettleWork:
    """What a run would settle of a case's windows."""
    name = case.plans[0].output.name
    pipeline: Pipeline = make_pipeline()
    partials = Partials(cluster, read_specs(pipeline.document, STREAM)[0], name, MINUTE_MS)
    plans = {plan.plan_id: plan for plan in case.plans}
    settler = Settler(
        name, plans.__getitem__, case.plans[0], find_mixed(partials, {}), lambda window: window > FIRST_MS
    )
    counts = Counter(window_of(document) for document in case.documents.values())
    return SettleWork(partials, settler, case.windows, counts, after)


def written(groups: Iterable[SettledGroup]) -> dict[str, tuple[int, bytes]]:
    """The documents of some groups as they would be written: id → (version, source)."""
    return {
        document.id: (document.version, encode_document(document.source)) for g in groups for document in g.documents
    }


def both_ways(cluster: Cluster, case: Case, after: GroupPosition | None = None) -> tuple[list[SettledGroup], ...]:
    ways: list[Way] = [merge_groups, fetch_groups]
    return tuple(list(way(work_of(cluster, case, after))) for way in ways)


def places(groups: Sequence[SettledGroup]) -> list[tuple[int, Any]]:
    return [(group.window_ms, group.group_id) for group in groups]


# Random programs and partials: NULLs, integers of 64 bits, repeats, batches of two plans, partials of an earlier
# release, without a stamp, there twice. Whatever the cluster merges, the documents are those of fetching, in order.
def test_both_ways_give_the_same_bytes(managed: Cluster) -> None:
    merged: Counter[bool] = Counter()

    @given(data=st.data())
    @settings(
        max_examples=80,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(data: st.DataObject) -> None:
        case = data.draw(cases(f"OUT {sum(merged.values())} {data.draw(st.integers(0, 2**40))}"))
        put(managed, case.documents.items())
        by_cluster, fetched = both_ways(managed, case)
        assert written(by_cluster) == written(fetched)
        assert places(by_cluster) == places(fetched)
        merged.update(group.fetched == 0 for group in by_cluster)

    check()
    assert min(merged[True], merged[False]) > 20, merged


def counting_case(name: str, batches: int, keys: Sequence[Any], aggregates: Any = COUNT, column: str = "k") -> Case:
    """Batches that each have every key in three windows."""
    case = Case([load(make_plan(name, aggregates, [column], None))])
    for number in range(batches):
        rows = [{"window": window, column: key, "x": number} for window in range(3) for key in keys]
        for document in make_partials(case.plans[0], f"{name} {number}", rows):
            case.documents[document["tally"]["partial_id"]] = document
    return case


# A run may stop after any group and go on there, by either way; windows are cut into slices by their groups' ids.
@pytest.mark.parametrize("most_groups", [10_000, 7])
def test_going_on_after_any_group(managed: Cluster, monkeypatch: pytest.MonkeyPatch, most_groups: int) -> None:
    monkeypatch.setattr(merge, "MOST_GROUPS", most_groups)
    case = counting_case("OUT", 3, [None, "", "é", *map(str, range(37))])
    put(managed, case.documents.items())
    by_cluster, whole = both_ways(managed, case)

    assert places(by_cluster) == places(whole)
    assert [group.fetched for group in by_cluster] == [0] * 120
    for begin in (0, 38, 39, 77):
        rest, fetched = both_ways(managed, case, places(whole)[begin])
        assert places(rest) == places(fetched) == places(whole)[begin + 1 :]
        assert written(rest) == written(fetched) == written(whole[begin + 1 :])


# A window that must be fetched does not affect its neighbours, and is fetched whole, wherever the odd partial is.
@pytest.mark.parametrize(("window", "most_groups"), [(0, 10_000), (1, 7), (2, 7)])
def test_a_sum_past_53_bits_in_one_window(
    managed: Cluster, monkeypatch: pytest.MonkeyPatch, window: int, most_groups: int
) -> None:
    monkeypatch.setattr(merge, "MOST_GROUPS", most_groups)
    case = counting_case("OUT", 2, list(map(str, range(40))), [("sum", "x", "BIGINT")])
    large = make_partials(case.plans[0], "large", [{"window": window, "k": "7", "x": 2**53 + 1}])
    case.documents.update({document["tally"]["partial_id"]: document for document in large})
    put(managed, case.documents.items())

    by_cluster, fetched = both_ways(managed, case)

    assert places(by_cluster) == places(fetched)
    assert written(by_cluster) == written(fetched)
    touched = {group.window_ms for group in by_cluster if group.fetched}
    assert touched == {FIRST_MS + window * MINUTE_MS}
    sums = {document.source["value 0"] for group in by_cluster for document in group.documents}
    assert sums == {1, 2**53 + 2}  # 0 + 1, and with 2^53 + 1: a double would have said 2^53 + 2 or less by chance


# Each reason for which a window is fetched, one at a time; the windows beside it are merged by the cluster.
def test_reasons_for_fetching(managed: Cluster) -> None:
    for reason in ("earlier release", "unstamped", "not placed", "twin", "long key", "other plan", "no batch"):
        case = _case_with(reason)
        put(managed, case.documents.items())

        by_cluster, fetched = both_ways(managed, case)

        assert written(by_cluster) == written(fetched), reason
        assert {group.window_ms for group in by_cluster if group.fetched} == {FIRST_MS + MINUTE_MS}, reason
        assert len(by_cluster) == 7, reason


def _case_with(reason: str) -> Case:
    """Partials of two keys in three windows, and in the second one more that the cluster cannot merge."""
    case = counting_case(reason, 2, ["a", "b"])
    case.plans.append(load(make_plan(reason, COUNT, ["k"], None, where=1)))
    plan = case.plans[1] if reason == "other plan" else case.plans[0]
    document = make_partials(plan, "more", [{"window": 1, "k": "another"}])[0]
    tally = document["tally"]
    identity = tally["partial_id"]
    if reason == "earlier release":
        del tally["merge"]
    if reason in ("unstamped", "twin"):
        del tally["ingested_at"]
    if reason == "not placed":
        del tally["merge"]["placed"]
    if reason == "no batch":
        del tally["batch_id"]
    if reason == "long key":  # as a program with longer columns makes it
        tally["state"]["key"] = ["k" * 9_000]
        tally["merge"]["key"] = orjson.dumps(tally["state"]["key"]).decode()
        tally["group_id"] = digest([reason, window_of(document), tally["state"]["key"]])
    if reason == "twin":
        case.documents["a twin"] = {**document, "tally": {**tally, "ingested_at": None}}
    case.documents[identity] = document
    return case


# A copy of an index under another name has each partial once more, stamped and placed: it counts once.
def test_a_restored_copy(managed: Cluster) -> None:
    case = counting_case("OUT", 2, ["a", "b"])
    put(managed, case.documents.items())
    managed.request("PUT", "/partials-request_data-2026-03-10-restored")
    copy = {"source": {"index": INDEX}, "dest": {"index": f"{INDEX}-restored"}}
    managed.request("POST", "/_reindex", copy, {"refresh": "true"})
    case.documents.update({f"copy of {name}": document for name, document in list(case.documents.items())})

    by_cluster, fetched = both_ways(managed, case)

    assert written(by_cluster) == written(fetched)
    assert {orjson.loads(source)["value 0"] for _, source in written(by_cluster).values()} == {2}


# Partials through the inbox are placed, and merged by the cluster; those put past it are fetched.
def test_partials_of_the_inbox_are_placed(managed: Cluster) -> None:
    lines = [(FIRST_MS, 200), (FIRST_MS + MINUTE_MS, 404)]
    assert bulk(managed, make_documents(make_pipeline(), "one", lines, FIRST_MS)) == []
    inbox = manager_of(managed, closing=False).settle(FIRST_MS, forever)[0]
    put_stamped(managed, make_documents(make_pipeline(), "two", lines[:1], FIRST_MS)[0], FIRST_MS)
    past = manager_of(managed, closing=False).settle(FIRST_MS + 1, forever)[0]

    assert (inbox.problems, inbox.partials, inbox.fetched) == ([], 2, 0)
    assert (past.problems, past.partials, past.fetched) == ([], 2, 2)
    assert counts(settled(managed)) == expected([*lines, lines[0]])


# Partials that came while their index had an earlier release's mapping are fetched, those after the update merged.
def test_an_index_of_an_earlier_release(managed: Cluster) -> None:
    template = managed.request("GET", "/_index_template/streamtally-partials-request_data")
    body = template["index_templates"][0]["index_template"]
    managed.request("PUT", "/_index_template/streamtally-partials-request_data", {**body, "template": {}})
    case = counting_case("OUT", 2, ["a", "b"])
    early = {identity for identity, document in case.documents.items() if window_of(document) == FIRST_MS}
    put(managed, ((identity, case.documents[identity]) for identity in early))

    planned = manager_of(managed, closing=False).manage(FIRST_MS, forever)
    put(managed, ((identity, document) for identity, document in case.documents.items() if identity not in early))
    by_cluster, fetched = both_ways(managed, case)

    assert not planned.failed
    assert written(by_cluster) == written(fetched)
    assert {group.window_ms for group in by_cluster if group.fetched} == {FIRST_MS}
