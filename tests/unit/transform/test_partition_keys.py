"""Partition keys of responses, from columns and from the event time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from streamtally.aws.handlers.invocation import answer_batch
from streamtally.config.source import source_settings
from streamtally.errors import SettingsError
from streamtally.transform.known_columns import check_declared
from streamtally.transform.partition_keys import NULL_KEY, to_key
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.response import choose_overflow, encode_response
from streamtally.transform.source import Source
from streamtally.transform.transform import transform
from tests.unit.events import ARRIVAL, combined, records_of, run
from tests.unit.transform.test_subscriptions import envelope

Make = Callable[..., Pipeline]


def keys_of(pipeline: Pipeline, *payloads: bytes) -> list[Any]:
    answers = encode_response(run(pipeline, payloads).responses)["records"]
    return [answer.get("metadata", {}).get("partitionKeys") for answer in answers]


def test_each_ok_response_has_its_keys(with_changes: Make) -> None:
    """Texts, in Firehose's form; a record that fails or is dropped has none."""
    pipeline = with_changes(source={"partition_keys": ["response", "host", "event_date", "event_hour"]})
    assert keys_of(pipeline, combined(), combined(404, time="07/Sep/2017:23:59:59 -0200"), b"nothing\n", b"") == [
        {"response": "200", "host": "198.51.100.7", "event_date": "2017-09-08", "event_hour": "08"},
        {"response": "404", "host": "198.51.100.7", "event_date": "2017-09-08", "event_hour": "01"},
        None,
        None,
    ]
    assert encode_response(run(pipeline, [combined()]).responses)["records"][0].keys() == {
        "recordId", "result", "data", "metadata",
    }  # fmt: skip
    assert keys_of(with_changes(), combined()) == [None]


def test_columns_by_role_and_of_the_source(with_changes: Make) -> None:
    """Of a JSON log with names of its own; a row without a time goes by what its source states, or by its arrival."""
    pipeline = with_changes(
        source={"partition_keys": ["response", "log_group", "event_year", "event_month", "event_day", "path"]}
    )
    line = '{"status":503,"path":"/a b/ü?x=1"}'
    day = {"event_year": "2017", "event_month": "09", "event_day": "08"}
    own = day | {"response": "503", "path": "%2Fa b%2Fü%3Fx%3D1"}
    assert keys_of(pipeline, line.encode(), envelope(line, time=ARRIVAL - 86_400_000)) == [
        own | {"log_group": NULL_KEY},
        own | {"log_group": "%2Faws%2Flambda%2Fshop", "event_day": "07"},
    ]


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (None, NULL_KEY),
        ("", NULL_KEY),
        (0, "0"),
        (1.5, "1.5"),
        (True, "true"),
        ("a/../b", "a%2F..%2Fb"),
        ("!{timestamp:yyyy}", "%21%7Btimestamp%3Ayyyy%7D"),
        ("x\ny", "x%0Ay"),
        ("x" * 500, "x" * 200),
        ("\ud800", r"\ud800"),
        ([1, {"a": None}], "%5B1, %7B%22a%22%3A null%7D%5D"),
    ],
)
def test_a_key_is_a_part_of_a_name(value: object, key: str) -> None:
    """Never empty, and without what would end it, as Hive escapes partitions."""
    assert to_key(value) == key


def test_a_record_of_several_lines_is_split(with_changes: Make) -> None:
    """One set of keys cannot name two lines; each line's end is kept, since objects in S3 need it."""
    pipeline = with_changes(source={"partition_keys": ["response"]})
    records = decode_records(records_of([combined() + combined(404)]), ARRIVAL)
    outcome = transform(pipeline, records, can_reingest=True)
    assert [response.result for response in outcome.responses] == ["Dropped"]
    again = transform(pipeline, decode_records(records_of(outcome.envelopes), ARRIVAL), can_reingest=True)
    answers = encode_response(again.responses)["records"]
    assert [answer["metadata"]["partitionKeys"] for answer in answers] == [{"response": "200"}, {"response": "404"}]
    assert [response.data[-1:] for response in again.responses] == [b"\n", b"\n"]
    (alone,) = transform(pipeline, records).responses
    assert alone.result == "ProcessingFailed"


def test_keys_count_in_the_size_of_the_response(with_changes: Make) -> None:
    """To the byte."""
    outcome = run(with_changes(source={"partition_keys": ["response", "agent"]}), [combined(agent="é\\x22")] * 3)
    size = len(json.dumps(encode_response(outcome.responses)))
    assert size == len('{"records": []}') + sum(response.size_bytes() for response in outcome.responses) - len(", ")
    assert choose_overflow(outcome.responses, lambda index: index, size + 2, lambda index: True) == frozenset()
    assert choose_overflow(outcome.responses, lambda index: index, size - 1, lambda index: True) == {2}


def test_a_column_that_no_line_has_is_refused() -> None:
    """At compiling, with what it may be called."""
    settings = source_settings({"format": "apache_combined", "partition_keys": ["respons"]})
    with pytest.raises(SettingsError, match='partition_keys: "respons" is not a field'):
        check_declared(Source(settings, lambda name: None))  # type: ignore[arg-type, return-value]
    for name in ("response", "event_date", "log_stream"):
        settings = source_settings({"format": "apache_combined", "partition_keys": [name]})
        check_declared(Source(settings, lambda name: None))  # type: ignore[arg-type, return-value]
    with pytest.raises(SettingsError, match="partition_keys"):
        source_settings({"partition_keys": [f"k{number}" for number in range(51)]})


def test_nothing_is_re_ingested_where_the_pipeline_says_so(with_changes: Make) -> None:
    """A stream that decompresses or takes records apart would not take an envelope: the record is kept raw."""
    put: list[Any] = []
    stream = {"deliveryStreamArn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/logs"}
    event = stream | {"records": records_of([combined() * 2])}
    results = []
    for settings in ({"framing": "single"}, {"framing": "single", "reingest": False}):
        answer, _ = answer_batch(
            with_changes(source=settings),
            lambda deliveries, _: None,
            event,
            lambda: 60,
            ARRIVAL,
            lambda event, envelopes, time_left: put.append(len(envelopes)),
        )
        results.append(answer["records"][0]["result"])
    assert (results, put) == (["Dropped", "ProcessingFailed"], [2])
