"""The event of a transformation, checked before anything is sent, and what other tools write differently in it.

Firehose names a stream, a region and an invocation, numbers its records and gives times in ms. SAM's samples, the
console's, LocalStack and the guides leave names out, write times as text, and omit the records' ids.

Source: Amazon Data Firehose developer guide, "Required parameters for data transformation"; AWS Lambda developer guide,
"Process Amazon Data Firehose records with Lambda"; localstack/localstack#8420 (no recordId).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from streamtally.errors import EvaluationError, EventError
from streamtally.ids import digest
from streamtally.times.iso import from_iso

RECORD_ID = "recordId"
DATA = "data"
KAFKA_DATA = "kafkaRecordValue"
"""The name of a record's data in the event, and in the answer, of a stream whose source is Amazon MSK."""
ARRIVAL = "approximateArrivalTimestamp"
STREAM_METADATA = ("kinesisRecordMetadata", "kinesisStreamRecordMetadata", "kinesisFirehoseRecordMetadata")
"""What a record states of its source: Firehose's name, and those of Kinesis Analytics' preprocessing."""
KAFKA_METADATA = "mskRecordMetadata"

EARLIEST_MS, LATEST_MS = from_iso("0001-01-02"), from_iso("9999-12-30")
"""The earliest and latest arrival: a day inside the calendar, so that every zone and window stays within it."""
_MOST_SECONDS = 100_000_000_000
"""A number with a fraction below this is in seconds, as in the events of data streams; in ms it would be in 1973."""
_MAX_TIME_CHARS = 40
_DATA_NAMES = (DATA, KAFKA_DATA, "Data")  # the last: LocalStack, as PutRecord calls it


def event_records(event: Any) -> Sequence[Mapping[str, Any]]:
    """The records of an event, each with an id.

    Raises: EventError: the event is not one of a transformation, and nothing can be answered.
    """
    records = event.get("records") if isinstance(event, Mapping) else None
    if not isinstance(records, list):
        raise EventError(f"not a Firehose event: expected 'records', a list of objects with a recordId{_advice(event)}")
    try:
        "".join([record[RECORD_ID] for record in records])  # all are texts: the usual case, at the least cost
    except (KeyError, TypeError, IndexError):
        return [_with_id(record, number) for number, record in enumerate(records, 1)]
    return records


def _advice(event: Any) -> str:
    """What the event is instead, as far as that is known."""
    if isinstance(event, Mapping):
        if isinstance(event.get("Records"), list):
            return "; this is the event of a trigger: attach the function to a Firehose stream instead"
        if "awslogs" in event:
            return "; this is the event of a CloudWatch Logs subscription: let it send to a Firehose stream"
    return ""


def _with_id(record: Any, number: int) -> Mapping[str, Any]:
    if not isinstance(record, Mapping):
        raise EventError(f"not a Firehose event: record {number} is not an object")
    if RECORD_ID in record:
        if not isinstance(record[RECORD_ID], str):
            raise EventError(f"record {number}: recordId is not a string")
        return record
    data = next((record[name] for name in _DATA_NAMES if name in record), None)
    if not isinstance(data, str):
        raise EventError(f"not a Firehose event: record {number} has neither recordId nor data")
    # The same event gives the same ids, so a retry is counted once.
    return {**record, RECORD_ID: digest([number, str(record.get(ARRIVAL)), data])}


def read_arrival(value: object) -> int:
    """An arrival that is not a whole number of ms → ms since the epoch.

    Digits as text are ms; other text is ISO 8601; a number with a fraction is in seconds, as data streams have it.
    Raises: EvaluationError: it is not a time.
    """
    ms = value
    if isinstance(value, str) and len(value) <= _MAX_TIME_CHARS:
        text = value.strip()
        with suppress(EvaluationError):
            ms = int(text) if text.isascii() and text.isdigit() else from_iso(text)
    elif type(value) is float and abs(value) < float(LATEST_MS):
        ms = round(value * 1000) if value < _MOST_SECONDS else round(value)
    if type(ms) is not int or not EARLIEST_MS <= ms <= LATEST_MS:
        raise EvaluationError(f"{ARRIVAL} is not a time in ms")
    return ms


def record_data(raw: Mapping[str, Any]) -> tuple[str, Any]:
    """The name of a record's data, as it is answered, and the data in base64.

    A Kafka record without a value (a tombstone) is an empty record.
    """
    if KAFKA_DATA in raw:
        return KAFKA_DATA, raw[KAFKA_DATA] if raw[KAFKA_DATA] is not None else ""
    return DATA, raw.get("Data")


def source_arn(event: Mapping[str, Any]) -> str:
    """The ARN of the stream that takes records back: the data stream that feeds the delivery stream, or this itself.

    Empty if there is none: a topic of Kafka takes none from here, and other tools name no stream.
    """
    if event.get("sourceMSKArn") or any(KAFKA_DATA in record for record in event["records"][:1]):
        return ""
    return str(event.get("sourceKinesisStreamArn") or event.get("deliveryStreamArn") or "")
