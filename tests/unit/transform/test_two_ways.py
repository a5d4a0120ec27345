"""Plain lines are read at once and counted first; that must never be told from reading them one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamtally.transform.pipeline import Pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.routes import choose_routes
from streamtally.transform.transform import iter_documents, run_batch
from tests.examples import examples
from tests.unit.events import ARRIVAL, combined, records_of

TOKENS = st.text(st.sampled_from('ab-.:[]{}"\\ \r\x0b\xa0\t\x00\x1f\x7f\x85\u2028é😀1'), max_size=6)
DAY = "08/Sep/2017"
CRI = "2017-09-08T08:47:00.000000000Z stdout"
TIMES = st.sampled_from(
    [
        f"{DAY}:08:47:00 +0000",
        f"{DAY}:08:47:59 -0330",
        f"{DAY}:08:47:60 +0000",
        f"{DAY}:10:47:00 +0000",
        "31/Feb/2017:00:00:00 +0000",
        "1/Sep/2017:08:47:00 +0000",
        "08/Sep/2016:08:47:00 +0000",
        "08/Sxp/2017:08:47:00 +0000",
    ]
)
STATUSES = st.sampled_from(["200", "404", "007", "-", "99", "1000", "٢٠٠"])
SIZES = st.sampled_from(["0", "5", "007", "-", "", "9" * 18, "9" * 19])


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A line that is nearly a combined or common one."""
    host, ident, user = (draw(st.one_of(st.just("-"), st.just("h"), TOKENS)) for _ in range(3))
    request, referer, agent = (draw(st.one_of(st.just("-"), st.just("GET / HTTP/1.1"), TOKENS)) for _ in range(3))
    head = f'{host} {ident} {user} [{draw(TIMES)}] "{request}" {draw(STATUSES)} {draw(SIZES)}'
    tail = draw(st.sampled_from([f' "{referer}" "{agent}"', "", f' "{referer}" "{agent}" 17', f' "{referer}"']))
    return draw(
        st.sampled_from(
            [
                head + tail,
                "",
                "\r",
                "{}",
                f"{CRI} P {head}",
                f"{CRI} F {tail}",
                f"{CRI} P{head[len(host + ident) + 2 + len(user) :]}",
                '{"response":"200"}',
                "plain text",
                head + tail + "\r",
                " {",
                '"a":1',
                "}",
            ]
        )
    )


payloads = st.lists(
    st.builds(
        lambda parts, end: ("\n".join(parts) + end).encode(), st.lists(lines(), max_size=4), st.sampled_from(["", "\n"])
    ),
    max_size=6,
)


def both_ways(pipeline: Pipeline, data: list[bytes], arrivals: list[int]) -> tuple[Any, Any]:
    """What a batch comes to when read at once (also by arrival, which must be the same), and when read row by row."""
    raw = records_of(data)
    for record, arrival in zip(raw, arrivals, strict=False):
        record["approximateArrivalTimestamp"] = arrival
    ways = []
    for by_row, by_arrival in ((False, False), (False, True), (True, False)):
        records = decode_records(raw, ARRIVAL)
        routes = choose_routes(pipeline.source, records)
        outcome = run_batch(pipeline, records, routes, by_row=by_row, by_arrival=by_arrival)
        assert not (outcome.is_ambiguous and (by_row or by_arrival))
        if outcome.is_ambiguous:
            outcome = run_batch(pipeline, records, routes, by_arrival=True)
        documents = sorted(iter_documents(outcome.deliveries))
        ways.append(([(one.record_id, one.result, one.data) for one in outcome.responses], documents, outcome.ledger))
    assert ways[0] == ways[1]
    return ways[0], ways[2]


@pytest.mark.large
@pytest.mark.parametrize("name", ["default_pipeline", "rows_pipeline"])
@given(
    data=payloads, arrivals=st.lists(st.sampled_from([ARRIVAL, ARRIVAL + 3_600_000, ARRIVAL - 604_800_000]), max_size=6)
)
@example(data=[combined(), b"x\n" + combined(404), b"\n\n", combined(500)], arrivals=[])
@example(data=[b' {\n "a":1\n}\n'], arrivals=[])
@example(data=[b"\n{}", b'\n{"response":"200"}{}\n', b'\n[{"a":1},\n{}]', b'plain text\n{\n"a":1\n}{}'], arrivals=[])
@example(data=[b'\xc2\xa0{ - - [08/Sep/2017:08:47:00 +0000] "x" 200 5 "-" "-"'], arrivals=[])
@example(data=[b'h - a[b [08/Sep/2017:08:47:00 +0000] "x" 200 5 "-" "-"'], arrivals=[])
@settings(max_examples=examples(400), deadline=None)
def test_reading_at_once_is_reading_one_by_one(
    request: pytest.FixtureRequest, name: str, data: list[bytes], arrivals: list[int]
) -> None:
    """Answers to the byte, documents and ledger are the same either way, whatever the lines are."""
    at_once, one_by_one = both_ways(request.getfixturevalue(name), data, arrivals)
    assert at_once == one_by_one


@given(data=payloads)
@settings(max_examples=examples(150), deadline=None)
def test_common_lines_are_read_the_same_both_ways(with_changes: Callable[..., Pipeline], data: list[bytes]) -> None:
    """The same holds for a source that is said to be of the common format."""
    at_once, one_by_one = both_ways(with_changes(source={"format": "apache_common"}), data, [])
    assert at_once == one_by_one


def test_a_batch_whose_arrivals_disagree_is_counted_by_arrival(default_pipeline: Pipeline) -> None:
    """An event time that one arrival believes and another does not is never counted under both."""
    line = combined(time="08/Sep/2017:08:47:00 +0000")
    late = ARRIVAL + 8 * 86_400_000
    at_once, one_by_one = both_ways(default_pipeline, [line, line], [ARRIVAL, late])
    assert at_once == one_by_one
    assert at_once[2].outputs["DESTINATION_SQL_STREAM"].out_of_range == 1
