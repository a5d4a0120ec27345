"""Firehose's API over the simulated streams: PutRecord, PutRecordBatch, DescribeDeliveryStream, ListDeliveryStreams.

Source: Amazon Data Firehose API reference (limits and errors of each action), "Common errors".
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streamtally.aws.sinks.firehose import MAX_RECORD_BYTES, PUT_RECORD_BATCH_MAX_BYTES, PUT_RECORD_BATCH_MAX_RECORDS
from streamtally.local.simulator.streams import DeliveryStream

Now = Callable[[], int]
"""The time in ms since the epoch."""


class ApiError(Exception):
    """An error in AWS's form.

    Attributes:
        response: as in an SDK's error.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.response = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }


class Api:
    """The actions, by name.

    Args:
        streams: by delivery stream name.
    """

    def __init__(self, streams: Mapping[str, DeliveryStream], now: Now) -> None:
        self._streams = streams
        self._now = now
        self._actions: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "PutRecord": self._put_record,
            "PutRecordBatch": self._put_record_batch,
            "DescribeDeliveryStream": self._describe,
            "ListDeliveryStreams": self._list,
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
        stream = self._stream(parameters)
        data = _read_data(parameters.get("Record"), "record")
        counts = {"PutRecord.Requests": 1, "PutRecord.Bytes": len(data)}
        (record_id,) = stream.put([data], self._now(), counts)
        return {"RecordId": record_id, "Encrypted": False}

    def _put_record_batch(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self._stream(parameters)
        records = parameters.get("Records")
        if not isinstance(records, list) or not records:
            raise _invalid("records", "Member must have length greater than or equal to 1")
        if len(records) > PUT_RECORD_BATCH_MAX_RECORDS:
            raise _invalid("records", "Member must have length less than or equal to 500")
        return self._put_all(parameters["DeliveryStreamName"], _read_all_data(records))

    def _put_all(self, name: str, data: list[bytes]) -> dict[str, Any]:
        stream = self._stream({"DeliveryStreamName": name})
        size = sum(map(len, data))
        if size > PUT_RECORD_BATCH_MAX_BYTES:
            raise ApiError("InvalidArgumentException", "Records size exceeds 4 MB limit")
        counts = {
            "PutRecordBatch.Requests": 1,
            "PutRecordBatch.Records": len(data),
            "PutRecordBatch.Bytes": size,
        }
        ids = stream.put(data, self._now(), counts)
        return {
            "FailedPutCount": 0,
            "Encrypted": False,
            "RequestResponses": [{"RecordId": record_id} for record_id in ids],
        }

    def _describe(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        stream = self._stream(parameters)
        return {
            "DeliveryStreamDescription": {
                "DeliveryStreamName": stream.settings.name,
                "DeliveryStreamARN": stream.settings.arn,
                "DeliveryStreamStatus": "ACTIVE",
                "DeliveryStreamType": "DirectPut",
                "VersionId": "1",
                "Destinations": [stream.destination()],
                "HasMoreDestinations": False,
            }
        }

    def _list(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"DeliveryStreamNames": sorted(self._streams), "HasMoreDeliveryStreams": False}

    def _stream(self, parameters: Mapping[str, Any]) -> DeliveryStream:
        name = parameters.get("DeliveryStreamName")
        if not isinstance(name, str) or not name:
            raise _invalid("deliveryStreamName", "Member must not be null")
        if name not in self._streams:
            message = f"Firehose {name[:64]} under account 123456789012 not found."
            raise ApiError("ResourceNotFoundException", message)
        return self._streams[name]


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
        raise _invalid(f"{where}.data", "Member must not be null")
    try:
        data = a2b_base64(record["Data"], strict_mode=True)
    except ValueError:
        raise ApiError("SerializationException", f"{where}.data is not base64") from None
    if len(data) > MAX_RECORD_BYTES:
        raise _invalid(f"{where}.data", f"Member must have length less than or equal to {MAX_RECORD_BYTES}")
    return data


def _invalid(where: str, constraint: str) -> ApiError:
    text = f"1 validation error detected: Value at '{where}' failed to satisfy constraint: {constraint}"
    return ApiError("ValidationException", text)
