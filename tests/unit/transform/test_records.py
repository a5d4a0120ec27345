"""Records decoded field by field are those that are decoded one by one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.transform.record import Columns, Record
from streamtally.transform.records import decode_records

NOW_MS = 1_700_000_000_000

ODD = {"recordId": "odd", "approximateArrivalTimestamp": NOW_MS, "data": "no base64!"}
"""A record that keeps its batch from being decoded field by field."""

metadata = st.one_of(
    st.none(),
    st.just({}),
    st.fixed_dictionaries(
        {"shardId": st.sampled_from(["shardId-000000000000", "shardId-000000000001", "", None])},
        optional={
            "sequenceNumber": st.sampled_from(["49590338271490256608559692538361571095921575989136588898", "1", None]),
            "subsequenceNumber": st.sampled_from([0, "2", "", None]),
            "approximateArrivalTimestamp": st.just(NOW_MS - 60_000),
        },
    ),
)
raw_records = st.builds(
    lambda number, text, arrival, source: {
        "recordId": str(number),
        "data": base64.b64encode(text).decode(),
        "approximateArrivalTimestamp": arrival,
        **({} if source is None else {"kinesisRecordMetadata": source}),
    },
    st.integers(0, 30),
    st.binary(max_size=40),
    st.integers(NOW_MS - 10**6, NOW_MS),
    metadata,
)


@given(st.lists(raw_records, max_size=12))
def test_both_ways_give_the_same_records(event: list[dict[str, object]]) -> None:
    together = decode_records(event, NOW_MS)
    singly = decode_records([*event, ODD], NOW_MS)
    assert [record for record in singly if record.id != "odd"] == list(together)


@given(st.lists(raw_records, min_size=1, max_size=12))
def test_the_columns_are_those_of_the_records(event: list[dict[str, object]]) -> None:
    records = decode_records(event, NOW_MS)
    for name, values in zip(Columns.__dataclass_fields__, zip(*records, strict=True), strict=True):
        assert tuple(getattr(records.columns, name)) == values
    assert all(type(record) is Record for record in records)


@pytest.mark.parametrize(
    ("changes", "reads"),
    [
        ({"data": "%%%"}, False),
        ({"data": None}, False),
        ({"data": 7}, False),
        ({"data": "YQ"}, False),
        ({"data": "YQ==\n"}, False),
        ({"approximateArrivalTimestamp": None}, True),
        ({"approximateArrivalTimestamp": "2026-11-28T10:00:00Z"}, True),
        ({"approximateArrivalTimestamp": True}, False),
        ({"approximateArrivalTimestamp": 10**30}, False),
        ({"approximateArrivalTimestamp": -1}, True),
        ({"kinesisRecordMetadata": "none"}, False),
        ({"kinesisRecordMetadata": {"shardId": "s", "sequenceNumber": "1"}}, True),
    ],
)
def test_an_odd_record_does_not_change_its_neighbours(changes: dict[str, object], reads: bool) -> None:
    good = {"recordId": "good", "approximateArrivalTimestamp": NOW_MS, "data": "YQ=="}
    odd = {**good, "recordId": "other", **changes}
    first, second = decode_records([good, odd], NOW_MS)
    assert first == decode_records([good], NOW_MS)[0]
    assert second == decode_records([odd, ODD], NOW_MS)[0]
    assert (second.payload is not None) is reads


def test_an_event_without_records_is_read() -> None:
    assert list(decode_records([], NOW_MS)) == []
