"""One invocation of the function as Firehose makes it: the event, the limits both ways, and the response.

Source: Amazon Data Firehose developer guide, "Transform source data in Amazon Data Firehose"; AWS Lambda quotas.
"""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from streamtally.local.simulator.parts import ForS3, Function, FunctionTimedOutError, StoredRecord
from streamtally.local.simulator.s3_side import PROCESSING_FAILED, STATUS_FAILED, processing_failed_line
from streamtally.transform.response import DROPPED, FAILED, OK

MAX_PAYLOAD_BYTES = 6_291_556
"""Lambda's limit for a synchronous request and for its response."""

# orjson must not serialize what the Lambda runtime's JSON encoder refuses.
_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS

OVERHEAD_BYTES = 160  # of a record in the event, besides its data
EVENT_BYTES = 1_000  # of the event, besides its records
_BLANKS = 6  # in a record of three members: after three colons, two commas, and the comma before the next record

FirehoseError = tuple[str, str]
"""An error's code and message."""

NO_ERROR: FirehoseError = ("", "")


def make_event(invocation: str, stream_arn: str, records: Sequence[StoredRecord]) -> dict[str, Any]:
    """The event of a batch."""
    # binascii holds the interpreter's lock; for texts this small, releasing it would cost more than the work.
    event_records = [
        {
            "recordId": record.id,
            "approximateArrivalTimestamp": record.arrival_ms,
            "data": b2a_base64(record.data, newline=False).decode("ascii"),
        }
        for record in records
    ]
    return {
        "invocationId": invocation,
        "deliveryStreamArn": stream_arn,
        "region": "us-east-1",
        "records": event_records,
    }


def event_bytes(size_bytes: int, records: int) -> int:
    """An upper bound for the event of records with ``size_bytes`` of data in total, in base64 and JSON."""
    return (size_bytes + 2 * records) // 3 * 4 + OVERHEAD_BYTES * records + EVENT_BYTES


def invoke(function: Function, event: Mapping[str, Any]) -> tuple[list[Any] | None, FirehoseError]:
    """Call the function, with JSON both ways. Returns: the response's records, or None and the error."""
    request_bytes = len(orjson.dumps(event))
    if request_bytes > MAX_PAYLOAD_BYTES:
        return None, ("Lambda.InvokeLimitExceeded", f"the request has {request_bytes} bytes")
    try:
        answer, size = _through_json(function(_copy(event)))
    except FunctionTimedOutError as error:
        return None, ("Lambda.FunctionTimedOut", str(error) or "the function timed out")
    except Exception as error:
        return None, ("Lambda.FunctionError", f"{type(error).__name__}: {error}")
    if size > MAX_PAYLOAD_BYTES:
        return None, ("Lambda.FunctionError", f"the response of {size} bytes exceeds the maximum")
    records = answer.get("records") if isinstance(answer, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        return None, ("Lambda.JsonProcessingException", "the response is not an object with a list of records")
    return records, ("", "")


def _copy(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as JSON would give it, in new objects that the function may change."""
    return {**event, "records": [record.copy() for record in event["records"]]}


def _through_json(answer: Any) -> tuple[Any, int]:
    """A response as its caller reads it, and its size in bytes, or an upper bound of it that is within the limit."""
    try:
        text = orjson.dumps(answer, option=_STRICT)
    except TypeError:  # json may write what orjson does not (lone surrogates, keys that are not text)
        text = b""
    # The runtime writes a blank after each comma and colon, and escapes what is not printable ASCII.
    is_plain = _is_plain(answer)
    blanks = 1 + _BLANKS * len(answer["records"]) if is_plain else text.count(b",") + text.count(b":")
    bound = len(text) + blanks
    if text and text.isascii() and b"\x7f" not in text and bound <= MAX_PAYLOAD_BYTES:
        return answer if is_plain else orjson.loads(text), bound
    written = json.dumps(answer)
    return json.loads(written), len(written)


def _is_plain(answer: Any) -> bool:
    """Whether JSON would not change a response, as is the case for nearly all."""
    if type(answer) is not dict or answer.keys() != {"records"} or type(answer["records"]) is not list:
        return False
    return all(
        type(record) is dict
        and len(record) == 3
        and type(record.get("recordId")) is str
        and type(record.get("result")) is str
        and type(record.get("data")) is str
        for record in answer["records"]
    )


def sort_results(
    records: Sequence[StoredRecord], event: Mapping[str, Any], answers: Sequence[Mapping[str, Any]], now_ms: int
) -> tuple[list[ForS3], Counter[str]]:
    """Sort records by their results; a record without exactly one result has failed.

    Returns: what goes to S3, and counts named as in CloudWatch.
    """
    delivered: list[bytes] = []
    failed: list[bytes] = []
    counts: Counter[str] = Counter()
    accepted = 0
    for record, raw, answer in zip(records, event["records"], _match(records, answers), strict=True):
        try:
            if answer["result"] == OK:  # nearly all are, so this path does little
                delivered.append(a2b_base64(answer["data"], strict_mode=True))
                accepted += len(record.data)
                continue
        except (KeyError, ValueError, TypeError):
            pass
        result, error = _read_refusal(answer)
        counts[result] += 1
        if result == FAILED:
            failed.append(processing_failed_line(record.arrival_ms, raw["data"], 1, error, now_ms))
    parts = [
        ForS3(prefix, len(lines), b"".join(lines))
        for prefix, lines in (("", delivered), (PROCESSING_FAILED, failed))
        if lines
    ]
    named = {
        "SucceedProcessing.Records": len(delivered),
        "SucceedProcessing.Bytes": accepted,
        "DroppedByProcessing.Records": counts[DROPPED],
    }
    return parts, Counter(named)


def all_failed(event: Mapping[str, Any], attempts: int, error: FirehoseError, now_ms: int) -> list[ForS3]:
    """What goes to S3 for a batch whose invocations failed."""
    lines = [
        processing_failed_line(raw["approximateArrivalTimestamp"], raw["data"], attempts, error, now_ms)
        for raw in event["records"]
    ]
    return [ForS3(PROCESSING_FAILED, len(lines), b"".join(lines))]


def _match(records: Sequence[StoredRecord], answers: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    """For each record its answer or, if it does not have exactly one, their number."""
    if [answer.get("recordId") for answer in answers] == [record.id for record in records]:
        return answers
    by_id: dict[str, list[Mapping[str, Any]]] = {}
    for answer in answers:
        by_id.setdefault(str(answer.get("recordId")), []).append(answer)
    matches = [by_id.get(record.id, []) for record in records]
    return [match[0] if len(match) == 1 else len(match) for match in matches]


def _read_refusal(answer: Any) -> tuple[str, FirehoseError]:
    """(result, error) of an answer that is not Ok, or whose data cannot be used."""
    if isinstance(answer, int):
        count = f"{answer} records" if answer else "no record"
        return FAILED, ("Lambda.MissingRecordId", f"the response has {count} with this id")
    result = answer.get("result")
    if result == FAILED:
        return FAILED, STATUS_FAILED
    if result == DROPPED:
        return DROPPED, NO_ERROR
    return FAILED, ("Lambda.JsonProcessingException", f"result {result!r} or its data cannot be used")
