"""Settling on a real server: exact counts, and each way in which they could go wrong, one by one."""

from __future__ import annotations

import pytest

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.settling.settle import settle
from streamtally.aws.opensearch.settling.settle_run import SettleRun
from streamtally.aws.opensearch.settling.settle_windows import settle_windows
from streamtally.transform.pipeline import Pipeline
from tests.integration.opensearch.data import (
    DAY_MS,
    INBOX,
    MINUTE_MS,
    bulk,
    changed_plan,
    counts,
    expected,
    forever,
    make_documents,
    make_pipeline,
    manager_of,
    ms,
    put_stamped,
    refresh,
    run_settle,
    settled,
)

NOW = ms("2026-03-10T12:00")
WINDOW = ms("2026-03-10T11:58")
# Documents that go through the inbox are stamped by the server's clock, which is after NOW: always fresh enough.


@pytest.fixture
def managed(cluster: Cluster) -> Cluster:
    assert not manager_of(cluster).manage(NOW, forever).failed
    return cluster


# A repeated delivery overwrites itself, in any order; the settled documents are the plain counts, one a group.
def test_repeats_count_once(managed: Cluster) -> None:
    pipeline = make_pipeline()
    first = [(WINDOW + second * 1000, 200 if second % 3 else 404) for second in range(60)]
    second = [(WINDOW + 30_000 + n * 1000, 500) for n in range(45)]
    one = make_documents(pipeline, "one", first, NOW)
    two = make_documents(pipeline, "two", second, NOW)

    for documents in (one, two, one, list(reversed(one)), two):
        assert bulk(managed, documents) == []
    run_settle(managed, NOW)
    run_settle(managed, NOW)

    assert counts(settled(managed)) == expected(first + second)
    assert managed.request("HEAD", f"/{INBOX}", ignore=(404,)) is not True  # the inbox itself is never made


# The same version with and without `final` would let a slow run take `final` back: final is the odd version.
def test_final_is_a_version_of_its_own(managed: Cluster) -> None:
    pipeline = make_pipeline()
    bulk(managed, make_documents(pipeline, "one", [(WINDOW, 200)], NOW))
    late = NOW + 30 * MINUTE_MS

    run_settle(managed, NOW)
    before = settled(managed)[0]["tally"]["final"]
    run_settle(managed, late)
    # A run that chose its windows half an hour ago and writes only now.
    spec = manager_of(managed).specs[0]
    slow = SettleRun(managed, pipeline, spec, spec.windowed[0], NOW, forever)
    settle_windows(slow, [WINDOW], {WINDOW: 1}, slow.read_state(), {})

    assert before is False
    assert settled(managed)[0]["tally"]["final"] is True
    assert (slow.report.written, slow.report.outrun) == (0, 1)


# HAVING false: kept and not shown; true again, even after the tombstone of a delete would be gone: shown.
def test_having_turns_false_and_true(cluster: Cluster) -> None:
    having = {"op": "<>", "args": [{"aggregate": "statusCount"}, {"literal": 2, "type": "BIGINT"}]}
    pipeline = make_pipeline(changed_plan(having=having))
    manager_of(cluster, pipeline).manage(NOW, forever)
    cluster.request("PUT", "/request_data-2026-03-10", {"settings": {"index.gc_deletes": "0s"}})
    shown = []

    for number in range(3):
        bulk(cluster, make_documents(pipeline, f"batch-{number}", [(WINDOW, 200)], NOW))
        run_settle(cluster, NOW + number * MINUTE_MS, pipeline)
        shown.append([document["statusCount"] for document in settled(cluster)])

    assert shown == [[1], [], [3]]


# Two runs at once and one of them slow: what the slow one read is older, so its documents are refused.
def test_slow_run_cannot_overwrite(managed: Cluster) -> None:
    pipeline = make_pipeline()
    bulk(managed, make_documents(pipeline, "one", [(WINDOW, 200)], NOW))
    run_settle(managed, NOW)
    old = settled(managed)[0]
    bulk(managed, make_documents(pipeline, "two", [(WINDOW, 200)], NOW))
    run_settle(managed, NOW)
    new = managed.request("POST", "/request_data/_search")["hits"]["hits"][0]

    params = {"version": 2, "version_type": "external_gte", "pipeline": "_none"}
    managed.request("PUT", f"/{new['_index']}/_doc/{new['_id']}", old, params, ignore=(409,))

    assert settled(managed)[0]["statusCount"] == 2


# A partial stamped by a clock that is behind, or seen long after its stamp, is settled all the same.
def test_stamp_before_the_checkpoint(managed: Cluster) -> None:
    pipeline = make_pipeline()
    run_settle(managed, NOW)
    document = make_documents(pipeline, "one", [(WINDOW, 200)], NOW)[0]

    put_stamped(managed, document, NOW - 500_000)  # visible 500 s after it was stamped
    run_settle(managed, NOW + MINUTE_MS)

    assert counts(settled(managed)) == expected([(WINDOW, 200)])


# What the minute's run cannot see any more (stamped an hour before the checkpoint), the daily audit finds.
def test_audit_finds_what_was_missed(managed: Cluster) -> None:
    pipeline = make_pipeline()
    run_settle(managed, NOW)
    put_stamped(managed, make_documents(pipeline, "one", [(WINDOW, 200)], NOW)[0], NOW - 3_600_000)

    hourly = run_settle(managed, NOW + MINUTE_MS)
    missed = settled(managed)
    daily = run_settle(managed, NOW + DAY_MS)

    assert (hourly.audit_differences, missed, daily.audit_differences) == (0, [], 1)
    assert counts(settled(managed)) == expected([(WINDOW, 200)])


# A retry across a deployment: partials of two plans for one batch; one plan counts, in all its windows.
def test_retry_across_a_plan_change(cluster: Cluster) -> None:
    old = make_pipeline()
    none = {"literal": 999, "type": "INTEGER"}
    new = make_pipeline(changed_plan(where={"op": "<>", "args": [{"column": "response"}, none]}))
    lines = [(WINDOW, 200), (WINDOW + MINUTE_MS, 200), (WINDOW + MINUTE_MS, 404), (NOW, 500)]
    manager_of(cluster, old).manage(NOW, forever)
    whole, part = make_documents(old, "batch", lines, NOW), make_documents(new, "batch", lines, NOW)[:2]

    bulk(cluster, whole)
    run_settle(cluster, NOW, old)
    manager_of(cluster, new).manage(NOW, forever)
    bulk(cluster, part)  # the retry was cut: Firehose calls again
    run_settle(cluster, NOW + 1, new)
    after_part = counts(settled(cluster))
    bulk(cluster, make_documents(new, "batch", lines, NOW))
    run_settle(cluster, NOW + 2, new)

    assert after_part == expected(lines)
    assert counts(settled(cluster)) == expected(lines)
    assert len({document["tally"]["plan_id"] for document in settled(cluster)}) == 1


# Plans that cannot be merged (another aggregate): the earlier one's partials are settled under the earlier plan.
def test_partials_of_an_earlier_plan(cluster: Cluster) -> None:
    old = make_pipeline()
    aggregates = [
        {"name": "statusCount", "function": "count", "argument": None},
        {"name": "sent", "function": "sum", "type": "BIGINT", "argument": {"column": "bytes"}},
    ]
    new = make_pipeline(changed_plan(aggregates=aggregates))
    manager_of(cluster, old).manage(NOW, forever)
    bulk(cluster, make_documents(old, "old", [(WINDOW, 200)] * 3, NOW))
    manager_of(cluster, new).manage(NOW, forever)
    bulk(cluster, make_documents(new, "new", [(WINDOW + MINUTE_MS, 200)] * 2, NOW))

    run_settle(cluster, NOW, new)

    assert counts(settled(cluster)) == expected([(WINDOW, 200)] * 3 + [(WINDOW + MINUTE_MS, 200)] * 2)


# A rotation change in the middle of a day takes effect from a stored date: every window keeps its one index.
def test_rotation_change_mid_day(cluster: Cluster) -> None:
    daily, hourly = make_pipeline(), make_pipeline(rotation="hour")
    tomorrow = WINDOW + DAY_MS
    lines = [(WINDOW, 200), (tomorrow, 200)]
    manager_of(cluster, daily).manage(NOW, forever)
    bulk(cluster, make_documents(daily, "one", lines[:1], NOW))
    run_settle(cluster, NOW, daily)

    manager_of(cluster, hourly).manage(NOW, forever)
    bulk(cluster, make_documents(hourly, "two", lines[:1], NOW))
    bulk(cluster, make_documents(hourly, "three", lines[1:], tomorrow))
    run_settle(cluster, NOW + MINUTE_MS, hourly)

    assert counts(settled(cluster)) == expected([*lines[:1], *lines])
    names = cluster.request("GET", "/request_data-2*")
    assert sorted(names) == ["request_data-2026-03-10", "request_data-2026-03-11-11"]
    refresh(cluster)


# Partials of a plan that the index manager does not know yet (a deployment under way): the run says so, the checkpoint
# stays, and once the plan is known they are settled.
def test_partials_of_a_plan_to_come(managed: Cluster) -> None:
    new = make_pipeline(changed_plan(window_ms=5 * MINUTE_MS))
    run_settle(managed, NOW)
    put_stamped(managed, make_documents(new, "one", [(WINDOW, 200)] * 4, NOW)[0], NOW)

    ahead = manager_of(managed).settle(NOW + MINUTE_MS, forever)[0]
    manager_of(managed, new).manage(NOW + 30 * MINUTE_MS, forever)
    run_settle(managed, NOW + 30 * MINUTE_MS, new)

    assert ahead.problems == [f"1 partials of the unknown plan {new.plan_id}"]
    assert [document["statusCount"] for document in settled(managed)] == [4]


# A run that its time limit cuts goes on where it was: windows done are not done again, and the checkpoint waits.
def test_time_limit(managed: Cluster) -> None:
    pipeline = make_pipeline()
    lines = [(WINDOW - n * MINUTE_MS, 200) for n in range(20)]
    bulk(managed, make_documents(pipeline, "one", lines, NOW))
    runs = windows = 0

    while runs < 50:
        calls = iter([100.0] * 4 + [0.0] * 100)
        manager = manager_of(managed)  # settling alone: each request asks for the time left too
        report = settle(managed, pipeline, manager.specs, NOW + runs * MINUTE_MS, lambda calls=calls: next(calls))[0]  # type: ignore[misc]
        windows += report.windows
        runs += 1
        if report.finished:
            break

    assert counts(settled(managed)) == expected(lines)
    assert 3 <= runs <= 10  # the clock is asked before each page and after each group
    assert windows == 20
    assert report.problems == []


# The retry's plan counts from now on: a window that has no new partial, only one of the other plan, is settled again.
def test_choice_reaches_windows_without_news(managed: Cluster) -> None:
    old = make_pipeline()

    def without(other: int) -> Pipeline:
        column = {"column": "response"}
        terms = [{"op": "<>", "args": [column, {"literal": status, "type": "INTEGER"}]} for status in (404, other)]
        return make_pipeline(changed_plan(where={"op": "and", "args": terms}))

    # Both will be whole; the smaller id counts.
    new = next(plan for plan in map(without, range(900, 999)) if plan.plan_id < old.plan_id)
    lines = [(WINDOW, 404), (WINDOW + MINUTE_MS, 200)]
    for document in make_documents(old, "batch", lines, NOW - 60 * MINUTE_MS):
        put_stamped(managed, document, NOW - 60 * MINUTE_MS)
    run_settle(managed, NOW, old)
    run_settle(managed, NOW + 40 * MINUTE_MS, old)  # final
    before = counts(settled(managed))

    manager_of(managed, new).manage(NOW + 60 * MINUTE_MS, forever)
    for document in make_documents(new, "batch", lines, NOW - 60 * MINUTE_MS):
        put_stamped(managed, document, NOW + 60 * MINUTE_MS)
    run_settle(managed, NOW + 61 * MINUTE_MS, new)

    assert before == expected(lines)
    assert counts(settled(managed)) == expected(lines[1:])


# Where no ingest pipeline was at work, a repeat is a twin under another id: each partial still counts once, the audit
# finds nothing, and closing is not held up.
def test_twins_count_once(managed: Cluster) -> None:
    pipeline = make_pipeline()
    document = make_documents(pipeline, "one", [(WINDOW, 200)] * 5, NOW)[0]
    put_stamped(managed, document, NOW)
    twin = {**document, "tally": {**document["tally"], "ingested_at": NOW}}
    managed.request("PUT", "/partials-request_data-2026-03-10/_doc/another-id", twin)

    run_settle(managed, NOW)
    audit = run_settle(managed, NOW + DAY_MS)
    later = NOW + 11 * DAY_MS
    manager_of(managed).manage(later, forever)
    closing = run_settle(managed, later + 15 * MINUTE_MS)

    assert counts(settled(managed)) == expected([(WINDOW, 200)] * 5)
    assert audit.audit_differences == 0
    assert closing.deleted == ["partials-request_data-2026-03-10"]
