"""Firehose's API over the simulated streams: PutRecord and PutRecordBatch; :mod:`management` has the other actions.

Source: Amazon Data Firehose API reference (limits and errors of each action), "Common errors".
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streamtally.aws.sinks.firehose import MAX_RECORD_BYTES, PUT_RECORD_BATCH_MAX_BYTES, PUT_RECORD_BATCH_MAX_RECORDS
from streamtally.local.simulator.errors import ApiError, invalid
from streamtally.local.simulator.management import Management, not_found, read_name
from streamtally.local.simulator.registry import Registry
from streamtally.local.simulator.streams import DeliveryStream

Now = Callable[[], int]
"""The time in ms since the epoch."""
Tap = Callable[[str, Sequence[bytes]], None]


class Api:
    """The actions, by name.

    Args:
        registry: the delivery streams.
        tap: is called with the stream's name and the records that were accepted.
    """

    def __init__(self, registry: Registry, now: Now, tap: Tap = lambda _name, _records: None) -> None:
        self._registry = registry
        self._tap = tap
        self._now = now
        self._actions: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "PutRecord": self._put_record,
            "PutRecordBatch": self._put_record_batch,
            **Management(registry).actions,
        }

    def call(self, action: str, parameters: Any) -> dict[str, Any]:
        """The response of an action. Raises: ApiError."""
        if action not in self._actions:
            raise ApiError("UnknownOperationException", f"unknown operation {action[:64]!r}")
        if not isinstance(parameters, dict):
            raise ApiError("SerializationException", "the request is not a JSON object")
        return self._actions[action](parameters)

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[Any]) -> dict[str, Any]:  # noqa: N803
        """Like boto3's client, for the function that runs in this process: data is bytes."""
        data = [record["Data"] for record in Records]
        return self._put_all(DeliveryStreamName, data)

    def _put_record(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name = read_name(parameters)
        data = _read_data(parameters.get("Record"), "record")
        stream = self._stream(name)
        counts = {"PutRecord.Requests": 1, "PutRecord.Bytes": len(data)}
        (record_id,) = stream.put([data], self._now(), counts)
        self._tap(name, [data])
        return {"RecordId": record_id, "Encrypted": False}

    def _put_record_batch(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name = read_name(parameters)
        records = parameters.get("Records")
        if not isinstance(records, list) or not records:
            raise invalid("records", "Member must have length greater than or equal to 1")
        if len(records) > PUT_RECORD_BATCH_MAX_RECORDS:
            raise invalid("records", "Member must have length less than or equal to 500")
        return self._put_all(name, _read_all_data(records))

    def _put_all(self, name: str, data: list[bytes]) -> dict[str, Any]:
        size = sum(map(len, data))
        if size > PUT_RECORD_BATCH_MAX_BYTES:
            raise ApiError("InvalidArgumentException", "Records size exceeds 4 MB limit")
        stream = self._stream(name)
        counts = {
            "PutRecordBatch.Requests": 1,
            "PutRecordBatch.Records": len(data),
            "PutRecordBatch.Bytes": size,
        }
        ids = stream.put(data, self._now(), counts)
        self._tap(name, data)
        return {
            "FailedPutCount": 0,
            "Encrypted": False,
            "RequestResponses": [{"RecordId": record_id} for record_id in ids],
        }

    def _stream(self, name: str) -> DeliveryStream:
        """The stream for records that are valid: a name may be taken over by them. Raises: ApiError."""
        if name not in self._registry and not self._registry.take_over(name):
            raise not_found(name)
        try:
            return self._registry[name]
        except KeyError:  # deleted by another request
            raise not_found(name) from None


def _read_all_data(records: Sequence[Any]) -> list[bytes]:
    """The records' data. Raises: ApiError: for the first record without valid data."""
    try:
        # binascii holds the interpreter's lock; for texts this small, releasing it would cost more than the work.
        data = [a2b_base64(record["Data"], strict_mode=True) for record in records]
        if max(map(len, data)) <= MAX_RECORD_BYTES:
            return data
    except (TypeError, KeyError, ValueError):
        pass
    return [_read_data(record, f"records.{number}.member") for number, record in enumerate(records, 1)]


def _read_data(record: Any, where: str) -> bytes:
    if not isinstance(record, dict) or not isinstance(record.get("Data"), str):
        raise invalid(f"{where}.data", "Member must not be null")
    try:
        data = a2b_base64(record["Data"], strict_mode=True)
    except ValueError:
        raise ApiError("SerializationException", f"{where}.data is not base64") from None
    if len(data) > MAX_RECORD_BYTES:
        raise invalid(f"{where}.data", f"Member must have length less than or equal to {MAX_RECORD_BYTES}")
    return data
